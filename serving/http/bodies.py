"""Bodies of requests: read once up to a limit, large ones into a file, and handed on in pieces."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive

from serving.problems import TooLargeError

IN_MEMORY = 1 << 20  # bytes of a body that are kept in memory; the rest goes to a file
PIECE = 1 << 16  # bytes handed on at once


def declared_length(request: Request) -> int | None:
    """Bytes the request says its body has; None if it does not say."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isdigit() else None


@asynccontextmanager
async def spooled_body(request: Request, receive: Receive, limit: int) -> AsyncIterator[Receive]:
    """What hands the body on, once all of it has arrived; its file is removed at the end.

    Raises
    ------
    TooLargeError
        as soon as the body is known to be over the limit.
    """
    declared = declared_length(request)
    if declared is not None and declared > limit:
        raise TooLargeError(f"The body has {declared:,} bytes, the limit is {limit:,}; send less at once.")

    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        size, more = 0, True
        while more:
            message: dict[str, Any] = dict(await receive())
            if message["type"] != "http.request":
                break
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise TooLargeError(f"The body is over the limit of {limit:,} bytes; send less at once.")
            kept.write(part)
            more = message.get("more_body", False)

        kept.seek(0)
        left = size
        done = False

        async def replay() -> Message:
            nonlocal left, done
            if done:
                return await receive()
            piece = kept.read(PIECE)
            left -= len(piece)
            done = left <= 0
            return {"type": "http.request", "body": piece, "more_body": not done}

        yield replay
