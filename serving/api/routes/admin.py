"""For administrators: which model scores, who receives events, and what was done."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import String, and_, cast, or_, select

from serving.auth.dependencies import Admin, AppStateDep
from serving.leads.posted_rows import Table, export_posted_rows
from serving.problems import InvalidError
from serving.results.promotion import ask_gate, find_churn, promote, roll_back
from serving.schemas import HASH, Body, Short, WebhookIn
from serving.store.audit_trail import entry_record, read_entries, to_line
from serving.store.tables import AuditRow
from serving.store.trail_check import verify_trail
from serving.store.trail_links import SHOWED
from serving.webhooks import outbox

_LARGEST = 2**31 - 1  # of a row number, on every engine
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
router = APIRouter(prefix="/v1", tags=["admin"])


class PromoteIn(Body):
    """The kept bundle to promote."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"hash": "b055add9dbdc"}]})
    hash: str = Field(pattern=HASH, description="hash, or its beginning")
    force: bool = Field(default=False, description="promote even if the gate refuses; needs a reason")
    reason: str = Field(default="", max_length=500, description="why the gate is overruled; goes into the audit trail")

    @model_validator(mode="after")
    def _check_reason(self) -> Self:
        if self.force != bool(self.reason.strip()):
            raise ValueError("force and reason go together: overruling the gate needs a reason")
        return self


@router.post("/champion", summary="Make a kept bundle the champion")
def post_champion(body: PromoteIn, app_state: AppStateDep, caller: Admin) -> dict[str, Any]:
    """Promotes if the gate passes, or with ``force`` and a reason; a 409 says why the gate refused.

    Requests in progress finish with the model they started with; later ones use the new one.
    """
    return promote(app_state, caller.name, body.hash, body.force, body.reason.strip())


@router.get("/champion/gate", summary="What the promotion gate says about a kept bundle")
def get_gate(
    app_state: AppStateDep,
    caller: Admin,
    hash: Annotated[
        str | None,
        Query(pattern=HASH, description="hash, or its beginning; default: the bundle trained last"),
    ] = None,
) -> dict[str, Any]:
    """Compares it with the champion on rows later than the training of both; changes nothing."""
    return ask_gate(app_state, hash).record()


@router.get("/champion/churn", summary="Who moves with a promotion")
def get_churn(
    app_state: AppStateDep,
    caller: Admin,
    hash: Annotated[
        str | None,
        Query(pattern=HASH, description="hash, or its beginning, of a kept bundle; default: the last promotion"),
    ] = None,
) -> dict[str, Any]:
    """Who would cross a threshold, enter or leave the top of their owner's list, and why; without ``hash`` who did
    when the champion changed last. Changes nothing.
    """
    return find_churn(app_state, hash, caller.owner)


@router.post("/champion/rollback", summary="Roll back to the previous champion")
def post_rollback(
    app_state: AppStateDep,
    caller: Admin,
    leaving: Annotated[
        str | None,
        Query(pattern=HASH, description="hash, or its beginning, of the champion to replace"),
    ] = None,
) -> dict[str, Any]:
    """One step back; with ``leaving``, a repeated request is refused instead of switching forward again."""
    return roll_back(app_state, caller.name, leaving)


@router.post("/webhooks", status_code=201, summary="Register a webhook")
def post_webhook(body: WebhookIn, app_state: AppStateDep, caller: Admin) -> dict[str, Any]:
    """Messages are signed with the secret in the answer, which is shown this once."""
    events = [str(event) for event in body.events]
    if app_state.people.register.hide_in_text(body.url, numbers=False) != body.url:
        raise InvalidError("this address names somebody who is forgotten; choose one that names nobody.")
    return outbox.add_webhook(app_state.store, caller.name, body.url, events, app_state.settings.networks)


