"""Errors of the API as RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from features.errors import (
    BundleError,
    ContractError,
    DataError,
    FetchError,
    LeadScoreError,
    OvertakenError,
    PolicyError,
    PromotionError,
    RegistryError,
    SourceError,
)
from pipelines.workspace.lock import BusyError
from pipelines.workspace.storage_errors import StorageError, storage_error_of
from serving.logs import logger, traceback_places
from serving.problems import InvalidError, ServingError

MEDIA_TYPE = "application/problem+json"
_LISTED, _SUMMARISED = 20, 3  # broken fields in the list and in the sentence: a batch may break thousands

_ZERO_BYTE = "NUL (0x00)"  # as PostgreSQL's driver names it; SQLite keeps such texts

_STATUS: Mapping[type[LeadScoreError], int] = {
    ContractError: 422,
    OvertakenError: 409,
    PolicyError: 422,
    DataError: 422,
    SourceError: 503,
    BundleError: 503,
    RegistryError: 503,
    FetchError: 502,
    PromotionError: 409,
    BusyError: 409,
    StorageError: 507,
}


def status_of(error: LeadScoreError) -> int:
    """HTTP status of an error."""
    if isinstance(error, ServingError):
        return error.status
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def problem(
    status: int, code: str, detail: str, request_id: str = "", errors: Sequence[Mapping[str, Any]] = ()
) -> JSONResponse:
    """A problem document; ``instance`` is the request's id, to be quoted when asking for help."""
    body: dict[str, Any] = {
        "type": f"urn:leadscore:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": f"urn:request:{request_id}",
    }
    if errors:
        body["errors"] = list(errors)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "1"} if status in (429, 503) else {}
    return JSONResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id under which a request is logged."""
    return str(getattr(request.state, "request_id", ""))


def respond_to_known_error(request: Request, error: Exception) -> JSONResponse:
    """The answer to one of our own errors."""
    known = error if isinstance(error, LeadScoreError) else LeadScoreError(str(error))
    return problem(status_of(known), known.code, known.message, request_id_of(request))


def respond_to_http_error(request: Request, error: Exception) -> JSONResponse:
    """The answer to errors of the framework: unknown routes, wrong methods, unreadable bodies."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = "LS102" if status == 404 else ServingError.code
    detail = {
        404: "Nothing was found at this address; /docs lists the API, / is the worklist.",
        405: "This address does not support this method; /docs lists the API.",
        400: "The body cannot be read; send JSON as described in /docs.",
    }.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase)
    answer = problem(status, code, detail, request_id_of(request))
    for name, value in (getattr(error, "headers", None) or {}).items():
        answer.headers[name] = value
    return answer


def respond_to_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """The answer to bodies and parameters that break the schema; it does not repeat values, which may be personal."""
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    listed = [
        {"where": ".".join(_printable(part) for part in e["loc"]), "message": _message(e)} for e in errors[:_LISTED]
    ]
    summary = "; ".join(f"{e['where']}: {e['message']}" for e in listed[:_SUMMARISED])
    detail = f"The request does not fit the schema: {summary}. /docs describes it."
    return problem(422, InvalidError.code, detail, request_id_of(request), listed)


def _printable(part: object) -> str:
    text = str(part)
    return text if len(text) <= 60 and text.isprintable() else "..."


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return "not valid JSON"
    return str(error["msg"])[:200]


def respond_to_crash(request: Request, error: Exception) -> JSONResponse:
    """The answer to a bug: it shows only the request id, under which the log has kind and place.

    A full or closed disk, a store that stays locked and a text that it cannot hold are no bugs: they are told, and
    nothing was stored.
    """
    storage, locked = storage_error_of(error), "database is locked" in str(getattr(error, "orig", ""))
    if storage is not None or locked:
        logger().error("not written", request_id=request_id_of(request), kind=type(error).__name__)
        cause = "its store is locked by another process" if locked else "its disk is full or closed"
        status = HTTPStatus.SERVICE_UNAVAILABLE if locked else HTTPStatus.INSUFFICIENT_STORAGE
        detail = f"The server cannot write: {cause}. Nothing was stored; try again later. /healthz says more."
        return problem(status, StorageError.code, detail, request_id_of(request))
    if _ZERO_BYTE in str(getattr(error, "orig", "")):
        detail = "A text holds a zero byte, which the store cannot keep. Nothing was stored; send it without."
        return problem(InvalidError.status, InvalidError.code, detail, request_id_of(request))
    kind, places = type(error).__name__, traceback_places(error)
    logger().error("failed", request_id=request_id_of(request), kind=kind, places=places)
    detail = "The server failed; the log has the cause under the request id of 'instance'."
    return problem(500, LeadScoreError.code, detail, request_id_of(request))
