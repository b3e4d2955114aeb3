"""One account: its contacts by criteria, and what they are evidence of together."""

from typing import Any

import pandas as pd

from features.assembly.build_matrix import features_at
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.matrix import Matrix
from features.schema.operations import ColumnValue
from models.explaining.contacts import contact_matrix
from models.explaining.evidence import assess_evidence
from models.explaining.framework import Framework
from pipelines.scoring.find_lead import find_bundle, find_framework, parse_as_of
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def account_of(
    context: Context, account_id: str, *, framework: str | None = None, as_of: str | None = None
) -> dict[str, Any]:
    """Contacts of an account by criteria, with conflicts and how they are resolved.

    Raises
    ------
    ContractError
        if the source has no accounts, or nobody of this one was known at the moment.
    """
    if context.source.kind == "flat":
        raise ContractError(f"source '{context.source.name}' has no accounts: it is one flat table.")

    tables = load_tables(context.paths)
    when = parse_as_of(as_of, cutoff_of(tables, context.source))
    leads = tables["leads"]
    own = leads[((leads["account_id"] == account_id) & (leads["created_at"] < when)).fillna(False).to_numpy(dtype=bool)]
    if not len(own):
        examples = ", ".join(leads["account_id"].dropna().astype("str").unique()[:3])
        raise ContractError(
            f"account '{account_id}' has no lead created before {when:%Y-%m-%d %H:%M} (account ids look like "
            f"{examples}). Check the id."
        )

    bundle, chosen = find_bundle(context), find_framework(context, framework)
    people = own.sort_values(["created_at", "lead_id"])["lead_id"].astype("str").tolist()

    matrix = features_at(tables, context.source, bundle.catalog, people, when)
    found = assess_evidence(matrix.values, bundle.catalog, chosen, context.source)

    return {
        "account_id": account_id,
        "as_of": when.isoformat(),
        "framework": {"name": chosen.name, "labels": {name: chosen.label(name) for name in chosen.ids}},
        **contact_matrix(people, _ranks(matrix), found).record(),
    }


def _ranks(matrix: Matrix) -> list[str | None]:
    """Seniority per row, from the first title column there is."""
    names = [
        f.name
        for f in matrix.catalog
        if f.family == "titles" and isinstance(f.params, ColumnValue) and f.params.derive == "seniority"
    ]
    if not names:
        return [None] * len(matrix)
    return [None if pd.isna(value) else str(value) for value in matrix.values[names[0]]]


def unknown_shares(context: Context, frameworks: list[Framework]) -> dict[str, dict[str, float]]:
    """Per framework and criterion the share of open leads (test rows where none can be told) it is unknown for."""
    from pipelines.workspace.matrix_files import load_chop, load_matrix

    if not (context.paths.matrix / "open.json").exists():
        matrix = load_matrix(context.paths.matrix).take(load_chop(context.paths.matrix).final.test)
    else:
        matrix = load_matrix(context.paths.matrix, "open")
    return {
        framework.name: {
            name: float((found.status == "unknown").mean()) if len(matrix) else 0.0
            for name, found in assess_evidence(matrix.values, matrix.catalog, framework, context.source).items()
        }
        for framework in frameworks
    }
