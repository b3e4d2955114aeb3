"""Errors that read as pages in a browser, and as problem details for programs."""

import json
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from features.errors import LeadScoreError
from serving.api import problem_details
from serving.pages.late_pages import LatePages
from serving.problems import ConfirmError, NotReadyError, SignInError

_PLAIN = {
    401: "Sign in",
    403: "This is not allowed with your rights.",
    404: "Nothing is here under this address, or it is not yours to see.",
    409: "This does not go with what is on record now. Go back and look again.",
    422: "This could not be done as asked. Check what was entered, go back and try again.",
    429: "Too many requests at once. Wait a moment and try again.",
    500: "The server failed. Tell whoever runs it the number below.",
    502: "Another server that this one needs did not answer. Wait a moment and try again.",
    503: "The server is not ready yet. Wait a moment and try again.",
    507: "The server could not store this. Tell whoever runs it what stands below.",
}
_OURS = 500  # from here on nothing that was entered is to blame
Handler = Callable[[Request, Exception], JSONResponse]


def answer_with_pages(app: FastAPI, pages: LatePages) -> None:
    """Answer a failed request of a browser with a page."""
    handlers: tuple[tuple[type[Exception], Handler], ...] = (
        (LeadScoreError, problem_details.respond_to_known_error),
        (HTTPException, problem_details.respond_to_http_error),
        (RequestValidationError, problem_details.respond_to_invalid_request),
        (Exception, problem_details.respond_to_crash),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, _as_page(handler, pages))


def _as_page(handler: Handler, pages: LatePages) -> Callable[[Request, Exception], Response]:
    """Problem details for programs, the same text as a page for people; without a session, the sign-in page."""

    def handle(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        if request.url.path.startswith("/v1/") or "text/html" not in request.headers.get("accept", ""):
            return answer
        pages.put_together()
        # with the pages: a start would feel them
        from serving.pages.render import render_page
        from serving.pages.setup.setup_page import ADDRESS
        from serving.pages.sign_in import START, return_query

        if isinstance(error, ConfirmError):
            return RedirectResponse(f"{START}{return_query(request)}", status_code=303)
        if isinstance(error, SignInError):
            return RedirectResponse(f"/sign-in{return_query(request)}", status_code=303)
        if isinstance(error, NotReadyError):
            return RedirectResponse(ADDRESS, status_code=303)
        shown = json.loads(bytes(answer.body))
        return render_page(
            request,
            "shell/error.html",
            None,
            status=answer.status_code,
            plain=_PLAIN.get(answer.status_code, _PLAIN[500 if answer.status_code >= _OURS else 422]),
            message=shown["detail"],
            code=shown["code"],
        )

    return handle
