"""Structured log lines on standard error; never personal data, never a request's content."""

import sys
from typing import Any

import structlog


def logger() -> Any:
    """A logger that writes one JSON object per line."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
