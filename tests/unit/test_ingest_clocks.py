"""Closes without a time of day, dates that somebody expects, stray dates: none moves the data without a word."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.assembly.closed_leads import ClosedLead, closed_leads
from features.cohort.cohort import open_cohort
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.shaping.canonical_shape import shape_table
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

START = pd.Timestamp("2024-01-02 09:00")
Read = Callable[..., tuple[CountsRecord, pd.DataFrame, Paths]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Ingest leads, activities and outcomes given as rows of texts."""

    def ingest_rows(
        outcomes: list[str], leads: int = 120, activities: list[str] | None = None, **more: str
    ) -> tuple[CountsRecord, pd.DataFrame, Paths]:
        moments = [START + pd.Timedelta(days=i, hours=i % 7) for i in range(leads)]
        rows = {
            "leads": ["lead,created", *(f"L{i},{at:%Y-%m-%d %H:%M:%S}" for i, at in enumerate(moments))],
            "activities": ["lead,kind,at", *(activities or [f"L{i},view,{at}" for i, at in enumerate(moments)])],
            "outcomes": ["deal,lead,closed,won", *outcomes],
        }
        for name, lines in rows.items():
            (tmp_path / f"{name}.csv").write_text("\n".join([*lines, ""]))
        names = {
            "leads": {"lead_id": "lead", "created_at": "created"},
            "activities": {"lead_id": "lead", "kind": "kind", "happened_at": "at"},
            "outcomes": {"opportunity_id": "deal", "lead_id": "lead", "closed_at": "closed", "won": "won"},
        }
        tables = {
            table: {
                "location": {"file": str(tmp_path / f"{table}.csv")},
                "columns": {name: {"from": header} for name, header in columns.items()},
            }
            for table, columns in names.items()
        }
        kinds = {"view": {"dimension": "interest", "topic": "interest", "label": "views"}}
        declared = {"name": "t", "kind": "relational", "tables": tables, "activity_kinds": kinds, **more}
        paths = Paths(tmp_path / "data", "t")
        counts = ingest(Source.model_validate(declared), paths)
        return counts, pd.read_parquet(paths.ingest / "outcomes.parquet"), paths

    return ingest_rows


def closes(days: int = 5, count: int = 100, form: str = "%Y-%m-%d %H:%M:%S") -> list[str]:
    moments = [START + pd.Timedelta(days=min(i + days, 118), hours=i % 5 + 1) for i in range(count)]
    return [f"D{i},L{i},{at.strftime(form)},{'yes' if i % 3 == 0 else 'no'}" for i, at in enumerate(moments)]


def test_a_close_without_a_time_of_day_is_the_end_of_its_day(read: Read) -> None:
    counts, outcomes, _ = read(closes(days=0, form="%Y-%m-%d"))
    assert (outcomes["closed_at"] - outcomes["closed_at"].dt.normalize()).unique().tolist() == [
        pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    ]
    assert (outcomes["known_at"] >= outcomes["closed_at"]).all()
    assert counts.rows["outcomes"].quarantined == 0 and not any("before the creation" in n for n in counts.notes)


def test_a_time_of_day_stays_and_a_close_known_on_its_day_closes_then(read: Read) -> None:
    counts, outcomes, _ = read([*closes(), "D900,L3,2024-02-01,no", "D901,L4,2024-02-01 10:00,no"])
    last = outcomes.set_index("opportunity_id")["closed_at"]
    assert last["D900"] == pd.Timestamp("2024-02-01 23:59:59.999999") and last["D901"] == pd.Timestamp(
        "2024-02-01 10:00"
    )
    assert counts.rows["outcomes"].quarantined == 0


def test_closes_and_recycles_of_one_day_without_a_time_of_day_come_in_their_order(tmp_path: Path) -> None:
    at = "2024-03-05"
    rows = {
        "leads": ["lead_id,created_at", "A,2024-01-02 09:00", "B,2024-01-02 09:00"],
        "stages": ["lead_id,stage,entered_at,known_at", f"A,recycled,{at},2024-03-06 02:00", f"B,sql,{at} 10:00,"],
        "outcomes": [
            "opportunity_id,lead_id,closed_at,known_at,won",
            f"D1,A,{at} 14:00,,no",
            "D2,B,2024-02-01 10:00,,no",
            f"D3,B,{at},{at} 18:00,no",
        ],
    }
    for name, lines in rows.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([*lines, ""]))
    tables = {
        name: {
            "location": {"file": str(tmp_path / f"{name}.csv")},
            "columns": {header: {"from": header} for header in lines[0].split(",")},
        }
        for name, lines in rows.items()
    }
    source = Source.model_validate({"name": "t", "kind": "relational", "tables": tables})
    paths = Paths(tmp_path / "data", "t")
    ingest(source, paths)
    later = pd.Timestamp("2024-04-10")
    assert open_cohort(load_tables(paths), source, later)["lead_id"].tolist() == ["A"], "recycled after its close"
    closed = closed_leads(load_tables(paths), source, later)
    assert closed == {"B": ClosedLead("lost", pd.Timestamp(f"{at} 18:00"))}, "worked that day before it was lost again"


def test_closes_before_creation_are_counted_and_told(read: Read) -> None:
    early = ["D900,L50,2024-01-05 10:00:00,yes", "D901,L51,2024-01-05,no"]
    counts, _, _ = read([*closes(), *early])
    (told,) = [note for note in counts.notes if "before the creation" in note]
    assert told.startswith("warning: 2 of 102 closes (1 won) lie before the creation of their lead (e.g. lead 'L50'")
    assert told in counts.text


@pytest.mark.parametrize("won", ["no", ""])
def test_open_deals_with_an_expected_close_move_no_cutoff(read: Read, won: str) -> None:
    ahead = [f"D{900 + i},L{i % 20 + 100},{START + pd.Timedelta(days=130 + 4 * i)},{won}" for i in range(20)]
    counts, outcomes, _ = read([*closes(), *ahead])
    alone, expected, _ = read(closes())
    assert counts.data_cutoff == alone.data_cutoff and len(outcomes) == len(expected)
    assert counts.rows["outcomes"].left_out == 20 and counts.rows["outcomes"].quarantined == 0
    (told,) = [note for note in counts.notes if "taken for open" in note]
    assert "20 deals" in told and told in counts.text


def test_deals_closed_on_the_last_day_without_a_time_of_day_are_lost_however_many(read: Read) -> None:
    cleared = [f"D{900 + i},L{i},{START + pd.Timedelta(days=119):%Y-%m-%d},no" for i in range(30)]
    counts, outcomes, _ = read([*closes(), *cleared])
    assert counts.rows["outcomes"].left_out == 0 and len(outcomes) == 130, "views of that day came before its end"


def test_deals_closed_today_without_a_time_of_day_are_known_when_they_are_read(read: Read) -> None:
    today = pd.Timestamp.now("UTC").tz_localize(None)
    counts, outcomes, _ = read(
        [*closes(), *(f"D{900 + i},L{i},{today:%Y-%m-%d},{'yes' if i % 2 else 'no'}" for i in range(8))]
    )
    now = pd.Timestamp.now("UTC").tz_localize(None)
    assert counts.rows["outcomes"].quarantined == counts.rows["outcomes"].left_out == 0
    assert (outcomes["closed_at"] <= outcomes["known_at"]).all() and outcomes["known_at"].max() <= now


def test_open_deals_ahead_of_today_are_open_not_broken(read: Read) -> None:
    counts, _, _ = read([*closes(), "D900,L101,2199-12-31,no"])
    assert (counts.rows["outcomes"].left_out, counts.rows["outcomes"].quarantined) == (1, 0)


def test_wins_behind_everything_else_are_what_happened_and_their_table_is_named(read: Read) -> None:
    ahead = [f"D{900 + i},L{i % 20 + 100},{START + pd.Timedelta(days=130 + 4 * i)},yes" for i in range(20)]
    counts, _, _ = read([*closes(), *ahead])
    assert counts.rows["outcomes"].left_out == 0 and str(counts.data_cutoff).startswith("2024-07-26")
    (told,) = [note for note in counts.notes if "is set by table" in note]
    assert "'outcomes' alone: 20 of its rows" in told


