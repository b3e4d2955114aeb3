"""Stages written as one column of dates each: a row per filled date."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import FILE_ROW, WIDE_DATE, WIDE_STAGE
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.reading.header_row import match_headers
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.row_selection import has_value
from pipelines.ingest.values.column_texts import first_filled, no_value_in_words, without_no_value
from pipelines.ingest.values.type_casting import plain_texts


def melt_stages(raw: RawTable, source: Source, table: str) -> RawTable:
    """Rows of a wide table as one row per stage and date, in the order of the file; other tables as they are.

    Row numbers count the new rows; each keeps the number of its row in the file under ``(row of the file)``, and rows
    that were broken in the file come last. A note counts the texts that mean no date.

    Raises
    ------
    MissingColumnError
        naming the stage and the header that the file lacks.
    """
    wide = source.tables[table].wide
    if not wide:
        return raw

    dates = source.tables[table].columns["entered_at"]
    headers = [header for stage in wide.values() for header in stage.headers]
    known = match_headers(headers, [str(name) for name in raw.frame.columns])
    frame = raw.frame.rename(columns={theirs: ours for ours, theirs in known.items()}).reset_index(drop=True)
    for name, stage in wide.items():
        for header in stage.headers:
            if header not in frame:
                where = source.where("tables", table, "wide", str(name))
                file = str(raw.form.get("file", "the file"))
                raise MissingColumnError(where, f"{table}.wide.{name}", header, file, map(str, raw.frame.columns))

    rest = frame.drop(columns=list({header for stage in wide.values() for header in stage.source}))
    rest[FILE_ROW] = [str(row) for row in raw.rows]
    none: dict[str, Counter[str]] = {}
    parts = []
    for name, stage in wide.items():
        moments = _first_filled(frame, stage.source, dates, none)
        belongs = moments.notna().to_numpy(dtype=bool)
        for header, values in stage.rows.items():
            belongs = belongs & has_value(frame[header], values)
        filled = np.flatnonzero(belongs)
        part = rest.iloc[filled].copy()
        part[WIDE_STAGE], part[WIDE_DATE] = str(name), moments.iloc[filled].to_numpy()
        parts.append(part)

    melted = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    rows = np.arange(1, len(melted) + 1, dtype=np.int64)
    broken = tuple(replace(row, row=len(melted) + place) for place, row in enumerate(raw.broken, 1))
    origin = melted[FILE_ROW].astype("int64").to_numpy()
    numbers = {name: rows[np.isin(origin, at)] for name, at in raw.numbers.items()}
    notes = (*raw.notes, *_note_no_value(none))
    return replace(raw, frame=melted, rows=rows, broken=broken, numbers=numbers, notes=notes)


def rows_of_file(raw: RawTable, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers that rows of a table have in its file, where those of a wide table count the rows made of it."""
    if FILE_ROW not in raw.frame:
        return rows
    numbers = raw.frame[FILE_ROW].astype("int64").to_numpy()
    return np.asarray(numbers[np.isin(raw.rows, rows)], dtype=np.int64)


def _first_filled(
    frame: pd.DataFrame, headers: Sequence[str], declared: Column, none: dict[str, Counter[str]]
) -> pd.Series:
    """The first filled value of each row, missing where none is; ``none`` takes each header's texts for no value."""
    columns = [frame[header] for header in headers]
    if not all(pd.api.types.is_datetime64_any_dtype(column.dtype) for column in columns):
        texts = [plain_texts(column, declared) for column in columns]
        columns = [without_no_value(column) for column in texts]
        for header, written, told in zip(headers, texts, columns, strict=True):
            none[header] = Counter(written[told.isna()].dropna())
    return first_filled(columns)


def _note_no_value(none: Mapping[str, Counter[str]]) -> list[str]:
    """Texts that mean no date and where they stand, as other columns of time tell it."""
    headers = ", ".join(f"'{header}'" for header, texts in none.items() if texts)
    found = sum(none.values(), Counter[str]())
    return [f"{no_value_in_words(found)} in {headers} count as missing."] if found else []
