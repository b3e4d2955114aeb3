"""A policy that contradicts itself is refused with line and remedy; the others place every lead by a named rule."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features.errors import PolicyError
from features.schema.vocabulary import Dimension
from models.explaining.evidence import Evidence
from models.explaining.qualification import PolicyInputs, Qualification, qualify
from models.explaining.qualification_policy import (
    QualificationPolicy,
    StateRule,
    default_qualification,
    flowchart,
    load_qualification,
    parse_qualification,
    policy_at,
)

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
GOOD = """\
name: team
rules:
  - {id: qualified, state: sql, score_from: 60, met: [budget, need], none_refused: true, then: {action: hand_off}}
  - {id: marketing, state: mql, score_from: 50, then: {action: ask, team: sales}}
  - {id: intent, state: iql, points_from: {intent: 2}, then: {action: nurture_intent}}
disqualify:
  - {reason: no_money, refused: [budget, need]}
hysteresis_points: 5
minimum_dwell_days: 7
"""
POLICIES = sorted((Path(__file__).parents[2] / "data" / "policies").glob("*_*.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("score_from: 60", "score_from: 40", "line 3: SQL asks for a score of 40, below MQL with 50; raise SQL"),
        ("state: sql", "state: sqll", "line 3: rules.0.state"),
        (
            "id: marketing, state: mql, score_from: 50",
            "id: marketing, state: mql, score_from: 60, met: [budget, need], none_refused: true",
            "line 4: rule 'marketing' can never hold: whenever it does, 'qualified' holds first",
        ),
        ("refused: [budget, need]", "refused: [authority]", "line 7: a contact without authority is asked"),
        ("id: intent, state: iql, points_from: {intent: 2}", "id: intent, state: iql", "asks for nothing"),
        ("action: ask", "action: phone", "line 4"),
        ("id: marketing", "id: qualified", "line 4: rule id 'qualified' appears twice"),
    ],
)
def test_a_contradiction_is_refused_with_line_and_remedy(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(PolicyError) as error:
        parse_qualification(GOOD.replace(old, new, 1))
    assert said in str(error.value)


def test_every_key_of_a_policy_is_described() -> None:
    table = PAGE.read_text(encoding="utf-8").split("\n## Qualification policy\n")[1].split("\n\n- **")[0]
    told = {key for line in table.splitlines() if line.startswith("| ") for key in re.findall(r"`(\w+)`", line)}
    assert set(QualificationPolicy.model_fields) | set(StateRule.model_fields) <= told


def policy_inputs(score: list[int], *, statuses: dict[str, list[str]] | None = None, **extra: object) -> PolicyInputs:
    n = len(score)
    zeros = np.zeros(n)
    points = {d: np.asarray(extra.pop(str(d), zeros), dtype=np.float64) for d in Dimension}
    silent = np.full(n, "", dtype=object)
    found = {
        topic: Evidence(np.array(words, dtype=object), silent, np.full(n, np.nan), silent)
        for topic, words in (statuses or {}).items()
    }
    return PolicyInputs(score=np.array(score), points=points, statuses=found, **extra)  # type: ignore[arg-type]


def placed(found: PolicyInputs) -> Qualification:
    return qualify(found, parse_qualification(GOOD))


def test_the_first_rule_that_holds_decides_and_is_named() -> None:
    budget = ["met", "met", "unknown", "unknown", "unknown"]
    need = ["met", "unknown", "met", "unknown", "unknown"]
    found = placed(
        policy_inputs([70, 70, 50, 49, 20], statuses={"budget": budget, "need": need}, intent=[3, 3, 3, 3, 0])
    )
    assert found.state.tolist() == ["sql", "mql", "mql", "iql", "lead"]
    assert found.rule.tolist() == ["qualified", "marketing", "marketing", "intent", ""]
    assert found.next_action.tolist() == ["hand_off", "ask", "ask", "nurture_intent", "nurture_interest"]
    assert found.team.tolist() == ["", "sales", "sales", "", ""]
    assert found.temperature.tolist() == ["hot", "warm", "warm", "cold", "cold"]


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        ("{warm: 40, hot: 60}", ["hot", "hot", "warm", "cold"]),
        ("{by_state: {iql: warm, sql: warm}}", ["warm", "warm", "warm", "cold"]),
    ],
)
def test_how_warm_a_lead_is_follows_its_state_unless_scores_are_declared(declared: str, wanted: list[str]) -> None:
    policy = parse_qualification(GOOD + f"temperature: {declared}\n")
    met = ["met", "unknown", "unknown", "unknown"]
    inputs = policy_inputs([70, 70, 49, 20], statuses={"budget": met, "need": met}, intent=[3, 3, 3, 0])
    assert qualify(inputs, policy).temperature.tolist() == wanted


@pytest.mark.parametrize("declared", ["{warm: 40}", "{warm: 40, hot: 60, by_state: {iql: hot}}", "{warm: 70, hot: 60}"])
def test_how_warm_a_lead_is_cannot_be_said_in_two_ways(declared: str) -> None:
    with pytest.raises(PolicyError, match=r"warm|temperature"):
        parse_qualification(GOOD + f"temperature: {declared}\n")


def test_interest_is_not_intent() -> None:
    assert placed(policy_inputs([40, 40], interest=[9, 0], intent=[0, 9])).state.tolist() == ["lead", "iql"]


def test_one_condition_short_is_named_with_the_condition() -> None:
    found = placed(policy_inputs([70, 55, 54], statuses={"budget": ["met"] * 3, "need": ["unknown", "met", "met"]}))
    assert found.near_state.tolist() == ["sql", "sql", ""]
    assert found.near_lacks.tolist() == ["need on record as met", "score of 60", ""], "six points short is not near"


def test_states_do_not_flicker() -> None:
    now = policy_inputs(
        [46, 44, 44, 44],
        state_before=np.array(["mql", "mql", "mql", ""], dtype=object),
        days_in_state=np.array([30.0, 3.0, 30.0, np.nan]),
    )
    found = placed(now)
    assert found.state.tolist() == ["mql", "mql", "lead", "lead"]
    assert found.rule.tolist() == ["marketing", "minimum_dwell", "", ""]
    assert found.next_action[2] == "recycle"


def test_disqualification_is_proposed_with_a_reason_and_never_for_authority() -> None:
    statuses = {
        "budget": ["not_met", "not_met", "unknown"],
        "need": ["not_met", "met", "met"],
        "authority": ["unknown", "unknown", "not_met"],
    }
    found = placed(policy_inputs([55, 55, 55], statuses=statuses, fit=[0, 0, 4]))
    assert found.next_action.tolist() == ["disqualify", "ask", "ask"]
    assert found.reason.tolist() == ["no_money", "", "no_authority"]
    assert found.programme[2] == "introduction"
    assert set(found.state) == {"mql"}


def test_starter_policies_load_and_draw_themselves() -> None:
    assert len(POLICIES) == 2
    for policy in (default_qualification(), *(load_qualification(path) for path in POLICIES)):
        chart = flowchart(policy)
        assert chart.startswith("flowchart TD")
        assert all(rule.id in chart for rule in policy.rules)


def test_history_is_judged_under_its_own_version() -> None:
    old = parse_qualification(GOOD + "version: '1'\neffective_from: 2024-01-01\n")
    new = parse_qualification(GOOD + "version: '2'\neffective_from: 2025-01-01\n")
    assert policy_at((new, old), date(2024, 6, 1)).version == "1"
    assert policy_at((new, old), date(2025, 1, 1)).version == "2"
    assert policy_at((new, old), date(2020, 1, 1)).version == "1"
