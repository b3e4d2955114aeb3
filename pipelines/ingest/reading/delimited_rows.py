"""Rows of delimited text below its header: by Arrow where lines are rows, else line by line, and none is lost."""

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

_BLOCK_BYTES = 1 << 24  # a row must fit one block of Arrow's reader: 16 MiB is far above any row of an export
_MEASURED_BYTES = 1 << 20  # counted at a time: they stay in the processor's cache
_UNFIT_FOR_INNER_LINES = 4  # with so many columns, a line that holds every delimiter is a row, not part of a value


@dataclass(frozen=True)
class BrokenRow:
    """A row that is kept out before its values are read: where, why and its raw text."""

    row: int
    rule: str
    raw: str


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
            broken.append(BrokenRow(number, rule, printable(raw)))
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


def printable(raw: str) -> str:
    """A line without its end, bytes that are no letters of the encoding as escapes."""
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
        broken.append(BrokenRow(row.number, _misfit(row.text, quote), printable(row.text)))
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
