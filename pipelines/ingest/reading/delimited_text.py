"""Delimited text as a table of texts: no row is lost, and what does not fit the header is named by its row."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.table_source import CsvFormat
from features.spreadsheet_cells import unguard_columns
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.delimited_rows import BrokenRow, printable, read_line_by_line, read_with_arrow
from pipelines.ingest.reading.encodings import decode
from pipelines.ingest.reading.header_row import (
    SEARCHED_ROWS,
    HeaderRow,
    check_header_row,
    find_header_row,
    header_key,
    header_names,
)
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of

DELIMITERS = (";", ",", "\t", "|")
_SAMPLE_CHARACTERS, _SAMPLE_LINES = 1 << 16, 50  # enough rows to tell delimiters apart, read at once from any file
_HEAD_CHARACTERS = 1 << 22  # within which the rows above a header and the header itself lie
_NO_VALUE = r"\N"  # as MySQL, PostgreSQL and Hive write it
_LEAST_FIELD = 1 << 17  # characters that the line reader always takes, and the longest header


@dataclass(frozen=True, kw_only=True)
class DelimitedTable:
    """Rows of a delimited file as texts; ``rows`` are their numbers from 1, broken ones counted.

    ``notes`` says what had to be found out beyond doubt, in sentences.
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    broken: tuple[BrokenRow, ...]
    encoding: str
    delimiter: str
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """Rows read, broken ones counted."""
        return len(self.frame) + len(self.broken)


def read_delimited(
    content: bytes, form: CsvFormat, *, what: str, expected: Sequence[str] = (), limits: ReadLimits | None = None
) -> DelimitedTable:
    """Rows of a delimited file.

    Parameters
    ----------
    content : the file's bytes
    form : what is declared; the rest is detected
    what : the file's name for messages
    expected : headers the declaration speaks of; they decide between delimiters
    limits : most columns and longest field; default: those of the environment

    Raises
    ------
    TooLargeError
        if the header has too many columns.
    EmptyFileError
        if there is no header or no row below it.
    UnreadableFileError
        if the bytes are not text, or two columns of the header have one name.
    """
    limits = limits or limits_of()
    csv.field_size_limit(max(limits.field_characters, _LEAST_FIELD))
    decoded = decode(content, form.encoding, what=what)
    text, announced = _without_sep_line(decoded.text)
    if not text or text.isspace():
        raise EmptyFileError(f"{what} is empty ({len(content)} bytes). Export it again.")

    if form.skip_lines:
        text = _without_lines(text, form.skip_lines, what)
    delimiter = form.delimiter or announced or delimiter_of(text, form.quote, expected)
    row, cells, below = _header(text, delimiter, form.quote, expected, declared=form.skip_lines is not None, what=what)
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        shown = ", ".join(map(printable, cells))[:200]
        raise UnreadableFileError(
            f"{what}: the header holds bytes that are not {decoded.encoding} ({shown}). Declare 'csv.encoding', or "
            "save the file as UTF-8."
        )
    limits.check_shape(0, len(cells), what)
    header = header_names(cells, what=what)

    read = None
    if decoded.encoding in ("utf-8", "ascii") and content.isascii():  # no second copy of a large file: its end
        read = read_with_arrow(memoryview(content)[len(content) - below :], header, delimiter, form.quote)
    elif not decoded.damaged:
        read = read_with_arrow(memoryview(text[len(text) - below :].encode()), header, delimiter, form.quote)
    if read is None:
        read = read_line_by_line(text[len(text) - below :], len(header), delimiter, form.quote)

    good, numbers, broken = read
    if not len(numbers) and not broken:
        raise EmptyFileError(f"{what} has a header but no rows. Export it again, with its data.")

    frame = good if isinstance(good, pd.DataFrame) else _frame(good, len(header))
    frame.columns = pd.Index(header)
    if "'" in text:
        frame = unguard_columns(frame)
    none = _empty_no_value(frame) if _NO_VALUE in text else ""
    return DelimitedTable(
        frame=frame,
        rows=np.asarray(numbers, dtype=np.int64),
        broken=tuple(broken),
        encoding=decoded.encoding,
        delimiter=delimiter,
        notes=tuple(note for note in (decoded.note, row.in_words(), none) if note),
    )


