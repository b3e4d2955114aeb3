"""Sheets of workbooks (.xlsx, .xlsb, .xls, .ods) as tables of texts."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError, list_names
from pipelines.ingest.reading.formats.sheet_extent import refuse_sprawling_sheets
from pipelines.ingest.reading.header_row import HeaderRow, check_header_row, find_header_row, header_names
from pipelines.ingest.reading.raw_table import RawTable, number_rows, text_frame

COMPOUND = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of workbooks that a password locks
_READER = Path(__file__).with_name("workbook_cells.py")
_LONGEST_SECONDS = 600  # a sheet of a million rows takes about one
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_EXACT = 10**15  # spreadsheets keep 15 digits of a number; what is longer has lost its last ones
_SEARCHED = 60  # rows in which a header is looked for

Cells = list[list[Any]]


@dataclass(frozen=True)
class Sheet:
    """A sheet's name and its cells from the first filled row and column on; ``merged`` are ranges of those cells."""

    name: str
    cells: Cells
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


def read_workbook(content: bytes, location: Location, *, what: str, expected: Sequence[str] = ()) -> RawTable:
    """Rows of one sheet.

    Whole numbers have no decimals, dates are ISO texts, rows without any value are left out. A merged cell stands for
    each cell it covers.

    Raises
    ------
    UnreadableFileError
        if the workbook is damaged or locked, or it is unclear which sheet is meant.
    EmptyFileError
        if the sheet has no row below its header.
    """
    sheet = _choose(content, location.sheet, what)
    named = f"sheet '{sheet.name}' of {what}"
    looked = [[_shown(cell) for cell in row] for row in sheet.cells[:_SEARCHED]]
    skipped = location.csv.skip_lines
    head = _below_groups(find_header_row(looked, expected), looked, sheet)
    if skipped is None:
        check_header_row(looked, head.position, expected, what=named)
    else:
        head = HeaderRow(min(skipped, len(looked) - 1))
    cells, filled = _fill_merged(sheet, head.position)
    names = [_shown(cell) for cell in cells[head.position]] if cells else []
    body = [row for row in cells[head.position + 1 :] if any(cell not in ("", None) for cell in row)]
    if not body:
        raise EmptyFileError(f"{named} has a header but no rows. Export it again, with its data.")

    used = [i for i in range(len(names)) if names[i].strip() or any(row[i] not in ("", None) for row in body)]
    header = header_names([names[i] for i in used], what=named)
    columns = [_texts([row[i] for row in body]) for i in used]
    numbers = {header[k]: _rows_of_numbers([row[i] for row in body]) for k, i in enumerate(used)}
    long = [header[k] for k, i in enumerate(used) if any(_is_cut(row[i]) for row in body)]

    notes = [f"{named}: {head.in_words()}"] if head.titles else []
    if filled:
        notes.append(f"{named}: {filled} cells lie under a merged cell and are read as its value.")
    if long:
        notes.append(
            f"{named}: {', '.join(long)} holds numbers of more than 15 digits, of which a spreadsheet keeps 15; if "
            "they are ids, format the column as text before filling it."
        )
    rows = list(zip(*columns, strict=True))
    return RawTable(
        frame=text_frame(header, rows),
        rows=number_rows(len(rows)),
        broken=(),
        form={"format": "excel", "sheet": sheet.name},
        notes=tuple(notes),
        numbers={name: rows for name, rows in numbers.items() if rows.size},
    )


def list_sheets(content: bytes, *, what: str) -> list[str]:
    """Names of the visible sheets that hold a table: a header and a row."""
    return [sheet.name for sheet in _open(content, None, what, rows=2 * _SEARCHED).sheets if _is_table(sheet.cells)]


@dataclass(frozen=True)
class Workbook:
    """Names of all sheets, and the cells of those that were asked for."""

    names: tuple[str, ...]
    sheets: tuple[Sheet, ...]


