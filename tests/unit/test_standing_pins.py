"""What sales said, as files and cards of the command line show it: the same as the server's pages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from features.rubric.schema import Rubric
from models.explaining.qualification_policy import default_qualification
from models.standing.pinned import Pins, meanings_of_states
from pipelines.scoring.shown_feedback import mark_card, mark_scored, show_feedback
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.standing_feedback import FEEDBACK, mark_list, read_standing_feedback

AHEAD = pd.Timestamp("2100-01-01")
MEANINGS = meanings_of_states(None)


def say(folder: Path, *rows: dict[str, Any]) -> Paths:
    """The store as the last ingest read it."""
    usual = {"state": None, "next_action": None, "expires_at": pd.NaT, "undoes": None}
    frame = pd.DataFrame([{"id": k, **usual, **row} for k, row in enumerate(rows, 1)])
    frame["expires_at"] = frame["expires_at"].astype("datetime64[us]")
    frame.to_parquet(folder / FEEDBACK)
    return cast("Paths", SimpleNamespace(ingest=folder))


def pinned(lead: str, action: str | None, state: str = "sql") -> dict[str, Any]:
    return {"lead_id": lead, "verdict": "override", "next_action": action, "state": state, "expires_at": AHEAD}


def within(paths: Paths) -> Context:
    return cast("Context", SimpleNamespace(paths=paths, policy=None, rubric=None))


@pytest.mark.parametrize(("action", "wanted"), [("hand_off", "to_hand_off"), ("ask", "watching")])
def test_a_pinned_step_puts_a_lead_on_its_list(tmp_path: Path, action: str, wanted: str) -> None:
    paths = say(tmp_path, *(pinned(lead, action) for lead in ("a", "b", "c")))
    frame = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c", "d"],
            "state": "mql",
            "next_action": ["hand_off", "ask", "first_call", "hand_off"],
            "question": "",
            "lead_list": ["to_hand_off", "watching", "to_work", "to_hand_off"],
        }
    )
    shown = show_feedback(mark_list(paths, frame), MEANINGS)
    assert shown["lead_list"].tolist() == [wanted, wanted, "to_work", "to_hand_off"]
    scored = mark_scored(read_standing_feedback(paths), MEANINGS, frame.copy(), frame["lead_id"], ())
    assert scored["lead_list"].tolist() == shown["lead_list"].tolist()


def test_nothing_is_pinned_of_closed_leads_and_duplicates_are_their_lead(tmp_path: Path) -> None:
    paths = say(tmp_path, pinned("a", "ask"), pinned("b", "ask"), {"lead_id": "c", "verdict": "do_not_contact"})
    names = ["a", "twin of b", "twin of c"]
    frame = pd.DataFrame({"lead_id": names, "state": "iql", "next_action": "enrich", "question": "When?"})
    found = mark_scored(read_standing_feedback(paths), MEANINGS, frame, pd.Series(["a", "b", "c"]), {"a": None})
    assert found["next_action"].tolist() == ["enrich", "ask", "none"] and found["question"].tolist()[2] == ""
    assert found["state"].tolist() == ["iql", "sql", "iql"]


def test_a_card_says_the_same_where_its_standing_is_told(tmp_path: Path) -> None:
    paths = say(tmp_path, pinned("a", "hand_off"), {"lead_id": "b", "verdict": "do_not_contact"})
    stands = {"state": "mql", "next_action": "ask", "lead_list": "watching", "why": "Silent for 20 days."}
    card = {
        "state": "mql",
        "next_action": "ask",
        "question": "When?",
        "closed": None,
        "criteria": [],
        "standing": stands,
    }
    told = mark_card(within(paths), card | {"lead_id": "a"})["standing"]
    assert told == {"state": "sql", "next_action": "hand_off", "lead_list": "to_hand_off", "why": ""}
    silent = mark_card(within(paths), card | {"lead_id": "b"})
    assert silent["standing"] == stands | {"next_action": "none", "why": ""} and silent["silenced"]
    assert mark_card(within(paths), card | {"lead_id": "c"}) == card | {"lead_id": "c"}


LISTED = {
    "lead_id": ["a", "b", "c", "d"],
    "state": ["iql", "mql", "iql", "iql"],
    "next_action": ["enrich", "hand_off", "reconnect", "wait"],
    "team": ["marketing", "sales", "sales", ""],
    "programme": ["website", "", "", ""],
    "reason": ["missing_field", "", "", ""],
    "temperature": ["cold", "warm", "cold", "cold"],
    "question": "",
    "lead_list": ["watching", "to_hand_off", "to_work", "resting"],
}


def test_the_step_follows_a_pinned_state_where_the_lead_is_still_marketings(tmp_path: Path) -> None:
    paths = say(tmp_path, *(pinned(lead, None, "iql" if lead == "b" else "sql") for lead in "abcd"))
    frame = pd.DataFrame(LISTED)
    remembered = frame.assign(state_kept="mql", state_days=3.0)
    shown = show_feedback(mark_list(paths, remembered), MEANINGS)
    assert set(shown) == set(frame), "a lead has one state"
    assert shown["state"].tolist() == ["sql", "iql", "sql", "sql"]
    rule = {rule.state: rule.then.action for rule in reversed(default_qualification().rules)}
    assert shown["next_action"].tolist() == ["hand_off", rule["iql"], "reconnect", "wait"]
    assert shown["lead_list"].tolist() == ["to_hand_off", "watching", "to_work", "resting"]
    assert shown["temperature"].tolist() == ["hot", "cold", "hot", "hot"]
    assert (shown["reason"] == "").all() and shown["programme"].tolist()[0] != "website"

    scored = mark_scored(read_standing_feedback(paths), MEANINGS, frame.copy(), frame["lead_id"], ())
    assert scored.equals(shown)
    for row in frame.to_dict("records"):
        stands = {name: row[name] for name in ("state", "next_action", "lead_list", "team", "programme")}
        told = mark_card(within(paths), {**row, "criteria": [], "closed": None, "standing": stands | {"why": "so"}})
        after = shown.set_index("lead_id").loc[str(row["lead_id"])]
        assert {name: told["standing"][name] for name in stands} == {name: after[name] for name in stands}


def test_a_step_of_marketing_is_no_longer_pinned_once_sales_has_the_lead() -> None:
    pins = Pins({"a": ("", "hand_off"), "b": ("", "recycle")}, MEANINGS)
    assert pins.follow("a", "mql", "first_call", "to_work") == ("mql", "first_call", "to_work")
    assert pins.follow("b", "mql", "first_call", "to_work") == ("mql", "recycle", "to_work")
    assert pins.follow("a", "iql", "wait", "resting") == ("iql", "wait", "resting")


@pytest.mark.parametrize(("stage", "handed"), [("iql", "iql"), ("sql", "sql")])
def test_where_points_score_a_pinned_state_is_handed_off_as_the_rubric_does(stage: str, handed: str) -> None:
    rubric = Rubric.model_construct(handoff=SimpleNamespace(stage=stage))
    found = meanings_of_states(None, rubric)
    first = [state for state in ("lead", "iql", "mql", "pql", "sal", "sql") if found[state].step.action == "hand_off"]
    assert first[0] == handed
