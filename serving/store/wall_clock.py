"""The present time, as the store writes it."""

from datetime import UTC, datetime


def wall_now() -> datetime:
    """The present time, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
