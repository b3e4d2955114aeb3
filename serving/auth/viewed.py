"""Which requests show or score something, as entries of the audit trail: any answer to somebody who is known."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi.dependencies.models import Dependant
from starlette.requests import Request

from features.schema.vocabulary import Stage, Topic
from serving.auth.api_keys import Caller, digest
from serving.store.audit_trail import AuditEntry
from serving.store.trail_links import SHOWED
from serving.store.wall_clock import wall_now

_SCORED = ("/v1/score", "/v1/score/batch", "/v1/uploads")
_SHOWING = ("/v1/rubric/compare", "/v1/exports/{name}", "/worklist/chosen")  # that are sent and change no lead
_MOST_NAMED = 5_000  # leads of an answer that are named, in 50 kB; of more, how many, and a hash of their ids
_AT_ONCE = 100  # of these in an entry
# In a text anybody may name anybody: an owner by address, whom one looks for. So values are written of parameters that
# the route declares with a closed set, that it compares with what there is, or that are one of these words.
_COMPARED = frozenset(("framework", "language", "lead_id", "grade"))
_OF_WORDS = frozenset(("state", "stage", "unknown"))
_WORDS = frozenset(map(str, (*Stage, *Topic)))
_UNWRITTEN = "..."
_LONGEST = 100  # characters of a parameter


def views_of(request: Request, status: int, leads: Sequence[str]) -> list[AuditEntry]:
    """What the request showed, nothing where it showed nothing to anybody known; writes have entries of their own.

    Leads that an answer shows beside the one of its address stand in entries of their own, so that no more than a part
    of these is blanked when one of them is forgotten.
    """
    caller: Caller | None = getattr(request.state, "known_caller", None)
    route = str(getattr(request.scope.get("route"), "path", ""))
    scored = request.method == "POST" and route in _SCORED
    shown = scored or request.method == "GET" or (bool(leads) and route in _SHOWING)
    if caller is None or not route or status >= 400 or not shown:
        return []

    about = [*request.path_params.values(), *getattr(request.state, "view_subjects", ())]
    asked = _asked_of(request) if request.query_params else {}
    what: dict[str, Any] = {"route": route, "by": caller.identity}
    known: dict[str, Any] = {"actor": caller.name, "at": wall_now()}
    action, subject = "scored" if scored else "saw", " ".join(map(str, about))
    seen = AuditEntry(**known, action=action, subject=subject, detail=what | ({"asked": asked} if asked else {}))
    named = [lead for lead in leads if lead not in about]
    starts = range(0, len(named), _AT_ONCE)
    parts: list[dict[str, Any]] = [{"leads": named[start : start + _AT_ONCE]} for start in starts]
    if len(named) > _MOST_NAMED:
        parts = [{"count": len(named), "sha256": digest("\n".join(sorted(named)))}]
    return [seen, *(AuditEntry(**known, action=SHOWED, subject="", detail=what | part) for part in parts)]


def _asked_of(request: Request) -> dict[str, str]:
    """The request's parameters as the trail holds them; all that the route does not declare are one."""
    declared = dict(_declared_by(getattr(request.scope["route"], "dependant", None)))
    asked = {}
    for name, value in request.query_params.multi_items():
        if name not in declared:
            asked[_UNWRITTEN] = _UNWRITTEN
            continue
        told = name in _COMPARED or (value in _WORDS if name in _OF_WORDS else _is_closed(declared[name]))
        asked[name] = value[:_LONGEST] if told and "@" not in value else _UNWRITTEN
    return asked


def _declared_by(dependant: Dependant | None) -> Iterator[tuple[str, Any]]:
    """Names and types of a route's parameters, with those of what it depends on."""
    if dependant is None:
        return
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for other in dependant.dependencies:
        yield from _declared_by(other)


def _is_closed(kind: Any) -> bool:
    """Whether values of a type are a closed set, numbers or moments."""
    if isinstance(kind, type):
        return issubclass(kind, int | float | date | Enum | NoneType)
    if get_origin(kind) is Literal:
        return True
    parts = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind)
    return bool(parts) and all(map(_is_closed, parts))
