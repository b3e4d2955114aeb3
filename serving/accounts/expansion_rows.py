"""The expansion list of the last run, as one caller may see it."""

from typing import Any

import numpy as np

from pipelines.scoring.accounts.account_rollup import read_expansion
from pipelines.workspace.table_files import records_of
from serving.json_values import to_json_values
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp


def read_expansion_rows(
    app_state: AppState, owner: str | None, product: str | None = None, limit: int = 200
) -> dict[str, Any]:
    """Customers' interest in products they do not own, likeliest first; an owner sees accounts of their leads.

    Raises
    ------
    InvalidError : the source is flat
    ContractError : no products are declared, or none of that name
    """
    state = app_state.loaded
    if state.data.flat:
        raise InvalidError("this source is one flat table: it has no accounts.")
    file = app_state.paths.score / "expansion.parquet"
    found = app_state.results.get(
        f"expansion {product}", file_stamp(file), lambda: records_of(read_expansion(state.model.context, product))
    )
    if owner is not None:
        mine = state.data.shown_to(owner)
        own = {str(state.data.account_ids[k]) for k in np.unique(state.data.account_of[mine]) if k >= 0}
        seen = {str(lead) for lead in state.data.lead_ids[mine]}
        found = [_without_others(row, seen) for row in found if row["account_id"] in own]
    return {"rows": [to_json_values(row) for row in found[:limit]], "total": len(found)}


def _without_others(row: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """The row without ids of leads that are not the caller's."""
    return row | {name: row[name] if row[name] in seen else None for name in ("lead_id", "best_lead")}
