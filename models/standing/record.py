"""Where one lead stands: the record every surface reads instead of working it out again."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.schema.vocabulary import LeadList, Phase

NO_ACTION = "none"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The stage people gave a lead in the CRM, our state of it beside that, its list and the one next action.

    Parameters
    ----------
    stage : CRM stage as of the moment asked for, '' where the source records none
    stage_since, stage_days, stage_owner : when it entered it, how long ago, and whose it is there ('' if not on record)
    phase : whose turn it is, by the stage alone
    handed_over_at : when it went to sales, of the latest time
    outcome, closed_at : won, lost, disqualified (opportunity, accepted, where that is what is learned); '' while open
    score_at_handoff, score_at_close : by the model in use, from what was known then; None where not asked for
    state, rule : what score and evidence say at this moment under the qualification policy, whatever was before
    lead_list : the one list it is on
    next_action, team, programme : what comes next, stage first; :data:`NO_ACTION` where nothing does
    why : the reason of the next action in words
    silent_days : days since anybody did anything, None where nothing is on record
    back_at : when a recycled lead that rests is looked at again, None where none does
    missing_seat : the seat of the buying committee the deal needs by its stage and nobody known holds, '' if none
    """

    lead_id: str
    stage: str
    stage_since: datetime | None
    stage_days: float | None
    stage_owner: str
    phase: Phase
    handed_over_at: datetime | None
    outcome: str
    closed_at: datetime | None
    state: str
    rule: str
    lead_list: LeadList
    next_action: str
    team: str
    programme: str
    why: str
    silent_days: float | None = None
    score_at_handoff: int | None = None
    score_at_close: int | None = None
    missing_seat: str = ""
    back_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can still become of it."""
        return self.phase not in (Phase.CLOSED, Phase.CUSTOMER)

    @property
    def is_with_sales(self) -> bool:
        """Whether sales has it."""
        return self.phase is Phase.WITH_SALES

    def because(self, why: str) -> "Standing":
        """The same with the reason of the next action."""
        return replace(self, why=why)

    def record(self) -> dict[str, Any]:
        """JSON-ready; names as the fields'."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "lead_id"}
        for name in ("stage_since", "handed_over_at", "closed_at", "back_at"):
            found[name] = None if found[name] is None else found[name].isoformat()
        return found | {"phase": str(self.phase), "lead_list": str(self.lead_list)}
