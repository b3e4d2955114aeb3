"""One account as a whole: its leads with their scores, who sits where, where they disagree, what was sold before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.assembly.closed_leads import ClosedLead, closed_ids_at, closed_leads
from features.assembly.crm_facts import Closes, CrmFacts
from features.kernel.column_reader import micros_of
from features.matrix import Matrix
from features.point_in_time.microseconds import NEVER, moments
from features.schema.operations import ColumnValue
from features.schema.source import Source
from models.accounts.account_rows import describe_customer, list_deals
from models.accounts.accounts_policy import AccountsPolicy, Seat
from models.accounts.expansion import OpenChances, account_products
from models.accounts.needed_seats import needed_missing, with_missing_seats
from models.accounts.product_chances import ProductChances
from models.accounts.seats import Contacts, missing_seats, read_contacts, recognise_seats, seat_status
from models.bundle import Bundle
from models.explaining.contacts import ContactMatrix, contact_matrix
from models.explaining.evidence import assess_evidence
from models.explaining.framework import Framework
from models.explaining.qualification_policy import QualificationPolicy
from models.scoring import Beside, score
from models.standing.pinned import NO_PINS, Pins
from models.standing.record import NO_ACTION

WEEKS = 12  # of the score's history: a quarter


@dataclass(frozen=True, kw_only=True)
class AccountJudge:
    """What an account is judged by.

    Parameters
    ----------
    silenced : leads nobody may contact: nothing is asked of them
    aside : leads that sales put aside for now: nobody is sent to them
    pins : what sales pinned of leads
    """

    bundle: Bundle
    source: Source
    framework: Framework
    accounts: AccountsPolicy
    product_shares: ProductChances | None = None
    qualification: QualificationPolicy | None = None
    silenced: Collection[str] = frozenset()
    aside: Collection[str] = frozenset()
    pins: Pins = NO_PINS


def describe_account(
    judge: AccountJudge,
    tables: Tables,
    account_id: str,
    as_of: pd.Timestamp,
    *,
    looked: Mapping[str, pd.Timestamp] | None = None,
    shown: Collection[str] | None = None,
    brief: bool = False,
) -> dict[str, Any]:
    """JSON-ready record of an account from its own rows (:func:`~models.accounts.account_rows.account_tables`), as
    known before ``as_of``.

    ``leads`` holds every contact with its seats and its stage, open ones with score, state, list and next action,
    closed ones with how they ended; ``seats`` the declared seats with their holders; ``disagreements`` the criteria
    contacts differ on and who is believed; ``history`` the best score of every week; ``deals`` what was won and lost.
    Leads are scored as of ``looked``, where a list has them as of other moments; those it does not name as of
    ``as_of``. Only leads in ``shown`` are scored, and speak for the account's score and history; None: all. ``brief``
    leaves ``history`` and ``products`` empty, half of the work.
    """
    looked = looked or {}
    people = _people(tables, as_of, looked)
    closed = {lead: how for lead, how in closed_leads(tables, judge.source, as_of).items() if lead in people}
    scored = [lead for lead in people if shown is None or lead in shown]
    still_open = [lead for lead in scored if lead not in closed]

    matrix = features_at(tables, judge.source, judge.bundle.catalog, people, as_of)
    found = assess_evidence(matrix.values, judge.bundle.catalog, judge.framework, judge.source)
    said = contact_matrix(people, _ranks(matrix), found)

    contacts = read_contacts(tables, judge.source, judge.accounts, people, as_of)
    held = recognise_seats(contacts, judge.accounts, judge.source)
    scores = _scores(judge, tables, still_open, [looked.get(lead, as_of) for lead in still_open])
    leads = [_lead_record(lead, contacts, held, closed.get(lead), scores.get(lead)) for lead in people]
    leads = _with_stages(leads, _facts(judge, tables, people, [as_of] * len(people), closed))
    leads = [
        lead | {"silenced": lead["lead_id"] in judge.silenced, "aside": lead["lead_id"] in judge.aside}
        for lead in leads
    ]
    leads.sort(key=lambda row: (row["score"] is None, -(row["score"] or 0), row["lead_id"]))
    deals = list_deals(tables, as_of)
    missing = missing_seats(held, judge.accounts.seats)
    needed = needed_missing(held, judge.accounts.seats, judge.source, [row["stage"] for row in leads if row["open"]])

    return {
        "account_id": account_id,
        "as_of": as_of.isoformat(),
        "framework": {
            "name": judge.framework.name,
            "labels": {name: judge.framework.label(name) for name in judge.framework.ids},
        },
        "score": _account_score(leads),
        "customer": describe_customer(deals),
        "leads": leads,
        "seats": [
            _seat_record(seat, held[(held["seat"] == seat.id).to_numpy()], contacts, said)
            for seat in judge.accounts.seats
        ],
        "missing": [seat.id for seat in missing],
        "needed": [seat.id for seat in needed],
        "next_step": _next_step(needed or missing, leads),
        "disagreements": _disagreements(said, judge.framework),
        "history": [] if brief else _history(judge, tables, scored, as_of, looked),
        "deals": deals,
        "products": [] if brief else _products(judge, tables, account_id, people, leads, as_of),
        **said.record(),
    }


def _people(tables: Tables, as_of: pd.Timestamp, looked: Mapping[str, pd.Timestamp]) -> list[str]:
    leads = tables["leads"]
    at = [looked.get(str(lead), as_of) for lead in leads["lead_id"]]
    moments = pd.Series(at, index=leads.index, dtype="datetime64[us]")
    known = leads[(leads["created_at"] < moments).fillna(False).to_numpy(dtype=bool)]
    return known.sort_values(["created_at", "lead_id"])["lead_id"].astype("str").drop_duplicates().tolist()


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


def _scores(
    judge: AccountJudge, tables: Tables, ids: Sequence[str], looked: Sequence[pd.Timestamp]
) -> dict[str, dict[str, Any]]:
    """Score, chance, state, list and next action of open leads, by id, as on the worklist: each as of its moment."""
    if not ids:
        return {}
    at = pd.Series(looked, dtype="datetime64[us]")
    matrix = features_at(tables, judge.source, judge.bundle.catalog, list(ids), at)
    beside = Beside(_facts(judge, tables, ids, looked, {}))
    scored = score(
        judge.bundle, matrix, judge.framework, source=judge.source, policy=judge.qualification, beside=beside
    )
    columns = [
        "score",
        "probability",
        "probability_low",
        "probability_high",
        "grade",
        "state",
        "next_action",
        "lead_list",
    ]
    rows = scored.frame[columns].to_dict(orient="records")
    found = {lead: {str(name): value for name, value in row.items()} for lead, row in zip(ids, rows, strict=True)}
    for lead in ids:
        row = found[lead]
        row |= {name: text for name, text in judge.pins.changes(row | {"lead_id": lead}).items() if name in row}
        if lead in judge.silenced:
            row["next_action"] = NO_ACTION
    return found


def _facts(
    judge: AccountJudge,
    tables: Tables,
    ids: Sequence[str],
    looked: Sequence[pd.Timestamp],
    closed: Mapping[str, ClosedLead],
) -> CrmFacts:
    """What people did with leads, of each until its moment."""
    moments = np.array([micros_of(at) for at in looked], dtype=np.int64)
    facts = CrmFacts.of(tables, judge.source, ids, moments, Closes(None, closed))
    return with_missing_seats(facts, tables, judge.source, ids, judge.accounts)


def _lead_record(
    lead: str, contacts: Contacts, held: pd.DataFrame, closed: ClosedLead | None, scored: Mapping[str, Any] | None
) -> dict[str, Any]:
    own = held[(held["lead_id"] == lead).to_numpy()]
    acts = contacts.acts
    mine = acts.loc[(acts["lead_id"].astype("str") == lead).to_numpy(), "happened_at"] if len(acts) else acts
    return {
        "lead_id": lead,
        "title": contacts.titles.get(lead, ""),
        "seats": own["seat"].tolist(),
        "open": closed is None,
        "closed": None if closed is None else closed.sentence,
        "outcome": None if closed is None else closed.outcome,
        "active": lead in contacts.active,
        "activities": len(mine),
        "last_activity": mine.max().isoformat() if len(mine) else None,
        "score": None if scored is None else int(scored["score"]),
        "probability": None if scored is None else float(scored["probability"]),
        "grade": None if scored is None else str(scored["grade"]),
        "state": None if scored is None else str(scored["state"]),
        "next_action": None if scored is None else str(scored["next_action"]),
        "lead_list": None if scored is None else str(scored["lead_list"]),
    }


def _with_stages(leads: Sequence[dict[str, Any]], facts: CrmFacts) -> list[dict[str, Any]]:
    """The leads, row by row as ``facts``, with the stage the CRM has them in, since when, and with whom."""
    held = facts.held
    since = pd.DatetimeIndex(moments(held.since))
    return [
        lead
        | {
            "stage": held.stage[k] or None,
            "stage_since": None if held.since[k] == NEVER else since[k].isoformat(),
            "owner": held.owner[k] or None,
        }
        for k, lead in enumerate(leads)
    ]


def _account_score(leads: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The best open lead speaks for the account; None where no lead is open."""
    scored = [lead for lead in leads if lead["score"] is not None]
    if not scored:
        return None
    alone = 1 - float(np.prod([1 - lead["probability"] for lead in scored]))
    best = scored[0]
    return {
        "best": best["score"],
        "best_lead": best["lead_id"],
        "probability": best["probability"],
        "probability_any": alone,
        "open_leads": len(scored),
    }


