"""Structured log lines on standard error; never personal data, never a request's content."""

import sys
from typing import Any, TextIO, cast

from serving.import_blocker import block_import

with block_import("rich"):  # structlog would draw tracebacks with it; ours are JSON
    import structlog


class _StandardError:
    """Standard error at the time of writing, as tests and servers replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def logger() -> Any:
    """A logger that writes one JSON object per line."""
    return structlog.wrap_logger(
        structlog.WriteLogger(cast(TextIO, _StandardError())),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
