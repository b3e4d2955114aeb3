"""Numbers are read by what all values of their column prove; what nothing tells is refused, never read wrongly."""

import numpy as np
import pandas as pd
import pytest

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.declaring.column_inference import guess_column
from pipelines.ingest.errors import AmbiguousNumbersError, RuinedIdsError
from pipelines.ingest.reading.file_adapters import read_table
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.values.number_form import NumberForm, plain_numbers, weigh_signs
from pipelines.ingest.values.type_casting import cast_numbers

GERMAN_THOUSANDS = [f"{i}.{(37 * i) % 1000:03d}" for i in range(1, 80)] + ["559", "87"]


def shape(
    *values: str,
    delimiter: str = ";",
    other: str = "x",
    csv: dict[str, str] | None = None,
    known: ColumnReading | None = None,
    **declared: str,
) -> ShapedTable:
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "status", "won": ["x"], "lost": ["y"]}},
            "tables": {
                "leads": {
                    "location": {"file": "f.csv", "csv": {"delimiter": delimiter, **(csv or {})}},
                    "columns": {"budget": {"type": "number", **declared}, "other": {"type": "number"}, "status": {}},
                }
            },
        }
    )
    lines = [f'"{value}"{delimiter}"{other}"{delimiter}x' for value in values]
    content = "\n".join([delimiter.join(("budget", "other", "status")), *lines, ""])
    location = source.tables["leads"].location or Location(file="f.csv")
    raw = read_table(content.encode(), location, what="f.csv")
    return shape_table(raw, "leads", source, known={} if known is None else {"budget": known})


def budget(*values: str, **more: object) -> list[float | None]:
    found = shape(*values, **more).frame["budget"]  # type: ignore[arg-type]
    return [None if np.isnan(value) else value for value in found]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["559", "2.872", "1.234.567"], [559, 2872, 1234567]),
        (["2.872", "3,5"], [2872, 3.5]),
        (["2,872", "3.5"], [2872, 3.5]),
        (["2.872,50", "1.000"], [2872.5, 1000]),
        (["2'871.97", "559.43", "12'345'678"], [2871.97, 559.43, 12345678]),
        (["2\u2019871.97", "1'000"], [2871.97, 1000]),
        (["2\u2018871.97", "1\u00b4000"], [2871.97, 1000]),
        (["1\u202f234,50", "2\u00a0000", "3 000,25"], [1234.5, 2000, 3000.25]),
        (["1,23,456.78", "12,34,567"], [123456.78, 1234567]),
        (["(1,234.50)", "100.25-", "\u22127.5"], [-1234.5, -100.25, -7.5]),
        (["€ 1.234,50", "99,90 €", "EUR 12,00", "1.000,00 zł"], [1234.5, 99.9, 12, 1000]),
        (["$1,234.50", "US$ 7.5", "-$3.25", "($2.50)"], [1234.5, 7.5, -3.25, -2.5]),
        (["CHF 1'200.\u2013", "15.25", "7.-"], [1200, 15.25, 7]),
        (["12,5 %", "7%", "0,25%"], [12.5, 7, 0.25]),
        (["₩1,234,567", "987 원"], [1234567, 987]),
        (["0.123", "0.500", "12.345"], [0.123, 0.5, 12.345]),
        (["1234.567", "2.872"], [1234.567, 2.872]),
        (["1.5e3", "2.25E-1"], [1500, 0.225]),
    ],
)
def test_all_values_of_a_column_tell_how_it_writes_numbers(values: list[str], read: list[float]) -> None:
    for delimiter in ";\t":
        assert budget(*values, delimiter=delimiter) == pytest.approx(read)
    assert budget(*reversed(values)) == pytest.approx(read[::-1])


def test_german_thousands_beside_shorter_numbers_are_thousands_and_it_is_told() -> None:
    found = shape(*GERMAN_THOUSANDS)
    assert found.frame["budget"].tolist()[:2] == [1037, 2074] and found.frame["budget"].tolist()[-2:] == [559, 87]
    assert any("'.' is read as the sign of thousands ('1.037')" in note for note in found.notes)
    with pytest.raises(AmbiguousNumbersError):
        shape(*GERMAN_THOUSANDS[:40], "559")  # too few to tell
    with pytest.raises(AmbiguousNumbersError):
        shape(*GERMAN_THOUSANDS[:-2])  # nothing beside them
    with pytest.raises(AmbiguousNumbersError):
        shape(*GERMAN_THOUSANDS, other="2.5")  # the file's other column says that the point is the decimal sign


