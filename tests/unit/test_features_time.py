"""What counts when: strict visibility, window borders, ages, streaks, bots, duplicates."""

import math

import pytest

from features.assembly.build_matrix import features_at
from features.catalog.build_catalog import build_catalog
from tests.reference.worlds import DAY, SECOND, SOURCE, T0, World, did, empty_world, frames, lead, moment

CATALOG = build_catalog(SOURCE)


def value(world: World, name: str, lead_id: str = "a", as_of: int = T0) -> float:
    return features_at(frames(world), SOURCE, CATALOG, [lead_id], moment(as_of)).values[name].iloc[0]


@pytest.fixture
def world() -> World:
    made = empty_world()
    lead(made, "a", T0 - 100 * DAY)
    return made


@pytest.mark.parametrize(("known", "seen"), [(-1, 1.0), (0, 0.0), (1, 0.0)])
def test_a_row_is_visible_only_if_known_strictly_before_as_of(world: World, known: int, seen: float) -> None:
    did(world, "a", "demo", T0 - DAY, T0 + known)
    assert value(world, "demo_7d") == seen


@pytest.mark.parametrize(("age", "seen"), [(7 * DAY - 1, 1.0), (7 * DAY, 1.0), (7 * DAY + 1, 0.0)])
def test_a_window_holds_what_happened_up_to_its_length_ago(world: World, age: int, seen: float) -> None:
    did(world, "a", "demo", T0 - age)
    assert value(world, "demo_7d") == seen


def test_a_late_arriving_row_counts_by_when_it_happened(world: World) -> None:
    did(world, "a", "demo", T0 - 20 * DAY, T0 - 1)
    assert value(world, "demo_7d") == 0.0
    assert value(world, "demo_30d") == 1.0
    assert value(world, "demo_recency") == 20.0


def test_what_is_planned_does_not_count_until_it_happened(world: World) -> None:
    did(world, "a", "demo", T0 + DAY, T0 - DAY)
    assert value(world, "demo_7d") == 0.0
    assert value(world, "demo_7d", as_of=T0 + DAY + 1) == 1.0


def test_a_half_life_halves(world: World) -> None:
    did(world, "a", "page_view", T0 - 10 * DAY)
    did(world, "a", "demo", T0 - 60 * DAY)
    assert value(world, "page_view_decayed") == 0.5
    assert value(world, "demo_decayed") == 0.25


def test_intent_assets_of_a_kind_of_interest_count_as_intent_and_speak_of_their_topic(world: World) -> None:
    did(world, "a", "page_view", T0 - DAY, asset="pricing/eu")
    did(world, "a", "page_view", T0 - DAY, asset="blog")
    assert (value(world, "intent_7d"), value(world, "interest_7d")) == (1.0, 1.0)
    assert value(world, "page_view_budget_90d") == 1.0


def test_a_trend_compares_rates(world: World) -> None:
    for days in (1, 2, 3, 20, 30, 40):
        did(world, "a", "page_view", T0 - days * DAY)
    assert value(world, "interest_trend") == math.log2((3 + 1) / (3 / 3 + 1))


def test_a_streak_ends_with_the_first_quiet_week(world: World) -> None:
    for week in (0, 1, 2, 4):
        did(world, "a", "page_view", T0 - week * 7 * DAY - DAY)
    assert value(world, "interest_streak") == 3.0
    assert value(world, "interest_active_days") == 4.0


def test_a_week_of_a_streak_ends_seven_days_ago_to_the_microsecond(world: World) -> None:
    did(world, "a", "page_view", T0 - 7 * DAY)
    assert value(world, "interest_streak") == 1.0
    assert value(world, "interest_streak", as_of=T0 + 1) == 0.0
    assert value(world, "interest_active_days") == 1.0


def test_of_two_answers_given_at_once_the_one_known_later_is_in_force(world: World) -> None:
    for known, said in ((3, "yes"), (2, "no")):
        row = {"lead_id": "a", "question": "budget", "value": said, "happened_at": T0 - 5 * DAY}
        world["answers"].append({**row, "known_at": T0 - known * DAY})
    assert value(world, "answer_budget") == "no"


