"""The OpenAPI document: what FastAPI derives, plus our errors and the ways to authenticate."""

from typing import Any

from fastapi import FastAPI

from serving.api.problem_details import MEDIA_TYPE

_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details; `code` is stable and the same as on the command line.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "description": "urn:leadscore:<code>"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what was found and what to do next"},
        "code": {"type": "string"},
        "instance": {"type": "string", "description": "urn:request:<id>, as in the server's log"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "examples": [
        {
            "type": "urn:leadscore:LS101",
            "title": "Not Found",
            "status": 404,
            "detail": "this lead is not in the data (or not yours); check the id on the worklist.",
            "code": "LS101",
            "instance": "urn:request:92f25fd776cb49fb",
        }
    ],
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused; the problem says why and what to do next",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
# of routes that answer with a table of text
CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
_SCHEMES: dict[str, Any] = {
    "key": {"type": "http", "scheme": "bearer", "description": "an API key from 'leadscore keys create'"},
    "keyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def extend_openapi(app: FastAPI) -> None:
    """Add errors and keys to the application's document."""
    derive = app.openapi

    def openapi() -> dict[str, Any]:
        document = derive()
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = _PROBLEM
        parts["securitySchemes"] = _SCHEMES
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [{name: []} for name in _SCHEMES] if path.startswith("/v1/") else []
        return document

    app.openapi = openapi  # type: ignore[method-assign]
