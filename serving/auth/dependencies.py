"""Who sent the request: dependencies that every route names."""

import time
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from serving.auth.api_keys import (
    LOCAL,
    Caller,
    find_caller_by_key,
    find_session,
    is_form_token_valid,
    session_caller,
)
from serving.auth.keys_remembered import asks_for_keys, remember_keys
from serving.auth.provider_sessions import end_sessions, is_granted, must_confirm
from serving.http.origin import is_from_elsewhere
from serving.problems import ConfirmError, ScopeError, SignInError
from serving.scopes import Scope
from serving.state.app_state import AppState

SESSION = "leadscore_session"
TOKEN_HEADER = "x-form-token"  # noqa: S105  a name
SAFE = ("GET", "HEAD", "OPTIONS")
_KEPT_SECONDS = 5.0  # how long a revoked key may go on working
_KEPT_KEYS = 1_000  # bounds the memory


def get_app_state(request: Request) -> AppState:
    """The state that the application of a request shares."""
    app_state: AppState = request.app.state.app_state
    return app_state


class CallerLookup:
    """Looks callers up; valid keys are remembered for a few seconds, so that a revoked one ends soon."""

    def __init__(self, app_state: AppState) -> None:
        self.app_state = app_state
        self._kept: dict[str, tuple[float, Caller]] = {}
        self._keys = (0.0, False)
        asks_for_keys(app_state.store, app_state.folder)

    def recall(self, token: str) -> Caller | None:
        """The caller of a key that was looked up less than five seconds ago."""
        found = self._kept.get(token)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def look_up(self, token: str) -> Caller | None:
        """The caller of a key as the store has it, None if the key is not valid."""
        now = time.monotonic()
        caller = find_caller_by_key(self.app_state.store, token)
        if caller is not None:
            if len(self._kept) > _KEPT_KEYS:
                self._kept.clear()
            remember_keys(self.app_state.folder)
            self._kept[token] = (now + _KEPT_SECONDS, caller)
        return caller

    def forget(self) -> None:
        """Forget what was looked up: the next request asks the store."""
        self._kept.clear()
        self._keys = (0.0, False)

    async def allows_anonymous(self) -> bool:
        """Whether requests from this machine need no key: only on a loopback address, and until a key is created."""
        if self.app_state.settings.public or self.app_state.settings.oidc.on:
            return False
        now = time.monotonic()
        if now > self._keys[0]:
            asked = await run_in_threadpool(asks_for_keys, self.app_state.store, self.app_state.folder)
            self._keys = (now + _KEPT_SECONDS / 5, asked)
        return not self._keys[1]


async def identify_caller(request: Request) -> Caller:
    """Who sent the request: by key, by session, or as the machine's own user; the store is read in a thread.

    Raises
    ------
    SignInError : no valid key or session
    ScopeError : another site made the browser send it
    """
    callers: CallerLookup = request.app.state.callers
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if token:
        caller = callers.recall(token) or await run_in_threadpool(callers.look_up, token)
        if caller is None:
            raise SignInError("This API key is not valid (or was revoked); 'leadscore keys create' creates one.")
    else:
        caller = await _identify_browser(request, callers)
    request.state.caller, request.state.known_caller = caller.log_name, caller
    return caller


async def _identify_browser(request: Request, callers: CallerLookup) -> Caller:
    cookie = request.cookies.get(SESSION, "")
    reading = request.method in SAFE
    caller = await run_in_threadpool(_find_browser, callers.app_state, cookie, reading) if cookie else None
    if caller is None:
        if not await callers.allows_anonymous():
            raise SignInError("Sign in: send an API key as 'Authorization: Bearer ...', or open /sign-in.")
        if is_from_elsewhere(request):
            raise SignInError(
                "Without any API key only the machine that the server runs on has access, and this request came from "
                "another one. Create a key there with 'leadscore keys create', then send it as 'Authorization: Bearer "
                "...', or open /sign-in."
            )
        caller = LOCAL
    if request.method not in SAFE:
        _refuse_cross_site(request)
        if caller.via == "session" and request.url.path.startswith("/v1/"):
            check_form_token(request, request.headers.get(TOKEN_HEADER, ""))
    return caller


def _find_browser(app_state: AppState, cookie: str, reading: bool) -> Caller | None:
    """The caller of a session cookie, None if there is none or what it came from is gone.

    Raises
    ------
    ConfirmError : the provider must say again whether this person may be here
    """
    row = find_session(app_state.store, cookie)
    if row is None:
        return None
    if row.key_id is None:
        if not is_granted(row, app_state.settings.oidc):
            end_sessions(app_state.store, row.name)
            return None
        if must_confirm(row, app_state.settings.oidc, reading=reading):
            raise ConfirmError("Your company account must confirm this session; open the page again.")
    return session_caller(row)


def _refuse_cross_site(request: Request) -> None:
    """Refuse requests that another site made the browser send; programs send no Origin."""
    origin = request.headers.get("origin")
    other = origin is not None and origin.partition("://")[2] != request.headers.get("host", "")
    if other or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ScopeError("This request came from another site; open the page on this server and try again.")


def check_form_token(request: Request, token: str) -> None:
    """Refuse a form that does not carry its session's token."""
    cookie = request.cookies.get(SESSION, "")
    if not cookie or not is_form_token_valid(cookie, get_app_state(request).secret, token):
        raise ScopeError("This form has expired or did not come from this server; reload the page and try again.")


class RequireScopes:
    """Dependency: a caller with all of some scopes."""

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes

    async def __call__(self, request: Request) -> Caller:
        """The caller; ScopeError if a scope is missing."""
        caller = await identify_caller(request)
        for scope in self.scopes:
            if not caller.may(scope):
                raise ScopeError(f"'{caller.log_name}' has no scope '{scope}'; it has {', '.join(caller.scopes)}.")
        return caller


async def _provide_app_state(request: Request) -> AppState:
    return get_app_state(request)


AppStateDep = Annotated[AppState, Depends(_provide_app_state)]


async def require_model(app_state: AppStateDep) -> None:
    """Nothing where a model is loaded; NotReadyError where none is."""
    _ = app_state.loaded


Scorer = Annotated[Caller, Depends(RequireScopes(Scope.SCORE))]
Reader = Annotated[Caller, Depends(RequireScopes(Scope.READ))]
Writer = Annotated[Caller, Depends(RequireScopes(Scope.FEEDBACK))]
ReadingWriter = Annotated[Caller, Depends(RequireScopes(Scope.READ, Scope.FEEDBACK))]
Admin = Annotated[Caller, Depends(RequireScopes(Scope.ADMIN))]