def _seat_record(seat: Seat, held: pd.DataFrame, contacts: Contacts, said: ContactMatrix) -> dict[str, Any]:
    """One seat: who holds it and by what, whether they act, and on which criteria its holders disagree."""
    holders = [
        {
            "lead_id": str(row["lead_id"]),
            "basis": str(row["basis"]),
            "because": str(row["because"]),
            "active": row["lead_id"] in contacts.active,
        }
        for row in held.to_dict(orient="records")
    ]
    place: dict[str, int] = {lead: k for k, lead in enumerate(said.contacts)}
    split = []
    for name, cells in said.cells.items():
        statuses = {cells[place[str(holder["lead_id"])]].status for holder in holders}
        if {"met", "not_met"} <= statuses:
            split.append(name)
    return {
        "id": seat.id,
        "label": seat.label,
        "meaning": seat.meaning,
        "wanted": seat.wanted,
        "needed_from": None if seat.needed_from is None else str(seat.needed_from),
        "status": str(seat_status(held)),
        "silent": bool(holders) and not any(holder["active"] for holder in holders),
        "holders": holders,
        "in_conflict": split,
    }


def _disagreements(said: ContactMatrix, framework: Framework) -> list[dict[str, Any]]:
    """Criteria on which contacts contradict one another: both sides, and who is believed by the stated rule."""
    found = []
    for name in said.conflicts:
        sides = {
            status: [lead for lead, cell in zip(said.contacts, said.cells[name], strict=True) if cell.status == status]
            for status in ("met", "not_met")
        }
        status, believed = said.resolved[name]
        found.append(
            {"criterion": name, "label": framework.label(name), **sides, "status": status, "believed": believed}
        )
    return found


