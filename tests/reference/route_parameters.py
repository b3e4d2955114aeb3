"""Every route of an application, API and pages, and what each takes in path, query, header, form and body."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from typing_extensions import is_typeddict

from serving.scopes import Scope


@dataclass(frozen=True, kw_only=True)
class RouteParameters:
    """A route: method, path, the names of what it takes, and whether only administrators may ask it."""

    method: str
    path: str
    names: frozenset[str]
    admin: bool

    @property
    def is_page(self) -> bool:
        """Whether people see it in a browser, so that it is no part of the API's document."""
        return not self.path.startswith("/v1/")


def find_routes(app: FastAPI) -> list[RouteParameters]:
    """All routes, those of routers that were included among them, by path."""
    found = [
        RouteParameters(
            method=method,
            path=route.path,
            names=frozenset(_names_of(route.dependant)),
            admin=any(Scope.ADMIN in getattr(part.call, "scopes", ()) for part in _parts_of(route.dependant)),
        )
        for route in _api_routes(app.routes)
        for method in sorted(route.methods - {"HEAD", "OPTIONS"})
    ]
    return sorted(found, key=lambda route: (route.path, route.method))


def _api_routes(routes: Any) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _api_routes(included.routes)


def _parts_of(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for other in dependant.dependencies:
        yield from _parts_of(other)


def _names_of(dependant: Dependant) -> Iterator[str]:
    for part in _parts_of(dependant):
        for field in (*part.path_params, *part.query_params, *part.header_params):
            yield field.alias
        for field in part.body_params:
            inner = set(_fields_in(field.field_info.annotation))
            yield from inner or {field.alias}


def _fields_in(kind: Any) -> Iterator[str]:
    """Names of the fields of a body, those of the records in it among them; nothing for a plain value."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield name
            yield from _fields_in(field.annotation)
    elif is_typeddict(kind):
        yield from kind.__annotations__
    else:
        for part in get_args(kind):
            yield from _fields_in(part)
