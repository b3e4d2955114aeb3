"""The pages' routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

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
    """Add the pages and their files."""
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
    loads_files = app.state.first_run.is_open
    app.state.navigation = collect_navigation(part for part in parts if loads_files or part is not setup_page.router)
    for part in parts:  # from here on there may be who asks for them
        app.include_router(part, dependencies=[] if part in _WITHOUT_MODEL else [Depends(require_model)])


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
