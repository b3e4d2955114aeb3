"""What comes next follows the stage: sales' leads are never nurtured, closed ones are left alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.closed_leads import ClosedLead
from features.assembly.crm_facts import Closes, CrmFacts
from features.point_in_time.microseconds import micros
from features.schema.source import Label, Source
from models.explaining.language import load_language
from models.explaining.qualification import Qualification
from models.explaining.qualification_policy import default_qualification
from models.standing.next_steps import place_leads
from models.standing.record import Standing
from models.standing.sentences import explain_step

NOW = pd.Timestamp("2025-06-30")
SOURCE = Source.model_validate(
    {
        "name": "s",
        "kind": "relational",
        "tables": {
            "leads": {},
            "outcomes": {},
            "activities": {"columns": {"kind": {}, "actor": {}}},
        },
    }
)


def facts(
    *stages: tuple[str, int],
    acts: dict[str, int] | None = None,
    closed: ClosedLead | None = None,
    seat: str = "",
    source: Source = SOURCE,
) -> CrmFacts:
    """Of one lead: stages and acts as so many days ago."""
    tables: dict[str, list[dict[str, Any]]] = {
        "stages": [
            {"lead_id": "a", "stage": stage, "entered_at": NOW - pd.Timedelta(days=ago), "owner": "ann"}
            for stage, ago in stages
        ],
        "activities": [
            {"lead_id": "a", "actor": actor, "happened_at": NOW - pd.Timedelta(days=ago)}
            for actor, ago in (acts or {}).items()
        ],
    }
    closes = Closes(NOW, {} if closed is None else {"a": closed})
    return CrmFacts.of(tables, source, ["a"], micros(pd.DatetimeIndex([NOW])), closes, {"a": seat})


def placed(found: CrmFacts, action: str = "nurture_interest", question: str = "", **label: Any) -> tuple[str, str, str]:
    text = np.array([""], dtype=object)
    state = Qualification(
        state=text,
        rule=text,
        next_action=np.array([action], dtype=object),
        team=text,
        programme=np.array(["newsletter"], dtype=object),
        reason=text,
        temperature=text,
        near_state=text,
        near_lacks=text,
    )
    asked = np.array([question], dtype=object)
    after, steps = place_leads(state, found, asked, default_qualification(), Label(**label))
    assert (after.programme[0] == "newsletter") == (steps.phase[0] == "before_handoff")
    return str(steps.phase[0]), str(steps.lead_list[0]), str(after.next_action[0])


@pytest.mark.parametrize("stage", ["lead", "iql", "mql", "pql"])
@pytest.mark.parametrize("action", ["hand_off", "ask", "nurture_intent", "enrich", "recycle", "disqualify"])
def test_before_the_handoff_the_policy_decides(stage: str, action: str) -> None:
    wanted = "to_hand_off" if action == "hand_off" else "watching"
    assert placed(facts((stage, 3)), action) == ("before_handoff", wanted, action)


@pytest.mark.parametrize(
    ("found", "question", "wanted"),
    [
        (facts(("sal", 3)), "budget?", "first_call"),
        (facts(("sal", 3), acts={"rep": 4}), "budget?", "first_call"),
        (facts(("sal", 3), acts={"rep": 2}), "budget?", "ask"),
        (facts(("sal", 3), acts={"rep": 2}), "", "keep_working"),
        (facts(("sql", 20), acts={"lead": 14}), "budget?", "reconnect"),
        (facts(("sql", 20), acts={"system": 1, "lead": 14}), "budget?", "reconnect"),
        (facts(("sql", 31), acts={"lead": 1}), "budget?", "decide"),
        (facts(("opportunity", 31), acts={"lead": 1}, seat="economic buyer"), "budget?", "name_seat"),
        (facts(("opportunity", 31), acts={"lead": 1}), "budget?", "ask"),
        (facts(("opportunity", 90), acts={"lead": 1}), "budget?", "decide"),
    ],
)
def test_with_sales_the_most_urgent_comes_first(found: CrmFacts, question: str, wanted: str) -> None:
    assert placed(found, question=question) == ("with_sales", "to_work", wanted)


def test_nobody_is_said_not_to_have_called_where_nobody_writes_down_who_acts() -> None:
    silent = Source.model_validate({"name": "s", "kind": "relational", "tables": {"leads": {}, "outcomes": {}}})
    assert placed(facts(("sal", 3), source=silent))[2] == "keep_working"


@pytest.mark.parametrize(
    ("outcome", "ago", "wanted"),
    [
        ("won", 10, ("customer", "customers", "none")),
        ("won", 90, ("customer", "customers", "expand")),
        ("lost", 10, ("closed", "closed", "none")),
        ("lost", 180, ("closed", "closed", "recycle")),
        ("disqualified", 500, ("closed", "closed", "none")),
    ],
)
def test_what_is_over_is_left_alone_until_something_is_due(outcome: str, ago: int, wanted: tuple[str, ...]) -> None:
    end = ClosedLead(outcome, NOW - pd.Timedelta(days=ago))
    found = facts(("opportunity", 600), closed=end)
    assert placed(found, "hand_off", "budget?") == wanted
    assert found.held.stage.tolist() == [outcome], "an end that only outcomes tell is the stage too"


def test_a_recycled_lead_rests_and_comes_back() -> None:
    assert placed(facts(("sql", 40), ("recycled", 5))) == ("cooling_down", "resting", "wait")
    assert placed(facts(("sql", 70), ("recycled", 31)), "hand_off") == ("before_handoff", "to_hand_off", "hand_off")


def test_a_win_taken_back_is_with_sales_again() -> None:
    history = facts(("sql", 40), ("won", 5), acts={"rep": 1})
    assert placed(history)[0] == "with_sales"
    assert placed(history, repeat_wins=True)[0] == "before_handoff"


@pytest.mark.parametrize("code", ["en", "ko", "pl"])
def test_every_step_says_why_in_every_language(code: str) -> None:
    language = load_language(code)
    english = load_language("en")
    base = {
        "lead_id": "a",
        "stage": "sql",
        "stage_since": NOW.to_pydatetime(),
        "stage_days": 31.0,
        "stage_owner": "",
        "handed_over_at": NOW.to_pydatetime(),
        "closed_at": NOW.to_pydatetime(),
        "outcome": "",
        "state": "iql",
        "rule": "",
        "lead_list": "to_work",
        "team": "",
        "programme": "",
        "why": "",
        "silent_days": 20.0,
        "missing_seat": "economic buyer",
    }
    for action, phase in (
        ("first_call", "with_sales"),
        ("reconnect", "with_sales"),
        ("decide", "with_sales"),
        ("name_seat", "with_sales"),
        ("wait", "cooling_down"),
        ("expand", "customer"),
        ("recycle", "closed"),
    ):
        standing = Standing(**base, phase=phase, next_action=action)  # type: ignore[arg-type]
        text = explain_step(standing, "budget?", language)
        assert text and "{" not in text
        assert (text == explain_step(standing, "budget?", english)) == (code == "en")
