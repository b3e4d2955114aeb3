"""Columns of a table as codes, numbers and moments, whether it came as a frame or as a few records."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Codes, Floats, Ints
from features.point_in_time.microseconds import NEVER

TRUE_TEXTS = frozenset({"true", "yes", "y", "1", "1.0", "t"})
FALSE_TEXTS = frozenset({"false", "no", "n", "0", "0.0", "f"})


@dataclass(frozen=True)
class Coded:
    """A text column: ``codes`` (-1 missing) into ``values``, which are sorted, so that codes order like texts."""

    codes: Codes
    values: tuple[str, ...]


class Rows(Protocol):
    """Access to the columns of one table; a column that is not there is missing everywhere."""

    def __len__(self) -> int: ...

    def text(self, column: str) -> Coded:
        """A column as codes into sorted texts, shape (rows,)."""

    def number(self, column: str) -> Floats:
        """A column as float64, shape (rows,); what is not a number is NaN."""

    def moment(self, column: str) -> Ints:
        """A column as microseconds since the epoch, shape (rows,); missing is NEVER."""

    def find_repeated(self, column: str) -> Ints:
        """Positions of rows whose value occurs more than once."""


def number_of(value: Any) -> float:
    """A value as a number: texts and booleans are read, anything else is missing (NaN).

    >>> number_of("12.5"), number_of(True), number_of("yes"), number_of("n/a")
    (12.5, 1.0, 1.0, nan)
    """
    if value is None or value is pd.NA:
        return math.nan
    if isinstance(value, str):
        text = value.strip()
        try:
            number = float(text)
        except ValueError:
            lowered = text.lower()
            return 1.0 if lowered in TRUE_TEXTS else 0.0 if lowered in FALSE_TEXTS else math.nan
        return number if math.isfinite(number) else math.nan
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.nan
    return number if math.isfinite(number) else math.nan


def text_of(value: Any) -> str | None:
    """A value as text, None where missing or empty."""
    if isinstance(value, str):
        return value or None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return None
        return str(int(value)) if float(value).is_integer() else str(float(value))
    return str(value)


def micros_of(value: Any) -> int:
    """A moment as microseconds since the epoch; texts without a zone are UTC; missing is :data:`NEVER`.

    >>> micros_of("1970-01-02T01:00:00+01:00") == 86_400_000_000
    True
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return NEVER
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").astype(np.int64))
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return NEVER
    if isinstance(value, pd.Timestamp):
        return int(value.value) // 1000
    delta = value - (_EPOCH if value.tzinfo is None else _EPOCH_UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def all_micros(values: Sequence[Any]) -> Ints:
    """:func:`micros_of` of many; plain datetimes without a zone are read at once, which numpy is slow at."""
    if set(map(type, values)) == _PLAIN and all(value.tzinfo is None for value in values):
        return np.array([(value - _EPOCH) // _MICROSECOND for value in values], dtype=np.int64)
    return np.asarray([micros_of(value) for value in values], dtype=np.int64)


_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = {datetime}
_TEXT_OR_NONE = {str, type(None)}
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


class FrameRows:
    """Columns of a pandas frame (batch)."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._text: dict[str, Coded] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def has(self, column: str) -> bool:
        """Whether the frame has the column."""
        return column in self.frame.columns

    def text(self, column: str) -> Coded:
        """A column as codes into sorted texts, shape (rows,)."""
        if column not in self._text:
            self._text[column] = self._encode(column)
        return self._text[column]

    def _encode(self, column: str) -> Coded:
        if not self.has(column):
            return Coded(np.full(len(self), -1, dtype=np.int32), ())
        series = self.frame[column]
        codes: npt.NDArray[Any]
        values: Any
        if isinstance(series.dtype, pd.CategoricalDtype):
            codes, values = series.cat.codes.to_numpy(), np.asarray(series.cat.categories, dtype=object)
        elif isinstance(series.dtype, pd.StringDtype):
            codes, values = _dictionary(series)
        else:
            codes, values = pd.factorize(series)

        texts = [text_of(value) for value in values]
        kept = sorted({text for text in texts if text is not None})
        place = {text: i for i, text in enumerate(kept)}
        renumber = np.asarray([-1 if text is None else place[text] for text in texts] + [-1], dtype=np.int32)
        return Coded(renumber[codes], tuple(kept))

    def number(self, column: str) -> Floats:
        """A column as float64, shape (rows,); what is not a number is NaN."""
        if not self.has(column):
            return np.full(len(self), np.nan)
        series = self.frame[column]
        kind = series.dtype.kind
        if kind in "iuf":
            return _as_own_array(series.to_numpy(dtype=np.float64, na_value=np.nan))
        if kind == "b":
            return np.asarray(series.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
        coded = self.text(column)
        table = np.asarray([number_of(value) for value in coded.values] + [np.nan], dtype=np.float64)
        return table[coded.codes]

    def moment(self, column: str) -> Ints:
        """A column as microseconds since the epoch, shape (rows,); missing is NEVER."""
        if not self.has(column):
            return np.full(len(self), NEVER, dtype=np.int64)
        series = self.frame[column]
        if series.dtype.kind == "M":
            if getattr(series.dtype, "tz", None) is not None:
                series = series.dt.tz_convert("UTC").dt.tz_localize(None)
            return _as_own_array(series.to_numpy(dtype="datetime64[us]")).view(np.int64)
        coded = self.text(column)
        table = np.asarray([micros_of(value) for value in coded.values] + [NEVER], dtype=np.int64)
        return table[coded.codes]

    def find_repeated(self, column: str) -> Ints:
        """Positions of rows whose value in ``column`` occurs more than once."""
        if not self.has(column):
            return np.empty(0, dtype=np.int64)
        series = self.frame[column]
        return np.flatnonzero((series.duplicated(keep=False) & series.notna()).to_numpy())


def _as_own_array(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Contiguous and writable: the kernels are compiled for such arrays only, once."""
    kept = np.ascontiguousarray(values)
    return kept if kept.flags.writeable else kept.copy()


def _dictionary(series: pd.Series) -> tuple[npt.NDArray[Any], Any]:
    """Codes and values of a text column; Arrow does it without making a Python string per row."""
    import pyarrow as pa

    array = pa.array(series, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    coded = array.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, coded.dictionary.to_pylist()


class RecordRows:
    """Columns of a handful of records (one request), without a frame."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self.records = records
        self._present: frozenset[str] = frozenset().union(*records)
        self._text: dict[str, Coded] = {}
        self._texts: dict[str, list[Any]] = {}
        self._number: dict[str, Floats] = {}
        self._moment: dict[str, Ints] = {}

    def __len__(self) -> int:
        return len(self.records)

    def text(self, column: str) -> Coded:
        """A column as codes into sorted texts, shape (rows,)."""
        if column not in self._text and column not in self._present:
            self._text[column] = Coded(np.full(len(self.records), -1, dtype=np.int32), ())
        if column not in self._text:
            texts = self.texts(column)
            values = sorted(set(texts) - {None})
            place: dict[str | None, int] = {None: -1, **dict(zip(values, range(len(values)), strict=True))}
            self._text[column] = Coded(np.array([place[text] for text in texts], dtype=np.int32), tuple(values))
        return self._text[column]

    def texts(self, column: str) -> list[Any]:
        """The texts themselves, None where missing or empty."""
        if column not in self._texts:
            found = [record.get(column) for record in self.records]
            if not set(map(type, found)) <= _TEXT_OR_NONE:
                found = [text_of(value) for value in found]
            self._texts[column] = [text or None for text in found] if "" in found else found
        return self._texts[column]

    def number(self, column: str) -> Floats:
        """A column as float64, shape (rows,); what is not a number is NaN."""
        if column not in self._present:
            return np.full(len(self.records), np.nan)
        if column not in self._number:
            read = [number_of(record.get(column)) for record in self.records]
            self._number[column] = np.asarray(read, dtype=np.float64)
        return self._number[column]

    def moment(self, column: str) -> Ints:
        """A column as microseconds since the epoch, shape (rows,); missing is NEVER."""
        if column not in self._moment and column not in self._present:
            self._moment[column] = np.full(len(self.records), NEVER, dtype=np.int64)
        if column not in self._moment:
            self._moment[column] = all_micros([record.get(column) for record in self.records])
        return self._moment[column]

    def find_repeated(self, column: str) -> Ints:
        """Positions of rows whose value in ``column`` occurs more than once."""
        if column not in self._present:
            return np.empty(0, dtype=np.int64)
        texts = [text_of(record.get(column)) for record in self.records]
        counts = Counter(text for text in texts if text is not None)
        if len(counts) == len(texts):
            return np.empty(0, dtype=np.int64)
        return np.asarray([i for i, text in enumerate(texts) if text and counts[text] > 1], dtype=np.int64)
