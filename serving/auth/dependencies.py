"""Who is asking: dependencies that every route names."""

import time
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from serving.auth.api_keys import LOCAL, Caller, by_key, by_session, form_token_fits, has_keys
from serving.problems import ScopeError, SignInError
from serving.scopes import Scope
from serving.state.app_state import Desk

SESSION = "leadscore_session"
TOKEN_HEADER = "x-form-token"
SAFE = ("GET", "HEAD", "OPTIONS")
_KEPT_SECONDS = 5.0


def desk_of(request: Request) -> Desk:
    """The application's desk."""
    desk: Desk = request.app.state.desk
    return desk


class Callers:
    """Looks callers up; valid keys are remembered for a few seconds, so that a revoked one ends soon."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._kept: dict[str, tuple[float, Caller]] = {}
        self._keys = (0.0, False)

    def kept(self, token: str) -> Caller | None:
        """The caller of a key that was looked up a moment ago."""
        found = self._kept.get(token)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def by_key(self, token: str) -> Caller | None:
        """The caller of a key."""
        now = time.monotonic()
        caller = by_key(self.desk.store, token)
        if caller is not None:
            if len(self._kept) > 1000:
                self._kept.clear()
            self._kept[token] = (now + _KEPT_SECONDS, caller)
        return caller

    async def open_door(self) -> bool:
        """Whether anybody on this machine may ask: only on a loopback address, and only until a key is made."""
        if self.desk.settings.public or self.desk.settings.oidc.on:
            return False
        now = time.monotonic()
        if now > self._keys[0]:
            self._keys = (now + _KEPT_SECONDS / 5, await run_in_threadpool(has_keys, self.desk.store))
        return not self._keys[1]


async def caller_of(request: Request) -> Caller:
    """Who asks, by key, by session, or as the machine's own user; the store is asked in a thread.

    Raises
    ------
    SignInError : nobody known
    ScopeError : another site sent the browser here
    """
    callers: Callers = request.app.state.callers
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if token:
        caller = callers.kept(token) or await run_in_threadpool(callers.by_key, token)
        if caller is None:
            raise SignInError("This API key is not valid (or was revoked); 'leadscore keys create' makes one.")
    else:
        caller = await _by_browser(request, callers)
    request.state.caller = caller.logged
    return caller


async def _by_browser(request: Request, callers: Callers) -> Caller:
    cookie = request.cookies.get(SESSION, "")
    caller = await run_in_threadpool(by_session, callers.desk.store, cookie) if cookie else None
    if caller is None:
        if not await callers.open_door():
            raise SignInError("Sign in: send an API key as 'Authorization: Bearer ...', or open /sign-in.")
        caller = LOCAL
    if request.method not in SAFE:
        _same_site(request)
        if caller.via == "session" and request.url.path.startswith("/v1/"):
            check_form_token(request, request.headers.get(TOKEN_HEADER, ""))
    return caller


def _same_site(request: Request) -> None:
    """Refuse what another site made the browser send; programs send no Origin."""
    origin = request.headers.get("origin")
    other = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if other or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ScopeError("This request came from another site; open the page on this server and try again.")


def check_form_token(request: Request, token: str) -> None:
    """Refuse a form that does not carry its session's token."""
    cookie = request.cookies.get(SESSION, "")
    if not cookie or not form_token_fits(cookie, desk_of(request).secret, token):
        raise ScopeError("This form is out of date or was not made here; load the page again and repeat.")


class Needs:
    """Dependency: a caller with all of some scopes."""

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes

    async def __call__(self, request: Request) -> Caller:
        """The caller; ScopeError without one of the scopes."""
        caller = await caller_of(request)
        for scope in self.scopes:
            if not caller.may(scope):
                raise ScopeError(f"'{caller.logged}' has no scope '{scope}'; it has {', '.join(caller.scopes)}.")
        return caller


async def _desk(request: Request) -> Desk:
    return desk_of(request)


DeskOf = Annotated[Desk, Depends(_desk)]
Scorer = Annotated[Caller, Depends(Needs(Scope.SCORE))]
Reader = Annotated[Caller, Depends(Needs(Scope.READ))]
Writer = Annotated[Caller, Depends(Needs(Scope.FEEDBACK))]
ReadingWriter = Annotated[Caller, Depends(Needs(Scope.READ, Scope.FEEDBACK))]
Admin = Annotated[Caller, Depends(Needs(Scope.ADMIN))]
