"""One table of an export before anybody has said what it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from features.errors import LeadScoreError
from pipelines.declaring.column_inference import missing_texts
from pipelines.declaring.value_types import counts_time
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.ingest.values.column_texts import without_no_value
from pipelines.ingest.values.moments import with_digits, zone_of
from pipelines.ingest.values.timestamps import read_timestamps

_TIMES_READ = 0.95  # share of filled values that must be times: exports have a few typing errors
_LIKE_A_TIME = r"^\D{0,4}\d{1,4}[-/.년年 ]"
_SAMPLE = 300  # values by which a column is taken for times


@dataclass(frozen=True)
class ExportTable:
    """A table of an export.

    Parameters
    ----------
    name : of the file, sheet or database table
    frame : texts as in the file, missing where empty
    location : the keys of its ``location`` in a declaration
    form : what was found out when it was read: format, delimiter, encoding
    question : what a person has to look at before the first run, because the file does not say it
    """

    name: str
    frame: pd.DataFrame
    location: Mapping[str, object] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""

    @cached_property
    def times(self) -> frozenset[str]:
        """Headers of columns that hold times."""
        found = set()
        for header in self.frame.columns:
            present = without_no_value(self.frame[header]).dropna()
            sample = present.iloc[:: max(len(present) // _SAMPLE, 1)].reset_index(drop=True)
            if not len(sample):
                continue
            written = sample.str.contains(_LIKE_A_TIME).mean() > _TIMES_READ and _reads(sample)
            if written or counts_time(str(header), sample):
                found.add(str(header))
        return frozenset(found)

    def moments(self, header: str) -> pd.Series:
        """The times of a column, UTC; missing where they cannot be read."""
        return _times(without_no_value(self.frame[header]))

    def headers(self, meaning: Meaning) -> list[str]:
        """Headers that may say this, in the order of the file."""
        return [str(header) for header in self.frame.columns if meaning in meanings_of(str(header))]

    def filled(self, header: str) -> float:
        """Share of rows with a value."""
        return float(without_no_value(self.frame[header]).notna().mean()) if len(self.frame) else 0.0

    def missing(self, header: str) -> dict[str, object]:
        """The key ``missing`` of a column some of whose texts mean that there is no value; else nothing."""
        found = missing_texts(self.frame[header])
        return {"missing": found} if found else {}


def _reads(sample: pd.Series) -> bool:
    try:
        found = read_timestamps(sample, zone_of("UTC", "")).values
    except LeadScoreError:
        return True  # dates that can be read in two ways are dates
    return bool(found.notna().mean() >= _TIMES_READ)


def _times(texts: pd.Series) -> pd.Series:
    try:
        return read_timestamps(texts.reset_index(drop=True), zone_of("UTC", "")).values
    except LeadScoreError:
        return pd.to_datetime(with_digits(texts), errors="coerce", format="mixed", dayfirst=True)
