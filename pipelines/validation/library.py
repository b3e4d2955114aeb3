"""The library itself, imported where it is used: without Spark, and without a word to anybody."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def great_expectations() -> Any:
    """The module ``great_expectations``; its import takes seconds.

    It sends usage figures unless told not to, by the environment while it runs here and by the project's own file when
    its users open it.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _without_spark():
        import great_expectations as gx
        import great_expectations.expectations

    return gx


@contextmanager
def _without_spark() -> Iterator[None]:
    """Spark out of the way, which the library looks for, never uses here, and which takes seconds to import."""
    absent = "pyspark" not in sys.modules
    if absent:
        sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if absent:
            del sys.modules["pyspark"]
