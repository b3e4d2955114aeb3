"""Who goes first: a promotion or a load, before which what is prepared beside requests stands back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from features.pause_points import pausing

T = TypeVar("T")
_LONGEST = 10.0  # seconds that work stands back at one point: whoever waits for it is not kept waiting for ever


class RightOfWay:
    """Held by work that somebody waits for.

    Threads share one interpreter: with another one at work beside it, a promotion takes twice as long.
    """

    def __init__(self) -> None:
        self._holders = 0
        self._changed = threading.Condition()

    @property
    def is_held(self) -> bool:
        """Whether somebody goes first."""
        return self._holders > 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Go first; several may at once."""
        with self._changed:
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until nobody goes first."""
        with self._changed:
            self._changed.wait_for(lambda: not self._holders, timeout=_LONGEST)

    def work_behind(self, work: Callable[[], T]) -> T:
        """Do work that stands back before it begins, and at its pause points."""
        self.give_way()
        with pausing(self.give_way):
            return work()
