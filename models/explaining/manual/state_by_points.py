"""State and next action where points decide: the stages of the rubric's own thresholds, its own handoff."""

from dataclasses import replace

import numpy as np

from features.array_types import Texts
from features.rubric.ledger import Ledger
from models.explaining.qualification import Qualification
from models.explaining.qualification_policy import QualificationPolicy

_ACTION, _SALES = "hand_off", "sales"


def qualify_by_points(found: Qualification, book: Ledger, policy: QualificationPolicy) -> Qualification:
    """The qualification with the rubric's stages in place of the policy's, whose scores are those of a model.

    Leads that the rubric hands off are handed off; of the others the policy's step stays, unless it was a handoff: that
    follows from a score it does not know. Proposals to disqualify, which rest on evidence alone, stay. Team, programme
    and reason go with the step: those of another step would send the lead elsewhere.
    """
    state, handed = book.stages, book.handed_off
    keeps = found.next_action == "disqualify"
    handed_off, held_back = handed & ~keeps, ~handed & (found.next_action == _ACTION)
    action = np.where(handed_off, _ACTION, found.next_action).astype(object)
    action[held_back] = "nurture_intent"
    team, programme, reason = (
        np.array(values, dtype=object, copy=True) for values in (found.team, found.programme, found.reason)
    )
    newly = handed_off & (found.next_action != _ACTION)
    team[newly], programme[newly], reason[newly] = _SALES, "", ""
    nurturing = policy.otherwise.interested
    team[held_back], programme[held_back], reason[held_back] = nurturing.team, nurturing.programme, ""
    empty: Texts = np.full(len(state), "", dtype=object)
    rule = np.where(state == "lead", "", np.array([f"points_{name}" for name in state.tolist()], dtype=object))
    temperature = np.where(handed, "hot", np.where(state == "lead", "cold", "warm")).astype(object)
    return replace(
        found,
        state=state,
        rule=rule.astype(object),
        next_action=action,
        team=team,
        programme=programme,
        reason=reason,
        temperature=temperature,
        near_state=empty,
        near_lacks=empty,
    )
