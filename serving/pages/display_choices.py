"""What a reader chose to see: the theme, and whether single keys act; kept in cookies of the browser."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from serving.auth.dependencies import AppStateDep, check_form_token
from serving.auth.oidc_claims import local_path

THEME, KEYS = "leadscore_theme", "leadscore_keys"
_YEAR_SECONDS = 365 * 24 * 3600
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def theme_of(request: Request) -> str:
    """``light`` or ``dark`` where the reader chose one, empty where the system decides."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in ("light", "dark") else ""


def keys_on(request: Request) -> bool:
    """Whether single keys act; they do unless the reader switched them off."""
    return request.cookies.get(KEYS) != "off"


@router.post("/display")
def choose_display(
    request: Request,
    app_state: AppStateDep,
    token: Annotated[str, Form(max_length=100)],
    theme: Annotated[Literal["auto", "light", "dark"] | None, Form()] = None,
    keys: Annotated[Literal["on", "off"] | None, Form()] = None,
    back: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Remember the choice and go back to the page."""
    check_form_token(request, token)
    answer = RedirectResponse(local_path(back), status_code=303)
    secure = app_state.settings.only_https
    for name, value in ((THEME, theme), (KEYS, keys)):
        if value is not None:
            answer.set_cookie(name, value, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer
