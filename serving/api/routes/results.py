"""Thresholds, lifecycle and the model card."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from pipelines.workspace.adopted_thresholds import list_thresholds
from serving.api.etag import respond_with_etag
from serving.auth.dependencies import Admin, AppStateDep, Reader
from serving.results import run_results
from serving.results.drift import compute_drift
from serving.results.goals_and_programmes import read_programmes
from serving.results.set_threshold import set_threshold
from serving.schemas import Body

router = APIRouter(prefix="/v1", tags=["judging"])


@router.get("/thresholds", summary="Rubric and model on the same leads, as in the report")
def get_thresholds(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Policies, curves over workload, the guaranteed threshold and the sentences of the report."""
    return respond_with_etag(request, run_results.read_thresholds(app_state))


@router.get("/thresholds/simulate", summary="The comparison at another capacity")
def get_simulation(
    app_state: AppStateDep,
    caller: Reader,
    handoffs_per_week: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    share: Annotated[float | None, Query(gt=0, lt=1, description="flat sources: share of leads handed off")] = None,
    cost_per_handoff: Annotated[float | None, Query(ge=0, le=1e9, description="cost of working one lead")] = None,
    value_per_win: Annotated[float | None, Query(ge=0, le=1e12, description="where no amount is on record")] = None,
) -> dict[str, Any]:
    """A replay over the test weeks; wins are wins inside a list, never added wins."""
    return run_results.simulate(
        app_state, handoffs_per_week, share, cost_per_handoff=cost_per_handoff, value_per_win=value_per_win
    )


class ThresholdIn(Body):
    """A score to hand off from; its author is the caller."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"score": 47, "reason": "sales has a new rep"}]}
    )
    score: int | None = Field(ge=0, le=100, description="whole score; null goes back to the declared one")
    reason: str = Field(min_length=1, max_length=500, description="why; kept with the score")
    replaces: int | None = Field(
        default=None, ge=0, le=100, description="the score in force that was seen; 409 if it is another by now"
    )


@router.get("/threshold", summary="The score from which leads are handed off, and every decision about it")
def get_threshold(app_state: AppStateDep, caller: Reader) -> dict[str, Any]:
    """What the policy in force hands off from, what it declares, and who set which score, the newest first."""
    return list_thresholds(app_state.context.thresholds)


@router.post("/threshold", status_code=201, summary="Hand off from another score on")
def post_threshold(body: ThresholdIn, app_state: AppStateDep, caller: Admin) -> dict[str, Any]:
    """States of all open leads follow, while ``in_use`` is false a moment later; the score of no lead changes."""
    return set_threshold(app_state, body.score, caller, body.reason, body.replaces)


@router.get("/lifecycle", summary="Funnel, service levels, volumes, recycles")
def get_lifecycle(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """As known at the data cut-off."""
    return respond_with_etag(request, run_results.read_lifecycle(app_state))


@router.get("/programmes", summary="Nurture programmes: who is in them, since when, against comparable others")
def get_programmes(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Association only; a caller who sees only their own leads is named only these."""
    return respond_with_etag(
        request, read_programmes(app_state, caller.owner, run_results.compute_lifecycle(app_state)[0])
    )


@router.get("/model", summary="The model in use and how it was judged")
def get_model(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Bundle, candidates, test figures, audit, features and versions."""
    return respond_with_etag(request, run_results.describe_model(app_state))


@router.get("/model/drift", summary="What is scored now against what the model was trained on")
def get_drift(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Stability index of every feature and of the scores, unseen and missing values, ages, base rate, calibration."""
    return respond_with_etag(request, compute_drift(app_state))
