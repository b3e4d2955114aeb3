"""When an export was taken: certain, or asked for."""

import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from features.errors import ContractError
from pipelines.artifacts.snapshots_record import ExportHistory, TakenSnapshot
from pipelines.snapshots.snapshot_errors import UnknownTakenAtError
from pipelines.snapshots.taken_at import as_known, find_taken_at, read_taken_at

BERLIN = ZoneInfo("Europe/Berlin")
END = "2026-01-04T22:59:59.999999"  # of Sunday, in Berlin

NAMES = {
    "leads_2026-01-04.csv": (END, "date in the file name"),
    "leads-20260104.csv.gz": (END, "date in the file name"),
    "2026_01_04 leads.xlsx": (END, "date in the file name"),
    "Leads 04.01.2026.csv": (END, "date in the file name"),
    "leads_2026-01-04-2.csv": (END, "date in the file name"),  # the second try of a day is no time of day
    "leads_2026-01-04_0007.csv": (END, "date in the file name"),  # a running number is no time of day either
    "leads_2026-01-04T18-30.csv": ("2026-01-04T17:30:00", "time in the file name"),
    "leads_20260104T183005Z.csv": ("2026-01-04T18:30:05", "time in the file name"),
    "leads_20260104_183005.csv": ("2026-01-04T17:30:05", "time in the file name"),
    "leads_20260104183005.csv": ("2026-01-04T17:30:05", "time in the file name"),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_a_date_in_the_name_is_the_end_of_that_day(tmp_path: Path, name: str, expected: tuple[str, str]) -> None:
    (tmp_path / name).touch()
    found = find_taken_at(tmp_path / name, None, BERLIN)
    assert (found.moment, found.found) == (pd.Timestamp(expected[0]), expected[1])


def test_a_date_in_the_folder_counts_where_the_name_has_none(tmp_path: Path) -> None:
    folder = tmp_path / "2026-01-04"
    folder.mkdir()
    (folder / "leads.csv").touch()
    found = find_taken_at(folder / "leads.csv", None, BERLIN)
    assert (found.moment, found.found) == (pd.Timestamp(END), "date in the folder name")


@pytest.mark.parametrize("name", ["leads.csv", "leads_04-01-2026.csv", "leads_2026-02-31.csv", "order_120260104.csv"])
def test_a_name_without_a_certain_date_is_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UnknownTakenAtError, match=r"does not say when it was taken.*--taken-at 2026-01-05T18:00"):
        find_taken_at(tmp_path / name, None, BERLIN)


def test_two_dates_in_a_name_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "leads_2026-01-01_2026-01-31.csv").touch()
    with pytest.raises(UnknownTakenAtError, match="the file name holds 2 dates"):
        find_taken_at(tmp_path / "leads_2026-01-01_2026-01-31.csv", None, BERLIN)


@pytest.mark.parametrize(("hours", "certain"), [(-1, False), (0, True), (24, True), (25, False)])
def test_the_time_of_writing_counts_within_a_day_of_the_newest_row(tmp_path: Path, hours: int, certain: bool) -> None:
    path, newest = tmp_path / "leads.csv", pd.Timestamp("2026-01-04T10:00:00")
    path.touch()
    written = newest + pd.Timedelta(hours=hours)
    os.utime(path, (written.timestamp(), written.timestamp()))
    if certain:
        found = find_taken_at(path, newest, BERLIN)
        assert (found.moment, found.found) == (written, "time the file was written")
    else:
        with pytest.raises(UnknownTakenAtError, match="its newest row is of 2026-01-04 10:00"):
            find_taken_at(path, newest, BERLIN)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-04", END),
        ("20260104", END),
        ("2026-01-04T18:00", "2026-01-04T17:00:00"),
        ("2026-01-04T18:00:00+00:00", "2026-01-04T18:00:00"),
    ],
)
def test_a_given_time_is_in_the_sources_zone(text: str, moment: str) -> None:
    assert read_taken_at(text, BERLIN).moment == pd.Timestamp(moment)


def test_a_given_text_that_is_no_time_is_refused() -> None:
    with pytest.raises(ContractError, match="--taken-at: 'last Monday' is not an ISO time"):
        read_taken_at("last Monday", BERLIN)


TODAY = "2026-01-04T23:59:59.999999"


def history(*snapshots: tuple[str, str | None]) -> ExportHistory:
    """Snapshots by when they were taken and added."""
    values: dict[str, Any] = dict.fromkeys(("rows", "new", "changed", "vanished", "returned", "corrected"), 0)
    values |= dict.fromkeys(("found", "file", "sha256", "part"), "")
    values |= {"by_column": {}, "columns": (), "left_out": {}}
    taken = [TakenSnapshot.of(values | {"taken_at": at, "added_at": on}) for at, on in snapshots]
    return ExportHistory(key=("id",), snapshots=tuple(taken))


KNOWN = {
    "of today: since it was added": ([(TODAY, "2026-01-04T09:00:00")], ["2026-01-04T09:00:00"]),
    "of an earlier day: since that day": ([(TODAY, "2026-03-01T09:00:00")], [TODAY]),
    "of the day after tomorrow: not yet": ([("2026-01-06T23:59:59", "2026-01-04T09:00:00")], ["2026-01-06T23:59:59"]),
    "an older one of the same day, added last": (
        [("2026-01-04T18:00:00", "2026-01-04T15:00:00"), (TODAY, "2026-01-04T14:00:00")],
        ["2026-01-04T15:00:00", "2026-01-04T15:00:00.000001"],
    ),
}


@pytest.mark.parametrize(("snapshots", "known"), KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("read_at", ["2026-01-04T16:00:00", "2026-01-05T16:00:00"])
def test_a_snapshot_is_known_since_the_same_moment_on_any_day(
    snapshots: list[tuple[str, str | None]], known: list[str], read_at: str
) -> None:
    found = as_known(history(*snapshots), pd.Timestamp(read_at))
    assert [snapshot.taken_at for snapshot in found.snapshots] == known


def test_one_of_today_that_does_not_say_when_it_was_added_is_known_by_now() -> None:
    now = pd.Timestamp("2026-01-04T16:00:00")
    old = history((TODAY, None))
    assert as_known(old, now).snapshots[0].taken_at == now.isoformat()
    assert as_known(old, now + pd.Timedelta(days=1)).snapshots[0].taken_at == TODAY


@pytest.mark.parametrize(("as_of", "count"), [("2026-01-04T09:00:00", 0), ("2026-01-04T15:00:00", 1)])
def test_as_of_this_afternoon_what_was_added_this_morning_is_known(as_of: str, count: int) -> None:
    today = history((TODAY, "2026-01-04T09:00:00"))
    assert len(as_known(today, pd.Timestamp("2026-01-04T16:00:00"), pd.Timestamp(as_of)).snapshots) == count
