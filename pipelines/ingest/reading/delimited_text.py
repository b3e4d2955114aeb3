"""Delimited text as a table of texts: no row is lost, and what does not fit the header is named by its row."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from features.schema.table_source import CsvFormat
from features.spreadsheet_cells import unguard_columns
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.encodings import decode
from pipelines.ingest.reading.header_row import SEARCHED_ROWS, HeaderRow, find_header_row, header_key, header_names
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of

DELIMITERS = (";", ",", "\t", "|")
_BLOCK_BYTES = 1 << 24  # a row must fit one block of Arrow's reader: 16 MiB is far above any row of an export
_MEASURED_BYTES = 1 << 20  # counted at a time: they stay in the processor's cache
_SAMPLE_CHARACTERS, _SAMPLE_LINES = 1 << 16, 50  # enough rows to tell delimiters apart, read at once from any file
_HEAD_CHARACTERS = 1 << 22  # within which the rows above a header and the header itself lie
_LEAST_FIELD = 1 << 17  # characters that the line reader always takes, and the longest header
_UNFIT_FOR_INNER_LINES = 4  # with so many columns, a line that holds every delimiter is a row, not part of a value


@dataclass(frozen=True)
class BrokenRow:
    """A row that is kept out before its values are read: where, why and its raw text."""

    row: int
    rule: str
    raw: str


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
        shown = ", ".join(map(_printable, cells))[:200]
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
    return DelimitedTable(
        frame=frame,
        rows=np.asarray(numbers, dtype=np.int64),
        broken=tuple(broken),
        encoding=decoded.encoding,
        delimiter=delimiter,
        notes=tuple(note for note in (decoded.note, row.in_words()) if note),
    )


RowsRead = tuple[list[list[str]] | pd.DataFrame, Sequence[int] | npt.NDArray[np.int64], list[BrokenRow]]


def read_line_by_line(body: str, width: int, delimiter: str, quote: str) -> RowsRead:
    """Rows line by line. A quote that is never closed breaks its own line, not the lines it swallows."""
    lines = list(io.StringIO(body, newline=""))
    good: list[list[str]] = []
    numbers: list[int] = []
    broken: list[BrokenRow] = []

    for fields, raw in _records(lines, width, delimiter, quote):
        number = len(good) + len(broken) + 1
        rule = _problem(fields, raw, width, delimiter, quote)
        if rule:
            broken.append(BrokenRow(number, rule, _printable(raw)))
        else:
            good.append(fields)
            numbers.append(number)
    return good, numbers, broken


def _records(lines: list[str], width: int, delimiter: str, quote: str) -> Iterator[tuple[list[str], str]]:
    start = 0

    while start < len(lines):
        base = start
        reader = csv.reader((lines[i] for i in range(base, len(lines))), delimiter=delimiter, quotechar=quote)
        while start < len(lines):
            try:
                fields = next(reader)
            except csv.Error:
                fields = []

            end = base + reader.line_num
            spans = lines[start:end]
            if len(spans) > 1 and _swallows_rows(fields, spans, width, delimiter, quote):
                yield [], spans[0]
                start += 1
                break  # read on from the line after the open quote

            start = end
            if any(line.strip() for line in spans):
                yield fields, "".join(spans)


def _swallows_rows(fields: list[str], spans: list[str], width: int, delimiter: str, quote: str) -> bool:
    """Whether a record of several lines is a line with an open quote and rows that follow it.

    A true value over several lines is well formed: its closing quote ends the field.
    """
    if len(fields) != width:
        return True
    if not _well_formed(spans, delimiter, quote):
        return True
    return width >= _UNFIT_FOR_INNER_LINES and all(line.count(delimiter) >= width - 1 for line in spans)


def _well_formed(lines: list[str], delimiter: str, quote: str) -> bool:
    try:
        list(csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True))
    except csv.Error:
        return False
    return True


def _problem(fields: list[str], raw: str, width: int, delimiter: str, quote: str) -> str:
    if len(fields) != width:
        return _misfit(raw, quote)
    if raw.count(quote) % 2 and not _well_formed([raw], delimiter, quote):
        return "open_quote"  # the file ends inside a quoted value
    return "encoding" if any("\udc80" <= c <= "\udcff" for c in raw) else ""


def _misfit(raw: str, quote: str) -> str:
    return "open_quote" if raw.count(quote) % 2 else "field_count"


def _printable(raw: str) -> str:
    return raw.rstrip("\r\n").encode("utf-8", errors="backslashreplace").decode()


def read_with_arrow(data: memoryview, header: list[str], delimiter: str, quote: str) -> RowsRead | None:
    """Rows of UTF-8 read by Arrow; None if some row may span lines, so that the careful way must decide."""
    if not (quote.isascii() and delimiter.isascii()):
        return None
    with ThreadPoolExecutor(1) as beside:  # neither holds the interpreter
        measured = beside.submit(_measure_lines, data, quote)
        found = _parse_rows(data, len(header), delimiter, quote)
        lines = measured.result()
    if lines.open_quotes or lines.lone_returns or found is None:
        return None  # a value over several lines, or a quote left open: two of them can look like one value
    table, broken = found
    if lines.filled != table.num_rows + len(broken) or not all(row.raw.strip() for row in broken):
        return None
    if lines.quoted and any(pc.any(pc.match_substring(column, "\n")).as_py() for column in table.columns):
        return None  # blank lines inside a value are not counted above

    out = np.asarray([row.row - 1 for row in broken], dtype=np.int64)
    numbers = np.delete(np.arange(1, table.num_rows + len(broken) + 1, dtype=np.int64), out)
    return table.to_pandas(), numbers, broken


def _parse_rows(data: memoryview, width: int, delimiter: str, quote: str) -> tuple[pa.Table, list[BrokenRow]] | None:
    """The rows that fit the header, and those that do not; None where Arrow cannot tell."""
    broken: list[BrokenRow] = []

    def keep_out(row: pa.csv.InvalidRow) -> str:
        broken.append(BrokenRow(row.number, _misfit(row.text, quote), _printable(row.text)))
        return "skip"

    try:
        try:
            return _parse(data, width, delimiter, quote, None), broken
        except pa.ArrowInvalid:  # rows that do not fit have numbers only where one thread counts them
            return _parse(data, width, delimiter, quote, keep_out), broken
    except pa.ArrowInvalid:
        return None


def _parse(
    data: memoryview, width: int, delimiter: str, quote: str, keep_out: Callable[[pa.csv.InvalidRow], str] | None
) -> pa.Table:
    """Fields as texts; without ``keep_out`` by all threads, and a row that does not fit raises ArrowInvalid."""
    names = [f"c{i}" for i in range(width)]
    return pa.csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pa.csv.ReadOptions(use_threads=keep_out is None, column_names=names, block_size=_BLOCK_BYTES),
        parse_options=pa.csv.ParseOptions(
            delimiter=delimiter, quote_char=quote, newlines_in_values=True, invalid_row_handler=keep_out
        ),
        convert_options=pa.csv.ConvertOptions(
            strings_can_be_null=False, column_types=dict.fromkeys(names, pa.large_string())
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """Lines of a text: how many are not blank, and what of them only the careful way can read.

    Parameters
    ----------
    quoted : whether any holds a quote
    open_quotes : whether one has an odd number of them
    lone_returns : whether a carriage return stands anywhere but before the end of a line
    """

    filled: int
    quoted: bool
    open_quotes: bool
    lone_returns: bool


def _measure_lines(data: memoryview, quote: str) -> _Lines:
    """Counted on the bytes, a block of them at a time: a step in Python per line takes longer than Arrow's reading."""
    signs = np.frombuffer(data, dtype=np.uint8)
    filled, start, quoted, open_quotes, lone_returns = 0, 0, False, False, False
    while start < len(signs):
        block = signs[start : start + _MEASURED_BYTES]
        ends = np.flatnonzero(block == ord("\n"))
        while not len(ends) and start + len(block) < len(signs):  # a line longer than the block
            block = signs[start : start + 2 * len(block)]
            ends = np.flatnonzero(block == ord("\n"))
        if start + len(block) < len(signs):
            block = block[: ends[-1] + 1]
        elif not len(ends) or ends[-1] != len(block) - 1:
            ends = np.append(ends, len(block))  # the last line has no end

        lengths = np.diff(ends, prepend=-1) - 1
        returned = block[np.maximum(ends - 1, 0)] == ord("\r")
        filled += len(ends) - int(np.count_nonzero((lengths == 0) | ((lengths == 1) & returned)))
        marks = np.flatnonzero(block == ord(quote))
        if len(marks):
            quoted = True
            open_quotes |= bool((np.diff(np.searchsorted(marks, ends), prepend=0) & 1).any())
        returns = int(np.count_nonzero(block == ord("\r")))
        lone_returns |= returns != int(np.count_nonzero(returned & (ends < len(block))))
        start += len(block)
    return _Lines(filled=filled, quoted=quoted, open_quotes=open_quotes, lone_returns=lone_returns)


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
