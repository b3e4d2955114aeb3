"""State and next action where points decide: the stages of the rubric's own thresholds, its own handoff."""

from dataclasses import replace

import numpy as np

from features.array_types import Texts
from features.rubric.ledger import Ledger
from models.explaining.qualification import Qualification

_ACTION = "hand_off"


def qualify_by_points(found: Qualification, book: Ledger) -> Qualification:
    """The qualification with the rubric's stages in place of the policy's, whose scores are those of a model.

    Leads that the rubric hands off are handed off; of the others the policy's step stays, unless it was a handoff: that
    follows from a score it does not know. Proposals to disqualify, which rest on evidence alone, stay.
    """
    state, handed = book.stages, book.handed_off
    keeps = found.next_action == "disqualify"
    action = np.where(handed & ~keeps, _ACTION, found.next_action).astype(object)
    action[~handed & (found.next_action == _ACTION)] = "nurture_intent"
    empty: Texts = np.full(len(state), "", dtype=object)
    rule = np.where(state == "lead", "", np.array([f"points_{name}" for name in state.tolist()], dtype=object))
    temperature = np.where(handed, "hot", np.where(state == "lead", "cold", "warm")).astype(object)
    return replace(
        found,
        state=state,
        rule=rule.astype(object),
        next_action=action,
        temperature=temperature,
        near_state=empty,
        near_lacks=empty,
    )
