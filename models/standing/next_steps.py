"""The one next step of every lead, stage first: what sales has is never nurtured, what is over is left alone."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from features.array_types import Bools, Floats, Ints, Texts
from features.assembly.crm_facts import CrmFacts
from features.kernel.column_reader import micros_of
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER
from features.schema.source import Label
from features.schema.vocabulary import LeadList, Phase, Stage
from models.explaining.qualification import Qualification
from models.explaining.qualification_policy import QualificationPolicy
from models.standing.record import NO_ACTION


class SalesStep(StrEnum):
    """What comes next for a lead that sales has, the most urgent first."""

    FIRST_CALL = "first_call"
    RECONNECT = "reconnect"  # at risk: silent for too long
    DECIDE = "decide"  # stuck in its stage: move it on or give it back
    NAME_SEAT = "name_seat"
    ASK = "ask"
    KEEP_WORKING = "keep_working"


WAIT, EXPAND, RECYCLE, HAND_OFF = "wait", "expand", "recycle", "hand_off"


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Per lead whose turn it is, its list, and how many days it has been where it is; shape (n,), NaN where unknown.

    ``back_at`` is when a lead that rests comes back, in microseconds, ``NEVER`` of others.
    """

    phase: Texts
    lead_list: Texts
    outcome: Texts
    stage_days: Floats
    silent_days: Floats
    closed_days: Floats
    back_at: Ints


def place_leads(
    found: Qualification,
    facts: CrmFacts,
    question: Texts,
    policy: QualificationPolicy,
    label: Label,
) -> tuple[Qualification, Steps]:
    """The qualification with next steps that follow the stage, and where every lead stands.

    ``question`` is the one to ask next, '' where nothing is left to ask.
    """
    phase = facts.held.phases_while_open(facts.as_of, label)
    outcome = np.array(["" if closed is None else closed.outcome for closed in facts.closed], dtype=object)
    phase[outcome != ""] = str(Phase.CLOSED)
    phase[outcome == str(Stage.WON)] = str(Phase.CUSTOMER)

    steps = Steps(
        phase=phase,
        lead_list=np.full(len(phase), "", dtype=object),
        outcome=outcome,
        stage_days=_days(facts.as_of, facts.held.since),
        silent_days=_days(facts.as_of, facts.acted),
        closed_days=_days(facts.as_of, _closed_at(facts)),
        back_at=np.where(phase == str(Phase.COOLING_DOWN), facts.held.back_at(label), NEVER),
    )
    action, team, programme, reason = (
        np.array(values, dtype=object, copy=True)
        for values in (found.next_action, found.team, found.programme, found.reason)
    )

    moved = phase != str(Phase.BEFORE_HANDOFF)
    team[moved], programme[moved], reason[moved] = "", "", ""
    action[phase == str(Phase.COOLING_DOWN)] = WAIT
    with_sales = phase == str(Phase.WITH_SALES)
    action[with_sales] = _sales_steps(facts, steps, question, policy)[with_sales]
    team[with_sales] = "sales"
    for row in np.flatnonzero(outcome != ""):
        action[row] = step_after_close(str(outcome[row]), float(steps.closed_days[row]), policy)

    placed = replace(found, next_action=action, team=team, programme=programme, reason=reason)
    return placed, replace(steps, lead_list=_lists(phase, action))


_LIST_OF = {
    str(Phase.BEFORE_HANDOFF): LeadList.WATCHING,
    str(Phase.COOLING_DOWN): LeadList.RESTING,
    str(Phase.WITH_SALES): LeadList.TO_WORK,
    str(Phase.CLOSED): LeadList.CLOSED,
    str(Phase.CUSTOMER): LeadList.CUSTOMERS,
}


def step_after_close(outcome: str, days: float, policy: QualificationPolicy) -> str:
    """What comes next for a lead that closed so many days ago (NaN: nobody knows when)."""
    if outcome == Stage.WON and days >= policy.after_close.expansion_days:
        return EXPAND
    if outcome == Stage.LOST and days >= policy.after_close.recycle_days:
        return RECYCLE
    return NO_ACTION


def _lists(phase: Texts, action: Texts) -> Texts:
    """The one list each lead is on."""
    found = np.array([str(_LIST_OF[name]) for name in phase], dtype=object)
    ready = (phase == str(Phase.BEFORE_HANDOFF)) & (action == HAND_OFF)
    found[ready] = str(LeadList.TO_HAND_OFF)
    return found


def place_by_action(lead_list: str, action: str) -> str:
    """The list of a lead whose next action somebody pinned; before the handoff the action decides it.

    >>> [place_by_action(name, "ask") for name in ("to_hand_off", "watching", "to_work")]
    ['watching', 'watching', 'to_work']
    """
    if lead_list not in (LeadList.TO_HAND_OFF, LeadList.WATCHING):
        return lead_list
    return str(LeadList.TO_HAND_OFF if action == HAND_OFF else LeadList.WATCHING)


def _sales_steps(facts: CrmFacts, steps: Steps, question: Texts, policy: QualificationPolicy) -> Texts:
    """The most urgent step of every row, as if sales had it."""
    declared = policy.with_sales
    limits = {str(stage): days for stage, days in declared.stuck_days.items()}
    limit = np.array([limits.get(str(stage), np.inf) for stage in facts.held.stage], dtype=np.float64)

    holds: dict[SalesStep, Bools] = {
        SalesStep.FIRST_CALL: _awaits_first_call(facts, declared.first_call_days),
        SalesStep.RECONNECT: steps.silent_days >= declared.silent_days,
        SalesStep.DECIDE: steps.stage_days >= limit,
        SalesStep.NAME_SEAT: facts.missing_seat != "",
        SalesStep.ASK: question != "",
    }
    found = np.full(len(facts), str(SalesStep.KEEP_WORKING), dtype=object)
    for step in reversed(holds):
        found[holds[step]] = str(step)
    return found


def _awaits_first_call(facts: CrmFacts, days: float) -> Bools:
    """Accepted for longer than agreed and no act of a rep since it went to sales.

    Never where nobody writes down who acts, and not in later stages, which a conversation led to.
    """
    handed = facts.held.handed_over
    if not facts.reps_recorded:
        return np.zeros(len(handed), dtype=np.bool_)
    accepted = (facts.held.stage == str(Stage.SAL)) & (handed != NEVER)
    return accepted & (facts.rep_acted < handed) & (_days(facts.as_of, handed) >= days)


def _days(as_of: Ints, since: Ints) -> Floats:
    """Days from a moment to another, NaN where there is none."""
    known = (since != NEVER) & (as_of != NEVER)
    passed = np.where(known, as_of - np.where(known, since, as_of), 0) / MICROSECONDS_PER_DAY
    return np.where(known, passed, np.nan)


def _closed_at(facts: CrmFacts) -> Ints:
    """When each lead was over, ``NEVER`` where it is not or nobody knows."""
    ends = [NEVER if closed is None else micros_of(closed.at) for closed in facts.closed]
    return np.array(ends, dtype=np.int64)
