"""JSON read and written by orjson.

Our own answers are written unchecked: validating each against its schema costs more than a score.
Tests check them against the API's schemas instead.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

_LONG_NUMBER = re.compile(rb"[0-9]{20}")  # 64 bits hold 19 digits


class OrjsonResponse(Response):
    """A JSON answer; NaN is written as null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The content as JSON, NumPy values included."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


class _JsonRequest(Request):
    async def json(self) -> Any:
        """The body as JSON; what orjson would not read, or not exactly, is left to the standard library."""
        body = await self.body()
        if _LONG_NUMBER.search(body):  # orjson reads it as a float, and two long ids would become one
            return await super().json()
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return await super().json()


class JsonRoute(APIRoute):
    """A route whose body may be large."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that reads its JSON at once."""
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return read