def _empty_no_value(frame: pd.DataFrame) -> str:
    r"""Cells that are ``\N`` made empty, and how many there were, as a sentence; no text that people write is so."""
    count = 0
    for name in frame.columns:
        hit = frame[name] == _NO_VALUE
        if hit.any():
            count += int(hit.sum())
            frame[name] = frame[name].mask(hit, "")
    return (
        f"{count:,} cells hold {_NO_VALUE}, which databases write for no value: they count as empty." if count else ""
    )


def _frame(rows: list[list[str]], width: int) -> pd.DataFrame:
    columns = zip(*rows, strict=True) if rows else [() for _ in range(width)]
    return pd.DataFrame({i: pd.Series(list(column), dtype="str") for i, column in enumerate(columns)})


def _without_sep_line(text: str) -> tuple[str, str | None]:
    """Spreadsheets may write their delimiter in a first line of its own: ``sep=;``."""
    first = text[: text.find("\n", 0, 8) + 1] or text[:8]  # a large text is copied only where it has such a line
    stripped = first.strip("\r\n")
    if len(stripped) == 5 and stripped.lower().startswith("sep="):
        return text[len(first) :], stripped[4]
    return text, None


def _without_lines(text: str, lines: int, what: str) -> str:
    stream = io.StringIO(text)  # any line end
    for _ in range(lines):
        if not stream.readline():
            raise EmptyFileError(f"{what} has fewer than the {lines} lines that 'csv.skip_lines' passes over.")
    return stream.read()


def _header(
    text: str, delimiter: str, quote: str, expected: Sequence[str], *, declared: bool, what: str
) -> tuple[HeaderRow, list[str], int]:
    """Where the header is, its cells, and how many characters stand below it."""
    plain = text.lstrip("\r\n")
    wanted = 1 if declared else SEARCHED_ROWS
    top = plain[:_HEAD_CHARACTERS]
    rows, ends = _first_rows(top, wanted, delimiter, quote)
    if len(rows) < wanted and len(top) < len(plain):  # the last of them may be cut off
        top = plain
        rows, ends = _first_rows(top, wanted, delimiter, quote)

    found = HeaderRow(0) if declared else find_header_row(rows, expected)
    lines = io.StringIO(top, newline="")
    if found.position >= len(ends) or any(len(cell) > _LEAST_FIELD for cell in rows[found.position]):
        raise UnreadableFileError(
            f"{what}: its first line cannot be read as a header (a field of more than {_LEAST_FIELD:,} "
            "characters). Is it a table, and is 'csv.encoding' right?"
        )
    if not declared:
        check_header_row(rows, found.position, expected, what=what)
    passed = sum(len(lines.readline()) for _ in range(ends[found.position]))
    return found, rows[found.position], len(plain) - passed


def _first_rows(text: str, wanted: int, delimiter: str, quote: str) -> tuple[list[list[str]], list[int]]:
    """The first rows, and the number of the line each ends with."""
    rows: list[list[str]] = []
    ends: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    while len(rows) < wanted:
        try:
            rows.append(next(reader))
        except (StopIteration, csv.Error):
            break
        ends.append(reader.line_num)
    return rows, ends


def delimiter_of(text: str, quote: str, expected: Sequence[str] = ()) -> str:
    r"""The delimiter a file is written with: the one whose header knows the most expected names, then the one that
    splits its first rows most evenly.

    >>> delimiter_of("name;note\nA;1,5\nB;2,5\n", '"')
    ';'
    """
    lines = [line for line in text[:_SAMPLE_CHARACTERS].splitlines()[:_SAMPLE_LINES] if line.strip()]
    known = {header_key(name) for name in expected}

    def merit(delimiter: str) -> tuple[int, int, float, int]:
        rows = list(csv.reader(lines, delimiter=delimiter, quotechar=quote))
        rows = rows[find_header_row(rows, expected).position :]
        width = len(rows[0])
        even = sum(len(row) == width for row in rows) / len(rows)
        names = sum(header_key(name) in known for name in rows[0])
        return names, int(width > 1), even, width

    return max(DELIMITERS, key=merit)
