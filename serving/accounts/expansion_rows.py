"""The expansion list of the last run, as one caller may see it."""

from collections.abc import Set
from typing import Any

import numpy as np

from models.accounts.expansion import place_in_expansion
from pipelines.scoring.accounts.account_rollup import check_product, read_expansion
from pipelines.workspace.table_files import records_of
from serving.accounts.account_record import without_score_of_others
from serving.json_values import to_json_values
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.state.result_cache import file_stamp


def read_expansion_rows(
    app_state: AppState, owner: str | None, unlisted: Set[str], product: str | None = None, limit: int = 200
) -> dict[str, Any]:
    """Customers' interest in products they do not own, likeliest first; an owner sees accounts of their leads, and a
    score where it is of one of these. ``unlisted`` leads, put aside or over since the run perhaps, are nobody's
    ``best_lead``.

    Raises
    ------
    InvalidError : the source is flat
    ContractError : no products are declared, or none of that name
    """
    state = app_state.loaded
    found = _rows_of(app_state, state, owner, product)
    if owner is not None:
        seen = {str(lead) for lead in state.data.lead_ids[state.data.shown_to(owner)]}
        found = [_without_others(row, seen) for row in found]
        found.sort(key=place_in_expansion)  # the order would tell what is left out
    rows = [row | {"best_lead": None} if row["best_lead"] in unlisted else row for row in found[:limit]]
    return {"rows": rows, "total": len(found)}


def list_products(app_state: AppState, owner: str | None) -> list[tuple[str, str]]:
    """Products of the same rows with their labels; raises the same."""
    found = _rows_of(app_state, app_state.loaded, owner, None)
    return list({row["product"]: row["label"] for row in found}.items())


def _rows_of(app_state: AppState, state: LoadedState, owner: str | None, product: str | None) -> list[dict[str, Any]]:
    """JSON-ready rows, worked out once for the file; they are not to be changed."""
    if state.data.flat:
        raise InvalidError("this source is one flat table: it has no accounts.")
    context = state.model.context
    check_product(context, product)
    stamp = file_stamp(context.paths.score / "expansion.parquet")
    found: list[dict[str, Any]] = app_state.results.get(
        "expansion", stamp, lambda: [to_json_values(row) for row in records_of(read_expansion(context))]
    )
    if product is not None:
        found = [row for row in found if row.get("product", product) == product]
    if owner is None:
        return found
    own = np.unique(state.data.account_of[state.data.shown_to(owner)])
    accounts = {str(name) for name in state.data.account_ids[own[own >= 0]]}
    return [row for row in found if row["account_id"] in accounts]


def _without_others(row: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """The row without ids and score of leads that are not the caller's."""
    return without_score_of_others(row, seen) | {"lead_id": row["lead_id"] if row["lead_id"] in seen else None}
