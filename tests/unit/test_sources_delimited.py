"""Delimited files of any make are read to the same rows, and no row is lost on the way."""

import pytest

from features.errors import ExitStatus
from features.schema.table_source import CsvFormat
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.delimited_text import DelimitedTable, read_delimited

ROWS = [["Zürich", "1,5", ""], ['say "hi"', "a;b", "2"], ["naïve", "x\ty", "é"]]


def read(content: bytes, **form: str) -> DelimitedTable:
    return read_delimited(content, CsvFormat.model_validate(form), what="f.csv")


def written(delimiter: str, newline: str, *, quoted: bool = True) -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quoted else text

    return newline.join(delimiter.join(map(cell, row)) for row in [["city", "note", "n"], *ROWS]) + newline


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_delimiter_line_end_and_encoding_is_found_out(delimiter: str, newline: str, encoding: str) -> None:
    found = read(written(delimiter, newline).encode(encoding))
    assert list(found.frame.columns) == ["city", "note", "n"]
    assert found.frame.to_numpy().tolist() == ROWS
    assert (found.delimiter, found.read, found.broken) == (delimiter, 3, ())


def test_what_is_declared_wins_over_what_is_found() -> None:
    content = "a,b\n'x,y';'2'\n".encode("cp1250")
    found = read(content, delimiter=";", quote="'", encoding="cp1250")
    assert found.frame.columns.tolist() == ["a,b"] and found.broken[0].rule == "field_count"
    assert read("city\nŁódź\n".encode("cp1250"), encoding="cp1250", delimiter=",").frame["city"].tolist() == ["Łódź"]


def test_broken_rows_are_numbered_with_their_raw_text_and_the_others_stay() -> None:
    found = read(b"a;b;c\r\n1;2;3\r\n\r\n4;5\r\n6;7;8;9\r\nx;y;z\r\n")
    assert found.frame.to_numpy().tolist() == [["1", "2", "3"], ["x", "y", "z"]]
    assert found.rows.tolist() == [1, 4]
    assert [(b.row, b.rule, b.raw) for b in found.broken] == [(2, "field_count", "4;5"), (3, "field_count", "6;7;8;9")]


@pytest.mark.parametrize("last", ["", '9;8";7;6\n'], ids=["never closed", "closed rows later"])
def test_an_open_quote_breaks_its_own_row_and_swallows_no_other(last: str) -> None:
    found = read(f'a;b;c;d\n1;"2;3;4\n5;6;7;8\n{last}1;1;1;1\n'.encode())
    assert [(b.row, b.rule) for b in found.broken] == [(1, "open_quote")]
    assert "5678" in ["".join(row) for row in found.frame.to_numpy()]
    assert found.read == 3 + bool(last)


def test_a_file_cut_off_inside_a_quoted_value_loses_no_row_silently() -> None:
    found = read(b'a;b\n1;2\n3;"Acme Gm')
    assert found.rows.tolist() == [1] and [(b.row, b.rule) for b in found.broken] == [(2, "open_quote")]
    inches = read(b'a;b\n1;5" pipe\n2;plain\n')
    assert inches.frame["b"].tolist() == ['5" pipe', "plain"] and inches.broken == ()


def test_a_value_over_several_lines_is_one_value() -> None:
    found = read(b'id;note;x;y\n1;"first\n\nsecond; still";3;4\n2;b;c;d\n')
    assert found.frame["note"].tolist() == ["first\n\nsecond; still", "b"]
    assert found.broken == ()


def test_damaged_bytes_break_their_row_only_where_the_file_is_utf8_otherwise() -> None:
    content = "n,v\nZürich,1\nGr??n,2\nöä,3\nßü,4\n".encode().replace(b"??", b"\xff")
    found = read(content)
    assert found.encoding == "utf-8" and found.rows.tolist() == [1, 3, 4]
    assert [(b.row, b.rule) for b in found.broken] == [(2, "encoding")]


def test_a_spreadsheets_own_delimiter_line_is_no_header() -> None:
    found = read(b"sep=|\r\na|b;c\r\n1|2;3\r\n")
    assert found.frame.to_dict("list") == {"a": ["1"], "b;c": ["2;3"]}


def test_expected_headers_decide_between_delimiters() -> None:
    text = b"name;amount, net;x\nA;1,5;a\nB;2,5;b\n"
    assert read_delimited(text, CsvFormat(), what="f", expected=["amount, net"]).delimiter == ";"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \n", b"a;b\n", b"a;b\n\n\n"])
def test_a_file_without_rows_is_empty(content: bytes) -> None:
    with pytest.raises(EmptyFileError) as caught:
        read(content)
    assert caught.value.exit_status is ExitStatus.DATA and "f.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, {}),
        (bytes(1000), {}),
        (b"a;a\n1;2\n", {}),
        ("a;b\nŁ;2\n".encode(), {"encoding": "utf-16"}),
        (b"a;b\n1;2\n", {"encoding": "klingon"}),
        (b"a-b c;b\n1;2\n", {"encoding": "punycode"}),
    ],
    ids=["picture", "zeros", "column twice", "wrong encoding", "unknown encoding", "no encoding of files"],
)
def test_what_is_no_table_is_unreadable(content: bytes, form: dict[str, str]) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read(content, **form)
    assert caught.value.exit_status is ExitStatus.UNREADABLE and "f.csv" in str(caught.value)


def test_a_first_line_that_is_no_header_is_refused_and_no_crash() -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read as a header"):
        read_delimited(b"x" * 200_000 + b"\n1\n", CsvFormat(), what="leads.csv")
