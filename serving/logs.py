"""Structured log lines on standard error; never personal data, never a request's content."""

import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast

from features.import_blocker import block_import
from pipelines.workspace.hidden_passwords import hide_passwords

with block_import("rich"):  # structlog would draw tracebacks with it; ours are JSON
    import structlog


class _StandardError:
    """Standard error at the time of writing, as tests and servers replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _without_passwords(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Texts of a line without passwords of addresses and without secrets of the environment."""
    return {name: hide_passwords(value) if isinstance(value, str) else value for name, value in event.items()}


def logger() -> Any:
    """A logger that writes one JSON object per line."""
    return structlog.wrap_logger(
        structlog.WriteLogger(cast(TextIO, _StandardError())),
        processors=[
            _without_passwords,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )


def traceback_places(error: Exception) -> list[str]:
    """Where an error was raised, for the log: files and lines, nothing of what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:]]
