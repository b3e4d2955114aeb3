"""What is said of the rows of a scored file: why some have no score, and which values training never saw."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.schema.operations import ColumnValue
from features.schema.source import Source
from models.bundle import Bundle
from models.judging.drift.trained_values import UnseenValue
from pipelines.ingest.quarantine import hidden_columns

SHOWN_REASONS = 3  # why rows have no score, told on a console; each row says its own


def describe_errors(errors: Sequence[str]) -> list[str]:
    """The largest few reasons why rows have no score, each with its count and an example.

    >>> describe_errors(["", "age: 'x' is not a valid number", "age: 'y' is not a valid number", "lead_id is missing"])
    ["2 rows, e.g. row 2: age: 'x' is not a valid number", '1 row, e.g. row 4: lead_id is missing']
    """
    kinds: dict[str, list[int]] = {}
    for place, text in enumerate(errors):
        if text:
            kinds.setdefault(re.sub(r"'.*?'|\d+", "", text), []).append(place)
    largest = sorted(kinds.values(), key=lambda places: -len(places))
    lines = [
        f"{len(places):,} row{'s' if len(places) != 1 else ''}, e.g. row {places[0] + 1:,}: {errors[places[0]]}"
        for places in largest[:SHOWN_REASONS]
    ]
    rest = largest[SHOWN_REASONS:]
    return [*lines, f"{sum(map(len, rest)):,} rows for {len(rest)} more reasons"] if rest else lines


def note_unseen(
    notes: Sequence[str], rows: Sequence[Sequence[UnseenValue]], usable: npt.NDArray[np.bool_]
) -> list[str]:
    """The notes with the values of each scored row that training never saw."""
    found = dict(zip(np.flatnonzero(usable).tolist(), rows, strict=True))
    return [
        "; ".join(filter(None, (note, *(one.describe() for one in found.get(place, ())))))
        for place, note in enumerate(notes)
    ]


def hidden_features(model: Bundle, source: Source) -> frozenset[str]:
    """Features of personal and sensitive columns, whose values are never shown."""
    hidden = {(table, name) for table in ("leads", "accounts") for name in hidden_columns(source, table)}
    return frozenset(
        feature.name
        for feature in model.catalog
        if isinstance(feature.params, ColumnValue) and (feature.params.table, feature.params.column) in hidden
    )
