"""Any table written as delimited text reads back as it was; the fast reader and the careful one agree."""

import csv
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.schema.table_source import CsvFormat
from features.spreadsheet_cells import unguard_text
from pipelines.ingest.reading import delimited_rows
from pipelines.ingest.reading.delimited_rows import read_line_by_line
from pipelines.ingest.reading.delimited_text import read_delimited

CELLS = st.text(st.sampled_from("ab1 ,;\t|\"'\n\ré–\\"), max_size=6)
PLAIN = st.text(st.sampled_from('ab1;,"é '), max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 5))
    return draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))


@settings(max_examples=150, deadline=None)
@example(rows=[["", "'\t"], ["'a", "''="]], delimiter=";", encoding="utf-8")  # of a spreadsheet-safe export
@given(rows=tables(), delimiter=st.sampled_from(";,\t|"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_was_written_is_read(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    header = [f"column{i}" for i in range(len(rows[0]))]
    writer.writerows([header, *rows])
    found = read_delimited(
        buffer.getvalue().encode(encoding), CsvFormat(delimiter=delimiter), what="f", expected=header
    )
    lost_lines = [r for r in rows if any(c.count("\n") + c.count("\r") for c in r)]
    if not lost_lines:
        assert found.frame.to_numpy().tolist() == [[unguard_text(cell) for cell in row] for row in rows]
    assert found.read >= len(rows)  # a value that looks like rows may be told apart, but no row is lost


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(PLAIN, min_size=1, max_size=8),
    width=st.integers(2, 4),
    end=st.sampled_from(["\n", "\r\n"]),
    ended=st.booleans(),
)
@example(
    lines=['1"', ';"'], width=2, end="\n", ended=True
)  # a row over two lines beside a broken one: as many as there are lines
@example(lines=[';1"', ';"'], width=2, end="\n", ended=True)  # two quotes left open, an even number of them
@example(
    lines=['1";"', "", '";'], width=2, end="\n", ended=True
)  # blank lines inside a value whose quotes pair up line by line
def test_fast_and_careful_readers_agree(lines: list[str], width: int, end: str, ended: bool) -> None:
    body = end.join(lines) + end * ended
    fast = delimited_rows.read_with_arrow(memoryview(body.encode()), [f"c{i}" for i in range(width)], ";", '"')
    if fast is None:
        return
    good, numbers, broken = read_line_by_line(body, width, ";", '"')
    assert not isinstance(fast[0], list) and isinstance(good, list)
    assert fast[0].to_numpy().tolist() == good
    assert list(fast[1]) == list(numbers)
    assert fast[2] == broken


def test_the_fast_reader_is_used_at_all() -> None:
    assert delimited_rows.read_with_arrow(memoryview(b"1;2\n3;4\n"), ["a", "b"], ";", '"') is not None