@pytest.mark.parametrize("value", ["2.872", "2,872"])
def test_what_nothing_tells_is_refused_with_the_remedy(value: str) -> None:
    sign, other = (".", ",") if "." in value else (",", ".")
    with pytest.raises(AmbiguousNumbersError) as refused:
        shape(value, "559")
    assert f"column 'leads.budget': '{value}' can be 2872 or 2.872" in str(refused.value)
    assert f"decimal: '{other}' if it is 2872, decimal: '{sign}' if it is 2.872" in str(refused.value)
    assert refused.value.code == "LS047"
    assert budget(value, "559", decimal=other) == [2872, 559]
    assert budget(value, "559", thousands=sign) == [2872, 559]
    assert budget(value, "559", decimal=sign) == [2.872, 559]
    assert budget(value, "559", csv={"decimal": sign}) == [2.872, 559]
    assert budget(value, "559", csv={"decimal": sign}, decimal=other) == [2872, 559]
    assert budget(value, "559", known=ColumnReading(decimal=other)) == [2872, 559]


def test_the_rest_of_the_file_and_its_delimiter_tell_where_the_column_does_not() -> None:
    assert budget("2.872", other="12,50") == [2872]
    assert budget("2.872", other="12.50") == [2.872]
    assert budget("2.872", delimiter=",") == [2.872]
    assert budget("2,872", delimiter=",") == [2872]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["1.234,50 €", "EUR 99,90", "$ 100,00", "70,50"], "EUR 2, USD 1"),
        (["10 zł", "20 PLN", "30 Kč", "40 Kč", "50 Kč"], "CZK 3, PLN 2"),
        (["₩1,000,000", "¥ 12,000,000", "(12.5k €)", "EUR 2"], "EUR 2, JPY 1, KRW 1"),
        (["-$3.25", "£7.50"], "GBP 1, USD 1"),
        (["$ 5", "$ 6", "A$ 7"], "USD 2, AUD 1"),
        (["$ 5", "USD 6", "AUD 7"], "USD 2, AUD 1"),
        (["100 kr", "SEK 100", "€ 5"], "SEK 2, EUR 1"),
        (["100 kr", "70 kr", "€ 5"], "kr 2, EUR 1"),
        (["¥ 100", "100 円", "100 元"], "JPY 2, CNY 1"),
        ([*["€ 1"] * 90, *["£ 1"] * 4, *["$ 1"] * 4], "EUR 90, GBP 4, USD 4"),
    ],
)
def test_several_currencies_in_one_column_are_told(values: list[str], shown: str) -> None:
    (told,) = [note for note in shape(*values).notes if "currencies" in note]
    assert told.startswith(f"warning: leads.budget holds several currencies ({shown} rows), read as one number")


@pytest.mark.parametrize(
    "values",
    [
        ["€ 1.234,50", "99,90 €", "EUR 12,00"],
        ["$5.50", "US$ 7.5", "USD 3", "-$3.25", "($2.50)"],
        ["CHF 1'200.\u2013", "SFr. 15.25", "Fr. 7.-"],
        [*["€ 1,50"] * 40, "$ 1,50"],  # a slip
        *(["100 kr", "100 kr.", f"{code} 100"] for code in ("SEK", "NOK", "DKK")),
        *(["¥100", "\uffe5100", other] for other in ("CNY 100", "JPY 100", "100元", "100円")),
        *(["$5", "$6", f"{code} 5"] for code in ("AUD", "USD", "CAD", "MXN")),
        *(
            [f"{sign}5", f"{code} 5"]
            for sign, code in [("₱", "PHP"), ("₫", "VND"), ("฿", "THB"), ("₦", "NGN"), ("₸", "KZT"), ("￦", "KRW")]
        ),
        ["12 %", "7 people", "3"],
    ],
)
def test_one_currency_however_it_is_written_is_not_told(values: list[str]) -> None:
    assert not [note for note in shape(*values).notes if "currencies" in note]