@router.get("/webhooks", summary="List the webhooks")
def get_webhooks(app_state: AppStateDep, caller: Admin) -> list[dict[str, Any]]:
    """Without their secrets; with messages waiting, dead letters and the last error of each."""
    return outbox.list_webhooks(app_state.store)


@router.delete("/webhooks/{number}", status_code=204, summary="Remove a webhook")
def delete_webhook(number: Number, app_state: AppStateDep, caller: Admin) -> None:
    """Messages still waiting for it are dropped."""
    outbox.remove_webhook(app_state.store, caller.name, number)


@router.get("/webhooks/{number}/dead-letters", summary="Messages that were given up")
def get_dead_letters(number: Number, app_state: AppStateDep, caller: Admin) -> list[dict[str, Any]]:
    """Oldest first, at most 200: each with its event, its content and why it did not arrive."""
    return outbox.list_dead_letters(app_state.store, number)


@router.post("/webhooks/{number}/replay", summary="Send the messages that were given up again")
def post_replay(number: Number, app_state: AppStateDep, caller: Admin) -> dict[str, int]:
    """All dead letters of the webhook are queued anew."""
    return {"messages": outbox.replay_dead_letters(app_state.store, caller.name, number)}


@router.get("/posted/{table}", summary="Rows posted to the server, as Parquet", response_class=Response)
def get_posted(
    table: Table,
    app_state: AppStateDep,
    caller: Admin,
    after: Annotated[
        int, Query(ge=0, le=_LARGEST, description="id to continue from: the X-Last-Id header of the previous answer")
    ] = 0,
) -> Response:
    """Answers, activities, feedback or notes with the names of the canonical tables, at most 100,000 rows; import them
    into the CRM, so that the next training knows them. The header ``X-More`` says whether there are more.
    """
    posted = export_posted_rows(app_state.store, table, after)
    headers = {
        "x-rows": str(posted.rows),
        "x-last-id": str(posted.last_id),
        "x-more": str(posted.more).lower(),
        "content-disposition": f'attachment; filename="{table}.parquet"',
    }
    return Response(posted.content, media_type="application/vnd.apache.parquet", headers=headers)


@router.get("/audit", summary="Who saw and changed what, newest first")
def get_audit(
    app_state: AppStateDep,
    caller: Admin,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
    subject: Annotated[Short | None, Query(description="only what concerns this lead, bundle or webhook")] = None,
) -> list[dict[str, Any]]:
    """``before`` is the id to continue from."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if subject is not None:
        named = cast(AuditRow.detail, String).contains(json.dumps(subject), autoescape=True)
        query = query.where(or_(AuditRow.subject == subject, and_(AuditRow.action == SHOWED, named)))
    if before is not None:
        query = query.where(AuditRow.id < before)
    with app_state.store.reading() as session:
        return [entry_record(row) for row in session.scalars(query)]


@router.get("/audit/export", summary="The audit trail as a file", response_class=Response)
def get_audit_export(
    app_state: AppStateDep,
    caller: Admin,
    after: Annotated[int, Query(ge=0, le=_LARGEST, description="id to continue from")] = 0,
) -> StreamingResponse:
    """All entries, oldest first, one JSON object per line; the hash of each covers the one before it."""

    def lines() -> Iterator[str]:
        with app_state.store.reading() as session:
            for entry in read_entries(session, after):
                yield to_line(entry)

    headers = {"content-disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=headers)


@router.get("/audit/check", summary="Whether the audit trail was tampered with")
def get_audit_check(
    app_state: AppStateDep,
    caller: Admin,
    expect: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{1,10}:([0-9]{8}-)?[0-9a-f]{12,64}$", description="<last_id>:<head> as noted earlier"),
    ] = None,
) -> dict[str, Any]:
    """Follows the chain of hashes; ``head`` noted elsewhere shows later whether newer entries were cut off, and whether
    any were removed before ``AUDIT_DAYS`` had passed.
    """
    return verify_trail(app_state.store, expect, app_state.settings.audit_days).record()
