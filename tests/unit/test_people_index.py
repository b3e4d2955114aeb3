"""Anybody is found by parts of a name, however it is written."""

import pandas as pd
import pytest

from features.assembly.closed_leads import ClosedLead
from features.schema.load_source import load_source
from pipelines.scoring.accounts.people_index import MOST, PeopleIndex, people_found
from pipelines.workspace.find_declarations import find_source

PEOPLE = ("Jörg Müller", "Petra Mueller", "Joel Kim", "Joe Nowak", "Łukasz Żak", "김 Ines Søndergaard")


def index() -> PeopleIndex:
    size = len(PEOPLE)
    leads = pd.DataFrame(
        {
            "lead_id": [f"L{k}" for k in range(size)],
            "account_id": ["A", "A", "B", "C", "D", "E"],
            "full_name": PEOPLE,
            "email": [
                "j@blau.example",
                "p@blau.example",
                "joel@mail.example",
                "joe@mail.example",
                None,
                "i@verde.example",
            ],
        }
    )
    accounts = pd.DataFrame(
        {
            "account_id": ["A", "B", "E"],
            "company": ["Blaue Hütte", "Acorn & Sons", "Río Verde"],
            "domain": ["blau.example", "acorn.example", "verde.example"],
        }
    )
    return PeopleIndex.of({"leads": leads, "accounts": accounts}, load_source(find_source("demo")))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("muller", [0, 1]),
        ("MÜLLER", [0, 1]),
        ("mueller", [0, 1]),
        ("joe", [2, 3]),  # an e after a vowel is not always an umlaut
        ("zak luk", [4]),
        ("sonder", [5]),
        ("ines rio", [5]),
        ("huette", [0, 1]),
        ("uller", []),  # words are found by their beginning
        ("j@BLAU.example", [0, 1]),
        ("verde.example", [5]),
        ("joe@mail.example", [3]),  # a mail provider's users are no colleagues
        ("L4", [4]),
        ("B", [2]),
        ("  ", []),
    ],
)
def test_a_search_finds_who_is_meant(asked: str, found: list[int]) -> None:
    assert sorted(index().find(asked)[0]) == found


def test_the_person_of_a_mail_comes_before_colleagues_and_brings_the_company() -> None:
    codes, accounts = index().find("p@blau.example")
    assert codes == [1, 0] and accounts == ["A"]


def test_closed_leads_keep_half_of_the_places_and_companies_count_every_deal() -> None:
    size, over, as_of = 3 * MOST, 2 * MOST, pd.Timestamp("2026-01-01")
    ids = [f"L{k:03}" for k in range(size)]
    leads = pd.DataFrame({"lead_id": ids, "account_id": "A", "full_name": "Ann Lee", "email": None})
    leads["created_at"] = pd.Timestamp("2025-01-01")
    accounts = pd.DataFrame({"account_id": ["A"], "company": ["Acorn"], "domain": ["acorn.example"]})
    outcomes = pd.DataFrame({"opportunity_id": ids[:over], "lead_id": ids[:over], "account_id": None})
    outcomes["closed_at"] = pd.date_range("2025-02-01", periods=over, unit="us")
    outcomes["known_at"], outcomes["won"] = outcomes["closed_at"], [k % 2 == 0 for k in range(over)]
    tables = {"leads": leads, "accounts": accounts, "outcomes": outcomes}
    source = load_source(find_source("demo"))
    closed = {name: ClosedLead("won", as_of) for name in ids[:over]}
    found = people_found(PeopleIndex.of(tables, source), tables, source, "lee", as_of, over=closed)
    assert [person["open"] for person in found["people"]] == [True] * (MOST // 2) + [False] * (MOST // 2)
    assert found["people_found"] == size
    (company,) = found["companies"]
    assert (company["leads"], company["open_leads"]) == (size, MOST)
    assert (company["wins"], company["losses"]) == (over // 2, over // 2)
    assert company["last_deal"]["opportunity_id"] == ids[over - 1]
