"""The language of the pages: the server's, until a reader chooses another; untranslated texts stay English."""

from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.explaining.language import SOURCE_LANGUAGE, Language, language_codes, load_language, read_catalog
from serving.auth.dependencies import AppStateDep, check_form_token, get_app_state
from serving.auth.oidc_claims import local_path
from serving.problems import InvalidError

COOKIE = "leadscore_language"
_YEAR_SECONDS = 365 * 24 * 3600
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@cache
def page_language(code: str) -> Language:
    """A language in which the texts of the pages come before those of the cards."""
    language = load_language(code)
    if code == SOURCE_LANGUAGE:
        return language
    pages = read_catalog((files("serving.pages") / "messages" / f"{code}.po").read_bytes(), code)
    pages.add_fallback(language.catalog)
    return Language(code, pages)


def language_of(request: Request) -> Language:
    """The reader's choice, else the server's language."""
    chosen = request.cookies.get(COOKIE, "")
    return page_language(chosen if chosen in language_codes() else get_app_state(request).settings.language)


def list_languages() -> list[Language]:
    """All languages to choose from."""
    return [page_language(code) for code in language_codes()]


@router.post("/language")
def choose(
    request: Request,
    app_state: AppStateDep,
    token: Annotated[str, Form(max_length=100)],
    code: Annotated[str, Form(max_length=10)],
    back: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Remember the reader's choice and go back to the page."""
    check_form_token(request, token)
    if code not in language_codes():
        raise InvalidError(f"there is no such language; known: {', '.join(language_codes())}.")
    answer = RedirectResponse(local_path(back), status_code=303)
    secure = app_state.settings.only_https
    answer.set_cookie(COOKIE, code, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer
