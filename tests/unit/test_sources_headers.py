"""The header is found below titles, and its names are matched where only what nobody sees differs."""

import pytest

from features.schema.source import Source
from features.schema.table_source import CsvFormat, Location
from pipelines.ingest.errors import EmptyFileError, MissingColumnError, UnreadableFileError
from pipelines.ingest.reading.delimited_text import read_delimited
from pipelines.ingest.reading.file_adapters import read_table
from pipelines.ingest.reading.header_row import clean_header, find_header_row, match_headers
from pipelines.ingest.shaping.canonical_shape import shape_table

ROWS = "L1,2024-01-08,Steel,9\nL2,2024-01-09,Food,8\nL3,2024-01-10,Steel,7\n"
HEADER = "lead_no,created,industry,employees\n"


@pytest.mark.parametrize(
    ("above", "titles"),
    [
        ("", 0),
        ("Lead report\n", 1),
        ("Lead report,,,\nGenerated 2025-01-01,,,\n", 2),
        ("Lead report\n\nFilters,Status = All\n\n", 2),
        ("\ufeffLead report;by owner\n,,,\n", 1),
    ],
)
@pytest.mark.parametrize("expected", [(), ("lead_no", "industry")], ids=["alone", "declared"])
def test_titles_above_the_header_are_passed_over_and_told(above: str, titles: int, expected: tuple[str, ...]) -> None:
    found = read_delimited((above + HEADER + ROWS).encode(), CsvFormat(), what="f.csv", expected=expected)
    assert found.frame.columns.tolist() == ["lead_no", "created", "industry", "employees"]
    assert found.frame["industry"].tolist() == ["Steel", "Food", "Steel"] and found.rows.tolist() == [1, 2, 3]
    assert len(found.notes) == bool(titles)
    assert not titles or found.notes[0].startswith(f"{titles} lines above the header were passed over: 'Lead report")


@pytest.mark.parametrize(
    "text",
    [
        ",name,city\n0,Ann,Bonn\n1,Bob,Lodz\n",  # an index without a name
        "name\nAnn\nBob\n",
        "name;\nAnn;Bonn\nBob;Lodz\n",
        "a,b,c,d\n1\n2\n3,4,5,6\n",
        "Report,,,\nx,1,2024-01-01,3\ny,2,2024-01-02,3\n",  # no row looks like a header: nothing is guessed
        "a,b\nc,d\n",
    ],
)
def test_a_first_row_that_may_be_the_header_stays_it(text: str) -> None:
    found = read_delimited(text.encode(), CsvFormat(delimiter="," if "," in text else ";"), what="f.csv")
    assert found.notes == () and found.read == text.count("\n") - 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("L0,ann@a.example,Steel\nL1,bob@b.example,Food\nL2,,Steel\n", "column 2 holds an address"),
        ("L0,2024-01-07,Steel\n" + "".join(f"L{i},2024-01-0{i + 1},Food\n" for i in range(5)), "column 2 holds a date"),
        ("L0;07.01.2024 09:30;Steel\nL1;08.01.2024 10:00;Food\n", "column 2 holds a date"),
        ("1001,Steel,9,120.5\n1002,Food,12,80\n1003,Steel,7,99\n", "column 1, 3, 4 holds a number"),
        ("7,7,Steel\n8,9,Food\n", "column 1, 2 holds a number"),
    ],
)
def test_a_file_without_a_header_loses_no_row_without_a_word(text: str, kind: str) -> None:
    with pytest.raises(UnreadableFileError, match=f"the first line looks like a row, not a header: {kind} there") as it:
        read_delimited(text.encode(), CsvFormat(), what="f.csv")
    assert "skip_lines: 0" in str(it.value) and "ann@" not in str(it.value)
    found = read_delimited(text.encode(), CsvFormat(skip_lines=0), what="f.csv") if "7,7" not in text else None
    assert found is None or found.read == text.count("\n") - 1


@pytest.mark.parametrize(
    "header",
    ["region,2023,2024,2025", "id,1,2,3", "size,10,50,500", "id,2024-01-01,2024-02-01", "who@a.example,n", "n,5"],
)
def test_names_of_columns_may_be_numbers_and_days(header: str) -> None:
    rows = "".join(",".join(["x", *(str(17 * i + k) for k in range(header.count(",")))]) + "\n" for i in range(4))
    assert read_delimited(f"{header}\n{rows}".encode(), CsvFormat(), what="f").frame.columns.tolist() == header.split(
        ","
    )


def test_declared_lines_are_skipped_whatever_they_look_like() -> None:
    text = b"id,city\nnot,this\nid,town\n1,Bonn\n"
    assert read_delimited(text, CsvFormat(skip_lines=2), what="f").frame.columns.tolist() == ["id", "town"]
    assert read_delimited(b"Title\na,b,c,d\n1,2,3,4\n", CsvFormat(skip_lines=0), what="f").frame.columns[0] == "Title"
    with pytest.raises(EmptyFileError, match="fewer than the 9 lines"):
        read_delimited(text, CsvFormat(skip_lines=9), what="f")


def test_a_sheet_of_texts_finds_its_header_by_the_same_rule() -> None:
    sheet = [["", "Pipeline Q3", ""], ["", "", ""], ["Firma", "Branche", "Wert"], ["A", "Stahl", "12,5"]]
    assert find_header_row([*sheet, ["B", "Stahl", "7,5"]]).position == 2
    assert find_header_row([["a", "b"], ["wert", "firma"]], expected=["Firma", "Wert"]).position == 1
    assert find_header_row([]).position == 0


@pytest.mark.parametrize(
    "written",
    ["\u200bindustry", "industry\u200b", "\ufeffindustry", "in\u00addustry", "\u00a0industry ", "Industry", "INDUSTRY"],
)
def test_a_header_that_differs_invisibly_or_in_case_is_found(written: str) -> None:
    shaped = _shape(f"lead_no,{written}\nL1,Steel\n")
    assert shaped.frame["industry"].tolist() == ["Steel"] and shaped.undeclared == []
    differs_visibly = written.lower() != written
    assert bool(shaped.notes) == differs_visibly
    assert not shaped.notes or f"column '{written}' is taken for the declared 'industry'" in shaped.notes[0]


def test_blanks_and_composed_letters_of_headers_do_not_matter() -> None:
    assert clean_header("Größe\n (EUR)") == "Größe (EUR)"  # decomposed, as file systems of Macs write it
    assert match_headers(["lead  source", "Größe"], ["Lead source", "Größe"]) == {
        "lead  source": "Lead source",
        "Größe": "Größe",
    }


def test_a_header_that_two_columns_could_be_is_not_guessed() -> None:
    assert match_headers(["industry"], ["INDUSTRY", "Industry"]) == {}
    assert match_headers(["industry"], ["Industry", "industry"]) == {"industry": "industry"}
    with pytest.raises(MissingColumnError, match="Did you mean"):
        _shape("lead_no,INDUSTRY,Industry\nL1,a,b\n")
    with pytest.raises(UnreadableFileError, match="appears twice"):
        _shape("lead_no,industry,industry\u200b\nL1,a,b\n")


def _shape(text: str):  # type: ignore[no-untyped-def]
    columns = {"lead_no": {"type": "id", "role": "display"}, "industry": {}}
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "industry", "won": ["Steel"], "lost": ["x"]}, "lead_id": "lead_no"},
            "tables": {"leads": {"location": {"file": "f.csv"}, "columns": columns}},
        }
    )
    raw = read_table(text.encode(), Location(file="f.csv"), what="f.csv", expected=["lead_no", "industry"])
    return shape_table(raw, "leads", source)
