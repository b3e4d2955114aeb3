"""Points of long work at which it stands back for what somebody waits for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_WAIT: ContextVar[Callable[[], object] | None] = ContextVar("leadscore_pause", default=None)


def pause_point() -> None:
    """Between two parts of long work; waits only where :func:`pausing` says what for.

    No lock may be held here that those need for whom the work stands back.
    """
    wait = _WAIT.get()
    if wait is not None:
        wait()


@contextmanager
def pausing(wait: Callable[[], object]) -> Iterator[None]:
    """Have the work inside, in this thread, call ``wait`` at its pause points.

    >>> looks = []
    >>> with pausing(lambda: looks.append("looked")):
    ...     pause_point()
    >>> pause_point()
    >>> looks
    ['looked']
    """
    token = _WAIT.set(wait)
    try:
        yield
    finally:
        _WAIT.reset(token)
