"""What the past says of a draft, worked out beside the requests: rules, rubric in use, draft and model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.errors import LeadScoreError
from features.rubric.schema import Rubric
from features.rubric.versions import rubric_hash
from serving.auth.api_keys import Caller
from serving.results import rubric_drafts
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult

Row = Mapping[str, Any]
_DRAWS = 300


@dataclass(frozen=True)
class DraftStudy:
    """Result of :func:`study_draft`; parts that these data cannot give are None, and ``problem`` says why."""

    worth: Sequence[Row]
    beside: Row | None
    pair: Row | None
    problem: str = ""


def study_draft(app_state: AppState, rubric: Rubric, caller: Caller, *, begin: bool = True) -> BesideResult[DraftStudy]:
    """A draft on past leads: underway until it is worked out; an owner sees the names of their own leads only.

    With ``begin`` off nothing is begun: the page is written first, as the study takes the processor.
    """
    name = f"study of {caller.identity}"
    stamp = (rubric_hash(rubric), app_state.loaded.data.stamp, app_state.loaded.model.bundle.hash, caller.owner)
    if not begin and not app_state.results.is_begun(name, stamp):
        return BesideResult()
    return app_state.results.begin(name, stamp, lambda: _study(app_state, rubric, caller))


def study_active(app_state: AppState, rubric: Rubric) -> BesideResult[Sequence[Row]]:
    """What each rule of the rubric in use is worth, where the last run judged another one."""
    from pipelines.rubrics.draft_study import judge_rules

    stamp = (rubric_hash(rubric), app_state.loaded.data.stamp)
    return app_state.results.begin("rules in use", stamp, lambda: judge_rules(app_state.context, rubric))


def _study(app_state: AppState, rubric: Rubric, caller: Caller) -> DraftStudy:
    from models.judging.cluster_bootstrap import Resampling
    from pipelines.rubrics.draft_study import compare_with_model, judge_rules

    context, problem = app_state.context, ""
    worth: Sequence[Row] = ()
    beside: Row | None = None
    pair: Row | None = None
    try:
        worth = judge_rules(context, rubric)
        beside = compare_with_model(context, rubric, Resampling(_DRAWS))
        if context.rubric is not None:
            pair = rubric_drafts.compare_draft(app_state, rubric, caller)
    except LeadScoreError as trouble:
        problem = trouble.message
    return DraftStudy(worth, beside, pair, problem)
