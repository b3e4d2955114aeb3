"""Which requests show or score something, as entries of the audit trail: any answer to somebody who is known."""

from collections.abc import Iterator
from datetime import date
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi.dependencies.models import Dependant
from starlette.requests import Request

from features.schema.vocabulary import Stage, Topic
from serving.auth.api_keys import Caller
from serving.store.audit_trail import AuditEntry
from serving.store.wall_clock import wall_now

_SCORED = ("/v1/score", "/v1/score/batch")
# In a text anybody may name anybody: an owner by address, whom one looks for. So values are written of parameters that
# the route declares with a closed set, that it compares with what there is, or that are one of these words.
_COMPARED = frozenset(("framework", "language", "lead_id", "grade"))
_OF_WORDS = frozenset(("state", "stage", "unknown"))
_WORDS = frozenset(map(str, (*Stage, *Topic)))
_UNWRITTEN = "..."
_LONGEST = 100  # characters of a parameter


def view_of(request: Request, status: int) -> AuditEntry | None:
    """What the request showed, None where it showed nothing to anybody known; writes have entries of their own."""
    caller: Caller | None = getattr(request.state, "known_caller", None)
    route = str(getattr(request.scope.get("route"), "path", ""))
    scored = request.method == "POST" and route in _SCORED
    leads: list[str] = getattr(request.state, "leads_shown", [])  # of a form that is answered with a file
    if caller is None or not route or status >= 400 or not (scored or leads or request.method == "GET"):
        return None

    subject = " ".join(str(value) for value in request.path_params.values())
    asked = _asked_of(request) if request.query_params else {}
    detail: dict[str, Any] = {"route": route, "by": caller.identity} | ({"asked": asked} if asked else {})
    detail |= {"leads": leads} if leads else {}
    return AuditEntry(
        actor=caller.name, action="scored" if scored else "saw", subject=subject, detail=detail, at=wall_now()
    )


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
