"""Declared rights of the people in the data: columns that hold an objection or a consent, and how long rows stay."""

from pydantic import Field, field_validator

from features.schema.canonical_tables import TABLES
from features.schema.columns import Declared

QUARANTINE = "quarantine"


class Consent(Declared):
    """Which column says whether a person may be reached by a channel, and what may not be shown where they may not."""

    column: str = Field(description="boolean column of leads; anything but true is no consent")
    contacts: tuple[str, ...] = Field(
        default=(), description="personal or display columns of leads that are emptied without it, e.g. [email]"
    )


class Privacy(Declared):
    """What people asked for, as far as the source's own columns say, and how long rows are kept."""

    objection: str | None = Field(
        default=None, description="boolean column of leads: true where the person objects to being profiled"
    )
    consent: dict[str, Consent] = Field(
        default_factory=dict,
        description="channel of activities (email, phone, ...) to the consent it takes: without it the channel's "
        "activities are left out and its contacts are not shown",
    )
    retention: dict[str, int] = Field(
        default_factory=dict,
        description="table (or quarantine) to the days its rows are kept, counted back from the data cut-off by when a "
        "row became known; leads: from the last thing known of a lead",
    )

    @field_validator("retention")
    @classmethod
    def _tables_and_days(cls, retention: dict[str, int]) -> dict[str, int]:
        allowed = [name for name in (*TABLES, QUARANTINE) if name != "accounts"]
        for name, days in retention.items():
            if name not in allowed:
                raise ValueError(f"no retention of '{name}'; there are {', '.join(allowed)}")
            if days <= 0:
                raise ValueError(f"rows of '{name}' must be kept at least one day; leave the table out to keep them")
        return retention

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of leads that are named."""
        named = [self.objection, *(one.column for one in self.consent.values())]
        return tuple(name for name in named if name is not None)
