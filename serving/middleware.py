"""The outermost layer: request ids, host, size, rate and time limits, safe headers, one log line per request."""

import asyncio
import re
import secrets
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import LeadScoreError
from serving.api.problem_details import problem, respond_to_crash
from serving.auth.viewed import views_of
from serving.http.bodies import declared_length, spooled_body
from serving.http.origin import request_origin
from serving.http.rates import RateLimiter, client_address
from serving.http.request_view import request_view
from serving.http.shown_leads import leads_noted, note_leads_in
from serving.logs import logger
from serving.metrics import Metrics
from serving.problems import RateLimitError, RequestTimeoutError, ServingError
from serving.settings import ServeSettings

UPLOADS = ("/v1/uploads", "/setup/files")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
UNKNOWN_BYTES = 65_536  # of a body that is read before it is known who sent it


class HostError(ServingError):
    """A host name this server does not answer to (a defence against DNS rebinding)."""

    code, status = "LS112", 421


class LimitsMiddleware:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.bucket = RateLimiter(settings.rate_per_second, settings.rate_burst)
        self.log = logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        sent = _RecordedResponse(send, request_id)

        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.settings.request_seconds):
                limit = await self._admit(request)
                async with spooled_body(request, receive, limit) as replay:
                    await self._answer(scope, replay, sent)
        except TimeoutError:
            await self._refuse(RequestTimeoutError("The request took too long; ask for less at once."), request, sent)
        except ServingError as error:
            await self._refuse(error, request, sent)
        except Exception as error:  # a bug: answered, logged and counted like any other request
            if sent.status:
                raise  # the answer has begun: only the broken connection can say that it is not whole
            handler = scope["app"].exception_handlers.get(Exception, respond_to_crash)
            answer = await run_in_threadpool(handler, request, error)  # it may wait for the pages
            await answer(scope, receive, sent)
        finally:
            self._log(scope, request, sent, time.perf_counter() - started)
            self._note_view(request, sent.status, leads_noted(sent.kept))

    async def _answer(self, scope: Scope, receive: Receive, sent: "_RecordedResponse") -> None:
        """Hand the request on; one that only reads is handed on again if it failed over damaged rows of the store."""
        before, damaged = dict(scope), scope["app"].state.app_state.store.damaged
        known = damaged.changes
        try:
            with request_view(sent.kept):
                await self.app(scope, receive, sent)
        except Exception as error:
            if sent.status or isinstance(error, LeadScoreError):
                raise
            await run_in_threadpool(damaged.look_in_turn, failed=True)
            if damaged.changes == known or scope["method"] not in ("GET", "HEAD"):  # others may have stored something
                raise
            scope.clear()
            scope.update(before)
            sent.kept.clear()
            with request_view(sent.kept):
                await self.app(scope, receive, sent)

    async def _admit(self, request: Request) -> int:
        """Bytes the body may have, before any of it is read."""
        host = request.headers.get("host", "").rsplit("@", 1)[-1]
        name = re.sub(r":\d+$", "", host).strip("[]").lower()
        if not {"*", name} & self.settings.hosts:
            raise HostError("This server does not answer to this host name; see LEADSCORE_SERVE_ALLOWED_HOSTS.")
        if not self.bucket.take(self._client_of(request), time.monotonic()):
            raise RateLimitError("Too many requests; wait a second, or raise LEADSCORE_SERVE_RATE_PER_SECOND.")

        upload = request.scope["path"].startswith(UPLOADS) and request.method == "POST"
        limit = self.settings.upload_limit_bytes if upload else self.settings.body_limit_bytes
        declared = declared_length(request)
        large = declared is None if "transfer-encoding" in request.headers else (declared or 0) > UNKNOWN_BYTES
        if large and (declared or 0) <= limit:
            await request.app.state.identify(request)
        return limit

    def _client_of(self, request: Request) -> str:
        """Who is counted: a key that was found valid a moment ago, else the address the request came from."""
        state = request.app.state
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        caller = state.callers.recall(token or request.headers.get("x-api-key", ""))
        if caller is not None:
            return str(caller.identity)
        return client_address(request_origin(request, self.settings.proxy_networks))

    async def _refuse(self, error: ServingError, request: Request, sent: "_RecordedResponse") -> None:
        if sent.status == 0:
            answer = problem(error.status, error.code, error.message, request.scope["state"]["request_id"])
            await answer(request.scope, request.receive, sent)

    def _note_view(self, request: Request, status: int, leads: list[str]) -> None:
        if self.settings.audit_views:
            request.app.state.views.note(views_of(request, status, leads))

    def _log(self, scope: Scope, request: Request, sent: "_RecordedResponse", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self.metrics.request(request.method, route, sent.status, seconds)
        self.log.info(
            "request",
            request_id=scope["state"]["request_id"],
            method=request.method if request.method.isalpha() else "?",
            route=route,
            status=sent.status,
            ms=round(seconds * 1e3, 1),
            caller=scope["state"].get("caller", ""),
        )


class _RecordedResponse:
    """Sends on, adds the headers, and remembers the status and which leads were shown."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send, self.request_id, self.status, self._media_type = send, request_id, 0, ""
        self.kept: dict[object, Any] = {}  # by the request that is answered

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            have = {name.lower() for name, _ in message["headers"]}
            extra = {**HEADERS, "x-request-id": self.request_id, "cache-control": "no-store"}
            new = [(k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in have]
            message = {**message, "headers": [*message["headers"], *new]}
            self._media_type = dict(message["headers"]).get(b"content-type", b"").decode("latin-1")
        elif self.status < 400:
            note_leads_in(message.get("body", b""), self._media_type)
        await self.send(message)
