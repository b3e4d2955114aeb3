"""One account looked up by its id: what the command line shows of it."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.cohort.cohort import cutoff_of
from features.cohort.objections import objecting_leads
from features.errors import ContractError
from models.accounts.account_rows import account_tables
from models.accounts.account_view import AccountJudge, describe_account
from models.accounts.product_chances import fit_product_chances
from models.explaining.evidence import assess_evidence
from models.explaining.framework import Framework
from models.standing.pinned import NO_PINS, Pins
from pipelines.scoring.find_lead import find_bundle, find_framework, parse_as_of
from pipelines.scoring.shown_columns import company_name, person_name, shown_columns
from pipelines.scoring.shown_feedback import meanings_in
from pipelines.workspace.context import Context
from pipelines.workspace.standing_feedback import read_standing_feedback
from pipelines.workspace.table_files import load_tables


def account_of(
    context: Context, account_id: str, *, framework: str | None = None, as_of: str | None = None
) -> dict[str, Any]:
    """An account with its leads, seats, scores, deals, and where its contacts disagree.

    Raises
    ------
    ContractError
        if the source has no accounts, or nobody of this one was known at the moment.
    """
    if context.source.kind == "flat":
        raise ContractError(f"source '{context.source.name}' has no accounts: it is one flat table.")

    tables = load_tables(context.paths)
    when = parse_as_of(as_of, cutoff_of(tables, context.source))
    own = account_tables(tables, account_id)
    if not (own["leads"]["created_at"] < when).any():
        leads = tables["leads"]
        examples = ", ".join(leads["account_id"].dropna().astype("str").unique()[:3])
        raise ContractError(
            f"account '{account_id}' has no lead created before {when:%Y-%m-%d %H:%M} (account ids look like "
            f"{examples}). Check the id."
        )

    bundle, policy = find_bundle(context), context.accounts_policy
    said = read_standing_feedback(context.paths)
    pins = Pins(said.pinned, meanings_in(context, by_points=bundle.by_points))
    judge = AccountJudge(
        bundle=bundle,
        source=context.source,
        framework=find_framework(context, framework),
        accounts=policy,
        product_shares=fit_product_chances(tables, context.source, policy, when),
        qualification=context.policy,
        silenced=said.silenced,
        aside=said.aside,
        pins=pins if as_of is None else NO_PINS,
    )
    return named_account(judge, own, account_id, when)


def named_account(
    judge: AccountJudge,
    own: Tables,
    account_id: str,
    as_of: pd.Timestamp,
    *,
    looked: Mapping[str, pd.Timestamp] | None = None,
    shown: Collection[str] | None = None,
    brief: bool = False,
) -> dict[str, Any]:
    """The account's record with the names people know its leads and itself by; ``own`` are its rows alone.

    Leads are scored as of ``looked``, those it does not name as of ``as_of``. Only the leads in ``shown`` are scored;
    None: all. Those who object to profiling are left out. ``brief``: without history and products.
    """
    source = judge.source
    objecting = objecting_leads(own["leads"], source)
    if objecting.any():
        own = {**own, "leads": own["leads"][~objecting].reset_index(drop=True)}
    found = describe_account(judge, own, account_id, as_of, looked=looked, shown=shown, brief=brief)
    leads = own["leads"].drop_duplicates("lead_id").set_index("lead_id")
    columns = [name for name in shown_columns(source, "leads") if name in leads]
    names = {str(lead): person_name(_known(row)) for lead, row in leads[columns].to_dict(orient="index").items()}
    for lead in found["leads"]:
        lead["name"] = names.get(lead["lead_id"], "")

    display: dict[str, str] = {}
    if "accounts" in own and len(own["accounts"]):
        last = own["accounts"].iloc[-1]
        display = {name: str(last[name]) for name in shown_columns(source, "accounts") if not pd.isna(last.get(name))}
    return {"company": company_name(display), "display": display, **found}


def _known(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if not pd.isna(value)}


def unknown_shares(context: Context, frameworks: list[Framework]) -> dict[str, dict[str, float]]:
    """Per framework and criterion the share of open leads (test rows where none can be told) it is unknown for."""
    from pipelines.workspace.matrix_files import load_chop, load_matrix, load_open

    if not (context.paths.matrix / "open.json").exists():
        matrix = load_matrix(context.paths.matrix).take(load_chop(context.paths.matrix).final.test)
    else:
        matrix = load_open(context.paths.matrix)
    return {
        framework.name: {
            name: float((found.status == "unknown").mean()) if len(matrix) else 0.0
            for name, found in assess_evidence(matrix.values, matrix.catalog, framework, context.source).items()
        }
        for framework in frameworks
    }
