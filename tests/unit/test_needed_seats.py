"""A seat that deals need by their stage: who lacks it is told to name it, and nobody else."""

from typing import Any

import pandas as pd
import pytest

from features.assembly.crm_facts import Closes, CrmFacts
from features.errors import PolicyError
from features.point_in_time.microseconds import micros
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy, parse_accounts
from models.accounts.needed_seats import needed_missing, with_missing_seats
from models.accounts.seats import read_contacts, recognise_seats

NOW = pd.Timestamp("2025-06-30")
SEATS = """
name: s
seats:
  - {id: buyer, label: economic buyer, needed_from: sql, titles: [{seniority: [c_level]}]}
  - {id: legal, label: legal, needed_from: opportunity, titles: [{function: [legal]}]}
  - {id: user, label: user, titles: [{seniority: [junior]}]}
"""
TITLED = {"job_title": {"type": "text", "title": True, "topic": "authority"}}


def source(**leads: Any) -> Source:
    columns = {"account_id": {"when_known": "at_creation"}, **leads}
    tables = {"leads": {"columns": columns}, "outcomes": {}, "stages": {}}
    return Source.model_validate({"name": "s", "kind": "relational", "tables": tables})


def tables(**people: tuple[str, str, str, int]) -> dict[str, list[dict[str, Any]]]:
    """Per lead account, stage, title, and how many days ago it came in."""
    return {
        "leads": [
            {
                "lead_id": lead,
                "account_id": account or None,
                "job_title": title,
                "created_at": NOW - pd.Timedelta(days=ago),
            }
            for lead, (account, _, title, ago) in people.items()
        ],
        "stages": [
            {"lead_id": lead, "stage": stage, "entered_at": NOW - pd.Timedelta(days=1)}
            for lead, (_, stage, _, _) in people.items()
        ],
    }


def missing(rows: dict[str, list[dict[str, Any]]], declared: Source, policy: AccountsPolicy) -> dict[str, str]:
    ids = [row["lead_id"] for row in rows["leads"]]
    facts = CrmFacts.of(rows, declared, ids, micros(pd.DatetimeIndex([NOW] * len(ids))), Closes(None, {}))
    frames = {name: pd.DataFrame(found) for name, found in rows.items()}
    asked = [with_missing_seats(facts, given, declared, ids, policy).missing_seat.tolist() for given in (rows, frames)]
    assert asked[0] == asked[1], "records of a request and tables of a batch say the same"
    return {lead: seat for lead, seat in zip(ids, asked[0], strict=True) if seat}


def test_a_seat_is_named_from_its_stage_on_and_any_colleague_holds_it() -> None:
    declared = source(**TITLED)
    rows = tables(
        early=("a", "sal", "intern", 30),  # not yet at the stage
        lacks=("b", "sql", "intern", 30),
        mate=("c", "opportunity", "intern", 30),
        boss=("c", "lead", "Chief Executive Officer", 30),
        late=("d", "sql", "intern", 30),
        tomorrow=("d", "lead", "Chief Executive Officer", -1),  # not there yet
        alone=("", "opportunity", "Chief Executive Officer", 30),
        marketing=("e", "mql", "intern", 30),
        counsel=("f", "opportunity", "legal counsel", 30),
    )
    found = missing(rows, declared, parse_accounts(SEATS, declared))
    assert found == {
        "lacks": "economic buyer",
        "mate": "legal",
        "late": "economic buyer",
        "alone": "legal",
        "counsel": "economic buyer",
    }


def test_a_seat_is_not_missed_where_nothing_would_tell_who_holds_it() -> None:
    declared = source()
    assert not missing(tables(a=("x", "sql", "", 9)), declared, parse_accounts(SEATS, declared))


def test_closed_and_reopened_leads() -> None:
    declared = source(**TITLED)
    policy = parse_accounts(SEATS, declared)
    rows = tables(a=("x", "opportunity", "intern", 30))
    rows["stages"].append({"lead_id": "a", "stage": "won", "entered_at": NOW - pd.Timedelta(hours=1)})
    assert missing(rows, declared, policy) == {"a": "economic buyer"}, "a win taken back is open again, with sales"
    ids, when = ["a"], micros(pd.DatetimeIndex([NOW]))
    over = CrmFacts.of(rows, declared, ids, when)
    assert with_missing_seats(over, rows, declared, ids, policy).missing_seat.tolist() == [""]


def test_an_accounts_next_seat_is_the_one_a_lead_is_told_to_name() -> None:
    declared = source(**TITLED)
    policy = parse_accounts(SEATS, declared)
    rows = tables(a=("x", "sql", "intern", 30))
    frames = {name: pd.DataFrame(found) for name, found in rows.items()}
    held = recognise_seats(read_contacts(frames, declared, policy, ["a"], NOW), policy, declared)
    assert [seat.id for seat in needed_missing(held, policy.seats, declared, ["sql"])] == ["buyer"]
    assert [seat.id for seat in needed_missing(held, policy.seats, declared, ["opportunity", "mql"])] == [
        "buyer",
        "legal",
    ]
    assert not needed_missing(held, policy.seats, declared, ["mql"])


def test_nobody_needs_a_seat_that_is_not_wanted() -> None:
    with pytest.raises(PolicyError, match="not wanted"):
        parse_accounts(SEATS.replace("needed_from: sql", "needed_from: sql, wanted: false"), source(**TITLED))
