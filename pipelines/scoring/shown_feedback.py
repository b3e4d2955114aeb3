"""What sales said, laid over rows of a scored file and over a card: pins, and silence."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from models.standing.next_steps import place_by_action
from pipelines.workspace.paths import Paths
from pipelines.workspace.standing_feedback import NO_ADVICE, read_standing_feedback


def mark_scored(paths: Paths, frame: pd.DataFrame, lead_id: pd.Series, over: Collection[str]) -> pd.DataFrame:
    """Scored rows of a file: no advice for leads that nobody may contact, and what sales pinned for others.

    ``lead_id`` names whom each row was scored as; of leads that are ``over`` nothing is pinned any more, as on cards.
    """
    said = read_standing_feedback(paths)
    names = lead_id.astype("str")
    pinned = (names.isin(said.pinned) & ~names.isin(list(over)) & frame["state"].notna()).to_numpy(dtype=bool)
    for place, column in enumerate(("state", "next_action")):
        texts = [said.pinned[name][place] for name in names[pinned]]
        own = frame.loc[pinned, column].tolist()
        frame.loc[pinned, column] = [text or rule for text, rule in zip(texts, own, strict=True)]
    if "lead_list" in frame:
        places = zip(frame.loc[pinned, "lead_list"], frame.loc[pinned, "next_action"], strict=True)
        frame.loc[pinned, "lead_list"] = [place_by_action(str(place), str(action)) for place, action in places]
    silenced = (names.isin(said.silenced) & frame["state"].notna()).to_numpy(dtype=bool)
    frame.loc[silenced, ["next_action", "question"]] = list(NO_ADVICE)
    return frame


def mark_card(paths: Paths, card: dict[str, Any]) -> dict[str, Any]:
    """A card with what sales said: nothing is advised or asked of a lead that nobody may contact."""
    said, lead = read_standing_feedback(paths), str(card["lead_id"])
    stands = card["standing"]
    if card.get("closed") is None and lead in said.pinned:
        state, action = said.pinned[lead]
        card = card | {"state": state or card["state"], "next_action": action or card["next_action"]}
        stands = stands | {"lead_list": place_by_action(stands["lead_list"], card["next_action"])}
    if lead in said.silenced:
        criteria = [row | {"question": ""} if "question" in row else row for row in card["criteria"]]
        advice = {"next_action": NO_ADVICE[0], "question": NO_ADVICE[1]}
        card = card | advice | {"criteria": criteria, "silenced": True}
    if any(stands[name] != card[name] for name in ("state", "next_action")):
        stands = stands | {"state": card["state"], "next_action": card["next_action"], "why": ""}
    return card | {"standing": stands}