def test_first_and_last_channel_go_by_when_it_happened(world: World) -> None:
    for happened, known, channel in ((9, 1, "ads"), (5, 5, "web"), (2, 2, None)):
        did(world, "a", "page_view", T0 - happened * DAY, T0 - known * DAY, channel=channel)
    assert (value(world, "first_channel"), value(world, "last_channel")) == ("ads", "web")


def test_what_a_rep_does_is_no_engagement_unless_declared(world: World) -> None:
    did(world, "a", "demo", T0 - DAY, actor="rep")
    did(world, "a", "call", T0 - DAY, actor="rep")
    assert value(world, "demo_7d") == 0.0
    assert value(world, "call_7d") == 1.0


def test_a_repeated_activity_id_counts_once(world: World) -> None:
    did(world, "a", "demo", T0 - DAY, activity_id="e1")
    did(world, "a", "demo", T0 - DAY, T0 - 1, activity_id="e1")
    assert value(world, "demo_7d") == 1.0


@pytest.mark.parametrize(("seconds", "clicks"), [(10, 0.0), (11, 1.0)])
def test_a_click_within_seconds_of_a_send_is_a_scanner(world: World, seconds: int, clicks: float) -> None:
    did(world, "a", "email_send", T0 - DAY)
    did(world, "a", "email_click", T0 - DAY + seconds * SECOND)
    assert value(world, "email_click_7d") == clicks


def test_a_burst_is_a_scanner_only_once_it_is_known_to_be_one(world: World) -> None:
    for second, known in ((0, T0 - DAY), (2, T0 - DAY), (4, T0)):
        did(world, "a", "email_click", T0 - 2 * DAY + second * SECOND, known)
    assert value(world, "email_click_7d") == 2.0
    assert value(world, "email_click_7d", as_of=T0 + 1) == 0.0


def test_a_burst_of_two_leads_of_one_account_is_none(world: World) -> None:
    world["leads"][0]["account_id"] = "A"
    lead(world, "b", T0 - 100 * DAY, account_id="A")
    for name, second in (("a", 0), ("b", 1), ("a", 2)):
        did(world, name, "email_click", T0 - DAY + second * SECOND)
    assert value(world, "contacts_engaged_90d") == 2.0


def test_a_lead_without_events_has_zero_counts_and_missing_ages(world: World) -> None:
    assert value(world, "interest_30d") == 0.0
    assert math.isnan(value(world, "interest_recency"))
    assert math.isnan(value(world, "account_contacts"))


def test_a_contact_counts_for_its_account_from_when_it_was_known(world: World) -> None:
    world["leads"][0]["account_id"] = "A"
    lead(world, "b", T0, account_id="A", job_title="CFO")
    did(world, "b", "demo", T0 - 5 * DAY)
    assert value(world, "contacts_engaged_90d") == 0.0
    assert value(world, "economic_buyer_missing") == 1.0
    assert value(world, "contacts_engaged_90d", as_of=T0 + 1) == 1.0
    assert value(world, "economic_buyer_missing", as_of=T0 + 1) == 0.0


def test_an_account_is_a_customer_from_when_its_win_was_known(world: World) -> None:
    world["leads"][0]["account_id"] = "A"
    world["outcomes"].append(
        {"opportunity_id": "o", "account_id": "A", "closed_at": T0 - 9 * DAY, "known_at": T0, "won": True}
    )
    assert value(world, "existing_customer") == 0.0
    assert value(world, "existing_customer", as_of=T0 + 1) == 1.0


def test_a_withdrawn_answer_is_no_answer(world: World) -> None:
    for days, said in ((9, "yes"), (2, None)):
        at = T0 - days * DAY
        world["answers"].append(
            {"lead_id": "a", "question": "budget", "value": said, "happened_at": at, "known_at": at}
        )
    assert value(world, "answer_budget", as_of=T0 - 5 * DAY) == "yes"
    assert math.isnan(value(world, "answer_budget_age"))
    assert value(world, "questions_answered") == 0.0


def test_an_old_answer_that_arrives_late_does_not_replace_a_newer_one(world: World) -> None:
    for happened, known, said in ((9, 1, "no"), (5, 5, "yes")):
        row = {"lead_id": "a", "question": "budget", "value": said}
        world["answers"].append({**row, "happened_at": T0 - happened * DAY, "known_at": T0 - known * DAY})
    assert value(world, "answer_budget") == "yes"
