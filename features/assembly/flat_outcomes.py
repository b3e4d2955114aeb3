"""What a flat table says of each row: won, lost, disqualified or still open; which rows teach, which are listed."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools
from features.cohort.objections import objecting_leads
from features.errors import DataError
from features.kernel.column_reader import FrameRows, text_of
from features.schema.columns import fold_value
from features.schema.source import Flat, Source

Outcome = Literal["won", "lost", "disqualified", "open"]
STRANGE = ""  # a value that the declaration does not know


def flat_outcomes(table: pd.DataFrame, flat: Flat) -> npt.NDArray[np.str_]:
    """Outcome of every row, :data:`STRANGE` where the target's value is none of the declared ones."""
    target = flat.target
    meaning: dict[str, str] = {}
    sides: tuple[tuple[Outcome, tuple[str, ...]], ...] = (
        ("won", target.won),
        ("lost", target.lost),
        ("disqualified", target.disqualified),
        ("open", target.open),
    )
    for side, values in sides:
        meaning |= {fold_value(value): side for value in values}
    texts = FrameRows(table[[target.column]]).text(target.column)
    read = [meaning.get(fold_value(value), STRANGE) for value in texts.values]
    return np.asarray([*read, meaning.get("", STRANGE)], dtype=np.str_)[texts.codes]


def name_rows(ids: pd.Series | None, numbers: pd.Series) -> pd.Series:
    """Ids of leads as texts; without any, the row's number, and beside other rows' ids ``row 37``, which is no lead's.

    Parameters
    ----------
    ids : as the file has them, some of them empty; None where it has no column of ids
    numbers : of the rows in the file
    """
    written = numbers.astype("str")
    return written if ids is None else ids.astype("str").fillna("row " + written)


def are_numbered(source: Source) -> bool:
    """Whether the leads of a flat source are known by the number of their row alone, which is another's tomorrow."""
    return source.flat is not None and source.flat.lead_id is None and "lead_id" not in source.tables["leads"].columns


def are_row_numbers(ids: pd.Series, source: Source) -> Bools:
    """Per id whether it is the number of a row (:func:`name_rows`), which says nothing of another file."""
    if source.flat is None or are_numbered(source):
        return np.full(len(ids), source.flat is not None, dtype=np.bool_)
    return np.asarray(ids.astype("str").str.fullmatch(r"row \d+").fillna(False).to_numpy(dtype=np.bool_))


def flat_ids(table: pd.DataFrame, flat: Flat) -> pd.Series:
    """Id of every row: as ingest wrote it, else by the declared column, else its number in the table."""
    name = next((name for name in ("lead_id", flat.lead_id) if name is not None and name in table), None)
    return name_rows(None if name is None else table[name], pd.Series(range(1, len(table) + 1), index=table.index))


def learned_rows(table: pd.DataFrame, source: Source, flat: Flat) -> Bools:
    """Rows with an outcome to learn from: disqualified ones too, unless ``label.disqualified`` leaves them out.

    Raises
    ------
    DataError
        naming values of the target that the declaration does not know.
    """
    outcomes = flat_outcomes(table, flat)
    strange = np.flatnonzero(outcomes == STRANGE)
    if strange.size:
        _refuse_strange(table, strange, source, flat)
    kept = ("won", "lost") if source.label.disqualified == "excluded" else ("won", "lost", "disqualified")
    return np.isin(outcomes, kept) & ~objecting_leads(table, source)


def open_rows(table: pd.DataFrame, source: Source, flat: Flat) -> Bools:
    """Rows of leads that are not closed yet and do not object; none where the declaration names no open values."""
    if not flat.target.open:
        return np.zeros(len(table), dtype=np.bool_)
    return np.asarray(flat_outcomes(table, flat) == "open", dtype=np.bool_) & ~objecting_leads(table, source)


def _refuse_strange(table: pd.DataFrame, strange: npt.NDArray[np.int64], source: Source, flat: Flat) -> None:
    found = sorted({str(text_of(table[flat.target.column].iloc[i])) for i in strange[:100]})[:3]
    raise DataError(
        f"target '{flat.target.column}' of source '{source.name}' has {strange.size} values that are neither won "
        f"({', '.join(flat.target.won)}) nor lost ({', '.join(flat.target.lost)}), e.g. {', '.join(found)} in row "
        f"{strange[0] + 1}; add them to one of the two, or to 'disqualified' or 'open', or let ingest quarantine them."
    )
