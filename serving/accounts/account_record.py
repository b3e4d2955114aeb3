"""One account for one caller: whole, or with what others own taken out."""

from collections.abc import Collection, Mapping
from typing import Any

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
from serving.state.kept_views import KeptView
from serving.state.lead_scoring import gather_rows_now, version_of
from serving.state.loaded_state import LoadedState
from serving.store.wall_clock import wall_now


def build_account(
    app_state: AppState,
    account_id: str,
    owner: str | None,
    said: StandingFeedback,
    framework: str | None = None,
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """The record of :func:`models.accounts.account_view.describe_account` with everything posted since.

    ``said`` is what sales said and nobody took back: whom nobody may contact, who is put aside, and what is pinned.
    ``brief`` leaves history and products empty. What was worked out is kept until something becomes known of the
    account, or the hour is over; it is not to be changed.

    Raises
    ------
    InvalidError : the source has no accounts
    UnknownLeadError : no lead of the account is known, or none is the caller's; it does not say which
    """
    state = app_state.loaded
    if state.data.flat:
        raise InvalidError("this source is one flat table: it has no accounts.")
    people = state.data.leads_of_account(account_id)
    shown = [lead for lead in people if state.data.is_shown_to(state.data.code(lead), owner)]
    if not shown:
        raise UnknownLeadError("this account is not in the data (or no lead of it is yours); check the id on a card.")

    code, only = state.data.code(shown[0]), None if owner is None else frozenset(shown)
    with app_state.store.reading() as session:
        version = version_of(app_state, session, state.data, code)
    said = StandingFeedback(
        silenced=said.silenced.intersection(people),
        aside=said.aside.intersection(people),
        pinned={lead: pinned for lead, pinned in said.pinned.items() if lead in people},
    )
    told = (said.silenced, said.aside, tuple(sorted(said.pinned.items())))
    key = ("account", account_id, only, framework, brief, told, version)
    found: dict[str, Any] = state.keep(
        KeptView(key, lambda: _judge(app_state, state, account_id, only, said, framework, brief))
    )
    return found if only is None else take_out_others(found, only, read_merged(app_state))


def _judge(
    app_state: AppState,
    state: LoadedState,
    account_id: str,
    shown: frozenset[str] | None,
    said: StandingFeedback,
    framework: str | None,
    brief: bool,
) -> dict[str, Any]:
    judge = AccountJudge(
        bundle=state.model.bundle,
        source=state.model.source,
        framework=app_state.framework(framework),
        accounts=state.model.context.accounts_policy,
        product_shares=None if brief else read_product_chances(app_state),
        qualification=state.model.context.policy,
        silenced=said.silenced,
        aside=said.aside,
        pins=Pins(said.pinned, meanings_in(state.model.context, by_points=state.model.bundle.by_points)),
    )
    people = state.data.leads_of_account(account_id)
    codes = [state.data.code(lead) for lead in people]
    with app_state.store.reading() as session:
        tables, moments = gather_rows_now(app_state, session, state, codes)
    looked = {lead: pd.Timestamp(at) for lead, at in zip(people, moments, strict=True)}
    as_of = max(looked.values())  # of what is told of the account itself: all that is known of it
    found: dict[str, Any] = to_json_values(
        named_account(judge, tables, account_id, as_of, looked=looked, shown=shown, brief=brief)
    )
    return found


def read_product_chances(app_state: AppState) -> ProductChances | None:
    """Which product wins are of, worked out once for the data in use: another model changes nothing of it."""
    state = app_state.loaded
    context = state.model.context

    def fit() -> ProductChances | None:
        as_of = pd.Timestamp(app_state.clock.now() or wall_now())
        return fit_product_chances(state.data.tables, context.source, context.accounts_policy, as_of)

    stamp = (state.data.stamp, context.declaration_hash, context.accounts_policy)
    return app_state.results.get("product chances", stamp, fit)


def read_merged(app_state: AppState) -> Mapping[str, str]:
    """Ids of second records to the lead they were merged into, read once for the data in use."""

    def read() -> dict[str, str]:
        # imported with the first who asks: a start would feel what resolves people
        from pipelines.ingest.identity_files import read_merged_leads

        return read_merged_leads(app_state.paths)

    merged: dict[str, str] = app_state.results.get("merged leads", app_state.loaded.number, read)
    return merged


def take_out_others(found: dict[str, Any], shown: Collection[str], merged: Mapping[str, str]) -> dict[str, Any]:
    """The record without names, answers and scores of leads that are not the caller's; seats they hold are counted.

    ``merged``: second records and the leads they were merged into.
    """

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
            without_score_of_others(row, shown) | {"interested": own(row["interested"])} for row in found["products"]
        ],
        "deals": [without_lead_of_others(deal, shown, merged) for deal in found["deals"]],
        "next_step": None if step is None or step["ask"] not in shown else step,
    }


def without_score_of_others(row: dict[str, Any], shown: Collection[str]) -> dict[str, Any]:
    """A product's row without the score that another's lead gives it: that would be this lead's."""
    if row["best_lead"] is None or row["best_lead"] in shown:
        return row
    return row | {"best_lead": None, "score": None, "chance": None}


def without_lead_of_others(deal: dict[str, Any], shown: Collection[str], merged: Mapping[str, str]) -> dict[str, Any]:
    """A deal without ids of a lead that is not the caller's: its lead's, and its own where deal and lead are, or were
    before a merge, one record.
    """
    lead, own = deal["lead_id"], deal["opportunity_id"]
    if lead is None or lead in shown:
        return deal
    return deal | {"lead_id": None, "opportunity_id": None if merged.get(own, own) == lead else own}
