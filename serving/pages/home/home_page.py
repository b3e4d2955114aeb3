"""``/``: the home of the caller's role, or of the one that was chosen."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from serving.auth.dependencies import AppStateDep, Reader, get_app_state
from serving.pages.home.manager import build_manager_home
from serving.pages.home.marketer import build_marketer_home
from serving.pages.home.rep import build_rep_home
from serving.pages.home.roles import COOKIE, HomeRole, choose_role
from serving.pages.home.scientist import build_scientist_home
from serving.pages.language import language_of
from serving.pages.render import render_counting, render_page
from serving.pages.written_values import write_horizon
from serving.results.run_results import awaits_lifecycle, find_win_value, read_caution

_YEAR_SECONDS = 365 * 24 * 3600
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def home_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    role: Annotated[HomeRole | None, Query()] = None,
    owner: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What needs the reader today; ``role`` shows another home, and is remembered."""
    if role is None and request.query_params:  # the address of the list, from when it stood here
        return RedirectResponse(f"/worklist?{request.url.query}", status_code=307)
    language, chosen = language_of(request), choose_role(request, caller, role)
    if chosen is not HomeRole.SCIENTIST and awaits_lifecycle(app_state):
        return render_counting(request, caller, "Today")
    state = app_state.loaded
    seen = caller.owner if caller.owner is not None else owner or None
    values: dict[str, Any] = {"role": chosen, "roles": list(HomeRole), "currency": find_win_value(app_state)[1]}
    if chosen is HomeRole.REP:
        owners = state.worklist.owners if caller.owner is None else []
        values["home"] = build_rep_home(app_state, seen, owners, language)
    elif chosen is HomeRole.MARKETER:
        values["home"] = build_marketer_home(app_state, caller.owner, language)
    elif chosen is HomeRole.SCIENTIST:
        values["home"] = build_scientist_home(app_state, caller.owner, language)
    else:
        values["home"] = build_manager_home(app_state, caller.owner, language)
    answer = render_page(
        request,
        f"home/{chosen}.html",
        caller,
        caution_here=read_caution(app_state),
        horizon=write_horizon(language, state.model.bundle.horizons),
        **values,
    )
    if role is not None:
        secure = get_app_state(request).settings.only_https
        answer.set_cookie(COOKIE, str(role), max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer
