"""States over weeks: a state is left late and kept for its dwell, each week under its own version."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from models.explaining.qualification_policy import parse_qualification
from pipelines.scoring.state_history import StateHistory, StateReplay
from tests.unit.test_qualification_policy import GOOD, policy_inputs

MONDAY = pd.Timestamp("2026-06-01")


def week(memory: StateReplay, number: int, scores: list[int], policy: str = GOOD) -> dict[str, Any]:
    scored: Any = SimpleNamespace(inputs=policy_inputs(scores), values=pd.DataFrame(index=range(len(scores))))
    when = MONDAY + pd.Timedelta(weeks=number)
    return memory.step(when, np.arange(len(scores)), scored, parse_qualification(policy))


def test_a_small_dip_leaves_the_state_and_a_deep_one_waits_for_the_dwell() -> None:
    memory = StateReplay(2)
    slow = GOOD.replace("minimum_dwell_days: 7", "minimum_dwell_days: 10")
    assert week(memory, 0, [52, 52], slow)["changed"] == 0, "the first state is no change"
    found = week(memory, 1, [47, 30], slow)
    assert memory.state.tolist() == ["mql", "mql"] and (found["changed"], found["changed_without"]) == (0, 2)
    found = week(memory, 2, [47, 30], slow)
    assert memory.state.tolist() == ["mql", "lead"] and (found["changed"], found["changed_without"]) == (1, 0)
    assert memory.action.tolist()[1] == "recycle"
    assert memory.days(MONDAY + pd.Timedelta(weeks=2)).tolist() == [14.0, 0.0]
    assert found["states"] == {"lead": 1, "mql": 1}


def test_leads_that_came_later_start_without_a_past() -> None:
    memory = StateReplay(2)
    week(memory, 0, [52])
    assert memory.state.tolist() == ["mql", ""]
    found = week(memory, 1, [52, 47])
    assert memory.state.tolist() == ["mql", "lead"] and found["changed"] == 0
    sums = StateHistory(
        memory.state, memory.action, memory.days(MONDAY), [found | {"changed": 2, "changed_without": 5}]
    )
    assert sums.sentence.startswith("Over 1 weeks states changed 2 times; without") and "5 times" in sums.sentence


def test_each_week_follows_the_policy_it_is_given() -> None:
    memory = StateReplay(1)
    assert week(memory, 0, [47])["states"] == {"lead": 1}
    lower = GOOD.replace("score_from: 50", "score_from: 45").replace("name: team", "name: team\nversion: '2'")
    found = week(memory, 1, [47], lower)
    assert (found["version"], found["states"], found["changed"]) == ("2", {"mql": 1}, 1)
