"""The outermost layer: request ids, host, size, rate and time limits, safe headers, one log line per request."""

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.logs import logger
from serving.metrics import Metrics
from serving.problems import RateLimitError, RequestTimeoutError, ServingError, TooLargeError, problem, respond_to_crash
from serving.settings import ServeSettings

UPLOADS = "/v1/uploads"
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
_CLIENTS = 10_000  # remembered at once, which bounds the memory
_KEY_CHARACTERS = 12  # enough to tell keys apart


class HostError(ServingError):
    """A host name this server does not answer to (a defence against DNS rebinding)."""

    code, status = "LS112", 421


class RateLimiter:
    """A token bucket per client: ``rate`` requests a second, ``burst`` at once; the longest idle are forgotten."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> bool:
        """Whether the client may send a request now; ``now`` in seconds."""
        left, then = self._left.pop(client, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        allowed = left >= 1.0
        self._left[client] = (left - 1.0 if allowed else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return allowed


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
                replay = await self._admit(request, receive)
                await self.app(scope, replay, sent)
        except TimeoutError:
            await self._refuse(RequestTimeoutError("The request took too long; ask for less at once."), request, sent)
        except ServingError as error:
            await self._refuse(error, request, sent)
        except Exception as error:  # a bug: answered, logged and counted like any other request
            if sent.status:
                raise  # the answer has begun: only the broken connection can say that it is not whole
            handler = scope["app"].exception_handlers.get(Exception, respond_to_crash)
            await handler(request, error)(scope, receive, sent)
        finally:
            self._log(scope, request, sent, time.perf_counter() - started)

    async def _admit(self, request: Request, receive: Receive) -> Receive:
        host = request.headers.get("host", "").rsplit("@", 1)[-1]
        name = re.sub(r":\d+$", "", host).strip("[]").lower()
        if not {"*", name} & self.settings.hosts:
            raise HostError("This server does not answer to this host name; see LEADSCORE_SERVE_ALLOWED_HOSTS.")
        if not self.bucket.take(_client_id(request), time.monotonic()):
            raise RateLimitError("Too many requests; wait a second, or raise LEADSCORE_SERVE_RATE_PER_SECOND.")
        upload = request.scope["path"].startswith(UPLOADS) and request.method == "POST"
        limit = self.settings.upload_limit_bytes if upload else self.settings.body_limit_bytes
        return _replay_body(await _read_body(request, receive, limit), receive)

    async def _refuse(self, error: ServingError, request: Request, sent: "_RecordedResponse") -> None:
        if sent.status == 0:
            answer = problem(error.status, error.code, error.message, request.scope["state"]["request_id"])
            await answer(request.scope, request.receive, sent)

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
    """Sends on, adds the headers, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send, self.request_id, self.status = send, request_id, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            have = {name.lower() for name, _ in message["headers"]}
            extra = {**HEADERS, "x-request-id": self.request_id, "cache-control": "no-store"}
            new = [(k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in have]
            message = {**message, "headers": [*message["headers"], *new]}
        await self.send(message)


def _client_id(request: Request) -> str:
    """Who is counted: the key where there is one, else the address."""
    key = request.headers.get("authorization", "")[-43:] or request.headers.get("x-api-key", "")
    return key[:_KEY_CHARACTERS] or (request.client.host if request.client else "?")


async def _read_body(request: Request, receive: Receive, limit: int) -> bytes:
    """The body, read up to the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLargeError(f"The body has {int(declared):,} bytes, the limit is {limit:,}; send less at once.")

    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message: dict[str, Any] = dict(await receive())
        if message["type"] != "http.request":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLargeError(f"The body is over the limit of {limit:,} bytes; send less at once.")
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay_body(body: bytes, receive: Receive) -> Receive:
    done = False

    async def replay() -> Message:
        nonlocal done
        if done:
            return await receive()
        done = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
