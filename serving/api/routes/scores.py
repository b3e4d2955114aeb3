"""Scores from raw rows: one lead with its card, or many with a row each."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from features.assembly.frameless_rows import row_of
from features.cohort.objections import OBJECTS as OBJECTS_TO_PROFILING
from models.scored_leads import Scored
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.people.register import FORGOTTEN, OBJECTS, WHY_FORGOTTEN
from serving.api.json_response import JsonRoute, OrjsonResponse
from serving.auth.dependencies import AppStateDep, Scorer
from serving.http.shown_leads import note_untold
from serving.problems import InvalidError, UnknownLeadError
from serving.request_language import find_language
from serving.request_records import count_not_yet_known, read_many_records, read_records
from serving.schemas import CardOut, LeadRows, ManyOut, ManyRows
from serving.state.app_state import AppState
from serving.store.wall_clock import wall_now

router = APIRouter(prefix="/v1", tags=["score"], route_class=JsonRoute)


_INLINE_ROWS = 500  # up to here a lead is scored on the event loop: handing it to a thread would cost more


@router.post("/score", response_model=CardOut, summary="Score and explain one lead from its raw rows")
async def score_one(body: LeadRows, request: Request, app_state: AppStateDep, caller: Scorer) -> Response:
    """Rows known before ``as_of`` count, later ones are reported as ``not_yet_known``; an unknown category scores as
    rare, a missing block as nothing on record.
    """
    if len(body.activities) + len(body.answers) + len(body.outcomes) + len(body.colleagues) > _INLINE_ROWS:
        return OrjsonResponse(await run_in_threadpool(_score, body, request, app_state))
    return OrjsonResponse(_score(body, request, app_state))


def _score(body: LeadRows, request: Request, app_state: AppState) -> dict[str, Any]:
    state, framework = app_state.loaded, app_state.framework(body.framework)
    lead_id = str(body.lead.get("lead_id") or f"request-{secrets.token_hex(4)}")
    app_state.people.refuse_forgotten(lead_id)
    asks = _find_asks([body.lead], app_state)[0]
    if FORGOTTEN in asks:
        raise UnknownLeadError(f"{WHY_FORGOTTEN}.")
    told = [
        row for row, asked in zip(body.colleagues, _find_asks(body.colleagues, app_state), strict=True) if not asked
    ]
    out = len(body.colleagues) - len(told)
    records, ignored = read_records(body.model_copy(update={"colleagues": told}), state.model.source, lead_id)
    if OBJECTS in asks:
        records["leads"][0][OBJECTS_TO_PROFILING] = True  # as ingest marks who told leadscore
    as_of = body.as_of or wall_now()
    created = records["leads"][0].get("created_at")
    if created is not None and created >= as_of:
        raise InvalidError(
            f"leads.created_at is not before as_of {as_of:%Y-%m-%dT%H:%M}; nothing was known at that time."
        )
    scored = state.model.score_one(records, lead_id, as_of, framework, find_language(body.language))
    request.app.state.metrics.leads.labels("raw").inc()
    unseen = [one.describe() for one in state.model.trained_values.unseen_in(row_of(scored.rows, 0))]
    return {
        **scored.card(0),
        "ignored": [*ignored, *([f"colleagues: {out} forgotten or objecting to being profiled"] if out else [])],
        "not_yet_known": count_not_yet_known(records, as_of),
        "unseen": unseen,
    }


@router.post("/score/batch", response_model=ManyOut, summary="Score and explain many leads from their raw rows")
def score_many(body: ManyRows, request: Request, app_state: AppStateDep, caller: Scorer) -> Response:
    """One row per lead sent, in the order sent, with the columns of a scored file."""
    state, framework = app_state.loaded, app_state.framework(body.framework)
    read = read_many_records(body, state.model.source)
    records = read.records
    as_of = body.as_of or wall_now()

    asks = _find_asks(body.leads, app_state)
    for row, asked in zip(body.leads, asks, strict=True):
        if FORGOTTEN in asked:
            note_untold(row.get("lead_id"))
    errors = _find_errors(records["leads"], read.errors, as_of, asks)
    good = [k for k, text in enumerate(errors) if not text]
    rows: list[dict[str, Any]] = [{"lead_id": body.leads[k].get("lead_id"), "error": e} for k, e in enumerate(errors)]
    told: list[str] = []
    if good:
        records["leads"] = [records["leads"][k] for k in good]
        ids = [str(row["lead_id"]) for row in records["leads"]]
        scored = state.model.score_records(records, ids, as_of, framework)
        odd = state.model.trained_values.unseen_per_row(scored.rows)
        told = state.model.trained_values.describe(odd, scored.rows)
        for k, line, values in zip(good, build_lines(scored), odd, strict=True):
            rows[k] = line | ({"unseen": [one.describe() for one in values]} if values else {})

    request.app.state.metrics.leads.labels("batch").inc(len(good))
    return OrjsonResponse(
        {
            "as_of": as_of.isoformat(),
            "bundle_hash": state.model.bundle.hash,
            "rows": rows,
            "ignored": read.ignored,
            "unseen": told,
        }
    )


def _find_asks(leads: Sequence[Mapping[str, Any]], app_state: AppState) -> list[frozenset[str]]:
    """What is asked of whoever each row is about, in columns that nobody declared, too."""
    register = app_state.people.register
    if not register.entries:
        return [frozenset()] * len(leads)
    columns = naming_columns(app_state.loaded.model.source, ["leads"])
    return [register.asks_of_record(row, columns) for row in leads]


def _find_errors(leads: list[dict[str, Any]], unread: list[str], as_of: Any, asks: list[frozenset[str]]) -> list[str]:
    """Why a lead cannot be scored, empty where it can be; ``unread`` says of which the rows cannot be read."""
    errors, seen = [], set()
    for row, fault, asked in zip(leads, unread, asks, strict=True):
        lead_id = row.get("lead_id")
        created = row.get("created_at")
        if lead_id is None or str(lead_id) == "":
            errors.append(fault or "lead_id is missing")
        elif asked:
            errors.append("this person is forgotten or objects to being profiled, and is not scored")
        elif str(lead_id) in seen:
            errors.append("this lead_id appears in an earlier row; it is scored there")
        elif fault:
            errors.append(fault)
        elif created is not None and created >= as_of:
            errors.append("created_at is not before as_of")
        else:
            seen.add(str(lead_id))
            errors.append("")
    return errors


def build_lines(scored: Scored) -> list[dict[str, Any]]:
    """All rows of the scored file, JSON-ready."""
    columns = {name: values.tolist() for name, values in scored.public_columns.items()}
    written = {moment: None if moment is None else moment.isoformat() for moment in set(columns["as_of"])}
    columns["as_of"] = [written[moment] for moment in columns["as_of"]]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
