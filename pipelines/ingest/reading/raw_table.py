"""Rows of one input before they are read as declared: what every reader returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.ingest.reading.delimited_rows import BrokenRow
from pipelines.ingest.reading.file_state import FileState


@dataclass(frozen=True)
class FileRows:
    """Which rows of a table in several files one of them holds, and the sign between that file's values, if any."""

    rows: npt.NDArray[np.bool_]
    delimiter: str | None = None


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Rows of one input before they are read as declared.

    Parameters
    ----------
    frame : columns as in the input; texts, or the types that Parquet files and databases bring
    rows : number of each row in the input, from 1, broken rows counted
    broken : rows kept out because they do not fit the header or hold bytes that are not text
    form : what was detected: format, encoding, delimiter, sha256
    notes : what had to be found out or was passed over, in sentences
    not_read : columns of the input that nobody asked for and that were therefore not fetched
    files : what each file was when it was read
    numbers : by column, numbers of the rows whose value the input holds as a number, not as a text of one: in the frame
        it has a decimal point, whatever the texts around it use, and proves nothing about them
    parts : of a table in several files each file with the number of the last row before it
    delimiters : of a table in several files the sign between each one's values; ``form`` has that of the first alone
    partitions : columns that names of folders became (``dt=2026-01-01``); of a row they say but where it lies
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    broken: tuple[BrokenRow, ...]
    form: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    files: tuple[FileState, ...] = ()
    numbers: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)
    delimiters: Mapping[str, str | None] = field(default_factory=dict)
    partitions: frozenset[str] = frozenset()

    @property
    def read(self) -> int:
        """Rows read, broken ones counted."""
        return len(self.frame) + len(self.broken)

    @property
    def written(self) -> pd.Timestamp | None:
        """When the last of its files was written, naive UTC to the microsecond; None where it has none."""
        times = [state.modified_ns // 1000 for state in self.files]
        return pd.Timestamp(max(times), unit="us") if times else None

    def rows_of_parts(self) -> dict[str, FileRows]:
        """Which rows of the frame each file holds; empty where the table lies in one."""
        ends = [*list(self.parts.values())[1:], np.inf]
        return (
            {
                name: FileRows((self.rows > start) & (self.rows <= end), self.delimiters.get(name))
                for (name, start), end in zip(self.parts.items(), ends, strict=True)
            }
            if self.parts
            else {}
        )

    def rename(self, names: Mapping[str, str]) -> "RawTable":
        """The table with columns under other names, by their name so far."""
        numbers = {names.get(name, name): rows for name, rows in self.numbers.items()}
        return replace(self, frame=self.frame.rename(columns=dict(names)), numbers=numbers)

    def are_numbers(self, column: str) -> npt.NDArray[np.bool_]:
        """Which rows of the frame hold a number in a column, not a text of one."""
        if column in self.frame and pd.api.types.is_numeric_dtype(self.frame[column].dtype):
            return np.ones(len(self.frame), dtype=np.bool_)
        rows = self.numbers.get(column)
        return np.zeros(len(self.frame), dtype=np.bool_) if rows is None else np.isin(self.rows, rows)


def number_rows(count: int) -> npt.NDArray[np.int64]:
    """Numbers of rows none of which is broken."""
    return np.arange(1, count + 1, dtype=np.int64)


def text_frame(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pd.DataFrame:
    """Rows of texts, each as wide as the header, as a frame; None is missing."""
    columns = zip(*rows, strict=True) if rows else [() for _ in header]
    return pd.DataFrame(
        {name: pd.Series(list(values), dtype="str") for name, values in zip(header, columns, strict=True)}
    )
