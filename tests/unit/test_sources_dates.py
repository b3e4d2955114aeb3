"""Moments of any make: words of the product's languages, zones by name, spreadsheet days, day or month first."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from features.schema.canonical_tables import TABLES
from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import AmbiguousDatesError, TurnedDatesError
from pipelines.ingest.reading.file_adapters import read_table
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.values.date_order import DateOrder
from pipelines.ingest.values.days import days_as_midnights, end_of_day
from pipelines.ingest.values.moments import Timestamps
from pipelines.ingest.values.timestamps import read_timestamps

BERLIN, CHICAGO, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Chicago"), ZoneInfo("UTC")


def read(*values: str, form: str | None = None, zone: ZoneInfo = UTC) -> list[str | None]:
    found = _read(*values, form=form, zone=zone).values
    assert found.dtype == "datetime64[us]"
    return [None if pd.isna(v) else v.isoformat(sep=" ") for v in found]


def _read(*values: str, form: str | None = None, zone: ZoneInfo = UTC) -> Timestamps:
    return read_timestamps(pd.Series(list(values), dtype="str"), zone, form=form)


@pytest.mark.parametrize("zeros", [".0", ".00", ",0"])
def test_zeros_behind_whole_numbers_are_no_part_of_a_date(zeros: str) -> None:
    """pandas writes them as soon as one number of the column is missing."""
    whole = ("20240108", "202401081405", "20240108140500", "1704722700", "1704722700000", "45299")
    assert read(*(text + zeros for text in whole)) == read(*whole)
    assert read(f"20240108{zeros}", form="%Y%m%d") == ["2024-01-08 00:00:00"]
    assert read("240108.0", form="%y%m%d") == ["2024-01-08 00:00:00"]
    assert read("20240108140500.0", form="%Y%m%d%H%M%S.%f") == ["2024-01-08 14:05:00"]
    assert read("20240108.5", "20240108140500.123") == [None, None]


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("%d%m%Y", "1122024", "2024-12-01"),
        ("%d%m%Y", "11122024", "2024-12-11"),
        ("%m%d%Y", "1112024.0", "2024-01-11"),
        ("%d%m%y", "11224", "2024-12-01"),
        ("%y%m%d", "90108", "2009-01-08"),
    ],
)
def test_a_day_of_digits_that_was_a_number_has_its_first_zero_back(form: str, text: str, day: str) -> None:
    assert read(text, form=form) == [f"{day} 00:00:00"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-08 오후 4:05",
        "2024-01-08 (오후) 4:05",
        "2024. 1. 8. 오후 4:05",
        "2024년 1월 8일 (월) 오후 4:05",
        "2024年1月8日 午後4時05分",
        "2024/01/08(月) 16:05",
        "2024年1月8日 下午4:05",
        "2024-01-08 下午 4:05",
        "8 janv. 2024 à 16:05",
        "lun. 8 janvier 2024 16 h 05",
        "8. Januar 2024, 16:05 Uhr",
        "Mo., 08.01.2024, 16:05",
        "8 de enero de 2024, 4:05 p. m.",
        "8 gennaio 2024 alle ore 16.05",
        "8 de janeiro de 2024 às 16:05",
        "8 stycznia 2024 r., 16:05",
        "8 sty 2024 16:05",
        "Jan 8, 2024, 4:05:00\u202fPM",
        "8th of January 2024 4:05 pm",
        "Mon Jan 08 2024 16:05:00",
        "Mon Jan  8 16:05:00 2024",
        "08-JAN-24 04:05 PM",
        "2024.01.08 16:05",
        "Mon, 08 Jan 2024 16:05:00 +0000",
        "Mon Jan 08 2024 17:05:00 GMT+0100 (Central European Standard Time)",
        "2024-01-08 11:05 EST",
        "08.01.2024 17:05 CET",
        "2024-01-08 08:05:00 PST",
        "45299.670138889",
    ],
)
def test_a_moment_is_read_however_it_is_written(text: str) -> None:
    assert read(text) == ["2024-01-08 16:05:00"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("8 janv. 2024", 8),
        ("mar. 9 janv. 2024", 9),  # mar. is mardi here
        ("1er janvier 2024", 1),
        ("8 Januar 2024", 8),
        ("2024年1月8日", 8),
        ("2024. 1. 8.", 8),
        ("2024년 1월 8일", 8),
        ("8 sty 2024", 8),
        ("Jan 8 2024", 8),
        ("45299", 8),
    ],
)
def test_a_day_in_words_has_no_time_of_day(text: str, day: int) -> None:
    found = _read(text)
    assert found.values[0] == pd.Timestamp(2024, 1, day) and found.date_only.tolist() == [True]
    assert _read("9 mar 2024", "9 mars 2024", "mar. 9 mars 2024").values.dt.month.tolist() == [3, 3, 3]


def test_midnight_and_noon_in_halves_of_a_day() -> None:
    assert read("2024-01-08 오전 12:30", "2024-01-08 오후 12:30") == ["2024-01-08 00:30:00", "2024-01-08 12:30:00"]
    assert read("8 Jan 2024 12:30 a.m.", "8 Jan 2024 9 PM") == ["2024-01-08 00:30:00", "2024-01-08 21:00:00"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-01-08 오후 4:05", "%Y-%m-%d %p %I:%M"),
        ("2024-01-08 (午後) 4:05", "%Y-%m-%d %p %I:%M"),
        ("8 janv. 2024 16:05", "%d %b %Y %H:%M"),
        ("8 stycznia 2024 16:05", "%d %B %Y %H:%M"),
        ("2024-01-08 11:05:00 EST", "%Y-%m-%d %H:%M:%S %Z"),
        ("08/01/2024 17:05 +0100", "%d/%m/%Y %H:%M %z"),
        ("2024-01-08 16:05:00 UTC", "%Y-%m-%d %H:%M:%S %Z"),
        ("45299.670138889", "serial"),
        ("45299,670138889", "serial"),
        ("08/01/2024 16:05", "day_first"),
        ("01/08/2024 4:05 PM", "month_first"),
    ],
)
def test_declared_formats_know_words_zones_and_days_of_spreadsheets(text: str, form: str) -> None:
    assert read(text, form=form) == ["2024-01-08 16:05:00"]


def test_zone_names_are_read_by_the_declared_zone_or_refused_by_name() -> None:
    assert read("2024-07-08 09:00 CDT", "2024-01-08 09:00 CST", zone=CHICAGO) == [
        "2024-07-08 14:00:00",
        "2024-01-08 15:00:00",
    ]
    assert read("2024-01-08 09:00 CST", zone=ZoneInfo("Asia/Shanghai")) == ["2024-01-08 01:00:00"]
    assert read("2024-01-08 09:00 IST", zone=ZoneInfo("Asia/Kolkata")) == ["2024-01-08 03:30:00"]
    found = _read("2024-01-08 09:00 CST", "2024-01-08 09:00", zone=BERLIN)
    assert found.values.isna().tolist() == [True, False]
    assert "1 times name the zone 'CST'" in found.notes[0] and "declare 'timezone'" in found.notes[0]
    assert read("2024-01-08 09:00 IST", form="%Y-%m-%d %H:%M %Z") == [None]


def test_days_of_a_spreadsheet_are_taken_only_where_nothing_else_can_be_meant() -> None:
    found = _read("45299.375", "45300", "45301.5")
    assert found.values.astype("str").tolist() == ["2024-01-08 09:00:00", "2024-01-09 00:00:00", "2024-01-10 12:00:00"]
    assert found.date_only.tolist() == [False, True, False]
    assert found.notes == ("3 values are days as spreadsheets count them (time_format: serial).",)
    assert read("45299.375", "13/01/2024") == [None, "2024-01-13 00:00:00"]  # half converted: which is which?
    assert read("24008", "24009") == [None, None]  # days of a year

    comma = _read("45299,375", "45300", "45301,5")
    assert comma.values.tolist() == found.values.tolist() and comma.date_only.tolist() == [False, True, False]
    assert comma.notes == found.notes
    assert read("45,301", "45299,375", form="serial") == [None, "2024-01-08 09:00:00"]  # a sign between thousands
    assert read("20240108", "1704724200") == ["2024-01-08 00:00:00", "2024-01-08 14:30:00"]
    counted = ("45299", "1704724200", "1704724200000", "20240108140500", "-1704724200000")
    assert read(*counted, form="serial") == ["2024-01-08 00:00:00", None, None, None, None]


def test_day_or_month_first_is_decided_by_all_values_whatever_their_sign() -> None:
    assert read("01/02/2024", "13-02-2024")[0] == "2024-02-01 00:00:00"
    assert read("01/02/2024", "02-13-2024")[0] == "2024-01-02 00:00:00"
    assert read("01.02.2024", "02.13.2024") == ["2024-01-02 00:00:00", "2024-02-13 00:00:00"]
    assert read("01.02.2024")[0] == "2024-02-01 00:00:00"
    assert read("05/05/2024", "45/45/2024") == ["2024-05-05 00:00:00", None]
    with pytest.raises(AmbiguousDatesError, match="holds both"):
        read("13/02/2024", "02/13/2024")
    with pytest.raises(AmbiguousDatesError) as refused:
        read("01/02/2024 10:00")
    assert "time_format: day_first" in str(refused.value) and "month_first" in str(refused.value)


@pytest.mark.parametrize(
    "texts",
    [
        ("24.01.08", "24.02.19", "24.03.31", "23.01.20"),
        ("24-01-08", "24-2-19", "24-03-31", "23-1-2"),
        ("24. 01. 08.", "24. 02. 19.", "24. 3. 31."),
        ("'24.1.8", "'24.2.19"),
        ("24년 1월 8일", "24년 2월 19일"),
        ("24/01/08", "99/12/31"),
    ],
)
def test_a_year_of_two_digits_in_front_is_the_year(texts: tuple[str, ...]) -> None:
    assert read(*texts)[0] == "2024-01-08 00:00:00"
    assert None not in read(*texts)
    times = read(*(f"{text} 14:05" for text in texts))
    assert times[0] == "2024-01-08 14:05:00"


def test_a_year_of_two_digits_behind_stays_there_and_where_nothing_tells_the_file_is_refused() -> None:
    assert read("08.01.24", "31.12.23", "15.03.24")[0] == "2024-01-08 00:00:00"
    assert read("18.01.24", "19.01.24", "21.01.24")[0] == "2024-01-18 00:00:00"
    assert read("08.01.24") == ["2024-01-08 00:00:00"]
    assert read("12/25/24", "01/08/24")[1] == "2024-01-08 00:00:00"
    assert read(*["08.01.24", "31.12.23", "15.03.24"] * 50, "45.01.24")[-1] is None  # a slip is no other order

    assert _read("24.01.08", "24.02.19", "24.03.31").notes == ("dates such as 24.01.08 are read with the year first.",)
    assert _read("08.01.24", "31.12.23").notes == ()
    with pytest.raises(AmbiguousDatesError, match=r"day first or year first.*%y\.%m\.%d"):
        read("20.01.21")
    assert read("20.01.21", form="%y.%m.%d") == ["2020-01-21 00:00:00"]
    assert read("20.01.21", form="day_first") == ["2021-01-20 00:00:00"]
    with pytest.raises(AmbiguousDatesError, match="holds both"):
        read("99.01.21", "31.12.98")


@pytest.mark.parametrize("days", ["01.07.22 01.03.23 01.01.24", "01.01.22 15.01.23 15.04.24 01.07.25"])
def test_on_fixed_days_it_is_the_years_that_differ(days: str) -> None:
    dated = days.split()
    assert [str(moment)[:4] for moment in read(*dated)] == [f"20{date[-2:]}" for date in dated]
    turned = [".".join(reversed(date.split("."))) for date in dated]
    assert read(*turned) == read(*dated)


@pytest.mark.parametrize(
    "days",
    [
        *("31.12.24 31.12.25 31.12.26", "30.06.24 31.03.25 30.09.26 31.12.27", "15.01.24 15.01.26"),
        *("25.01.24 25.02.25 25.03.26", "17.05.22 17.05.23 17.05.24 17.05.24"),  # on one day of years in a row
    ],
)
def test_fixed_days_that_could_be_years_are_read_as_before_or_refused(days: str) -> None:
    dated = days.split()
    for texts in (dated, [".".join(reversed(date.split("."))) for date in dated]):
        with pytest.raises(AmbiguousDatesError, match="day first or year first"):
            read(*texts)
        known = read_timestamps(pd.Series(texts, dtype="str"), UTC, order="day")
        assert known.values.dt.year.tolist() == [2000 + int(text[-2:]) for text in texts] and known.notes == ()
        years = read_timestamps(pd.Series(texts, dtype="str"), UTC, order="year")
        assert years.values.dt.year.tolist() == [2000 + int(text[:2]) for text in texts]


def test_the_known_order_of_two_digits_is_kept_until_much_speaks_against_it() -> None:
    def known(order: DateOrder, *texts: str) -> Timestamps:
        return read_timestamps(pd.Series(texts, dtype="str"), UTC, order=order)

    korean = [f"24.{1 + day % 12:02d}.{1 + 3 * day:02d}" for day in range(10)]
    assert known("day", *korean[:3]).values.dt.day.tolist() == [24] * 3
    told = known("day", *korean)
    assert told.values.dt.year.tolist() == [2024] * 10 and "unlike the file trained on" in told.notes[0]
    assert known("month", "01/02/24", "03/04/23").values.dt.month.tolist() == [1, 3]
    german = [".".join(reversed(date.split("."))) for date in korean]
    assert known("year", *german[:3]).values.dt.day.tolist() == [24] * 3
    assert known("year", *german).values.tolist() == told.values.tolist()


def test_a_month_before_a_full_stop_is_kept_where_full_stops_showed_it() -> None:
    def known(*texts: str, dotted: bool = False) -> Timestamps:
        return read_timestamps(pd.Series(texts, dtype="str"), UTC, order="month", dotted=dotted)

    told = known("03.04.2025", "05.06.2025 10:30", dotted=True)
    assert told.values.dt.month.tolist() == [3, 5] and told.dotted and told.notes == ()
    assert known("03.04.2025", "03/04/2025", dotted=True).values.dt.month.tolist() == [3, 3]
    with pytest.raises(AmbiguousDatesError, match=r"'03\.04\.2025' can be read day first or month first\. Declare"):
        known("03.04.2025", "05.06.2025 10:30")  # the file trained on had slashes
    assert known("04.04.2025").order == "month", "the same in both ways"
    for dotted in (False, True):
        told = known("03.04.2025", "14.04.2025", dotted=dotted)
        assert told.values.dt.month.tolist() == [4, 4] and told.order == "day" and not told.dotted
        assert "unlike the file trained on or the other columns" in told.notes[0]
    assert known("03.04.2025", "04.13.2025").values.dt.month.tolist() == [3, 4], "its own values say month"
    assert known("03.04.2025", "04.13.2025").dotted and not known("04/13/2025").dotted
    assert known("03/04/2025 10:00:00.5").values.dt.month.tolist() == [3], "a part of a second is no date"
    assert known("03/04/2025", "13/04/2025", "03.04.2025").values.dt.month.tolist() == [4, 4, 4]
    for mixed in (("03.04.2025", "03/04/2025"), ("03.04.2025", "03/14/2025")):
        with pytest.raises(AmbiguousDatesError, match=r"'03\.04\.2025' can be read .* the column holds both"):
            known(*mixed)
    with pytest.raises(AmbiguousDatesError, match="holds both"):
        read("03.04.2025", "03/14/2025")


def test_what_showed_the_month_first_is_kept_from_file_to_file() -> None:
    trained = _shape("12.31.2025", "12/31/2025").forms
    assert trained["created"] == ColumnReading(date_order="month", dotted=True)
    assert trained["other"] == ColumnReading(date_order="month")
    nightly = _shape("03.04.2026", "03/04/2026", trained)
    assert nightly.frame["created"].tolist() == [pd.Timestamp(2026, 3, 4)] == nightly.frame["other"].tolist()
    assert nightly.forms["created"].dotted and not nightly.forms["other"].dotted
    with pytest.raises(AmbiguousDatesError, match="day first or month first"):
        _shape("03.04.2026", "03/04/2026", dict.fromkeys(trained, trained["other"]))
    alike = _shape("12.31.2025", "03.04.2026")
    assert alike.frame["other"].tolist() == [pd.Timestamp(2026, 3, 4)]
    assert any("other: dates are read month first, as the file's other columns are" in note for note in alike.notes)
    assert _shape("12.31.2025", "13.04.2026").frame["other"].tolist() == [pd.Timestamp(2026, 4, 13)]


def test_dates_that_a_spreadsheet_turned_round_are_refused_or_told() -> None:
    """US dates opened in a German Excel: 01/03/2024 became the 1st of March, 01/13/2024 stayed a text."""
    us = pd.date_range("2024-01-01", "2024-02-20")
    turned = [
        f"2024-{day.day:02d}-{day.month:02d} 00:00:00" if day.day <= 12 else day.strftime("%m/%d/%Y") for day in us
    ]
    with pytest.raises(TurnedDatesError, match=r"24 dates.*27 texts such as '01/13/2024'.*time_format: month_first"):
        read(*turned)
    told = _read(*turned, form="month_first")
    assert any("warning" in note and "as it stands" in note for note in told.notes)

    right = [f"{day:%Y-%m-%d %H:%M:%S}" if day.day % 2 else day.strftime("%m/%d/%Y") for day in us]
    assert read(*right) == [day.isoformat(sep=" ") for day in us]
    assert None not in read(*turned[:7], "01/13/2024", "01/14/2024")  # so few that chance may have made them
    assert None not in read(*[f"2024-{month:02d}-01" for month in range(1, 13)], *["02/13/2024"] * 9)


def test_a_year_in_front_is_kept_in_mind_like_the_day() -> None:
    told = _shape("20.01.21", "24.01.08")
    assert told.frame["created"].tolist() == [pd.Timestamp(2020, 1, 21)]
    assert told.forms["created"] == ColumnReading(date_order="year")
    known = {name: ColumnReading(date_order="year") for name in ("created", "other")}
    assert _shape("20.01.21", "21.01.22", known).frame["other"].tolist() == [pd.Timestamp(2021, 1, 22)]
    with pytest.raises(AmbiguousDatesError, match="month first"):
        _shape("01/02/2024", "24.01.08")  # what comes first elsewhere says nothing of whole years


def test_the_order_of_the_file_trained_on_and_of_the_other_columns_is_kept() -> None:
    assert _shape("01/02/2024", "13/02/2024").frame["created"].tolist() == [pd.Timestamp(2024, 2, 1)]
    told = _shape("01/02/2024", "13/02/2024")
    assert any("t.leads" not in note and "dates are read day first" in note for note in told.notes)
    assert told.forms["created"] == ColumnReading(date_order="day")

    known = {name: ColumnReading(date_order="month") for name in ("created", "other")}
    assert _shape("01/02/2024", "03/04/2024", known).frame["created"].tolist() == [pd.Timestamp(2024, 1, 2)]
    proven = _shape("01/02/2024", "13/02/2024", {"other": known["other"]})
    assert proven.frame["other"].tolist() == [pd.Timestamp(2024, 2, 13)]
    assert any("unlike the file trained on" in note for note in proven.notes)
    with pytest.raises(AmbiguousDatesError):
        _shape("01/02/2024", "03/04/2024")


def _shape(created: str, other: str, known: dict[str, ColumnReading] | None = None) -> ShapedTable:
    columns = {"created": {"type": "timestamp"}, "other": {"type": "timestamp"}, "status": {}}
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "status", "won": ["x"], "lost": ["y"]}},
            "tables": {"leads": {"location": {"file": "f"}, "columns": columns}},
        }
    )
    content = f"created;other;status\n{created};{other};x\n".encode()
    return shape_table(read_table(content, Location(file="f"), what="f"), "leads", source, known=known or {})


@pytest.mark.parametrize(
    ("text", "form", "hour"),
    [
        ("14:05 08-01-2024", "%H:%M %d-%m-%Y", 13),
        ("2024-01-08 14-05", "%Y-%m-%d %H-%M", 13),
        ("14:05 08-01-2024Z", "%H:%M %d-%m-%YZ", 14),
        ("08.01.2024 14:05 UTC", "%d.%m.%Y %H:%M UTC", 14),
        ("2024-01-08 14:05-05:00", "%Y-%m-%d %H:%M", 19),
    ],
)
def test_a_year_at_the_end_of_a_declared_form_is_no_zone(text: str, form: str, hour: int) -> None:
    assert read(text, form=form, zone=BERLIN) == [f"2024-01-08 {hour}:05:00"]


@pytest.mark.parametrize("typed", [False, True])
def test_times_that_are_all_midnight_are_days(typed: bool) -> None:
    texts = pd.Series([f"2026-01-{day:02d} 00:00:00" for day in range(1, 26)], dtype="str")
    column = pd.to_datetime(texts) if typed else texts
    found = days_as_midnights(read_timestamps(column, BERLIN))
    assert found.date_only.all() and any("25 of 25 times are midnight: read as days" in note for note in found.notes)
    assert end_of_day(found).iloc[0] == pd.Timestamp("2026-01-01 22:59:59.999999")
    some = texts.str.replace(r"(.*)(2|4) 00:00:00", r"\1\2 09:30:00", regex=True)
    assert not days_as_midnights(read_timestamps(pd.to_datetime(some) if typed else some, BERLIN)).date_only.any()
    assert not days_as_midnights(read_timestamps(column.head(19), BERLIN)).date_only.any()


@pytest.mark.parametrize(("declared", "hour"), [("", 23), (", known_at: {from: At}", 0)])
def test_events_of_midnights_are_known_by_the_end_of_their_day(tmp_path: Path, declared: str, hour: int) -> None:
    rows = [f"L1,call,2026-01-{day:02d} 00:00:00" for day in range(1, 26)]
    (tmp_path / "a.csv").write_text("\n".join(["Lead,Kind,At", *rows]), encoding="utf-8")
    columns = f"{{lead_id: {{from: Lead}}, kind: {{from: Kind}}, happened_at: {{from: At}}{declared}}}"
    source = parse_source(
        "name: s\nkind: relational\ntables:\n  leads:\n    location: {file: a.csv}\n"
        "    columns: {lead_id: {from: Lead}, created_at: {from: At}}\n"
        "  stages:\n    location: {file: a.csv}\n"
        "    columns: {lead_id: {from: Lead}, stage: {from: Kind}, entered_at: {from: At}}\n"
        f"  activities:\n    location: {{file: a.csv}}\n    columns: {columns}\n"
        "activity_kinds: {call: {dimension: intent}}\n"
    )
    raw = read_table((tmp_path / "a.csv").read_bytes(), Location(file="a.csv"), what="a.csv")
    known = shape_table(raw, "activities", source).frame["known_at"]
    assert {moment.hour for moment in known} == {hour}
    told = {table: shape_table(raw, table, source).notes for table in ("leads", "activities", "stages")}
    days = {table for table, notes in told.items() if any("are midnight: read as days" in note for note in notes)}
    assert days == {"activities", "stages"}, "a lead is known at its creation, at midnight too"


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(("zone", "start"), [("Europe/Berlin", "06-02 22:00"), ("America/New_York", "06-03 04:00")])
def test_days_written_as_midnights_in_utc_are_days_of_the_zone(zone: str, start: str, typed: bool) -> None:
    """As HubSpot writes the date of a close: a moment of it would be the 2nd of June, 20:00 in New York."""
    texts = pd.Series([f"2024-06-{day:02d}T00:00:00Z" for day in range(3, 28)], dtype="str")
    column = pd.to_datetime(texts, utc=True) if typed else texts
    found = read_timestamps(column, ZoneInfo(zone), utc_days=True)
    assert found.date_only.all() and found.utc_days and f"{found.values.iloc[0]:%m-%d %H:%M}" == start
    assert f"25 of 25 times are midnight in UTC: read as days in {zone}." in found.notes
    days = end_of_day(found).dt.tz_localize("UTC").dt.tz_convert(zone)
    assert days.dt.strftime("%m-%d %H:%M").tolist() == [f"06-{day:02d} 23:59" for day in range(3, 28)]

    epochs = (pd.to_datetime(texts, utc=True).astype("int64") // 10**3).astype("str").str[:13]
    assert read_timestamps(epochs, ZoneInfo(zone), utc_days=True).values.tolist() == found.values.tolist()


def test_moments_that_are_no_midnights_in_utc_or_are_local_ones_stay() -> None:
    texts = pd.Series([f"2024-06-{day:02d}T00:00:00Z" for day in range(3, 28)], dtype="str")
    local = texts.str.replace("T00:00:00Z", "T22:00:00Z")  # midnights in Berlin
    naive = texts.str.replace("Z", "")
    mixed = texts.mask(texts.index == 7, "2024-06-10T09:30:00Z")
    for column in (local, naive, mixed, texts.head(19)):
        found = read_timestamps(column, BERLIN, utc_days=True)
        assert not found.date_only.any() and not found.utc_days
        assert found.values.tolist() == read_timestamps(column, BERLIN).values.tolist()
    for one in (read_timestamps(texts, UTC, utc_days=True), read_timestamps(texts, ZoneInfo("Africa/Abidjan"))):
        assert not one.date_only.any()


@pytest.mark.parametrize("table", ["outcomes", "stages"])
@pytest.mark.parametrize("declared", ["", ", known_at: {from: Known}"])
def test_what_happened_on_such_a_day_is_known_by_its_end(tmp_path: Path, table: str, declared: str) -> None:
    rows = [f"{day},L1,won,yes,2024-06-{day:02d}T00:00:00Z,2024-06-{day:02d}T00:00:00Z" for day in range(3, 28)]
    (tmp_path / "a.csv").write_text("\n".join(["Id,Lead,Stage,Won,At,Known", *rows]), encoding="utf-8")
    own = {
        "outcomes": "opportunity_id: {from: Id}, lead_id: {from: Lead}, won: {from: Won}, closed_at: {from: At}",
        "stages": "lead_id: {from: Lead}, stage: {from: Stage}, entered_at: {from: At}",
    }
    source = parse_source(
        "name: s\nkind: relational\ntimezone: America/New_York\ntables:\n  leads:\n    location: {file: a.csv}\n"
        "    columns: {lead_id: {from: Lead}, created_at: {from: At}}\n"
        f"  {table}:\n    location: {{file: a.csv}}\n    columns: {{{own[table]}{declared}}}\n"
    )
    raw = read_table((tmp_path / "a.csv").read_bytes(), Location(file="a.csv"), what="a.csv")
    frame = shape_table(raw, table, source).frame
    known = frame["known_at"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    assert known.dt.strftime("%m-%d %H:%M").tolist()[0] == "06-03 23:59"
    happened = frame["closed_at" if table == "outcomes" else "entered_at"]
    assert (frame["known_at"] >= happened).all()
    created = shape_table(raw, "leads", source).frame["created_at"]
    assert created.iloc[0] == pd.Timestamp("2024-06-03 04:00"), "a lead of that day, not of the evening before"


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("08.01.2024 14.05", "%d.%m.%Y %H.%M", False),
        ("08.01.2024 14h05", "%d.%m.%Y %Hh%M", False),
        ("20240108 14", "%Y%m%d %H", False),
        ("08.01.2024 02-05 PM", "%d.%m.%Y %I-%M %p", False),
        ("08.01.2024", "%d.%m.%Y", True),
        ("week of 08:01:2024", "week of %d:%m:%Y", True),
        ("2024-01-08T14:05:00", "ISO8601", False),
        ("2024-01-08", "ISO8601", True),
        ("2024-01-08 14:05", "mixed", False),
        ("2024-01-08", "mixed", True),
    ],
)
def test_a_declared_form_says_whether_there_is_a_time_of_day(text: str, form: str, day: bool) -> None:
    found = _read(text, form=form, zone=BERLIN)
    assert found.date_only.tolist() == [day] and f"{found.values.iloc[0]:%Y-%m-%d}" == f"2024-01-0{7 if day else 8}"
    assert (end_of_day(found) == found.values).tolist() == [not day]


@pytest.mark.parametrize("known", ["00:00:00", "03:30:00"])
@pytest.mark.parametrize("table", ["leads", "activities", "answers", "stages", "outcomes"])
def test_what_is_known_on_such_a_day_is_not_known_before_it(tmp_path: Path, table: str, known: str) -> None:
    rows = [f"{day},L{day},won,yes,2024-06-{day:02d}T00:00:00Z,2024-06-{day:02d}T{known}Z" for day in range(3, 28)]
    rows[7] = f"{rows[7][: -len(known) - 12]}2024-06-07T12:00:00Z"  # known before it happened: a fault that stays one
    (tmp_path / "a.csv").write_text("\n".join(["Id,Lead,Stage,Won,At,Known", *rows]), encoding="utf-8")
    own = {
        "leads": "lead_id: {from: Lead}, created_at: {from: At}",
        "activities": "lead_id: {from: Lead}, kind: {from: Stage}, happened_at: {from: At}",
        "answers": "lead_id: {from: Lead}, question: {from: Stage}, value: {from: Won}, happened_at: {from: At}",
        "stages": "lead_id: {from: Lead}, stage: {from: Stage}, entered_at: {from: At}",
        "outcomes": "opportunity_id: {from: Id}, lead_id: {from: Lead}, won: {from: Won}, closed_at: {from: At}",
    }
    tables = {name: own[name] for name in ("leads", "outcomes")} | {table: f"{own[table]}, known_at: {{from: Known}}"}
    source = parse_source(
        "name: s\nkind: relational\ntimezone: America/New_York\ntables:\n"
        + "".join(f"  {t}:\n    location: {{file: a.csv}}\n    columns: {{{text}}}\n" for t, text in tables.items())
    )
    raw = read_table((tmp_path / "a.csv").read_bytes(), Location(file="a.csv"), what="a.csv")
    frame = shape_table(raw, table, source).frame
    happened = frame[str(TABLES[table].happened)]
    assert happened.iloc[0] >= pd.Timestamp("2024-06-03 04:00")
    early = frame["known_at"] < happened
    assert early[early].index.tolist() == [7]
