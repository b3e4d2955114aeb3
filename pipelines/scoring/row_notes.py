"""What is said of the rows of a scored file: why some have no score, and which values training never saw."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assembly.closed_leads import ClosedLead
from features.matrix import Matrix
from features.schema.operations import ColumnValue
from features.schema.source import Source
from models.bundle import Bundle
from models.judging.drift.trained_values import UnseenValue
from pipelines.ingest.quarantine import hidden_columns

ERROR, NOTE = "error", "note"  # columns of a scored file
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


def note_ages(model: Bundle, matrix: Matrix, usable: np.ndarray) -> list[str]:
    """What a reader should mind: leads older than any the model was trained on."""
    oldest = model.age_days[1]
    age = matrix.keys["age_days"].to_numpy(dtype=np.float64)
    age = age if len(age) == len(usable) else _spread(age, usable)
    return [
        f"{days:.0f} days old, the oldest lead trained on was {oldest:.0f}: read the score with care"
        if ok and np.isfinite(days) and np.isfinite(oldest) and days > oldest + 1
        else ""
        for ok, days in zip(usable, age, strict=True)
    ]


def _spread(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    full = np.full(len(usable), np.nan)
    full[usable] = values
    return full


def note_merged_leads(frame: pd.DataFrame, merged: Mapping[str, str]) -> list[str]:
    """The note of each row, with the lead it was scored as where its own was merged away."""
    return [
        "; ".join(filter(None, (note, f"scored as lead '{merged[name]}', its duplicate" if name in merged else "")))
        for name, note in zip(frame["lead_id"], frame[NOTE], strict=True)
    ]


def note_closed_leads(frame: pd.DataFrame, closed: Mapping[str, ClosedLead], merged: Mapping[str, str]) -> list[str]:
    """The note of each row, with how its lead ended where it is over."""
    notes = []
    for name, note, error in zip(frame["lead_id"], frame[NOTE], frame[ERROR], strict=True):
        ended = closed.get(merged.get(name, name)) if isinstance(name, str) else None
        if ended is not None:
            note = "; ".join(filter(None, (ended.sentence, "" if error else ended.score_sentence, note)))
        notes.append(note)
    return notes
