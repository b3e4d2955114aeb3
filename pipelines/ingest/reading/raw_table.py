"""Rows of one input before they are read as declared: what every reader returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.ingest.reading.delimited_rows import BrokenRow
from pipelines.ingest.reading.file_state import FileState


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
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    broken: tuple[BrokenRow, ...]
    form: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    files: tuple[FileState, ...] = ()

    @property
    def read(self) -> int:
        """Rows read, broken ones counted."""
        return len(self.frame) + len(self.broken)


def number_rows(count: int) -> npt.NDArray[np.int64]:
    """Numbers of rows none of which is broken."""
    return np.arange(1, count + 1, dtype=np.int64)


def text_frame(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pd.DataFrame:
    """Rows of texts, each as wide as the header, as a frame; None is missing."""
    columns = zip(*rows, strict=True) if rows else [() for _ in header]
    return pd.DataFrame(
        {name: pd.Series(list(values), dtype="str") for name, values in zip(header, columns, strict=True)}
    )
