"""The manual rubric: its versions, drafts against it, adoption, decay."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from serving.auth.dependencies import Admin, AppStateDep, Reader
from serving.results import rubric_drafts
from serving.schemas import Body

router = APIRouter(prefix="/v1/rubric", tags=["judging"])
_EXAMPLE = "name: team\nversion: '2'\ngroups: {fit: {dimension: fit}}\nrules: [...]\nhandoff: {stage: mql}\n"


class DraftIn(Body):
    """A draft as YAML, and from when on weeks are judged."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rubric": _EXAMPLE}]})
    rubric: str = Field(max_length=rubric_drafts.LONGEST, description="the whole rubric as YAML")
    since: str | None = Field(default=None, max_length=40, description="ISO moment; only looks from then on count")


class AdoptIn(Body):
    """A draft to put into force; its author is the caller."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"rubric": _EXAMPLE, "reason": "downloads mislead"}]}
    )
    rubric: str = Field(max_length=rubric_drafts.LONGEST, description="the whole rubric as YAML")
    reason: str = Field(min_length=1, max_length=500, description="why; kept with the version")
    since: str | None = Field(default=None, max_length=40, description="ISO moment it begins; default: data cut-off")
    replaces: str | None = Field(
        default=None,
        max_length=200,
        description="name and version of the rubric in force that was seen ('' for none); 409 if it is another",
    )


@router.get("", summary="The rubric in force, and every version before it")
def get_rubric(app_state: AppStateDep, caller: Reader) -> dict[str, Any]:
    """As YAML; each version with since when, who adopted it and why, the newest first."""
    return rubric_drafts.list_versions(app_state)


@router.post("/compare", summary="A draft against the rubric in force on the same leads")
def post_comparison(body: DraftIn, app_state: AppStateDep, caller: Reader) -> dict[str, Any]:
    """Handoffs, wins inside, who enters and who leaves, per change, with paired 90% intervals; saves nothing."""
    draft = rubric_drafts.parse_draft(app_state, body.rubric, caller)
    return rubric_drafts.compare_draft(app_state, draft, caller, body.since)


@router.post("", status_code=201, summary="Adopt a draft")
def post_rubric(body: AdoptIn, app_state: AppStateDep, caller: Admin) -> dict[str, Any]:
    """The draft is the rubric in force from then on; earlier weeks stay judged by the version of their time."""
    draft = rubric_drafts.parse_draft(app_state, body.rubric, caller)
    return rubric_drafts.adopt_draft(app_state, draft, caller, body.reason, body.since, replaces=body.replaces)


@router.get("/decay", summary="What leads will have if they stay silent")
def get_decay(
    app_state: AppStateDep,
    caller: Reader,
    lead_id: Annotated[str | None, Query(max_length=200, description="one lead, rule by rule")] = None,
    days: Annotated[list[int] | None, Query(max_length=12, description="days of silence; default 30, 60, 90")] = None,
) -> dict[str, Any]:
    """Points of the rubric now and after so many days without anything new; who falls below the threshold, and when."""
    return rubric_drafts.simulate_decay(app_state, lead_id, days or (30, 60, 90), caller.owner)
