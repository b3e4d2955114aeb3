"""Where points score alone: the step, and who takes it, go by the rubric's handoff."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from features.rubric.ledger import Ledger
from features.rubric.load import load_rubric
from models.explaining.manual.manual_score import ManualScore
from models.explaining.manual.state_by_points import qualify_by_points
from models.explaining.qualification import Qualification
from models.explaining.qualification_policy import Otherwise, Step, default_qualification

RUBRIC = load_rubric(Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml")


def book_of(handed: bool) -> Ledger:
    """Of one lead that the rubric hands off, or leaves alone."""
    stages = np.array(["mql" if handed else "lead"], dtype=object)
    return cast("Ledger", SimpleNamespace(rubric=RUBRIC, stages=stages, handed_off=np.array([handed])))


def found(action: str, team: str, programme: str = "", reason: str = "") -> Qualification:
    texts = {name: np.array([""], dtype=object) for name in Qualification.__dataclass_fields__}
    said = {"next_action": action, "team": team, "programme": programme, "reason": reason}
    return Qualification(**texts | {name: np.array([text], dtype=object) for name, text in said.items()})


@pytest.mark.parametrize(
    ("handed", "before", "wanted"),
    [
        (True, ("nurture_interest", "marketing", "newsletter"), ("hand_off", "sales", "", "")),
        (True, ("ask", "marketing", "introduction", "no_authority"), ("hand_off", "sales", "", "")),
        (True, ("hand_off", "sales development"), ("hand_off", "sales development", "", "")),
        (True, ("disqualify", "marketing", "", "no_need"), ("disqualify", "marketing", "", "no_need")),
        (False, ("hand_off", "sales"), ("nurture_intent", "marketing", "drip", "")),
        (
            False,
            ("enrich", "marketing", "industry", "missing_field"),
            ("enrich", "marketing", "industry", "missing_field"),
        ),
    ],
)
def test_team_and_programme_go_with_the_step(handed: bool, before: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    nurturing = Otherwise(interested=Step(action="nurture_intent", team="marketing", programme="drip"))
    policy = default_qualification().model_copy(update={"otherwise": nurturing})
    after = qualify_by_points(found(*before), book_of(handed), policy)
    assert (after.next_action[0], after.team[0], after.programme[0], after.reason[0]) == wanted


@pytest.mark.parametrize(("undecided", "says"), [(None, "rubric only"), (True, "rubric only"), (False, "")])
def test_nobody_disagrees_about_leads_that_sales_has(undecided: bool | None, says: str) -> None:
    mask = None if undecided is None else np.array([undecided])
    assert ManualScore(book_of(True), np.array(["lead"], dtype=object), mask).disagree.tolist() == [says]


@pytest.mark.parametrize(
    ("handed", "let_go", "says"), [(False, False, "model only"), (False, True, ""), (True, True, "rubric only")]
)
def test_the_model_hands_nobody_to_sales_whom_it_proposes_to_let_go(handed: bool, let_go: bool, says: str) -> None:
    asked = ManualScore(book_of(handed), np.array(["pql"], dtype=object), None, np.array([let_go]))
    assert asked.disagree.tolist() == [says]
