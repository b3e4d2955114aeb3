"""Signing in, with a key or through the identity provider, and out again."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from serving.auth.api_keys import PROVIDER, digest, end_session, start_session
from serving.auth.dependencies import SESSION, AppStateDep, check_form_token
from serving.auth.oidc_claims import local_path, person_of, proven_name
from serving.auth.provider_sessions import end_sessions, open_session
from serving.oidc_settings import CALLBACK, SIGN_IN_SECONDS
from serving.pages.render import build_query, environment, render_page, set_cookie
from serving.problems import NotFoundError, SignInRefusedError
from serving.state.app_state import AppState
from serving.store.engine import Store
from serving.store.tables import SpentState
from serving.store.wall_clock import wall_now

if TYPE_CHECKING:
    from serving.auth.oidc_provider import OidcProvider

COOKIE = "leadscore_sign_in"
START = "/sign-in/oidc"
_LONGEST_PATH = 500  # characters; longer ones lead to the worklist
Next = Annotated[str, Query(max_length=_LONGEST_PATH, description="path to go on to")]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def return_query(request: Request) -> str:
    """The page to return to after signing in, as a query; empty for the worklist."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    path = local_path(asked) if request.method == "GET" and len(asked) <= _LONGEST_PATH else "/"
    return "" if path == "/" else "?" + urlencode({"next": path})


@router.get("/sign-in")
def sign_in_page(request: Request, app_state: AppStateDep, next: Next = "/") -> Response:
    """A form for the key, and the way to the provider where there is one."""
    return _sign_in_page(request, app_state, next)


def _sign_in_page(request: Request, app_state: AppState, path: str, status: int = 200) -> Response:
    provider = app_state.settings.oidc.name if app_state.settings.oidc.on else ""
    return render_page(
        request,
        "shell/sign_in.html",
        None,
        status=status,
        failed=status != 200,
        provider=provider,
        back=local_path(path),
        start=START + build_query({}, next=local_path(path)),
    )


@router.post("/sign-in")
def sign_in(
    request: Request,
    app_state: AppStateDep,
    key: Annotated[str, Form(max_length=200)],
    token: Annotated[str, Form(max_length=100)],
    next: Annotated[str, Form(max_length=_LONGEST_PATH)] = "/",
) -> Response:
    """Exchange a key for a session."""
    check_form_token(request, token)
    settings = app_state.settings
    cookie = start_session(app_state.store, key.strip(), settings.session_hours)
    if cookie is None:
        request.app.state.views.note_refused("key")
        return _sign_in_page(request, app_state, next, status=401)
    answer = RedirectResponse(local_path(next), status_code=303)
    set_cookie(answer, cookie, settings.only_https, settings.session_hours)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, app_state: AppStateDep, token: Annotated[str, Form(max_length=100)]) -> Response:
    """End the session."""
    check_form_token(request, token)
    end_session(app_state.store, request.cookies.get(SESSION, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION)
    return answer


@router.get(START)
async def start(request: Request, app_state: AppStateDep, next: Next = "/") -> Response:
    """Send the browser to the provider; a cookie notes which sign-in it is."""
    provider = _provider(request)
    base = app_state.settings.oidc.public_url or f"{request.url.scheme}://{request.headers['host']}"
    url, sealed = await provider.begin(request, base.rstrip("/") + CALLBACK, local_path(next))
    answer = RedirectResponse(url, status_code=303)
    # lax, because the provider's site sends the browser back: a strict cookie would not be sent
    answer.set_cookie(
        COOKIE,
        sealed,
        max_age=SIGN_IN_SECONDS,
        path=START,
        httponly=True,
        samesite="lax",
        secure=app_state.settings.only_https,
    )
    return answer


@router.get(CALLBACK)
async def callback(request: Request, app_state: AppStateDep) -> Response:
    """The provider sent the browser back: check the answer, and start a session as for a key."""
    provider = _provider(request)
    note = provider.note(request, request.cookies.get(COOKIE, ""))
    await run_in_threadpool(_mark_state_used, app_state.store, note["state"])
    try:
        claims = await provider.finish(request, note)
    except SignInRefusedError:
        request.app.state.views.note_refused(PROVIDER)
        raise
    try:
        person = person_of(claims, app_state.settings.oidc)
    except SignInRefusedError:
        request.app.state.views.note_refused(PROVIDER)
        await run_in_threadpool(end_sessions, app_state.store, proven_name(claims, app_state.settings.oidc))
        raise
    settings = app_state.settings
    cookie = await run_in_threadpool(open_session, app_state.store, person, settings.session_hours)
    path = local_path(note["path"])
    # a page of our own, not a redirect: browsers hold back strict cookies on redirects that began on another site
    html = environment().get_template("signed_in.html").render(path=path)
    answer = HTMLResponse(html, headers={"refresh": f"0; url={path}"})
    set_cookie(answer, cookie, settings.only_https, settings.session_hours)
    answer.delete_cookie(COOKIE, path=START)
    return answer


def _provider(request: Request) -> "OidcProvider":
    """The provider; NotFoundError where none is configured."""
    provider: OidcProvider | None = request.app.state.provider
    if provider is None:
        raise NotFoundError("This server has no identity provider; sign in with an API key at /sign-in.")
    return provider


def _mark_state_used(store: Store, state: str) -> None:
    """Note that a state came back; SignInRefusedError if it already had."""
    now = wall_now()
    try:
        with store.writing() as session:
            session.execute(delete(SpentState).where(SpentState.expires_at < now))
            session.add(SpentState(hash=digest(state), expires_at=now + timedelta(seconds=2 * SIGN_IN_SECONDS)))
    except IntegrityError as problem:
        raise SignInRefusedError("This sign-in has already been completed. Start again at /sign-in.") from problem
