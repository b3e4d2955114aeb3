"""What sales said, as files and cards of the command line show it: the same as the server's pages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from pipelines.scoring.list_leads import show_feedback
from pipelines.scoring.shown_feedback import mark_card, mark_scored
from pipelines.workspace.paths import Paths
from pipelines.workspace.standing_feedback import FEEDBACK, mark_list

AHEAD = pd.Timestamp("2100-01-01")


def say(folder: Path, *rows: dict[str, Any]) -> Paths:
    """The store as the last ingest read it."""
    usual = {"state": None, "next_action": None, "expires_at": pd.NaT, "undoes": None}
    frame = pd.DataFrame([{"id": k, **usual, **row} for k, row in enumerate(rows, 1)])
    frame["expires_at"] = frame["expires_at"].astype("datetime64[us]")
    frame.to_parquet(folder / FEEDBACK)
    return cast("Paths", SimpleNamespace(ingest=folder))


def pinned(lead: str, action: str) -> dict[str, Any]:
    return {"lead_id": lead, "verdict": "override", "next_action": action, "state": "sql", "expires_at": AHEAD}


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
    shown = show_feedback(mark_list(paths, frame))
    assert shown["lead_list"].tolist() == [wanted, wanted, "to_work", "to_hand_off"]
    scored = mark_scored(paths, frame.copy(), frame["lead_id"], ())
    assert scored["lead_list"].tolist() == shown["lead_list"].tolist()


def test_nothing_is_pinned_of_closed_leads_and_duplicates_are_their_lead(tmp_path: Path) -> None:
    paths = say(tmp_path, pinned("a", "ask"), pinned("b", "ask"), {"lead_id": "c", "verdict": "do_not_contact"})
    names = ["a", "twin of b", "twin of c"]
    frame = pd.DataFrame({"lead_id": names, "state": "iql", "next_action": "enrich", "question": "When?"})
    found = mark_scored(paths, frame, pd.Series(["a", "b", "c"]), {"a": None})
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
    told = mark_card(paths, card | {"lead_id": "a"})["standing"]
    assert told == {"state": "sql", "next_action": "hand_off", "lead_list": "to_hand_off", "why": ""}
    silent = mark_card(paths, card | {"lead_id": "b"})
    assert silent["standing"] == stands | {"next_action": "none", "why": ""} and silent["silenced"]
    assert mark_card(paths, card | {"lead_id": "c"}) == card | {"lead_id": "c"}
