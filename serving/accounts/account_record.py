"""One account for one caller: whole, or with what others own taken out."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from models.accounts.account_view import AccountJudge
from models.accounts.product_chances import ProductChances, fit_product_chances
from models.standing.pinned import Pins
from pipelines.scoring.accounts.account_evidence import named_account
from pipelines.scoring.shown_feedback import meanings_in
from pipelines.workspace.standing_feedback import StandingFeedback
from serving.json_values import to_json_values
from serving.problems import InvalidError, UnknownLeadError
from serving.state.app_state import AppState
from serving.state.lead_scoring import gather_rows_now
from serving.store.wall_clock import wall_now


def build_account(
    app_state: AppState, account_id: str, owner: str | None, said: StandingFeedback, framework: str | None = None
) -> dict[str, Any]:
    """The record of :func:`models.accounts.account_view.describe_account` with everything posted since.

    ``said`` is what sales said and nobody took back: whom nobody may contact, and what is pinned.

    Raises
    ------
    InvalidError : the source has no accounts
    UnknownLeadError : no lead of the account is known, or none is the caller's; it does not say which
    """
    state = app_state.loaded
    if state.data.flat:
        raise InvalidError("this source is one flat table: it has no accounts.")
    account = int(state.data.account_ids.get_indexer(pd.Index([account_id], dtype="str"))[0])
    codes = np.flatnonzero(state.data.account_of == account) if account >= 0 else np.empty(0, dtype=np.int64)
    mine = [int(code) for code in codes if state.data.is_shown_to(int(code), owner)]
    if not mine:
        raise UnknownLeadError("this account is not in the data (or no lead of it is yours); check the id on a card.")

    judge = AccountJudge(
        bundle=state.model.bundle,
        source=state.model.source,
        framework=app_state.framework(framework),
        accounts=state.model.context.accounts_policy,
        product_shares=read_product_chances(app_state),
        qualification=state.model.context.policy,
        silenced=said.silenced,
        pins=Pins(said.pinned, meanings_in(state.model.context, by_points=state.model.bundle.by_points)),
    )
    with app_state.store.reading() as session:
        tables, as_of = gather_rows_now(app_state, session, state, mine[:1])
    shown = {str(state.data.lead_ids[code]) for code in mine}
    found = named_account(judge, tables, account_id, as_of, shown=None if owner is None else shown)
    return to_json_values(found if owner is None else take_out_others(found, shown))


def read_product_chances(app_state: AppState) -> ProductChances | None:
    """Which product wins are of, worked out once for the data in use."""
    state = app_state.loaded

    def fit() -> ProductChances | None:
        as_of = pd.Timestamp(app_state.clock.as_of(None) or wall_now())
        return fit_product_chances(state.data.tables, state.model.source, state.model.context.accounts_policy, as_of)

    return app_state.results.get("product chances", state.number, fit)


def take_out_others(found: dict[str, Any], shown: Collection[str]) -> dict[str, Any]:
    """The record without names, answers and scores of leads that are not the caller's; seats they hold are counted."""

    def own(lead: str | None) -> str | None:
        return lead if lead in shown else None

    step = found["next_step"]
    return {
        **found,
        "leads": [lead for lead in found["leads"] if lead["lead_id"] in shown],
        "others": sum(lead["lead_id"] not in shown for lead in found["leads"]),
        "seats": [
            seat
            | {
                "holders": [holder for holder in seat["holders"] if holder["lead_id"] in shown],
                "held_by_others": sum(holder["lead_id"] not in shown for holder in seat["holders"]),
            }
            for seat in found["seats"]
        ],
        "contacts": [contact for contact in found["contacts"] if contact["lead_id"] in shown],
        "account": {name: row | {"from": own(row["from"])} for name, row in found["account"].items()},
        "disagreements": [
            row
            | {side: [lead for lead in row[side] if lead in shown] for side in ("met", "not_met")}
            | {"believed": own(row["believed"])}
            for row in found["disagreements"]
        ],
        "products": [
            row | {"interested": own(row["interested"]), "best_lead": own(row["best_lead"])}
            for row in found["products"]
        ],
        "deals": [deal | {"lead_id": own(deal["lead_id"])} for deal in found["deals"]],
        "next_step": None if step is None or step["ask"] not in shown else step,
    }
