"""Seats of the buying committee: what is said goes before the title, the title before what is done."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import PolicyError
from features.schema.load_source import load_source
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy, load_accounts, parse_accounts
from models.accounts.seats import SeatStatus, read_contacts, recognise_seats, seat_status
from pipelines.workspace.context import open_context
from pipelines.workspace.find_declarations import find_policy, find_source

NOW = pd.Timestamp("2026-06-01")
DAY = pd.Timedelta(days=1)
TEN = {
    "executive_sponsor", "economic_buyer", "champion", "technical_evaluator", "user", "procurement",
    "legal_security", "finance", "influencer", "blocker",
}  # fmt: skip


def demo() -> Source:
    return load_source(find_source("demo"))


def policy(name: str = "accounts-demo") -> AccountsPolicy:
    return load_accounts(find_policy(name), demo())


def frame(rows: list[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


def world(titles: dict[str, str], answers: Sequence[Any] = (), acts: Sequence[Any] = ()) -> dict[str, pd.DataFrame]:
    """Leads of one account; answers are (lead, question, value, days ago), acts (lead, kind, asset, days ago)."""
    leads = frame(
        [(lead, text, NOW - 400 * DAY) for lead, text in titles.items()], ["lead_id", "job_title", "known_at"]
    )
    said = frame([(a, q, v, NOW - d * DAY) for a, q, v, d in answers], ["lead_id", "question", "value", "known_at"])
    done = frame(
        [(a, k, asset, "lead", NOW - d * DAY, NOW - d * DAY) for a, k, asset, d in acts],
        ["lead_id", "kind", "asset", "actor", "happened_at", "known_at"],
    )
    for table in (said, done):
        for column in ("known_at", "happened_at"):
            if column in table:
                table[column] = table[column].astype("datetime64[us]")
    return {"leads": leads, "answers": said, "activities": done}


def held(tables: dict[str, pd.DataFrame], name: str = "accounts-demo") -> dict[str, dict[str, str]]:
    """Seat to lead to basis."""
    found = policy(name)
    contacts = read_contacts(tables, demo(), found, tables["leads"]["lead_id"].tolist(), NOW)
    rows = recognise_seats(contacts, found, demo())
    return {seat: dict(zip(part["lead_id"], part["basis"], strict=True)) for seat, part in rows.groupby("seat")}


@pytest.mark.parametrize("name", ["accounts", "accounts-demo"])
def test_ten_seats_ship_and_only_the_blocker_is_not_missed(name: str) -> None:
    found = policy(name)
    assert {seat.id for seat in found.seats} == TEN
    assert [seat.id for seat in found.seats if not seat.wanted] == ["blocker"]


@pytest.mark.parametrize(
    ("title", "seats"),
    [
        ("Président directeur général", {"executive_sponsor", "economic_buyer"}),
        ("VP Marketing", {"economic_buyer"}),
        ("Leiter Vertrieb", {"champion"}),
        ("Dyrektor IT", {"champion", "technical_evaluator"}),
        ("Sachbearbeiter Einkauf", {"user", "procurement"}),
        ("Datenschutzbeauftragte", {"legal_security"}),
        ("정보보안 보안담당", {"legal_security", "technical_evaluator"}),
        ("Controller", {"finance"}),
        ("사원", {"user"}),
        ("wizard", set()),
    ],
)
def test_titles_are_read_in_many_languages(title: str, seats: set[str]) -> None:
    assert set(held(world({"a": title}))) == seats


def test_what_is_said_goes_before_the_title() -> None:
    said = [("ceo", "decision_role", "recommends", 3), ("clerk", "decision_role", "decides", 3)]
    found = held(world({"ceo": "CEO", "clerk": "Analyst"}, said))
    assert found["economic_buyer"] == {"clerk": "answer"}, "a CEO who only recommends does not sign"
    assert found["influencer"] == {"ceo": "answer"}
    assert found["executive_sponsor"] == {"ceo": "title"}


def test_an_expired_answer_and_one_not_known_yet_count_for_nothing() -> None:
    old = [("a", "decision_role", "decides", 366), ("b", "decision_role", "decides", 0)]
    assert "economic_buyer" not in held(world({"a": "", "b": ""}, old))
    newer = [("a", "decision_role", "decides", 9), ("a", "decision_role", "uses", 2)]
    assert set(held(world({"a": ""}, newer))) == {"user"}, "the youngest answer counts"


def test_acts_only_suggest_a_seat_and_only_within_their_days() -> None:
    acts = [("a", "demo_request", "", 5), ("a", "page_view", "pricing", 9), ("a", "trial_start", "", 20)]
    tables = world({"a": "", "b": "Head of Sales"}, acts=acts)
    found = held(tables)
    assert found["champion"] == {"a": "activity", "b": "title"}, "a visit to the prices is declared as intent"
    assert "champion" not in held(world({"a": ""}, acts=[(*acts[0][:3], 95), *acts[1:]]))
    assert held(world({"a": ""}, acts=[("a", "unsubscribe", "", 1)]))["blocker"] == {"a": "activity"}


def test_a_seat_is_covered_indicated_or_missing() -> None:
    rows = pd.DataFrame({"basis": ["activity", "title"]})
    assert seat_status(rows) is SeatStatus.COVERED
    assert seat_status(rows.head(1)) is SeatStatus.INDICATED
    assert seat_status(rows.head(0)) is SeatStatus.MISSING


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("question: pain, minimum: 9", "question: pains, minimum: 9"), "question 'pains' is not declared"),
        (("kinds: [roi_calculator]", "kinds: [roi]"), "activity kind 'roi' is not declared"),
        (("  core plus:\n", "  core max:\n"), "product 'core max' is not among those the source declares"),
        (("  - id: finance", "  - id: user"), "seat 'user' appears twice"),
        (("{question: pain, minimum: 9}", "{question: pain}"), "needs either values or a range"),
    ],
)
def test_a_policy_that_names_what_the_source_does_not_know_is_refused(change: tuple[str, str], says: str) -> None:
    text = Path(find_policy("accounts-demo")).read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(PolicyError, match="line ") as problem:
        parse_accounts(text.replace(*change), demo())
    assert says in str(problem.value)


def test_naming_a_policy_moves_no_hash() -> None:
    source = demo()
    assert source.accounts == "accounts-demo"
    without = source.model_copy(update={"accounts": None})
    assert source.model_dump_json(exclude_defaults=True) == without.model_dump_json(exclude_defaults=True)


def test_a_persona_beyond_the_title_moves_no_hash_and_one_by_title_does(tmp_path: Path) -> None:
    context = open_context("demo", tmp_path)
    *before, last = context.policies
    assert any(persona.asks_features for persona in last.profile.personas), "the demo shows some"

    def with_personas(titled: bool) -> str:
        kept = tuple(one for one in last.profile.personas if not one.asks_features and titled)
        profile = last.profile.model_copy(update={"personas": kept})
        return replace(context, policies=(*before, last.model_copy(update={"profile": profile}))).declaration_hash

    assert with_personas(titled=True) == context.declaration_hash
    assert with_personas(titled=False) != context.declaration_hash
