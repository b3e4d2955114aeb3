"""Figures of a process that several servers of one test process would count anew from the very same rows."""

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

MOST = 30  # results kept, the oldest go first


@contextmanager
def counted_once() -> Iterator[None]:
    """Lifecycle and weekly trends of the same declaration, rows and moment are worked out once.

    Only for callers that import them when they count, as the server does: a test that imports them has the real ones.
    """
    from pipelines.diagnostics import lifecycle_figures, weekly_trends

    with (
        patch.object(lifecycle_figures, "lifecycle_of", _once(lifecycle_figures.lifecycle_of)),
        patch.object(weekly_trends, "weekly_trends", _once(weekly_trends.weekly_trends)),
    ):
        yield


def _once(count: Callable[..., Any]) -> Callable[..., Any]:
    kept: dict[str, bytes] = {}

    @wraps(count)
    def found(context: Any, *given: Any, **named: Any) -> Any:
        files = sorted(file for folder in (context.paths.ingest, context.paths.matrix) for file in folder.glob("*"))
        stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        key = _digest((context.declaration_hash, context.source, context.policy, stamps, given, named))
        if key not in kept:
            kept[key] = pickle.dumps(count(context, *given, **named))
            if len(kept) > MOST:
                kept.pop(next(iter(kept)))
        return pickle.loads(kept[key])

    return found


def _digest(given: Any) -> str:
    found = hashlib.blake2b()
    _add(found, given)
    return found.hexdigest()


def _add(found: Any, part: Any) -> None:
    """Every value of every frame, and all else by what it says of itself."""
    if isinstance(part, pd.DataFrame):
        for name in part:
            found.update(repr((name, len(part), str(part[name].dtype))).encode())
            values = part[name]
            if isinstance(values.dtype, np.dtype) and values.dtype != object:
                found.update(np.ascontiguousarray(values.to_numpy()).view(np.uint8).data)
            else:
                found.update(pd.util.hash_array(values.to_numpy(dtype=object, na_value=None), categorize=True).data)
    elif isinstance(part, Mapping):
        for name in sorted(part, key=str):
            found.update(repr(name).encode())
            _add(found, part[name])
    elif isinstance(part, tuple | list):
        for one in part:
            _add(found, one)
    elif isinstance(part, frozenset | set):
        found.update(repr(sorted(part)).encode())
    else:
        found.update(repr(part).encode())
