"""The segments of a request's leads, from records; of tables :func:`features.cohort.cohort.segment_of` tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.schema.source import Source

Records = Mapping[str, Sequence[Mapping[str, Any]]]


def segments_of_records(tables: Records, source: Source, lead_ids: Sequence[str]) -> list[str | None]:
    """Segment of each lead, from the declared column of its record or of its account's first snapshot; None without."""
    column = source.label.segment
    if column is None:
        return [None] * len(lead_ids)
    leads = {str(row["lead_id"]): row for row in reversed(tables["leads"])}
    own = [leads[name] for name in lead_ids]
    if any(column in row for row in tables["leads"]):
        return [_text(row.get(column)) for row in own]

    first: dict[str, Mapping[str, Any]] = {}
    dated = sorted(tables.get("accounts", ()), key=lambda row: (row.get("known_at") is not None, row.get("known_at")))
    for row in dated:
        first.setdefault(str(row["account_id"]), row)
    return [_text(first.get(str(row.get("account_id")), {}).get(column)) for row in own]


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value)  # NaN differs from itself
