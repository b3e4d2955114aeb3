"""Answers that are known to be right are written as they are: checking each against its schema costs more than a score.

What the documents of the API promise about them is held by tests instead.
"""

from typing import Any

import orjson
from starlette.responses import Response


class Json(Response):
    """A JSON answer; numbers that are none are written as null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