def _open(content: bytes, sheet: str | None, what: str, *, rows: int | None = None) -> Workbook:
    """A workbook's cells, read in a process of its own, so that a damaged one cannot end this one."""
    locked = f"{what} is locked by a password. Save it without one, or export the sheet as CSV."
    if content.startswith(COMPOUND) and _LOCKED in content:
        raise UnreadableFileError(locked)
    if not content.startswith(COMPOUND):
        refuse_sprawling_sheets(content, what=what)

    command = [sys.executable, "-I", str(_READER), json.dumps({"sheet": sheet, "rows": rows})]
    try:
        run = subprocess.run(  # noqa: S603  our own interpreter and reader, no shell
            command, input=content, capture_output=True, check=False, timeout=_LONGEST_SECONDS
        )
        found: dict[str, Any] = (
            json.loads(run.stdout) if run.returncode == 0 else {"error": "its cells cannot be held in memory"}
        )
    except subprocess.TimeoutExpired:
        found = {"error": f"not read after {_LONGEST_SECONDS} seconds"}
    except ValueError:
        found = {"error": "its reader said nothing"}

    if found.get("locked"):
        raise UnreadableFileError(locked)
    if "error" in found:
        raise UnreadableFileError(f"{what} is a damaged workbook ({found['error']}). Save it again.")
    sheets = tuple(
        Sheet(one["name"], one["cells"], tuple(((a, b), (c, d)) for (a, b), (c, d) in one["merged"]))
        for one in found["sheets"]
    )
    return Workbook(tuple(found["names"]), sheets)


def _choose(content: bytes, declared: str | None, what: str) -> Sheet:
    book = _open(content, declared, what)
    if declared is not None:
        if declared not in book.names:
            raise UnreadableFileError(
                f"{what} has no sheet '{declared}'. It has: {list_names(book.names)}. Name one as 'sheet:'."
            )
        return book.sheets[0]
    tables = [sheet for sheet in book.sheets if _is_table(sheet.cells)]
    if len(tables) > 1:
        raise UnreadableFileError(
            f"{what} has {len(tables)} sheets with rows: {list_names(s.name for s in tables)}. Name one as 'sheet:'."
        )
    if not tables:
        raise EmptyFileError(f"{what} has no sheet with a header and rows. Export it again, with its data.")
    return tables[0]


def _below_groups(head: HeaderRow, looked: Sequence[Sequence[str]], sheet: Sheet) -> HeaderRow:
    """The header below a row of cells merged sideways: those are titles of several columns each."""
    sideways = {row for (row, left), (bottom, right) in sheet.merged if right > left and bottom == row}
    position = head.position
    while position in sideways and position + 2 < len(looked):
        position += 1
    above = (" ".join(cell for cell in row if cell) for row in looked[head.position : position])
    return HeaderRow(position, (*head.titles, *above))


def _is_table(cells: Cells) -> bool:
    return sum(any(cell not in ("", None) for cell in row) for row in cells[: _SEARCHED * 2]) > 1


def _fill_merged(sheet: Sheet, header: int) -> tuple[Cells, int]:
    """Cells with the value of the merged cell that covers them, from the header down, and how many were filled.

    Above the header a merged title would look like a full row; in the header a cell merged downwards names its column,
    while one merged sideways is a title of several and would name two columns alike.
    """
    cells, filled = sheet.cells, 0
    for (top, left), (bottom, right) in sheet.merged:
        if not (0 <= top < len(cells) and 0 <= left < len(cells[top])):
            continue
        value = cells[top][left]
        for row in range(max(top, header), min(bottom, len(cells) - 1) + 1):
            for column in range(left, min(right, len(cells[row]) - 1) + 1):
                sideways = row <= header and right > left
                if not sideways and cells[row][column] in ("", None) and value not in ("", None):
                    cells[row][column] = value
                    filled += row > header
    return cells, filled


def _rows_of_numbers(cells: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Numbers of the rows whose cell is a number with decimals; a whole one is written without any sign."""
    hit = [row for row, cell in enumerate(cells, 1) if isinstance(cell, float) and not cell.is_integer()]
    return np.asarray(hit, dtype=np.int64)


def _is_cut(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= _EXACT and cell == int(cell)


def _texts(cells: Sequence[Any]) -> list[str | None]:
    """Cells of one column; among moments a bare date is a midnight, which calamine tells as a date."""
    clocks = any(isinstance(cell, list) and cell[0] == "moment" for cell in cells)
    return [
        f"{cell[1]} 00:00:00" if clocks and isinstance(cell, list) and cell[0] == "date" else _shown(cell) or None
        for cell in cells
    ]


def _shown(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell[1]) if isinstance(cell, list) else str(cell)
