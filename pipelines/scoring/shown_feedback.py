"""What sales said, laid over the list, rows of a scored file and a card: pins, and silence."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from models.standing.pinned import COLUMNS, Meaning, Pins, meanings_of_states
from pipelines.scoring.state_history import MEMORY
from pipelines.workspace.context import Context
from pipelines.workspace.standing_feedback import (
    NO_ADVICE,
    PINNED_ACTION,
    PINNED_STATE,
    SILENCED,
    StandingFeedback,
    read_standing_feedback,
)


def meanings_in(context: Context, *, by_points: bool) -> dict[str, Meaning]:
    """What states mean in a source, under its policy, or by its rubric where points score."""
    return meanings_of_states(context.policy, context.rubric if by_points else None)


def show_feedback(listed: pd.DataFrame, meanings: Mapping[str, Meaning]) -> pd.DataFrame:
    """The list as people are to see it: without leads nobody may contact, and with what sales pinned.

    Of a lead's state there is one: what the memory of the policy keeps beside it is for the report's history of states.
    """
    shown = listed.drop(columns=list(MEMORY), errors="ignore")
    if SILENCED in shown:
        shown = shown[~shown[SILENCED].to_numpy(dtype=bool)].drop(columns=SILENCED).reset_index(drop=True)
    return lay_pins(shown, meanings)


def lay_pins(shown: pd.DataFrame, meanings: Mapping[str, Meaning]) -> pd.DataFrame:
    """The list with what sales pinned, in place of the columns that say it; who is on it stays on it."""
    if PINNED_STATE not in shown:
        return shown
    said = zip(shown["lead_id"].astype("str"), shown[PINNED_STATE], shown[PINNED_ACTION], strict=True)
    pins = Pins({lead: (str(state), str(action)) for lead, state, action in said if state or action}, meanings)
    shown = shown.drop(columns=[PINNED_STATE, PINNED_ACTION])
    return _with_pins(shown, shown["lead_id"].astype("str"), pins)


def _with_pins(frame: pd.DataFrame, lead_id: pd.Series, pins: Pins) -> pd.DataFrame:
    """The frame with what is pinned; ``lead_id`` names whose each row is."""
    names = [name for name in COLUMNS if name in frame]
    values = {name: frame[name].tolist() for name in names}
    hits = lead_id.isin(pins.by_lead).to_numpy(dtype=bool).nonzero()[0]
    for at in hits:
        row = {name: values[name][at] for name in names}
        for name, text in pins.changes(row | {"lead_id": lead_id.iloc[at]}).items():
            if name in values:
                values[name][at] = text
    changed = {name: pd.Series(values[name], index=frame.index, dtype=frame[name].dtype) for name in names}
    return frame.assign(**changed) if len(hits) else frame


def mark_scored(
    said: StandingFeedback,
    meanings: Mapping[str, Meaning],
    frame: pd.DataFrame,
    lead_id: pd.Series,
    over: Collection[str],
) -> pd.DataFrame:
    """Scored rows of a file: no advice for leads that nobody may contact, and what sales pinned for others.

    ``lead_id`` names whom each row was scored as; of leads that are ``over`` nothing is pinned any more, as on cards.
    """
    names = lead_id.astype("str")
    pinned = (names.isin(said.pinned) & ~names.isin(list(over)) & frame["state"].notna()).to_numpy(dtype=bool)
    frame = _with_pins(frame, names.where(pinned, ""), Pins(said.pinned, meanings))
    silenced = (names.isin(said.silenced) & frame["state"].notna()).to_numpy(dtype=bool)
    frame.loc[silenced, ["next_action", "question"]] = list(NO_ADVICE)
    return frame


def mark_card(context: Context, card: dict[str, Any]) -> dict[str, Any]:
    """A card with what sales said: nothing is advised or asked of a lead that nobody may contact."""
    said, lead = read_standing_feedback(context.paths), str(card["lead_id"])
    if card.get("closed") is None:
        card = Pins(said.pinned, meanings_in(context, by_points=card.get("mode") == "points")).lay_over(card)
    stands = card["standing"]
    if lead in said.silenced:
        criteria = [row | {"question": ""} if "question" in row else row for row in card["criteria"]]
        advice = {"next_action": NO_ADVICE[0], "question": NO_ADVICE[1]}
        card = card | advice | {"criteria": criteria, "silenced": True}
        stands = stands | {"next_action": NO_ADVICE[0], "why": ""}
    return card | {"standing": stands}
