"""Leads to be scored from a file: one row per row of the file, in its order; what is wrong with a row beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assembly.flat_outcomes import name_rows
from features.schema.source import Source
from features.schema.table_source import CsvFormat, Location
from pipelines.artifacts.reading_record import ReadingRecord, TableReading
from pipelines.ingest.errors import MissingColumnError, UncertainEncodingError
from pipelines.ingest.expectations import BROKEN, Expectation, Rule, expectations_of
from pipelines.ingest.quarantine import breaks, hidden_columns, shape_of_text
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.file_state import check_unchanged
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.shaping.declared_columns import declared_headers, read_columns, type_of

_ALIKE = ("sheet", "records", "table", "query", "limits")  # of a location, for a file laid out like it
_ROW_RULES = (Rule.REQUIRED, Rule.ALLOWED, Rule.MINIMUM, Rule.MAXIMUM)


@dataclass(frozen=True)
class LeadsFile:
    """Leads to be scored.

    Parameters
    ----------
    frame : the canonical table ``leads`` with the declared attributes, one row per row of the file, in its order;
        values that cannot be read are missing
    errors : why a row cannot be scored, empty where it can; same length
    missing_columns : declared columns the file lacks; they are missing everywhere
    undeclared_columns : columns of the file nothing is known about; they are not used
    """

    frame: pd.DataFrame
    errors: pd.Series
    missing_columns: tuple[str, ...]
    undeclared_columns: tuple[str, ...]


def read_leads_file(path: Path, source: Source, reading: ReadingRecord | None = None) -> LeadsFile:
    """Leads of a CSV or Parquet file laid out like the source's table ``leads``.

    The target of a flat source need not be there. Nothing is dropped: rows that cannot be read keep their place. What a
    short file does not show (day or month first, the decimal sign) is read as in the file trained on (``reading``).

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the file.
    MissingColumnError
        if the lead's id, or every declared attribute, is missing.
    """
    known = (reading.tables if reading is not None else {}).get("leads", TableReading())
    raw = _read(path, source, known)
    shaped = shape_table(raw, "leads", source, strict=False, known=known.columns)
    check_unchanged(raw.files)
    _check_columns(shaped, source, path, [*map(str, raw.frame.columns), *raw.not_read])

    errors: list[list[str]] = [[] for _ in range(raw.read)]
    place = shaped.rows - 1
    for broken in raw.broken:
        errors[broken.row - 1].append(f"the row {BROKEN[Rule(broken.rule)]}")

    hidden = hidden_columns(source, "leads")
    for item in shaped.unreadable:
        kind = type_of(source, "leads", item.column)
        for position, text in zip(item.positions, item.texts, strict=True):
            shown = shape_of_text(text) if item.column in hidden else text
            errors[place[position]].append(f"{item.column}: '{shown}' is not a valid {kind}")

    for rule in _row_rules(source, shaped):
        _add(errors, place, breaks(shaped.frame, rule), rule)

    frame = shaped.frame.set_index(place).reindex(range(raw.read))
    if source.flat is not None:
        has_ids = (source.flat.lead_id or "lead_id") in read_columns(source, "leads")
        frame["lead_id"] = name_rows(frame["lead_id"] if has_ids else None, pd.Series(range(1, raw.read + 1)))

    return LeadsFile(
        frame=frame,
        errors=pd.Series(["; ".join(dict.fromkeys(e)) for e in errors], dtype="str"),
        missing_columns=tuple(name for name in shaped.missing if name not in _outcome(source)),
        undeclared_columns=tuple(shaped.undeclared),
    )


def _read(path: Path, source: Source, known: TableReading) -> RawTable:
    """Rows of the file; one too short to show its code page is read in that of the file trained on, if it can be."""
    location = source.tables["leads"].location
    form = CsvFormat(decimal=location.csv.decimal) if location is not None else CsvFormat()
    expected = declared_headers(source, "leads")
    try:
        return read_file(path, _laid_out_as(location, path, form), expected=expected)
    except UncertainEncodingError as problem:
        if known.encoding not in problem.candidates:
            raise
    form = form.model_copy(update={"encoding": known.encoding})
    return read_file(path, _laid_out_as(location, path, form), expected=expected)


def _laid_out_as(declared: Location | None, path: Path, form: CsvFormat) -> Location:
    """A file to be scored: of a workbook, database or document the same sheet, table or list as in training."""
    inner = {} if declared is None else {key: getattr(declared, key) for key in _ALIKE}
    return Location(file=path.name or str(path), csv=form, **inner)


def _outcome(source: Source) -> set[str | None]:
    return set() if source.flat is None else {source.flat.target.column, source.flat.order, source.flat.group}


def _check_columns(shaped: ShapedTable, source: Source, path: Path, there: Sequence[str]) -> None:
    columns = source.tables["leads"].columns
    found = [name for name in columns if name not in shaped.missing and name not in _outcome(source)]
    needed = "lead_id" if source.flat is None else next((n for n in columns if n not in _outcome(source)), "lead_id")
    if (source.flat is None and "lead_id" in shaped.missing) or not found:
        header = " or ".join(columns[needed].headers(needed)) if needed in columns else needed
        where = source.where("tables", "leads", "columns", needed)
        raise MissingColumnError(where, f"leads.{needed}", header, path.name, there)


def _row_rules(source: Source, shaped: ShapedTable) -> list[Expectation]:
    """Rules about a row's own values; in a relational source only the lead's id is obligatory here."""
    rules = []
    for rule in expectations_of(source):
        column = rule.columns[-1]
        if rule.table != "leads" or rule.rule not in _ROW_RULES or column in {*shaped.missing, *_outcome(source)}:
            continue
        if rule.rule is Rule.REQUIRED and source.flat is None and column != "lead_id":
            continue
        rules.append(rule)
    return rules


def _add(errors: list[list[str]], place: npt.NDArray[np.int64], hit: npt.NDArray[np.bool_], rule: Expectation) -> None:
    for position in np.flatnonzero(hit):
        errors[place[position]].append(f"{rule.columns[-1]} {BROKEN[rule.rule]}{_detail(rule)}")


def _detail(rule: Expectation) -> str:
    if rule.values:
        return f" ({', '.join(rule.values)})"
    return "" if rule.bound is None else f" ({rule.bound:g})" if isinstance(rule.bound, float | int) else ""
