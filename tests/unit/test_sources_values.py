"""Texts of moments, numbers, booleans and choices are read as a person means them; the unreadable is told apart."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from features.errors import ExitStatus, SourceError
from features.schema.columns import Column
from pipelines.ingest.errors import AmbiguousDatesError
from pipelines.ingest.values.days import close_at_day_end, end_of_day
from pipelines.ingest.values.moments import zone_of
from pipelines.ingest.values.timestamps import read_timestamps
from pipelines.ingest.values.type_casting import cast_booleans, cast_choices, cast_numbers, decimal_of, plain_texts

BERLIN = ZoneInfo("Europe/Berlin")


def texts(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def read(*values: str | None, form: str | None = None) -> list[str | None]:
    found = read_timestamps(texts(*values), BERLIN, form=form).values
    assert found.dtype == "datetime64[us]"
    return [None if pd.isna(v) else v.isoformat(sep=" ") for v in found]


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2025-01-06 09:00", "2025-01-06 08:00:00"),
        ("2025-07-06T09:00:30", "2025-07-06 07:00:30"),
        ("2025-01-06T09:00:00Z", "2025-01-06 09:00:00"),
        ("2025-01-06 09:00:00 UTC", "2025-01-06 09:00:00"),
        ("2025-01-06T09:00:00+05:30", "2025-01-06 03:30:00"),
        ("2025-01-06T09:00:00.123456-0800", "2025-01-06 17:00:00.123456"),
        ("2025-01-06", "2025-01-05 23:00:00"),
        ("20250106", "2025-01-05 23:00:00"),
        ("06.01.2025 09:00", "2025-01-06 08:00:00"),
        ("31/12/2024 23:30", "2024-12-31 22:30:00"),
        ("12/31/2024 11:30 PM", "2024-12-31 22:30:00"),
        ("6 Jan 2025", "2025-01-05 23:00:00"),
        ("January 6, 2025 9:00 AM", "2025-01-06 08:00:00"),
        ("1736150400", "2025-01-06 08:00:00"),
        ("1736150400000", "2025-01-06 08:00:00"),
        ("20250106T090000Z", "2025-01-06 09:00:00"),
        ("20250106T090000-0330", "2025-01-06 12:30:00"),
        ("20250106T0900+01", "2025-01-06 08:00:00"),
        ("2025-01-06T09+01", "2025-01-06 08:00:00"),
        ("2025-01-06 09:00:00 -03", "2025-01-06 12:00:00"),
        ("20250106090000", "2025-01-06 08:00:00"),
        ("2025-01-06Z", "2025-01-05 23:00:00"),
        ("2025-01-06-05:00", "2025-01-05 23:00:00"),
    ],
)
def test_a_moment_is_read_in_its_zone_or_the_declared_one(written: str, utc: str) -> None:
    assert read(written, None) == [utc, None]


def test_forms_may_be_mixed_in_one_column() -> None:
    assert read("2025-01-06T09:00:00Z", "06.01.2025 10:00", "soon", "1736150400", None) == [
        "2025-01-06 09:00:00",
        "2025-01-06 09:00:00",
        None,
        "2025-01-06 08:00:00",
        None,
    ]

    assert read("2025-01-06 09:00:00 -03", "2025-01-06 09:00:00", "2025-01-06 -03") == [
        "2025-01-06 12:00:00",
        "2025-01-06 08:00:00",
        None,  # a day in a zone behind a blank: nothing is read without its zone
    ]


@pytest.mark.parametrize("form", [None, "%Y-%m-%d", "ISO8601", "day_first"])
def test_a_word_is_no_moment_of_the_reading(form: str | None) -> None:
    assert read("2025-01-06", "now", "today", "Today", "NOW", form=form)[1:] == [None] * 4


def test_the_repeated_hour_is_the_later_one_and_the_skipped_hour_the_moment_after() -> None:
    found = read_timestamps(texts("2025-10-26 02:30", "2025-03-30 02:30", "2025-06-01 02:30"), BERLIN)
    assert found.values.astype("str").tolist() == ["2025-10-26 01:30:00", "2025-03-30 01:00:00", "2025-06-01 00:30:00"]
    assert found.notes and found.notes[0].startswith("2 times")


@pytest.mark.parametrize("written", ["9999-12-31", "0001-01-01", "2025-02-30", "2025-13-01", "25:61", "99.99.2025"])
def test_a_moment_that_cannot_be_is_unreadable(written: str) -> None:
    assert read(written) == [None]


def test_dates_that_can_be_read_two_ways_are_refused_until_declared() -> None:
    for values in (["03/04/2025", "05/06/2025"], ["13/04/2025", "04/13/2025"]):
        with pytest.raises(AmbiguousDatesError, match="time_format") as caught:
            read(*values)
        assert caught.value.exit_status is ExitStatus.CONTRACT
    assert read("03/04/2025", form="%d/%m/%Y") == ["2025-04-02 22:00:00"]
    assert read("03/04/2025", form="%m/%d/%Y") == ["2025-03-03 23:00:00"]
    assert read("03/04/2025", "25/04/2025")[0] == "2025-04-02 22:00:00"


def test_what_is_known_on_a_day_is_known_by_its_end() -> None:
    found = read_timestamps(texts("2025-03-30", "2025-03-30 10:00", "soon", None), BERLIN)
    assert found.date_only.tolist() == [True, False, False, False]
    ends = end_of_day(found)
    assert ends[0] == pd.Timestamp("2025-03-30 21:59:59.999999")  # a day of 23 hours
    assert ends[1] == pd.Timestamp("2025-03-30 08:00") and ends[2:].isna().all()


def test_what_is_dated_today_is_known_now_and_not_tonight() -> None:
    dates = read_timestamps(texts("2025-06-29", "2025-06-30", "2025-07-01", "2025-06-30 18:00"), BERLIN)
    now = pd.Timestamp("2025-06-29 22:30")  # half past midnight of the 30th in Berlin
    ends = ["2025-06-29 21:59:59.999999", "2025-06-29 22:30", "2025-07-01 21:59:59.999999", "2025-06-30 16:00"]
    assert end_of_day(dates, now).tolist() == [pd.Timestamp(end) for end in ends]


def test_what_is_dated_on_the_day_of_its_file_is_known_when_that_was_written() -> None:
    dates = read_timestamps(texts("2025-06-29", "2025-06-30", "2025-07-01"), BERLIN)
    written = pd.Timestamp("2025-06-30 13:00")
    ends = [pd.Timestamp(end) for end in ("2025-06-29 21:59:59.999999", "2025-06-30 13:00", "2025-07-01 14:00")]
    for now in ("2025-06-30 14:00", "2025-06-30 14:30", "2025-07-20"):
        found = end_of_day(dates, pd.Timestamp(now), written)
        assert found.tolist()[:2] == ends[:2], now
    behind = end_of_day(dates, pd.Timestamp("2025-07-01 14:00"), written)
    assert behind.tolist() == ends, "a file that was dated back says nothing of later days"


def test_datetimes_of_a_parquet_file_need_no_text() -> None:
    naive = pd.Series(pd.to_datetime(["2025-01-06 09:00"]))
    assert read_timestamps(naive, BERLIN).values[0] == pd.Timestamp("2025-01-06 08:00")
    assert read_timestamps(naive.dt.tz_localize("UTC"), BERLIN).values[0] == pd.Timestamp("2025-01-06 09:00")


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(SourceError, match=r"line 3: 'Europe/Berlyn' is not a known time zone"):
        zone_of("Europe/Berlyn", "line 3")


def numbers(*values: str | None, decimal: str = ".", **declared: object) -> tuple[list[float | None], list[int]]:
    cast = cast_numbers(texts(*values), Column.model_validate(declared), decimal)
    return [None if np.isnan(v) else v for v in cast.values], np.flatnonzero(cast.unreadable).tolist()


def test_numbers_of_any_make() -> None:
    assert numbers("1", "-2.5", "1,234.5", "€ 7", "1e3", "+4", "1 000") == ([1, -2.5, 1234.5, 7, 1000, 4, 1000], [])
    assert numbers("1,5", "1.234,5", "12", "-0,25 €", "1'000", decimal=",") == ([1.5, 1234.5, 12, -0.25, 1000], [])


def test_what_is_no_number_is_unreadable_and_what_means_missing_is_missing() -> None:
    assert numbers("x", "1,5", "inf", "1.2.3", "0x10", "", None, "N/A", "null") == ([None] * 9, [0, 1, 2, 3, 4, 5])
    assert numbers("999", "999.0", "998", missing=["999"]) == ([None, None, 998], [])


@pytest.mark.parametrize(
    ("values", "delimiter", "sign"),
    [
        (["1,5", "2"], ";", ","),
        (["1.234,50"], ";", ","),
        (["1,234", "5,678"], ";", "."),
        (["1.5", "1,5"], ";", "."),
        (["1,5"], ",", "."),
        (["1.5"], "\t", "."),
    ],
)
def test_the_decimal_sign_is_a_comma_only_where_a_value_tells(values: list[str], delimiter: str, sign: str) -> None:
    assert decimal_of([texts(*values)], delimiter) == sign


def test_booleans_and_choices() -> None:
    cast = cast_booleans(texts("Yes", "n", "TRUE", "0", "maybe", None, "n/a"))
    assert cast.values.astype("object").where(cast.values.notna(), None).tolist() == [
        True,
        False,
        True,
        False,
        None,
        None,
        None,
    ]
    assert np.flatnonzero(cast.unreadable).tolist() == [4]
    assert cast_choices(texts("MQL", "dis-qualified", "odd", None), ["mql", "disqualified"]).fillna("").tolist() == [
        "mql",
        "disqualified",
        "odd",
        "",
    ]


def test_texts_are_cut_mapped_and_missing_as_declared() -> None:
    column = Column.model_validate({"missing": ["unknown"], "map": {"Closed Won": "true"}})
    found = plain_texts(texts("  a ", "", "unknown", " Closed Won", None), column)
    assert found.fillna("<missing>").tolist() == ["a", "<missing>", "<missing>", "true", "<missing>"]
    assert plain_texts(pd.Series([1.0, 2.5, np.nan]), Column()).fillna("-").tolist() == ["1", "2.5", "-"]


def test_numbers_too_large_to_reckon_with_are_unreadable_as_infinity_is() -> None:
    """DBL_MAX stands for "no value" in some databases; its square, and the sum of two, are infinite."""
    written = ("1.7976931348623157E308", "-1.7976931348623157e308", "1.8e308", "inf", "1e39", "-1e38", "7")
    found = cast_numbers(texts(*written), Column(), ".")
    assert found.unreadable.tolist() == [True] * 5 + [False] * 2
    assert found.values.dropna().tolist() == [-1e38, 7.0]


def test_a_close_known_on_its_day_closes_when_it_was_known() -> None:
    closed = read_timestamps(texts("2025-03-03", "2025-03-03", "2025-03-03 10:00", "2025-03-03"), ZoneInfo("UTC"))
    known = pd.Series(pd.to_datetime(["2025-03-03 15:00", "2025-03-09 08:00", "2025-03-03 15:00", "2025-03-02 08:00"]))
    end = pd.Timestamp("2025-03-03 23:59:59.999999")
    found = close_at_day_end(closed, known)
    assert found.tolist() == [pd.Timestamp("2025-03-03 15:00"), end, pd.Timestamp("2025-03-03 10:00"), end]
    some = close_at_day_end(closed, known, pd.Series([True, False, True, False]))
    assert some.tolist()[1] == pd.Timestamp("2025-03-03")
