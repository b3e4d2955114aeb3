"""One moment for all tables of a source: what is opened for the first of them is held until the last is read."""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

Opened = TypeVar("Opened")


class OneMoment:
    """Connections to databases, each within one transaction, so that no table is newer than another.

    Used as a context; at its end all connections are closed.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._held: dict[Hashable, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.clear()
        self._stack.__exit__(kind, error, trace)

    def hold(self, key: Hashable, opened: Callable[[], AbstractContextManager[Opened]]) -> Opened:
        """What is held under a key; opened if it is the first to ask."""
        if key not in self._held:
            self._held[key] = self._stack.enter_context(opened())
        found: Opened = self._held[key]
        return found
