"""What a person pinned of a lead, its state or its next action, and what follows: the step goes with the state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from features.rubric.schema import Rubric
from features.schema.vocabulary import LeadList, Stage
from models.explaining.qualification import RANK
from models.explaining.qualification_policy import Action, QualificationPolicy, Step, default_qualification
from models.standing.next_steps import place_by_action

MARKETING_STEPS = ("hand_off", "nurture_interest", "nurture_intent", "enrich")  # of leads that sales does not have
_FOLLOWS = ("", str(LeadList.TO_HAND_OFF), str(LeadList.WATCHING))
_OF_RULES = ("rule", "near_state", "near_lacks")  # why the rules put a lead where it is, and what would better it
COLUMNS = ("state", "next_action", "lead_list", "team", "programme", "reason", "temperature", *_OF_RULES)


@dataclass(frozen=True)
class Meaning:
    """What a state means before sales has a lead: what comes next, and how warm it is ('': the state does not say)."""

    step: Step
    warmth: str


def meanings_of_states(policy: QualificationPolicy | None, points: Rubric | None = None) -> dict[str, Meaning]:
    """What every state means: the step of the policy's first rule for it.

    A state without a rule has the step of the best one below it, a plain lead that of quiet leads. ``points`` is the
    rubric where it scores alone: it hands off from its own stage on.
    """
    policy = policy or default_qualification()
    if points is not None:
        low, lead = RANK[str(points.handoff.stage or Stage.MQL)], str(Stage.LEAD)
        handed = Meaning(Step(action="hand_off", team="sales"), "hot")
        held = policy.otherwise.interested
        return {
            state: handed if rank >= low else Meaning(held, "cold" if state == lead else "warm")
            for state, rank in RANK.items()
        }
    by_state = policy.temperature.warm is None
    found, step = {}, policy.otherwise.quiet
    for state in sorted(RANK, key=RANK.__getitem__):
        step = next((rule.then for rule in policy.rules if rule.state == state), step)
        found[state] = Meaning(step, policy.temperature.states.get(state, "cold") if by_state else "")
    return found


@dataclass(frozen=True)
class Pins:
    """State and next action that are pinned, by lead ('' where the rules go on deciding), and what states mean."""

    by_lead: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)

    @cached_property
    def states(self) -> dict[str, str]:
        """Pinned states by lead."""
        return {lead: state for lead, (state, _) in self.by_lead.items() if state}

    def step(self, lead_id: str, state: str, action: str, lead_list: str) -> Step | None:
        """What comes next in place of ``action`` of a lead that the rules put there; None where that stays.

        A pinned state brings its own step where the lead is still marketing's: what sales has, what rests and what is
        over follow the stage. A pinned action comes first, but for a step of marketing once the lead is not its own.
        """
        pinned, pinned_action = self.by_lead.get(lead_id, ("", ""))
        if pinned_action in MARKETING_STEPS and lead_list not in _FOLLOWS:
            pinned_action = ""
        if pinned_action:
            return None if pinned_action == action else Step.model_construct(action=cast("Action", pinned_action))
        if pinned in ("", state) or lead_list not in _FOLLOWS or pinned not in self.meanings:
            return None
        step = self.meanings[pinned].step
        return None if step.action == action else step

    def follow(self, lead_id: str, state: str, action: str, lead_list: str) -> tuple[str, str, str]:
        """State, next action and list of a lead as people are to see them.

        >>> pins = Pins({"a": ("sql", "")}, {"sql": Meaning(Step(action="hand_off"), "hot")})
        >>> pins.follow("a", "iql", "nurture_intent", "watching"), pins.follow("a", "iql", "reconnect", "to_work")
        (('sql', 'hand_off', 'to_hand_off'), ('sql', 'reconnect', 'to_work'))
        """
        step = self.step(lead_id, state, action, lead_list)
        after = action if step is None else str(step.action)
        moved = lead_list if step is None or not lead_list else place_by_action(lead_list, after)
        return self.states.get(lead_id, state), after, moved

    def changes(self, row: Mapping[str, Any]) -> dict[str, str]:
        """What is pinned changes of a row of the list, by column (:data:`COLUMNS`); nothing of most rows."""
        lead = str(row["lead_id"])
        if lead not in self.by_lead:
            return {}
        said = (str(row["state"]), str(row["next_action"]), str(row.get("lead_list") or ""))
        step = self.step(lead, *said)
        state, action, lead_list = self.follow(lead, *said)
        found: dict[str, str] = {}
        if step is not None:
            found = {"next_action": action, "lead_list": lead_list, "reason": ""}
            found |= {"team": step.team, "programme": step.programme}
        if state != said[0]:
            meaning = self.meanings.get(state)
            warmth = {"temperature": meaning.warmth} if meaning is not None and meaning.warmth else {}
            found |= {"state": state, **dict.fromkeys(_OF_RULES, ""), **warmth}
        return found

    def lay_over(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """A card with what is pinned, also where its standing and its qualification are told."""
        stands = card["standing"]
        found = self.changes({**card, "lead_list": stands.get("lead_list", "")})
        if not found:
            return dict(card)
        why = {"why": ""} if "next_action" in found else {}
        laid = {**card, **_those_of(card, found), "standing": {**stands, **_those_of(stands, found | why)}}
        judged = card.get("qualification")
        return laid if judged is None else laid | {"qualification": {**judged, **_those_of(judged, found)}}


def _those_of(record: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if name in record}


NO_PINS = Pins()
