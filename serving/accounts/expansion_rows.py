"""The expansion list of the last run, as one caller may see it."""

from collections.abc import Set
from typing import Any

import numpy as np

from models.accounts.expansion import OpenChances, account_products, place_in_expansion
from pipelines.scoring.accounts.account_rollup import check_product, read_expansion
from pipelines.workspace.table_files import records_of
from serving.accounts.account_record import read_product_chances, without_score_of_others
from serving.json_values import to_json_values
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.kept_views import KeptView
from serving.state.loaded_state import LoadedState
from serving.state.result_cache import file_stamp


def read_expansion_rows(
    app_state: AppState, owner: str | None, unlisted: Set[str], product: str | None = None, limit: int = 200
) -> dict[str, Any]:
    """Customers' interest in products they do not own, likeliest first; an owner sees accounts of their leads, with
    scores that these give. ``unlisted`` leads, put aside or over since the run perhaps, are nobody's ``best_lead``.

    Raises
    ------
    InvalidError : the source is flat
    ContractError : no products are declared, or none of that name
    """
    state = app_state.loaded
    found = _rows_of(app_state, state, owner, product)
    if owner is not None:
        seen = {str(lead) for lead in state.data.lead_ids[state.data.shown_to(owner)]}
        own = _keep_scores_of_own(app_state, state, owner, seen)
        found = [_without_others(row, seen) | own.get((row["account_id"], row["product"]), {}) for row in found]
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


def _keep_scores_of_own(
    app_state: AppState, state: LoadedState, owner: str, seen: set[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """What :func:`_scores_of_own` finds of all products, kept until the run or the score of a seen lead is another."""
    stamp = file_stamp(state.model.context.paths.score / "expansion.parquet")
    again = [row for row in state.worklist.scored_again() if row["lead_id"] in seen]
    scored = tuple((row["lead_id"], row.get("probability"), row.get("lead_list")) for row in again)

    def compute() -> dict[tuple[str, str], dict[str, Any]]:
        return _scores_of_own(app_state, state, _rows_of(app_state, state, owner, None), seen)

    kept: dict[tuple[str, str], dict[str, Any]] = state.keep(
        KeptView(("expansion of own", owner, stamp, scored), compute)
    )
    return kept


def _scores_of_own(
    app_state: AppState, state: LoadedState, rows: list[dict[str, Any]], seen: set[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Best lead, score and chance by account and product where another's lead gives the best: of those that are seen,
    as they stand on the list, which is what the account's page tells.
    """
    data, context = state.data, state.model.context
    others = [row for row in rows if row["best_lead"] is not None and row["best_lead"] not in seen]
    wanted = {(row["account_id"], row["product"]) for row in others}
    account_of = {
        lead: name
        for name in sorted({name for name, _ in wanted})
        for lead in data.leads_of_account(name)
        if lead in seen
    }
    if not account_of or data.cutoff is None:
        return {}
    listed = state.worklist.rows_at(np.flatnonzero(state.worklist.rows.are_listed(account_of)))
    gone = state.find_gone()
    chances = OpenChances(
        probability={row["lead_id"]: float(row["probability"]) for row in listed if row["lead_id"] not in gone},
        shares=read_product_chances(app_state),
        scale=state.model.bundle.scale,
    )
    tables = data.tables_for([data.code(lead) for lead in account_of])
    scored = account_products(tables, context.source, context.accounts_policy, data.cutoff, account_of, chances)
    found = {(row["account_id"], row["product"]): row for row in scored}
    return {key: {name: found[key][name] for name in ("best_lead", "score", "chance")} for key in wanted & set(found)}


def _without_others(row: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """The row without ids and score of leads that are not the caller's."""
    return without_score_of_others(row, seen) | {"lead_id": row["lead_id"] if row["lead_id"] in seen else None}
