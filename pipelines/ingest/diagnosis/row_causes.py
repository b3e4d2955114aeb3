"""Rows that do not fit the header, and clocks that contradict each other: what most of them have in common."""

import csv
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipelines.ingest.diagnosis.cause import MOST, Cause

_HOUR_US = 3_600_000_000


def explain_field_count(raws: Sequence[str], width: int, delimiter: str, quote: str) -> Cause:
    """Why rows have more or fewer fields than the header."""
    counts = Counter(_count_fields(raw, delimiter, quote) for raw in raws[:2_000])
    fields, rows = counts.most_common(1)[0]
    usual = f"{rows / sum(counts.values()):.0%} of them have {fields} fields, the header has {width}"
    if fields == 1:
        return Cause(f"{usual}: they are divided by another sign than '{delimiter}', or are notes", "export one table")
    if fields > width:
        return Cause(
            f"{usual}: values hold a '{delimiter}' without quotes around them, or columns have no name",
            "export with quotes around texts, and a name for every column",
        )
    return Cause(f"{usual}: their end is missing", "export again; lines may be cut, or broken by a value of two lines")


def _count_fields(raw: str, delimiter: str, quote: str) -> int:
    """Fields of a line; of one that no reader takes (a field of megabytes), those between its delimiters."""
    try:
        return len(next(csv.reader([raw], delimiter=delimiter, quotechar=quote), []))
    except csv.Error:
        return raw.count(delimiter) + 1


def explain_clock_order(happened: pd.Series, known: pd.Series, names: tuple[str, str]) -> Cause:
    """Why rows are known before they happened."""
    both = known.notna() & happened.notna()
    moments = [moment[both].to_numpy(dtype="datetime64[us]").astype(np.int64) for moment in (happened, known)]
    early = (moments[1] - moments[0]).tolist()
    if len(early) and len(set(early)) == 1 and early[0] % _HOUR_US == 0 and abs(early[0]) <= 14 * _HOUR_US:
        return Cause(
            f"'{names[1]}' is {-early[0] / _HOUR_US:g} hours before '{names[0]}' in every one: two time zones",
            "declare the 'timezone:' of each column",
        )
    return Cause(
        f"'{names[1]}' lies before '{names[0]}'", "the two may be exchanged: check 'from:' of both, and their zones"
    )


def explain_after_cutoff(moments: pd.Series, cutoff: pd.Timestamp, *, declared: bool) -> Cause:
    """Why rows are known after the data cut-off."""
    known = moments.dropna()
    span = f"they reach from {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}, the cut-off is {cutoff:%Y-%m-%d}"
    if declared:
        return Cause(span, "the export is newer than 'data_cutoff:'; set it to the day of the export")
    far = (known > cutoff + pd.Timedelta(days=366)).mean() >= MOST
    return Cause(
        f"they lie in the future: {span}",
        "these are fillers or expected dates, not what happened: declare them as 'missing:', or take another column"
        if far
        else "check the order of day and month ('time_format:'), and whether the column holds expected dates",
    )
