"""What a request keeps from its first look to its answer, in whatever thread it is worked on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_KEPT: ContextVar[dict[object, Any] | None] = ContextVar("leadscore_kept_by_request", default=None)


@contextmanager
def request_view(kept: dict[object, Any] | None = None) -> Iterator[None]:
    """One request: threads that work for it share what it keeps; those that outlive it never see it."""
    token = _KEPT.set({} if kept is None else kept)
    try:
        yield
    finally:
        _KEPT.reset(token)


def kept_by_request() -> dict[object, Any] | None:
    """What the request that is answered here keeps, by owner; None outside requests."""
    return _KEPT.get()
