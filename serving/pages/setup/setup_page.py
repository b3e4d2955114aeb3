"""Routes of the first run; what they do lies in :mod:`serving.first_run`."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from serving.auth.dependencies import Admin, AppStateDep, Reader, check_form_token
from serving.first_run.first_run import MOST_FILES, SUFFIXES, FirstRun
from serving.pages.render import render_page
from serving.pages.setup.said_on_form import corrections_of
from serving.pages.setup.setup_record import build_setup

ADDRESS = "/setup"
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


async def _provide_first_run(request: Request) -> FirstRun:
    found: FirstRun = request.app.state.first_run
    return found


async def _provide_form(request: Request) -> FormData:
    return await request.form()


FirstRunDep = Annotated[FirstRun, Depends(_provide_first_run)]
SentForm = Annotated[FormData, Depends(_provide_form)]
Token = Annotated[str, Form(max_length=100)]


@router.get(ADDRESS)
def setup_page(request: Request, app_state: AppStateDep, caller: Reader, first_run: FirstRunDep) -> Response:
    """What is missing before there are scores, and the next step towards them."""
    source = app_state.context.source
    return render_page(
        request,
        "setup/page.html",
        caller,
        found=build_setup(app_state, first_run, caller),
        suffixes=",".join(SUFFIXES),
        most_files=MOST_FILES,
        own_title=source.title or source.name,
        own_name=source.name,
        own_synthetic=source.synthetic,
        missing=app_state.problem,
    )


@router.post(f"{ADDRESS}/files")
def post_files(
    request: Request,
    caller: Admin,
    first_run: FirstRunDep,
    token: Token,
    files: Annotated[list[UploadFile], File(max_length=MOST_FILES)],
) -> Response:
    """Files to begin with."""
    check_form_token(request, token)
    first_run.begin([(file.filename or "", file.file) for file in files if file.filename], caller)
    return _back()


@router.post(f"{ADDRESS}/columns")
def post_columns(request: Request, caller: Admin, first_run: FirstRunDep, form: SentForm) -> Response:
    """The columns as confirmed: look again, or declare and run."""
    check_form_token(request, str(form.get("token") or ""))
    attempt = first_run.attempt()
    if attempt is None or attempt.guesses is None:
        return _back()
    said = corrections_of(form, attempt.guesses, attempt.said)
    again = form.get("step") != "run" or said.status != attempt.said.status
    if again:
        first_run.correct(said, caller)
    else:
        first_run.run(said, caller)
    return _back()


@router.post(f"{ADDRESS}/run")
def post_run(request: Request, caller: Admin, first_run: FirstRunDep, token: Token) -> Response:
    """Run the source that the server was started with."""
    check_form_token(request, token)
    first_run.run(None, caller)
    return _back()


@router.post(f"{ADDRESS}/back")
def post_back(request: Request, caller: Admin, first_run: FirstRunDep, token: Token) -> Response:
    """Back to the columns."""
    check_form_token(request, token)
    first_run.reopen(caller)
    return _back()


@router.post(f"{ADDRESS}/over")
def post_over(request: Request, caller: Admin, first_run: FirstRunDep, token: Token) -> Response:
    """Forget the last attempt and begin anew."""
    check_form_token(request, token)
    first_run.start_over(caller)
    return _back()


def _back() -> Response:
    return RedirectResponse(ADDRESS, status_code=303)
