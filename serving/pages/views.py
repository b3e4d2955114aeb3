"""The pages' routes."""

import json
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from features.errors import LeadScoreError
from serving.api import problem_details
from serving.auth.api_keys import Caller
from serving.auth.dependencies import identify_caller, require_model
from serving.pages import display_choices, forms, language, process, report_file, sign_in
from serving.pages.accounts import account_routes
from serving.pages.card import card_routes, log_form
from serving.pages.help import help_pages
from serving.pages.home import home_page
from serving.pages.model import model_page
from serving.pages.render import render_page
from serving.pages.rubric import rubric_routes
from serving.pages.setup import setup_page
from serving.pages.shell import collect_navigation
from serving.pages.team import team_page
from serving.pages.thresholds import threshold_routes
from serving.pages.worklist import short_page, worklist_routes
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
_WITHOUT_MODEL = (
    sign_in.router,
    language.router,
    display_choices.router,
    setup_page.router,
    report_file.router,
    help_pages.router,
)
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def install(app: FastAPI) -> None:
    """Add the pages, their files, and errors that read as pages in a browser."""
    from importlib.resources import files

    # tokens.css is the report's too: one file, which stands where the report can read it
    own = str(files("serving.pages") / "static")
    shared: list[str | tuple[str, str]] = [("pipelines.report", "theme")]
    app.mount("/static", StaticFiles(directory=own, packages=shared), name="static")
    parts = (
        home_page.router,
        team_page.router,
        router,
        account_routes.router,
        process.router,
        help_pages.router,
        forms.router,
        rubric_routes.router,
        threshold_routes.router,
        sign_in.router,
        language.router,
        display_choices.router,
        setup_page.router,
        report_file.router,
        worklist_routes.router,
        short_page.router,
        card_routes.router,
        log_form.router,
        model_page.router,
    )
    for part in parts:
        app.include_router(part, dependencies=[] if part in _WITHOUT_MODEL else [Depends(require_model)])
    loads_files = app.state.first_run.is_open
    app.state.navigation = collect_navigation(part for part in parts if loads_files or part is not setup_page.router)
    handlers: tuple[tuple[type[Exception], Handler], ...] = (
        (LeadScoreError, problem_details.respond_to_known_error),
        (HTTPException, problem_details.respond_to_http_error),
        (RequestValidationError, problem_details.respond_to_invalid_request),
        (Exception, problem_details.respond_to_crash),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, _as_page(handler))


def _as_page(handler: Handler) -> Callable[[Request, Exception], Response]:
    """Problem details for programs, the same text as a page for people; without a session, the sign-in page."""

    def handle(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        if request.url.path.startswith("/v1/") or "text/html" not in request.headers.get("accept", ""):
            return answer
        if isinstance(error, ConfirmError):
            return RedirectResponse(f"{sign_in.START}{sign_in.return_query(request)}", status_code=303)
        if isinstance(error, SignInError):
            return RedirectResponse(f"/sign-in{sign_in.return_query(request)}", status_code=303)
        if isinstance(error, NotReadyError):
            return RedirectResponse(setup_page.ADDRESS, status_code=303)
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


@router.get("/docs")
def docs_page(request: Request, caller: Annotated[Caller, Depends(identify_caller)]) -> Response:
    """The API, address by address, from its OpenAPI document."""
    document = request.app.openapi()
    rows = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return render_page(request, "help/api.html", caller, rows=rows, description=document["info"]["description"])
