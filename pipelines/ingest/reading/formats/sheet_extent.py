"""How far a workbook's sheets reach, looked up in their XML before anything makes room for each cell.

One stray cell at XFD1048576 makes a sheet of 17 billion cells: the reader would ask for all of their memory at once,
and the process would end without an error that can be caught.
"""

import io
import re
import zipfile
import zlib

from pipelines.ingest.errors import UnreadableFileError

LARGEST_SHEET = 1 << 26  # cells, some 2 GB: a million rows of 60 columns still fit
_BEYOND_Z = re.compile(rb"""\sr=["']([A-Z]{2,3})(\d{1,7})["']""")
_CELL = re.compile(rb"""\sr=["']([A-Z]{1,3})(\d{1,7})["']""")
_REPEATED_ROWS = re.compile(
    rb"""<table:table-row[^<>]*number-rows-repeated=["'](\d+)["'][^<>]*>(.*?)(?:</table:table-row>|\Z)""", re.S
)
_REPEATED_CELLS = re.compile(rb"""<table:table-cell(?=[^<>]*value-type)[^<>]*number-columns-repeated=["'](\d+)["']""")


def refuse_sprawling_sheets(content: bytes, *, what: str) -> None:
    """UnreadableFileError if a sheet of an .xlsx or .ods reaches too far to be held; other files pass."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    _check_extent(*_extent_of_sheet(archive.read(name)), what)
                elif name == "content.xml":
                    _check_extent(*_extent_of_repeats(archive.read(name)), what)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError):
        return  # damaged: whoever reads it says so


def _check_extent(rows: int, columns: int, what: str) -> None:
    if rows * columns > LARGEST_SHEET:
        raise UnreadableFileError(
            f"{what} has a sheet that reaches to row {rows:,} and column {columns:,}. Delete stray cells far from the "
            "table, or export the sheet as CSV."
        )


def _extent_of_sheet(xml: bytes) -> tuple[int, int]:
    """Rows and columns of a sheet: cells lie in order of their rows, so the last one tells the rows."""
    at_the_end = [int(found[2]) for found in _CELL.finditer(xml, max(len(xml) - (1 << 16), 0))]
    columns, rows = 26, max(at_the_end, default=1)
    for letters in {found[1] for found in _BEYOND_Z.finditer(xml)}:
        columns = max(columns, _number_of(letters))
    return rows, columns


def _number_of(letters: bytes) -> int:
    """Number of a column by its letters.

    >>> _number_of(b"A"), _number_of(b"AA"), _number_of(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _extent_of_repeats(xml: bytes) -> tuple[int, int]:
    """Rows and columns that filled cells of an OpenDocument sheet are repeated over."""
    columns = max((int(found[1]) for found in _REPEATED_CELLS.finditer(xml)), default=1)
    rows = max((int(found[1]) for found in _REPEATED_ROWS.finditer(xml) if b"value-type" in found[2]), default=1)
    return rows, max(columns, 26) if rows > 1 else columns
