"""``lifecycle.json``: stages, service levels, volumes and recycles as tables; and ``profile.json``, who is won."""

from typing import Any

from typing_extensions import TypedDict

from pipelines.artifacts.artifact import Artifact, Figure

Table = tuple[dict[str, Any], ...]  # rows of a frame; `columns` names their order


class LifecycleRecord(Artifact):
    """The lifecycle as known at the data cut-off; nothing is left without stage history."""

    FILE = "thresholds/lifecycle.json"
    STAGE = "thresholds"

    sentences: tuple[str, ...]
    funnel: Table
    funnel_by_month: Table
    sla: Table
    sla_by_month: Table
    volumes: Table
    first_touch: Table
    nurtured: Table
    tools: Table
    recycled: Table
    returns: Table
    worked: Table
    agreement: Table
    verdicts: Table = ()
    stages: Table = ()
    transitions: Table = ()
    goals: Table = ()
    programmes: Table = ()
    columns: dict[str, tuple[str, ...]]
    hours: str

    def table(self, name: str) -> Table:
        """The rows of a table by its name in ``columns``; empty if the file holds no such table."""
        found: Table = getattr(self, name, ())
        return found


class AttributeRow(TypedDict):
    """One value of an attribute: how often its leads are won, and how often it occurs among won leads and the rest."""

    attribute: str
    high: Figure
    leads: int
    low: Figure
    rate: Figure
    share_of_rest: Figure
    share_of_won: Figure
    value: str
    verdict: str
    won: int


class ProfileRecord(Artifact):
    """Attributes and the declared profile against outcomes; nothing is left without matured leads."""

    FILE = "thresholds/profile.json"
    STAGE = "thresholds"

    attributes: tuple[AttributeRow, ...]
    declared: tuple[AttributeRow, ...]
    leads: int
    won: int