def test_a_declared_cutoff_is_kept_to(read: Read) -> None:
    ahead = [f"D{900 + i},L{i % 20 + 100},{START + pd.Timedelta(days=130 + 4 * i)},no" for i in range(20)]
    counts, _, _ = read([*closes(), *ahead], data_cutoff="2024-12-31")
    assert counts.rows["outcomes"].left_out == 0 and str(counts.data_cutoff).startswith("2024-12-31")


@pytest.mark.parametrize("table", ["activities", "outcomes"])
def test_a_stray_date_moves_no_cutoff_and_is_kept_out(read: Read, table: str) -> None:
    stray = {"activities": "L5,view,2025-06-01 10:00:00", "outcomes": "D900,L110,2025-06-01 10:00:00,yes"}
    moments = [f"L{i},view,{START + pd.Timedelta(days=i, hours=2)}" for i in range(119)]
    counts, _, _ = read(
        [*closes(), *([stray[table]] if table == "outcomes" else [])],
        activities=[*moments, *([stray[table]] if table == "activities" else [])],
    )
    assert str(counts.data_cutoff).startswith("2024-0") and counts.rules[table] == {"after_cutoff": 1}
    (told,) = [note for note in counts.notes if "do not move the data cut-off" in note]
    assert f"1 rows ({table} 1) are dated up to 2025-06-01" in told and told in counts.text


def test_rows_without_ids_that_are_in_the_file_twice_count_once(read: Read) -> None:
    views = [f"L{i},view,{START + pd.Timedelta(days=i, hours=2)}" for i in range(119)]
    counts, _, paths = read(closes(), activities=[*views, *views[3:6], "L3,view,2024-01-05 11:00:01"])
    rows = counts.rows["activities"]
    assert (rows.read, rows.kept, rows.quarantined, rows.repeated, rows.left_out) == (123, 120, 0, 3, 0)
    assert len(pd.read_parquet(paths.ingest / "activities.parquet")) == 120
    assert "3 repeated" in counts.text
    assert any(
        note.startswith("warning: 3 rows of table 'activities' are in the file more than once") for note in counts.notes
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("declared", [False, True])
def test_exports_that_overlap_in_folders_by_date_count_once(tmp_path: Path, form: str, declared: bool) -> None:
    """The name of a folder says where a row lies, no more; unless the declaration reads it."""
    days = [pd.Timestamp("2024-01-01 09:00") + pd.Timedelta(days=day) for day in range(12)]
    for folder, start, end in (("dt=2024-01-08", 0, 8), ("dt=2024-01-15", 5, 12)):
        (tmp_path / "views" / folder).mkdir(parents=True)
        frame = pd.DataFrame({"lead": "L1", "kind": "view", "at": [f"{at}" for at in days[start:end]]})
        file = tmp_path / "views" / folder / f"part.{form}"
        frame.to_csv(file, index=False) if form == "csv" else frame.to_parquet(file)
    columns = {"lead_id": {"from": "lead"}, "kind": {}, "happened_at": {"from": "at"}}
    columns |= {"asset": {"from": "dt"}} if declared else {}
    tables = {
        "leads": {"columns": {"lead_id": {}, "created_at": {}}},
        "stages": {"columns": {"lead_id": {}, "stage": {}, "entered_at": {}}},
        "activities": {"location": {"file": str(tmp_path / "views")}, "columns": columns},
    }
    kinds = {"view": {"dimension": "interest", "topic": "interest", "label": "views"}}
    source = Source.model_validate({"name": "t", "kind": "relational", "tables": tables, "activity_kinds": kinds})
    location = source.tables["activities"].location
    assert location is not None
    raw = read_file(tmp_path / "views", location)
    found = shape_table(raw, "activities", source)
    assert len(found.frame) == 15 and found.repeats.tolist() == ([] if declared else [8, 9, 10])


def test_two_of_a_kind_on_one_day_are_two(read: Read) -> None:
    days = [f"L{i},view,{START + pd.Timedelta(days=i):%Y-%m-%d}" for i in range(119)]
    counts, _, _ = read(closes(), activities=[*days, *days[3:6]])
    assert (counts.rows["activities"].kept, counts.rows["activities"].repeated) == (122, 0)
