"""Rows of a file to a canonical table: columns found, values read as declared, gaps filled by the contract."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools
from features.assembly.flat_outcomes import name_rows
from features.schema.canonical_tables import TABLES, ContractColumn
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import FILE_ROW, CsvFormat
from features.schema.vocabulary import ColumnType, Stage
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.reading.header_row import clean_header, match_headers
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.column_clocks import read_clocks
from pipelines.ingest.shaping.column_forms import NOTHING_KNOWN, Known, find_number_forms
from pipelines.ingest.shaping.declared_columns import declared_headers, names_who_or_when, read_columns, type_of
from pipelines.ingest.shaping.repeated_rows import find_repeats
from pipelines.ingest.values.column_texts import (
    first_filled,
    first_told,
    no_value_in_words,
    values_of,
    without_no_value,
)
from pipelines.ingest.values.days import close_at_day_end, end_of_day
from pipelines.ingest.values.flag_columns import add_flag_columns
from pipelines.ingest.values.moments import Timestamps
from pipelines.ingest.values.number_form import NumberForm, count_currencies
from pipelines.ingest.values.ruined_ids import check_ids
from pipelines.ingest.values.type_casting import (
    cast_booleans,
    cast_choices,
    cast_lists,
    cast_mixed_numbers,
)
from pipelines.workspace.table_files import empty_column

# stages that end a lead's episode; a recycle at midnight would lie before the close of that day that it follows
CLOSING = (str(Stage.WON), str(Stage.LOST), str(Stage.DISQUALIFIED), str(Stage.RECYCLED))


@dataclass(frozen=True)
class UnreadableValues:
    """Rows (positions) of a column whose value cannot be read as its type, and their texts."""

    column: str
    positions: npt.NDArray[np.int64]
    texts: tuple[str, ...]


@dataclass(kw_only=True)
class ShapedTable:
    """A canonical table before its rules are checked; ``rows`` are the rows' numbers in the file.

    ``left_out`` counts rows of the file that are not of this table, ``repeats`` are positions of rows that the file
    holds once more.
    """

    name: str
    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    left_out: int = 0
    unreadable: list[UnreadableValues] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    forms: dict[str, ColumnReading] = field(default_factory=dict)
    perhaps_days: tuple[str, ...] = ()  # columns of midnights in UTC, too few to show that they are days
    repeats: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    repeated: int = 0
    people: dict[str, int] = field(default_factory=dict)  # rows left out for somebody's sake, by why; in left_out too


def shape_table(
    raw: RawTable, table: str, source: Source, *, strict: bool = True, known: Known = NOTHING_KNOWN
) -> ShapedTable:
    """A canonical table from the rows of a file.

    Parameters
    ----------
    known : how the columns were written in the file the source was trained on, for values that do not tell themselves
    strict : a declared column that the file lacks is an error; otherwise it is missing everywhere and listed

    Raises
    ------
    MissingColumnError
        naming the column, the header and its nearest kin in the file.
    AmbiguousNumbersError, AmbiguousDatesError
        naming a column whose values can be read in two ways.
    """
    columns = read_columns(source, table)
    shaped = ShapedTable(name=table, frame=pd.DataFrame(index=pd.RangeIndex(len(raw.frame))), rows=raw.rows)
    headers = {*declared_headers(source, table), *_headers_of(columns), FILE_ROW}
    raw, told = _with_declared_headers(raw, headers)
    frame = raw.frame.reset_index(drop=True)
    frame = add_flag_columns(frame, source.tables[table].flags if table in source.tables else {})
    shaped.notes += [f"{table}: {note}" for note in (*raw.notes, *told)]
    shaped.undeclared = sorted({*frame.columns, *raw.not_read} - headers)

    texts, typed = _texts(frame, columns, table, source, shaped, strict=strict, raw=raw)
    forms = _number_forms(raw, texts, typed, table, source, shaped, known)

    read = read_clocks(texts, table, source, known)
    clocks, shaped.perhaps_days = read.moments, read.perhaps_days
    shaped.notes += read.notes
    shaped.forms |= read.forms
    values: dict[str, pd.Series] = {}
    for name, column in columns.items():
        if name not in texts:
            values[name] = empty_column(type_of(source, table, name), len(frame))
        elif name in clocks:
            values[name] = _keep_apart(name, texts[name], clocks[name].values, shaped)
        else:
            form = forms.get(name, NumberForm())
            values[name] = _cast(name, texts[name], column, form, typed.get(name), shaped, source)

    shaped.frame = _fill_gaps(values, clocks, table, source, raw)
    if table == "activities" and "happened_at" in clocks:
        written = frame.drop(columns=[name for name in frame if name in raw.partitions - headers])
        shaped.repeats = find_repeats(shaped.frame, written, clocks["happened_at"].date_only)
    return shaped


def _headers_of(columns: Mapping[str, Column]) -> set[str]:
    return {header for name, column in columns.items() for header in column.headers(name)}


def _with_declared_headers(raw: RawTable, declared: set[str]) -> tuple[RawTable, list[str]]:
    """Columns under the headers the declaration speaks of; those that differ in case or blanks only are told."""
    found = match_headers(sorted(declared), [str(name) for name in raw.frame.columns])
    other = {theirs: ours for ours, theirs in found.items() if ours != theirs}
    told = [
        f"column '{theirs}' is taken for the declared '{ours}'; the two differ in case, width or blanks only."
        for theirs, ours in other.items()
        if clean_header(ours) != clean_header(theirs)
    ]
    return raw.rename(other), told


def _texts(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    table: str,
    source: Source,
    shaped: ShapedTable,
    *,
    strict: bool,
    raw: RawTable,
) -> tuple[dict[str, pd.Series], dict[str, Bools]]:
    """Raw values per product column: texts, or typed Parquet columns where the type fits; and which are numbers.

    ``raw`` says where they are from, and which columns there are that nobody asked for: a renamed one is among them.
    """
    found: dict[str, pd.Series] = {}
    typed: dict[str, Bools] = {}
    what = str(raw.form.get("file", "the file"))
    for name, column in columns.items():
        if column.constant is not None:
            found[name] = pd.Series(column.constant, index=frame.index, dtype="str")
            continue
        kind = type_of(source, table, name)
        named = names_who_or_when(source, table, name)
        parts, numbers, none = [], [], Counter[str]()
        for header in column.headers(name):
            if header in frame:
                part = values_of(frame[header], column, kind)
                if named:
                    told = without_no_value(part)
                    none.update(part[told.isna()].dropna())
                    part = told
                parts.append(part)
                numbers.append(raw.are_numbers(header))
            elif strict:
                where = source.where("tables", table, "columns", name, "from")
                flags = source.tables[table].flags.get(header, {}) if table in source.tables else {}
                there = [*frame.columns, *raw.not_read]
                lacking = [flag for named in flags.values() for flag in named if flag not in frame]
                raise MissingColumnError(where, f"{table}.{name}", (lacking or [header])[0], what, there)
        if parts:
            found[name] = first_filled(parts)
            typed[name] = first_told(parts, numbers)
            if none:
                shaped.notes.append(f"{table}.{name}: {no_value_in_words(none)} count as missing.")
        else:
            shaped.missing.append(name)
    return found, typed


def _number_forms(
    raw: RawTable,
    texts: Mapping[str, pd.Series],
    typed: Mapping[str, Bools],
    table: str,
    source: Source,
    shaped: ShapedTable,
    known: Known,
) -> dict[str, NumberForm]:
    """The form of each number column by its texts; a number that a file brings as a number says nothing of them."""
    location = source.tables[table].location if table in source.tables else None
    written = {
        name: values[~typed[name]] if name in typed else values
        for name, values in texts.items()
        if type_of(source, table, name) is ColumnType.NUMBER and not (name in typed and typed[name].all())
    }
    found = find_number_forms(
        written,
        read_columns(source, table),
        location.csv if location is not None else CsvFormat(),
        delimiter=raw.form.get("delimiter"),
        known=known,
        where={name: f"{source.where('tables', table, 'columns', name)}: column '{table}.{name}'" for name in written},
        parts=raw.rows_of_parts(),
    )
    shaped.notes += [f"{table}.{note}" for note in found.notes]
    for name, values in written.items():
        currencies = count_currencies(values)
        if len(currencies) > 1:
            shown = ", ".join(f"{code} {rows:,}" for code, rows in currencies.items())
            shaped.notes.append(
                f"warning: {table}.{name} holds several currencies ({shown} rows), read as one number: sums and "
                "comparisons of them mean nothing. Export the column in one currency, or leave it out."
            )
    shaped.forms |= found.found
    return found.forms


def _cast(
    name: str,
    texts: pd.Series,
    column: Column,
    form: NumberForm,
    typed: Bools | None,
    shaped: ShapedTable,
    source: Source,
) -> pd.Series:
    kind = type_of(source, shaped.name, name)
    if kind is ColumnType.NUMBER:
        cast = cast_mixed_numbers(texts, column, form, typed)
    elif kind is ColumnType.BOOLEAN:
        cast = cast_booleans(texts, column)
    elif kind is ColumnType.LIST:
        return cast_lists(texts, column.separator)
    else:
        if kind is ColumnType.ID:
            where = f"{source.where('tables', shaped.name, 'columns', name)}: column '{shaped.name}.{name}'"
            if note := check_ids(texts, where):
                shaped.notes.append(f"{shaped.name}.{name}: {note}")
        return cast_choices(texts, column.values or _known_values(source, shaped.name, name))
    return _keep_apart(name, texts, cast.values, shaped, cast.unreadable)


def _keep_apart(
    name: str, texts: pd.Series, values: pd.Series, shaped: ShapedTable, unreadable: pd.Series | None = None
) -> pd.Series:
    """The values; rows whose text could not be read are listed."""
    lost = values.isna() & texts.notna() if unreadable is None else unreadable
    positions = np.flatnonzero(lost.to_numpy(dtype=bool))
    if positions.size:
        shaped.unreadable.append(UnreadableValues(name, positions, tuple(str(v) for v in texts.iloc[positions])))
    return values


def _known_values(source: Source, table: str, name: str) -> tuple[str, ...]:
    """Values the contract, or the flat target, allows."""
    if source.flat is not None and name == source.flat.target.column:
        return (*source.flat.target.closed, *source.flat.target.open)
    contract = TABLES[table]
    return tuple(str(value) for value in contract[name].values) if name in contract.names else ()


def _fill_gaps(
    values: dict[str, pd.Series],
    clocks: Mapping[str, Timestamps],
    table: str,
    source: Source,
    raw: RawTable,
) -> pd.DataFrame:
    """All columns of the contract, then the attributes; defaults of the contract where values are missing."""
    contract, length, written = TABLES[table], len(raw.rows), raw.written
    if source.flat is not None and table == "leads":
        values["lead_id"] = name_rows(values.get(source.flat.lead_id or "lead_id"), pd.Series(raw.rows))

    for column in contract.columns:
        kept = values.get(column.name, empty_column(column.type, length))
        values[column.name] = (
            kept if source.flat is not None else _with_default(kept, column, values, clocks, table, written)
        )

    closed = clocks.get({"outcomes": "closed_at", "stages": "entered_at"}.get(table, ""))
    if closed is not None and closed.date_only.any() and source.flat is None:
        closing = values["stage"].isin(CLOSING) if table == "stages" else None
        values[contract.happened or ""] = close_at_day_end(closed, values["known_at"], closing, written)

    order = [*contract.names, *(name for name in values if name not in contract.names)]
    return pd.DataFrame({name: values[name].reset_index(drop=True) for name in order})


def _with_default(
    kept: pd.Series,
    column: ContractColumn,
    values: Mapping[str, pd.Series],
    clocks: Mapping[str, Timestamps],
    table: str,
    written: pd.Timestamp | None,
) -> pd.Series:
    """Missing values as the contract fills them. What is known on a day is known by its end; leads, at creation."""
    if column.default is not None:
        return kept.fillna(column.default)
    late, origin = column.name == "known_at" and table != "leads", column.default_from
    if late and "known_at" in clocks:
        kept = end_of_day(clocks["known_at"], written=written)
    if origin is None or origin not in values:
        return kept
    known = late and origin in clocks
    return kept.fillna(end_of_day(clocks[origin], written=written) if known else values[origin])