def can_be_worked(lead: Mapping[str, Any]) -> bool:
    """Whether a contact of an account's record is open, and neither silenced nor put aside."""
    return bool(lead["open"]) and not lead["silenced"] and not lead["aside"]


def _next_step(gone: Sequence[Seat], leads: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first missing seat, and whom to ask for an introduction: an open champion, else the best open lead."""
    reachable = [lead for lead in leads if can_be_worked(lead)]
    if not gone or not reachable:
        return None
    inside = [lead for lead in reachable if "champion" in lead["seats"] and lead["active"]]
    asked = (inside or reachable)[0]["lead_id"]
    seat = gone[0]
    return {"seat": seat.id, "label": seat.label, "ask": asked}


def _products(
    judge: AccountJudge,
    tables: Tables,
    account_id: str,
    people: Sequence[str],
    leads: Sequence[Mapping[str, Any]],
    as_of: pd.Timestamp,
) -> list[dict[str, Any]]:
    """Declared products: owned since when, interest shown, and score where wins suffice."""
    if not judge.accounts.products:
        return []
    chance = {lead["lead_id"]: lead["probability"] for lead in leads if lead["probability"] is not None}
    own = OpenChances(probability=chance, shares=judge.product_shares, scale=judge.bundle.scale)
    return account_products(tables, judge.source, judge.accounts, as_of, dict.fromkeys(people, account_id), own)


def _history(
    judge: AccountJudge,
    tables: Tables,
    people: Sequence[str],
    as_of: pd.Timestamp,
    looked: Mapping[str, pd.Timestamp],
) -> list[dict[str, Any]]:
    """Best score of the leads open in each of the last weeks, oldest first, each from what was known then: in the last
    as everywhere else, each lead as of its moment.
    """
    created = tables["leads"].drop_duplicates("lead_id").set_index("lead_id")["created_at"]
    ids: list[str] = []
    asked: list[pd.Timestamp] = []
    moments: list[pd.Timestamp] = []
    weeks = [as_of - pd.Timedelta(weeks=week) for week in range(WEEKS, -1, -1)]
    for then, over in zip(weeks, closed_ids_at(tables, judge.source, weeks), strict=True):
        for lead in people:
            if created[lead] < then and lead not in over:
                ids.append(lead)
                asked.append(then)
                moments.append(looked.get(lead, then) if then == as_of else then)
    if not ids:
        return []
    at = pd.Series(asked, dtype="datetime64[us]")
    matrix = features_at(tables, judge.source, judge.bundle.catalog, ids, pd.Series(moments, dtype="datetime64[us]"))
    scored = score(judge.bundle, matrix, judge.framework, source=judge.source, policy=judge.qualification).frame
    rows = pd.DataFrame({"as_of": at, "lead_id": ids, "score": scored["score"].to_numpy()})
    best = rows.sort_values(["score", "lead_id"], ascending=[False, True]).drop_duplicates("as_of")
    counts = rows.groupby("as_of").size()
    return [
        {
            "as_of": row["as_of"].isoformat(),
            "best": int(row["score"]),
            "best_lead": str(row["lead_id"]),
            "open_leads": int(counts[row["as_of"]]),
        }
        for row in best.sort_values("as_of").to_dict(orient="records")
    ]
