"""Known leads by id: card, history, questions; and lookup by e-mail address or domain."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from serving.api.etag import respond_with_etag
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.answer_history import list_answers
from serving.leads.card import build_card, list_questions, read_history
from serving.leads.contact_log.lead_notes import list_notes
from serving.leads.lookup import find_by_address
from serving.leads.score_change import explain_score_change
from serving.schemas import CardOut, Short, Timestamp

router = APIRouter(prefix="/v1", tags=["leads"])
Framework = Annotated[Short | None, Query(description="qualification framework; default: the source's")]
AsOf = Annotated[Timestamp | None, Query(description="when to score; default: as for the worklist")]


@router.get("/leads/{lead_id}", response_model=CardOut, summary="Score and explain a lead of the source")
def get_lead(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    framework: Framework = None,
    as_of: AsOf = None,
    language: Annotated[Short | None, Query(description="language of the sentences: en, ko or pl")] = None,
) -> Response:
    """The card as the batch would compute it at the same as_of; carries an ETag."""
    request.app.state.metrics.leads.labels("id").inc()
    return respond_with_etag(request, build_card(app_state, lead_id, caller.owner, framework, as_of, language))


@router.get("/leads/{lead_id}/history", summary="Scores of the last twelve weeks and what was served")
def get_history(lead_id: str, request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Weekly scores by the model in use, each from what was known then, and the scores stored when rows arrived."""
    return respond_with_etag(request, read_history(app_state, lead_id, caller.owner))


@router.get("/leads/{lead_id}/change", summary="What moved the score: new data, time alone, another model")
def get_change(
    lead_id: str,
    app_state: AppStateDep,
    caller: Reader,
    since: Annotated[Timestamp | None, Query(description="start of the comparison; default: a week ago")] = None,
    framework: Framework = None,
) -> dict[str, Any]:
    """The points per part sum to the change; the rows that became known in between are listed."""
    return explain_score_change(app_state, lead_id, caller.owner, since, framework)


@router.get("/leads/{lead_id}/answers", summary="All answers on record, each with its author, newest first")
def get_answers(lead_id: str, app_state: AppStateDep, caller: Reader) -> list[dict[str, Any]]:
    """``in_force`` marks the last answer to each question, ``corrects`` and ``corrected_by`` what replaced what."""
    return list_answers(app_state, lead_id, caller.owner)


@router.get("/leads/{lead_id}/notes", summary="What people wrote down about a lead, newest first")
def get_notes(lead_id: str, app_state: AppStateDep, caller: Reader) -> list[dict[str, Any]]:
    """Each with its author and the id of the posted activity it is about, null where it is about none."""
    return list_notes(app_state, lead_id, caller.owner)


@router.get("/leads/{lead_id}/questions", summary="What to ask next, and which answers are possible")
def get_questions(
    lead_id: str, app_state: AppStateDep, caller: Reader, framework: Framework = None
) -> list[dict[str, Any]]:
    """Questions on criteria that are unknown or only indicated, the score's own next question first."""
    return list_questions(app_state, lead_id, caller.owner, framework)


@router.get("/lookup", summary="Who is behind an e-mail address or a domain, and what they did before")
def get_lookup(
    app_state: AppStateDep,
    caller: Reader,
    email: Annotated[Short | None, Query()] = None,
    domain: Annotated[Short | None, Query()] = None,
) -> dict[str, Any]:
    """Leads of the address and of its company, with their scores and how much they engaged: at most 50 of each, and how
    many there are in all (``person_total``, ``company_total``).
    """
    return find_by_address(app_state, caller.owner, email, domain)
