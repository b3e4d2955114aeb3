"""Where scored leads stand: the columns of lists and files, and the record of one lead."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from features.assembly.crm_facts import CrmFacts
from features.kernel.column_reader import micros_of
from features.point_in_time.microseconds import NEVER
from features.schema.vocabulary import LeadList, Phase
from models.explaining.language import Language
from models.explaining.qualification import Qualification
from models.standing.next_steps import HAND_OFF, Steps
from models.standing.record import Standing
from models.standing.sentences import explain_step


class ScoredRows(Protocol):
    """What a record is made from."""

    @property
    def columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """The public columns."""

    @property
    def qualification(self) -> Qualification:
        """State and next step of every row."""

    @property
    def facts(self) -> CrmFacts | None:
        """What people did with the leads."""

    @property
    def steps(self) -> Steps | None:
        """Where they stand by that."""

    @property
    def language(self) -> Language:
        """Of the sentences."""


def standing_columns(facts: CrmFacts, steps: Steps) -> dict[str, npt.NDArray[Any]]:
    """Of every row the CRM stage (since when, whose), list, missing seat, how and when it ended, when it is back."""
    ends = [NEVER if end is None else micros_of(end.at) for end in facts.closed]
    return {
        "stage": facts.held.stage,
        "stage_since": facts.held.since.view("datetime64[us]"),
        "stage_days": np.round(steps.stage_days, 2),
        "stage_owner": facts.held.owner,
        "lead_list": steps.lead_list,
        "missing_seat": facts.missing_seat,
        "outcome": steps.outcome,
        "closed_at": np.array(ends, dtype=np.int64).view("datetime64[us]"),
        "back_at": steps.back_at.view("datetime64[us]"),
    }


def standing_of(scored: ScoredRows, row: int) -> Standing:
    """The record of one row; without facts a lead counts as not yet handed over."""
    found, facts, steps = scored.qualification, scored.facts, scored.steps
    action = str(found.next_action[row])
    common: dict[str, Any] = {
        "lead_id": str(scored.columns["lead_id"][row]),
        "state": str(found.state[row]),
        "rule": str(found.rule[row]),
        "next_action": action,
        "team": str(found.team[row]),
        "programme": str(found.programme[row]),
        "why": "",
    }
    if facts is None or steps is None:
        return Standing(
            **common,
            stage="",
            stage_since=None,
            stage_days=None,
            stage_owner="",
            phase=Phase.BEFORE_HANDOFF,
            handed_over_at=None,
            outcome="",
            closed_at=None,
            lead_list=LeadList.TO_HAND_OFF if action == HAND_OFF else LeadList.WATCHING,
        )
    closed = facts.closed[row]
    standing = Standing(
        **common,
        stage=str(facts.held.stage[row]),
        stage_since=_moment(facts.held.since, row),
        stage_days=_number(steps.stage_days, row),
        stage_owner=str(facts.held.owner[row]),
        phase=Phase(steps.phase[row]),
        handed_over_at=_moment(facts.held.handed_over, row),
        outcome=str(steps.outcome[row]),
        closed_at=None if closed is None or closed.at is None else closed.at.to_pydatetime(),
        lead_list=LeadList(steps.lead_list[row]),
        silent_days=_number(steps.silent_days, row),
        score_at_close=None if closed is None else int(scored.columns["score"][row]),
        missing_seat=str(facts.missing_seat[row]),
        back_at=_moment(steps.back_at, row),
    )
    question = str(scored.columns["question"][row])
    return standing.because(explain_step(standing, question, scored.language))


def _moment(values: Ints, row: int) -> datetime | None:
    value = int(values[row])
    return None if value == NEVER else np.datetime64(value, "us").astype(datetime)


def _number(values: Floats, row: int) -> float | None:
    return None if np.isnan(values[row]) else round(float(values[row]), 2)
