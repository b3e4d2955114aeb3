"""A version of the registry that could not be loaded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FailedVersion:
    """Why it could not be loaded, how many attempts there were, and when the next one is due.

    ``retry_at`` is in seconds of ``time.monotonic``.
    """

    name: str
    message: str
    attempts: int
    retry_at: float
