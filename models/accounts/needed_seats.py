"""The seat of the buying committee that a deal needs by its stage, and that nobody known at the account holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Texts
from features.assembly.crm_facts import CrmFacts
from features.point_in_time.microseconds import moments
from features.schema.source import Source, title_column
from features.schema.vocabulary import Phase, Stage
from models.accounts.accounts_policy import AccountsPolicy, AnswerRule, Seat
from models.accounts.seats import missing_seats, read_contacts, recognise_seats

_WORKED = (str(Stage.SAL), str(Stage.SQL), str(Stage.OPPORTUNITY))
_READ = ("leads", "activities", "answers")  # what seats are recognised from

TableRows = Mapping[str, pd.DataFrame | Sequence[Mapping[str, Any]]]


def with_missing_seats(
    facts: CrmFacts, tables: TableRows, source: Source, lead_ids: Sequence[str] | Texts, policy: AccountsPolicy
) -> CrmFacts:
    """The facts with the first seat that a lead's deal needs from its stage on (``needed_from``) and nobody holds.

    ``tables`` are canonical, as frames or as the records of a request, with the rows of the leads' accounts. Only leads
    that sales has need a seat; seats that the source records nothing to recognise by are not missed.
    """
    seats = [seat for seat in policy.seats if seat.needed_from is not None and can_be_recognised(seat, source)]
    if not seats or source.flat is not None:
        return facts
    reached = _reached(facts, source)
    asks = np.flatnonzero(reached >= min(_place(seat) for seat in seats))
    if not len(asks):
        return facts

    frames = {name: _frame(tables.get(name)) for name in _READ}
    mates = _Mates.of(frames["leads"])
    names = [str(name) for name in lead_ids]
    found = facts.missing_seat.copy()
    only = policy.model_copy(update={"seats": tuple(seats)})
    for when in np.unique(facts.as_of[asks]):
        rows = asks[facts.as_of[asks] == when]
        as_of = pd.Timestamp(moments(np.array([when]))[0])
        people = {row: mates.of_lead(names[row], as_of) for row in rows}
        everybody = sorted({one for mine in people.values() for one in mine})
        contacts = read_contacts(frames, source, only, everybody, as_of)
        held = recognise_seats(contacts, only, source)
        by_lead = held.groupby("lead_id")["seat"].agg(set).to_dict() if len(held) else {}
        for row in rows:
            taken = set().union(*(by_lead.get(one, set()) for one in people[row]))
            due = [seat for seat in seats if _place(seat) <= reached[row] and seat.id not in taken]
            found[row] = due[0].label if due else ""
    return replace(facts, missing_seat=found)


def can_be_recognised(seat: Seat, source: Source) -> bool:
    """Whether the source records anything by which somebody would be known to hold the seat.

    A title, or a question that a rule asks about. What somebody does only hints at a seat.
    """
    if seat.titles and title_column(source) is not None:
        return True
    return any(_is_asked(rule, source) for rule in seat.answers)


def needed_missing(held: pd.DataFrame, seats: Sequence[Seat], source: Source, stages: Sequence[str]) -> list[Seat]:
    """Seats that some lead of an account needs by the stage it is in, and that nobody is known to hold."""
    reached = max((_WORKED.index(stage) for stage in stages if stage in _WORKED), default=-1)
    needed = [seat for seat in seats if seat.needed_from is not None and can_be_recognised(seat, source)]
    return [seat for seat in missing_seats(held, needed) if _place(seat) <= reached]


def _is_asked(rule: AnswerRule, source: Source) -> bool:
    if rule.question is not None:
        return rule.question in source.questions
    return any(question.topic is rule.topic for question in source.questions.values())


def _place(seat: Seat) -> int:
    return _WORKED.index(str(seat.needed_from))


def _reached(facts: CrmFacts, source: Source) -> Any:
    """How far sales is with each lead, shape (n,); -1 where it does not have it.

    A lead opened again after a close is taken up where deals are: its stage says only that it had ended.
    """
    phase = facts.held.phases_while_open(facts.as_of, source.label)
    ours: Bools = (phase == str(Phase.WITH_SALES)) & np.array([end is None for end in facts.closed], dtype=np.bool_)
    place = np.array([_WORKED.index(s) if s in _WORKED else len(_WORKED) - 1 for s in facts.held.stage.tolist()])
    return np.where(ours, place, -1)


def _frame(table: Any) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame()
    return table if isinstance(table, pd.DataFrame) else pd.DataFrame([dict(row) for row in table])


class _Mates:
    """Who belongs to the account of a lead."""

    def __init__(self, accounts: Mapping[str, str], people: Mapping[str, list[tuple[str, Any]]]) -> None:
        self._accounts, self._people = accounts, people

    @classmethod
    def of(cls, leads: pd.DataFrame) -> "_Mates":
        if "account_id" not in leads:
            return cls({}, {})
        own = leads.dropna(subset=["account_id"])
        created = pd.to_datetime(own["created_at"]) if "created_at" in own else pd.Series(pd.NaT, own.index)
        accounts: dict[str, str] = {}
        people: dict[str, list[tuple[str, Any]]] = {}
        for lead, account, at in zip(
            own["lead_id"].astype("str"), own["account_id"].astype("str"), created, strict=True
        ):
            accounts[lead] = account
            people.setdefault(account, []).append((lead, at))
        return cls(accounts, people)

    def of_lead(self, lead_id: str, as_of: pd.Timestamp) -> list[str]:
        """The lead and its colleagues that were there before a moment."""
        mine = self._people.get(self._accounts.get(lead_id, ""), [])
        return sorted({lead_id, *(lead for lead, at in mine if pd.isna(at) or at < as_of)})
