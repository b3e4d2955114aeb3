"""Answers with an ETag: a caller that already has the body gets 304."""

import hashlib
import json
from typing import Any

from fastapi import Request, Response

from serving.json_values import to_json_values


def respond_with_etag(request: Request, body: Any) -> Response:
    """The body as JSON with its ETag, or 304 if the request names it."""
    record = to_json_values(body) if isinstance(body, dict) else body
    text = json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    wanted = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in wanted or "*" in wanted:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="application/json", headers=headers)