def test_a_slip_does_not_turn_a_column_around() -> None:
    found = shape(*GERMAN_THOUSANDS, "2.5")
    assert found.frame["budget"].tolist()[0] == 1037 and np.isnan(found.frame["budget"].tolist()[-1])
    assert found.unreadable[0].texts == ("2.5",)


def test_values_that_prove_the_other_sign_are_kept_out_and_told() -> None:
    found = shape("1,5", "2,5", "3,5", "4.5")
    assert found.frame["budget"].tolist()[:3] == [1.5, 2.5, 3.5] and found.unreadable[0].texts == ("4.5",)
    assert any("1 values have the other decimal sign" in note for note in found.notes)


@pytest.mark.parametrize(
    "text", ["1.2.3", "1,2,3", "12.34.56", "1'23", "1 23", "5 km", "10k", "1,2345,678", "--5", "(5", "€"]
)
def test_what_is_no_number_stays_unreadable(text: str) -> None:
    for sign in (".", ","):
        assert cast_numbers(pd.Series([text], dtype="str"), Column(), NumberForm(sign)).unreadable.all()  # type: ignore[arg-type]


def test_a_telephone_number_is_not_grouped_digits() -> None:
    assert plain_numbers(pd.Series(["030 123 456"])).tolist() == ["030 123 456"]
    assert cast_numbers(pd.Series(["030 123 456"], dtype="str"), Column(), ".").unreadable.all()
    assert weigh_signs(pd.Series(["06.01.2025", "10.0.0.1"])).decimal is None


@pytest.mark.parametrize("exponent", ["1.23457E+17", "1,23457E+17", "1E+12"])
def test_ids_that_a_spreadsheet_rounded_are_named_not_merged(exponent: str) -> None:
    with pytest.raises(RuinedIdsError, match="3 ids are rounded numbers of a spreadsheet") as refused:
        _ids(exponent, exponent, exponent, "L4")
    assert exponent in str(refused.value) and refused.value.code == "LS048"
    few = _ids(exponent, *(f"L{i}" for i in range(40)))
    assert any("1 ids look as if a spreadsheet had rounded them" in note for note in few.notes)
    assert not _ids("1E5", "12E", "E+12").notes


def _ids(*values: str) -> ShapedTable:
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "status", "won": ["x"], "lost": ["y"]}, "lead_id": "no"},
            "tables": {"leads": {"location": {"file": "f"}, "columns": {"no": {"type": "id"}, "status": {}}}},
        }
    )
    content = "no;status\n" + "".join(f"{value};x\n" for value in values)
    return shape_table(read_table(content.encode(), Location(file="f"), what="f"), "leads", source)


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("zip", ["03268", "05246", "18431"], "category"),
        ("customer", [f"{i:06d}" for i in range(50)], "category"),
        ("plz", ["73268", "85246", "18431"], "category"),
        ("phone", ["+49 30 123456", "+48 22 765 43 21"], "category"),
        ("contact", ["030/1234567", "(040) 765432"], "category"),
        ("order", ["1.23457E+17", "1.23458E+17"], "category"),
        ("account", ["123456789012345678", "123456789012345679"], "category"),
        ("visits", ["0", "1", "12"], "number"),
        ("phone_calls", ["3", "1", "12"], "number"),
        ("budget", ["2'871.97", "559.43"], "number"),
        ("share", ["12 %", "7 %"], "number"),
        ("day", ["20250106", "20250207"], "timestamp"),
        ("created", ["45299.375", "45301"], "timestamp"),
        ("visits", ["45299", "45301"], "number"),
    ],
)
def test_digits_that_are_names_are_guessed_as_names(header: str, values: list[str], kind: str) -> None:
    assert guess_column(pd.Series(values, dtype="str", name=header), None, ".").type == kind


def test_thousands_and_millions_written_as_words_are_numbers() -> None:
    texts = pd.Series(["12.5k €", "€ 3k", "0.4K EUR", "$2.5M", "1.2 Mio. EUR"])
    assert cast_numbers(texts, Column(), ".").values.tolist() == [12_500.0, 3_000.0, 400.0, 2_500_000.0, 1_200_000.0]
    assert cast_numbers(pd.Series(["12,5k €"]), Column(), ",").values.tolist() == [12_500.0]
    assert cast_numbers(pd.Series(["5M", "5 km", "k"]), Column(), ".").unreadable.all()  # months, a distance, a letter
