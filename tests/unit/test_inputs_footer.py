"""What stands below the rows of a report is passed over and named; rows that merely look thin are kept."""

import io

import openpyxl
import pytest

from features.schema.table_source import Location
from pipelines.ingest.reading.file_adapters import read_table
from pipelines.ingest.reading.raw_table import RawTable

HEADER = "Id,Company,Stage,Created,Amount\n"
ROWS = "".join(f"D{i},Firm {i},Won,2025-01-{i:02d},{i}00\n" for i in range(1, 21))


def read(text: str) -> RawTable:
    return read_table(text.encode(), Location(file="r.csv"), what="r.csv")


@pytest.mark.parametrize(
    "footer",
    [
        'Grand Totals (20 records),,,,"21,000"\n\nCopyright (c) 2025 Acme, inc.\nConfidential information\nAcme\n',
        "Grand Totals (20 records),,,,21000\n,,,,\nConfidential Information - Do Not Distribute,,,,\nAcme,,,,\n",
        ",TOTAL,,,21000\n",
        "Gesamtsumme:,,,,21000\n",
        "Razem,,,,21000\n",
        "合計,20,,,21000\n",
        "Confidential Information,,,,\n",
    ],
)
def test_sums_and_notices_are_no_rows(footer: str) -> None:
    raw = read(HEADER + ROWS + footer)
    assert raw.read == len(raw.frame) == 20 and not raw.broken
    assert list(raw.rows) == list(range(1, 21))
    assert any("below the rows" in note for note in raw.notes)


@pytest.mark.parametrize(
    "last",
    [
        "D21,,,,\n",  # an id alone: a lead of which nothing is known
        "D21,Total,Won,2025-01-21,5\n",  # a company called Total
        "Total,Total SA,Won,2025-01-21,5\n",  # fills every cell
        "D21,Firm\n",  # cut off: broken, and counted
    ],
)
def test_thin_rows_are_kept(last: str) -> None:
    raw = read(HEADER + ROWS + last)
    assert raw.read == 21 and not raw.notes


def test_a_sum_in_the_middle_is_a_row_and_nothing_but_sums_is_a_table() -> None:
    assert read(HEADER + "Total,,,,1\n" + ROWS).read == 21
    assert read("Id,B\nTotal,1\n").read == 1


def test_sheets_of_a_workbook_end_like_that_too() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER + ROWS).splitlines():
        sheet.append(line.split(","))
    sheet.append(["Summe", None, None, None, 21000])
    content = io.BytesIO()
    book.save(content)
    raw = read_table(content.getvalue(), Location(file="r.xlsx"), what="r.xlsx")
    assert raw.read == 20 and any("'Summe 21000'" in note for note in raw.notes)
