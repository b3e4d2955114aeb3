"""Which requests show or score something, as entries of the audit trail: any answer to somebody who is known."""

from typing import Any

from starlette.requests import Request

from serving.auth.api_keys import Caller
from serving.store.audit_trail import AuditEntry
from serving.store.wall_clock import wall_now

_SCORED = ("/v1/score", "/v1/score/batch")
_UNWRITTEN = ("search", "q", "email", "domain")  # parameters whose text names people
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
    asked = {name: "..." if name in _UNWRITTEN else value[:_LONGEST] for name, value in request.query_params.items()}
    detail: dict[str, Any] = {"route": route, "by": caller.identity} | ({"asked": asked} if asked else {})
    detail |= {"leads": leads} if leads else {}
    return AuditEntry(
        actor=caller.name, action="scored" if scored else "saw", subject=subject, detail=detail, at=wall_now()
    )
