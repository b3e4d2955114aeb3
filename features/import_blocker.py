"""Keeping out packages that others import if they are installed, and nothing here needs."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def block_import(*names: str) -> Iterator[None]:
    """Make this thread's imports of packages fail inside; one that is already loaded costs nothing and stays.

    Other threads import them as ever.

    >>> with block_import("this"):
    ...     import this
    Traceback (most recent call last):
    ModuleNotFoundError: this is kept out here
    """
    finder = _Blocker(frozenset(names))
    sys.meta_path = [finder, *sys.meta_path]  # never changed in place: another thread may be going through it
    try:
        yield
    finally:
        sys.meta_path = [one for one in sys.meta_path if one is not finder]


class _Blocker(MetaPathFinder):
    def __init__(self, names: frozenset[str]) -> None:
        self.names, self.thread = names, threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname in self.names and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"{fullname} is kept out here", name=fullname)
        return None
