"""What snapshots become: leads, answers, accounts, outcomes and stages, each known when a snapshot first showed it."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.assembly.build_matrix import features_at
from features.catalog.build_catalog import build_catalog
from features.cohort.cohort import keys_of, open_cohort, segment_of
from features.cohort.labels import label
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.retraining.fingerprints import fingerprint_of
from pipelines.scoring.file_answers import add_file_answers
from pipelines.snapshots.export_checks import Oddity
from pipelines.snapshots.snapshot_errors import NoSnapshotError
from pipelines.stages.ingest import ingest
from pipelines.workspace.context import open_context
from pipelines.workspace.table_files import load_tables
from tests.reference.snapshot_exports import DEALS, HEADER, SnapshotWorld, deal, end_of

FIRST, SECOND, THIRD = "2026-01-04", "2026-01-11", "2026-01-18"
STAY = [deal(f"D{n}") for n in range(20)]  # so that one lead more or less is no oddity
MICROSECOND = pd.Timedelta(microseconds=1)


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> SnapshotWorld:
    return SnapshotWorld(tmp_path)


def rows_of(frame: pd.DataFrame, name: str, *columns: str) -> list[tuple[object, ...]]:
    """Values of one lead, missing as None."""
    own = frame[frame["lead_id"] == name][list(columns)].astype(object)
    return [tuple(row) for row in own.where(own.notna(), None).itertuples(index=False)]


def test_a_look_sees_what_the_newest_snapshot_before_it_said_and_nothing_before_the_first(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("A", Temp=1, Next="Call")])
    world.take(SECOND, [*STAY, deal("A", Temp=5, Next="")])
    world.take(THIRD, [*STAY, deal("A", Temp=5, Next="Mail")])
    tables = world.tables()
    assert rows_of(tables["answers"], "A", "question", "value", "known_at", "channel") == [
        ("temperature", "1", end_of(FIRST), "snapshot"),
        ("temperature", "5", end_of(SECOND), "snapshot"),
        ("next_step", "phone", end_of(FIRST), "snapshot"),
        ("next_step", None, end_of(SECOND), "snapshot"),
        ("next_step", "Mail", end_of(THIRD), "snapshot"),
    ]
    moments = [end_of(day) + shift for day in (FIRST, SECOND, THIRD) for shift in (pd.Timedelta(0), MICROSECOND)]
    seen = features_at(
        tables, world.source, build_catalog(world.source), ["A"] * 6, pd.Series(moments, dtype="datetime64[us]")
    ).values
    temperature = [None if pd.isna(value) else value for value in seen["temperature"]]
    step = [None if pd.isna(value) else value for value in seen["next_step"]]
    assert temperature == [None, 1.0, 1.0, 5.0, 5.0, 5.0]
    assert step == [None, "phone", "phone", None, None, "Mail"]


def test_a_lead_keeps_what_was_first_seen_and_shows_what_is_newest(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("A", Industry="it", Temp=1, Company="A", Stage="New")])
    last = [*STAY, deal("A", "2026-01-03", Industry="hr", Temp="x", Company="B", Stage="Talk"), deal("N", "2026-01-09")]
    world.take(SECOND, [*last, deal("L", "2025-11-01")])
    leads = world.tables()["leads"]
    assert rows_of(leads, "A", "industry", "account_id", "status", "temperature") == [("it", "A", "Talk", None)]
    assert rows_of(leads, "A", "created_at", "known_at") == [(pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-02"))]
    assert rows_of(leads, "N", "known_at") == [(pd.Timestamp("2026-01-09"),)]
    assert rows_of(leads, "L", "known_at") == [(end_of(SECOND),)]  # two months old, and nobody had seen it


def test_an_unreadable_value_is_quarantined_and_withdraws_the_one_before(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("A", Temp=1)])
    world.take(SECOND, [*STAY, deal("A", Temp="warm"), deal("B", "2026-01-08", Temp=-4)])
    record = ingest(world.source, world.paths)
    answers = pd.read_parquet(world.paths.ingest / "answers.parquet")
    assert rows_of(answers[answers["question"] == "temperature"], "A", "value") == [("1",), (None,)]
    assert record.rows["answers"].quarantined == 2 and record.rows["leads"].quarantined == 0
    rows = record.rows["answers"]
    assert rows.read == rows.kept + rows.quarantined
    quarantine = pd.read_parquet(world.paths.ingest / "quarantine.parquet")
    assert set(quarantine["value"]) == {"warm", "-4"}


CLOSED = [
    (
        "a close is known when it first shows",
        [{}, {"Stage": "Won", "Closed": "2026-01-08"}],
        [("2026-01-08", SECOND, True)],
    ),
    ("without a date it happened then", [{}, {"Stage": "Lost"}], [(SECOND, SECOND, False)]),
    (
        "closed before the first snapshot: known when it closed",
        [{"Stage": "Won", "Closed": "2026-01-03"}],
        [("2026-01-03", "2026-01-03", True)],
    ),
    (
        "the first date counts, the newest amount",
        [
            {},
            {"Stage": "Won", "Closed": "2026-01-08", "Amount": 10},
            {"Stage": "Won", "Closed": "2026-01-16", "Amount": 20},
        ],
        [("2026-01-08", SECOND, True)],
    ),
    (
        "another verdict on the same date is a correction",
        [{}, {"Stage": "Won", "Closed": "2026-01-08"}, {"Stage": "Lost", "Closed": "2026-01-08"}],
        [("2026-01-08", THIRD, False)],
    ),
    (
        "another verdict on another date is another close",
        [{}, {"Stage": "Lost", "Closed": "2026-01-08"}, {"Stage": "Won", "Closed": "2026-01-15"}],
        [("2026-01-08", SECOND, False), ("2026-01-15", THIRD, True)],
    ),
]


@pytest.mark.parametrize(("states", "expected"), [case[1:] for case in CLOSED], ids=[case[0] for case in CLOSED])
def test_outcomes_arrive_as_they_close(
    world: SnapshotWorld, states: list[dict[str, object]], expected: list[tuple[str, str, bool]]
) -> None:
    for day, state in zip((FIRST, SECOND, THIRD), states, strict=False):
        world.take(day, [*STAY, deal("A", **state)])
    found = rows_of(world.tables()["outcomes"].sort_values("closed_at"), "A", "closed_at", "known_at", "won")
    assert found == [(end_of(at), end_of(known), won) for at, known, won in expected]  # bare dates are ends of days


@pytest.mark.parametrize(
    ("closed", "known"), [(SECOND, "12:00"), (f"{SECOND} 09:00", "12:00"), (f"{SECOND} 13:00", "13:00")]
)
def test_a_close_on_the_day_of_the_export_is_never_known_before_it_happened(
    world: SnapshotWorld, closed: str, known: str
) -> None:
    world.take(FIRST, [*STAY, deal("A")])
    world.add(world.write("deals.csv", [*STAY, deal("A", Stage="Won", Closed=closed)]), taken_at=f"{SECOND}T12:00")
    record = ingest(world.source, world.paths)
    assert record.rows["outcomes"].quarantined == 0, record.text
    outcomes = pd.read_parquet(world.paths.ingest / "outcomes.parquet")
    assert rows_of(outcomes, "A", "known_at") == [(pd.Timestamp(f"{SECOND} {known}"),)]


def test_amounts_are_the_newest(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("A", Stage="Won", Closed="2026-01-03", Amount=10)])
    world.take(SECOND, [*STAY, deal("A", Stage="Won", Closed="2026-01-03", Amount=20)])
    assert rows_of(world.tables()["outcomes"], "A", "amount") == [(20.0,)]


@pytest.mark.parametrize("verdict", ["Lost", "Won"])
def test_a_close_taken_back_is_open_again(world: SnapshotWorld, verdict: str) -> None:
    for day, state in ((FIRST, {}), (SECOND, {"Stage": verdict, "Closed": "2026-01-08"}), (THIRD, {"Stage": "Talk"})):
        world.take(day, [*STAY, deal("A", **state)])
    tables = world.tables()
    assert rows_of(tables["stages"], "A", "stage", "known_at") == [("opportunity", end_of(THIRD))]
    for day, is_open in ((FIRST, True), (SECOND, False), (THIRD, True)):
        listed = open_cohort(tables, world.source, end_of(day) + MICROSECOND)["lead_id"]
        assert ("A" in set(listed)) is is_open, day
    looks = keys_of(tables, world.source, ["A"], pd.Timestamp("2026-01-05"))
    assert label(looks, tables, world.source, pd.Timestamp("2026-12-31"))["label"].tolist() == [
        0.0
    ]  # no win that stood


def test_a_close_that_one_export_left_out_is_told_once(world: SnapshotWorld) -> None:
    won = {"Stage": "Won", "Closed": "2026-01-03"}
    for day, state in ((FIRST, won), (SECOND, {"Stage": "Talk"}), (THIRD, won)):
        world.take(day, [*STAY, deal("A", **state)])
    tables = world.tables()
    assert len(tables["outcomes"]) == 1 and len(tables["stages"]) == 0


@pytest.mark.parametrize("vanished", ["disqualified", "open"])
def test_a_lead_that_vanished_is_disqualified_unless_it_has_an_outcome(tmp_path: Path, vanished: str) -> None:
    world = SnapshotWorld(tmp_path, DEALS.replace("snapshots: true", f"snapshots: {{vanished: {vanished}}}"))
    world.take(FIRST, [*STAY, deal("A"), deal("B"), deal("C", Stage="Won", Closed="2026-01-03")])
    world.take(SECOND, [*STAY, deal("B")])
    tables = world.tables()
    expected = [("A", "disqualified", end_of(SECOND), "vanished from the export")] if vanished == "disqualified" else []
    stages = tables["stages"][["lead_id", "stage", "known_at", "reason"]]
    assert [tuple(row) for row in stages.itertuples(index=False)] == expected
    listed = set(open_cohort(tables, world.source, end_of(SECOND) + MICROSECOND)["lead_id"])
    assert "B" in listed and "C" not in listed and ("A" in listed) is (vanished == "open")
    answers = tables["answers"]
    assert rows_of(answers[answers["question"] == "temperature"], "A", "value") == [("3",), (None,)]

    world.take(THIRD, [*STAY, deal("A"), deal("B")], Oddity.FEWER_ROWS)
    assert "A" not in set(world.tables()["stages"]["lead_id"])  # it came back: an export had left it out


def test_a_column_that_comes_later_is_known_from_then_on(world: SnapshotWorld) -> None:
    shorter = [row.replace(",it,3,", ",") for row in [*STAY, deal("A", Temp=3)]]
    world.take(FIRST, shorter, header=HEADER.replace("Industry,Temp,", ""))
    world.take(SECOND, [*STAY, deal("A", Temp=4)])
    tables = world.tables()
    assert rows_of(tables["leads"], "A", "industry") == [("it",)]
    answers = tables["answers"]
    own = answers[answers["question"] == "temperature"]
    assert rows_of(own, "A", "value", "known_at") == [("4", end_of(SECOND))]
    assert world.taken[1].by_column == {}  # a new column is no change


def test_accounts_have_a_row_per_change(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("X", Company="B", Size=1, Country="FR")])
    world.take(SECOND, [*STAY, deal("X", Company="B", Size=2, Country="PL"), deal("Y", Company="C", Size=7)])
    accounts = world.tables()["accounts"].astype(object)
    found = accounts.where(accounts.notna(), None)[["account_id", "known_at", "size", "country"]]
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("A", None, None, "DE"),
        ("A", end_of(FIRST), 10.0, "DE"),
        ("B", None, None, "FR"),
        ("B", end_of(FIRST), 1.0, "FR"),
        ("B", end_of(SECOND), 2.0, "FR"),
        ("C", end_of(SECOND), 7.0, "DE"),
    ]


@pytest.mark.parametrize("role", ["feature", "display"])
def test_the_segment_of_an_account_is_what_was_seen_first(tmp_path: Path, role: str) -> None:
    declared = DEALS.replace("country: {from: Country}", f"country: {{from: Country, role: {role}}}")
    world = SnapshotWorld(tmp_path, declared.replace("opportunities:", "label: {segment: country}\nopportunities:", 1))
    world.take(FIRST, [*STAY, deal("X", Company="B", Country="FR")])
    world.take(SECOND, [*STAY, deal("X", Company="B", Country="PL"), deal("Y", Company="C", Country="PL")])
    tables = world.tables()
    found = dict(zip(tables["leads"]["lead_id"], segment_of(tables, world.source), strict=True))
    assert (found["X"], found["Y"]) == ("FR", "PL")


OWN_CLOCK = """\
name: crm
kind: relational
data_cutoff: "2026-06-01"
label: {segment: country}
tables:
  leads:
    location: {file: crm_leads.csv}
    columns: {lead_id: {}, created_at: {}, account_id: {}}
  accounts:
    location: {file: crm_accounts.csv, snapshots: true}
    columns: {account_id: {}, known_at: {from: changed}, country: {when_known: WHEN}}
  outcomes:
    location: {file: crm_outcomes.csv}
    columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}
"""


@pytest.mark.parametrize("when", ["snapshots", "known_at"])
def test_a_segment_of_accounts_with_a_clock_of_their_own_is_what_they_said_first(tmp_path: Path, when: str) -> None:
    world = SnapshotWorld(tmp_path, OWN_CLOCK.replace("WHEN", when))
    world.paths.raw.mkdir(parents=True)
    leads = "lead_id,created_at,account_id\nL1,2026-01-10,A\nL2,2026-01-10,B\n"
    (world.paths.raw / "crm_leads.csv").write_text(leads, encoding="utf-8")
    outcomes = "opportunity_id,lead_id,closed_at,won\nO2,L2,2026-02-01,true\n"
    (world.paths.raw / "crm_outcomes.csv").write_text(outcomes, encoding="utf-8")
    header = "account_id,changed,country"
    world.take(FIRST, ["A,2025-12-01,FR", "B,2025-12-02,PL"], header=header)
    world.take(SECOND, ["A,2026-01-06,DE", "B,2025-12-02,PL"], header=header)
    tables = world.tables()
    found = dict(zip(tables["leads"]["lead_id"], segment_of(tables, world.source), strict=True))
    assert found == {"L1": "FR", "L2": "PL"}


def test_a_deal_that_moves_changes_nothing_of_its_account(world: SnapshotWorld) -> None:
    old, new = deal("X", Company="B", Size=1), deal("Y", Company="B", Size=9)
    world.take(FIRST, [*STAY, old, new])
    world.take(SECOND, [*STAY, old, deal("Y", Company="B", Size=9, Stage="Talk")])
    world.take(THIRD, [*STAY, deal("X", Company="C", Size=1), deal("Y", Company="B", Size=8)])
    accounts = world.tables()["accounts"].astype(object)
    found = accounts.where(accounts.notna(), None)[["account_id", "known_at", "size"]]
    assert [tuple(row) for row in found[accounts["account_id"] != "A"].itertuples(index=False)] == [
        ("B", None, None),
        ("B", end_of(FIRST), 1.0),
        ("B", end_of(THIRD), 8.0),
        ("C", end_of(THIRD), 1.0),
    ]


STAGES = """\
name: crm
kind: relational
data_cutoff: "2026-06-01"
tables:
  leads:
    location: {file: deals.csv, snapshots: true}
    columns: {lead_id: {from: Deal}, created_at: {from: Created}, temperature: {from: Temp, when_known: snapshots}}
  stages:
    location: {file: deals.csv, snapshots: true}
    columns: {lead_id: {from: Deal}, stage: {from: Stage, map: {New: lead, Talk: opportunity, Won: won, Lost: lost}}}
"""


def test_stages_are_entered_when_a_snapshot_first_shows_them(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path, STAGES)
    for day, stage in ((FIRST, "New"), (SECOND, "Talk"), (THIRD, "Won")):
        world.take(day, [*STAY, deal("A", Stage=stage, Temp=day)])
    assert rows_of(world.tables()["stages"], "A", "stage", "entered_at") == [
        ("lead", end_of(FIRST)),
        ("opportunity", end_of(SECOND)),
        ("won", end_of(THIRD)),
    ]


def test_of_a_lead_with_several_rows_each_has_stages_of_its_own(tmp_path: Path) -> None:
    declared = STAGES.replace("{from: Deal}, stage:", "{from: Company}, stage:")
    world = SnapshotWorld(tmp_path, declared)
    stay = [deal("A", Company="D1"), *STAY]
    world.take(FIRST, [*stay, deal("X", Company="A", Stage="Talk"), deal("Y", Company="A")])
    world.take(SECOND, [*stay, deal("X", Company="A", Stage="Talk", Temp=4), deal("Y", Company="A", Temp=5)])
    stages = world.tables()["stages"]
    assert set(stages["entered_at"]) == {end_of(FIRST)}


OUTCOMES = """\
name: crm
kind: relational
data_cutoff: "2026-06-01"
tables:
  leads:
    location: {file: deals.csv, snapshots: true}
    columns: {lead_id: {from: Deal}, created_at: {from: Created}, temperature: {from: Temp, when_known: snapshots}}
  accounts:
    location: {file: deals.csv, snapshots: true}
    columns: {account_id: {from: [Company, Industry]}, size: {from: Size, type: number, when_known: snapshots}}
  outcomes:
    location: {file: deals.csv, snapshots: true}
    rows: {Stage: [Won, Lost]}
    columns:
      opportunity_id: {from: Note}
      lead_id: {from: Deal}
      won: {from: Stage, map: {Won: "true", Lost: "false"}}
"""


def test_what_means_no_value_is_no_deal_and_no_account(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path, OUTCOMES)
    for day, stage in ((FIRST, "New"), (SECOND, "Won")):
        closed = [deal("X", Note="NULL", Stage=stage), deal("Y", Note="NULL", Stage=stage)]
        world.take(day, [*STAY, *closed, deal("Z", Company="N/A", Industry="B", Size=7)])
    tables = world.tables()
    for name in ("X", "Y"):
        assert rows_of(tables["outcomes"], name, "opportunity_id", "known_at") == [(name, end_of(SECOND))]
    assert dict(zip(tables["accounts"]["account_id"], tables["accounts"]["size"].fillna(0), strict=True))["B"] == 7


def test_stages_of_one_column_each_keep_their_dates(tmp_path: Path) -> None:
    wide = "wide: {mql: Created, opportunity: Closed}\n    columns: {lead_id: {from: Deal}}"
    old = STAGES[STAGES.index("columns: {lead_id: {from: Deal}, stage") :].strip()
    world = SnapshotWorld(tmp_path, STAGES.replace(old, wide))
    world.take(FIRST, [*STAY, deal("A")])
    world.take(SECOND, [*STAY, deal("A", Closed="2026-01-07")])
    found = rows_of(world.tables()["stages"], "A", "stage", "entered_at", "known_at")
    assert [(stage, at, known.normalize()) for stage, at, known in found] == [
        ("mql", pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-02")),
        ("opportunity", pd.Timestamp("2026-01-07"), pd.Timestamp(SECOND)),
    ]


def test_a_file_to_be_scored_is_the_newest_export(world: SnapshotWorld) -> None:
    world.take(FIRST, [*STAY, deal("A", Temp=1), deal("B", Temp=2), deal("W", Temp=3)])
    tables, when = world.tables(), pd.Timestamp("2026-01-08T10:00")
    rows = pd.DataFrame({"lead_id": ["A", "B", "N", "W"], "temperature": [7.0, 2.0, 9.0, 8.0]})
    seen_at = pd.Series([when, when, when, pd.NaT], dtype="datetime64[us]")  # W closed before
    answers = add_file_answers(tables, rows, seen_at, world.source)
    added = answers.iloc[len(tables["answers"]) :]
    assert added[["lead_id", "question", "value", "known_at"]].to_numpy().tolist() == [
        ["A", "temperature", "7", when - MICROSECOND],
        ["N", "temperature", "9", when - MICROSECOND],
    ]
    catalog = build_catalog(world.source)
    seen = features_at({**tables, "answers": answers}, world.source, catalog, ["A", "B"], when).values
    assert seen["temperature"].tolist() == [7.0, 2.0]
    blank = add_file_answers(tables, rows.assign(temperature=float("nan")), seen_at, world.source)
    assert rows_of(blank, "A", "value")[-1] == (None,)  # an empty cell withdraws
    assert len(add_file_answers(tables, rows[["lead_id"]], seen_at, world.source)) == len(tables["answers"])


def test_without_a_snapshot_the_first_step_is_named(world: SnapshotWorld) -> None:
    with pytest.raises(NoSnapshotError, match=r"no snapshot of deals.csv was taken yet.*leadscore snapshot add EXPORT"):
        ingest(world.source, world.paths)


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return path.with_suffix(".csv")


def write_workbook(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_excel(path.with_suffix(".xlsx"), index=False)
    return path.with_suffix(".xlsx")


def write_typed(frame: pd.DataFrame, path: Path) -> Path:
    typed = frame.assign(Created=pd.to_datetime(frame["Created"]), Temp=frame["Temp"].astype("float64"))
    typed.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@pytest.mark.parametrize("write", [write_csv, write_workbook, write_typed])
def test_every_format_gives_the_same_history(world: SnapshotWorld, write: Callable[[pd.DataFrame, Path], Path]) -> None:
    for day, heat in ((FIRST, 3), (SECOND, 4)):
        rows = [row.split(",") for row in [*STAY, deal("A", Temp=heat)]]
        frame = pd.DataFrame(rows, columns=HEADER.split(",")).replace({"": None})
        world.add(write(frame.astype({"Temp": int, "Size": int}), world.folder / f"deals_{day}"))
    assert world.taken[1].by_column == {"Temp": 1}
    answers = world.tables()["answers"]
    assert rows_of(answers[answers["question"] == "temperature"], "A", "value") == [("3",), ("4",)]


def test_a_database_is_taken_as_it_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlalchemy as sa

    from pipelines.snapshots.add_export import add_export, read_exports

    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path / 'crm.db'}")
    declared = DEALS.replace("{file: deals.csv, ", "{database: {url: CRM_DB, table: deals}, ")
    world = SnapshotWorld(tmp_path, declared.replace('"2026-06-01"', '"2100-01-01"'))
    rows = [row.split(",") for row in [*STAY, deal("A")]]
    frame = pd.DataFrame(rows, columns=HEADER.split(",")).replace({"": None})
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    for heat in ("3", "4"):
        frame.loc[frame["Deal"] == "A", "Temp"] = heat
        frame.to_sql("deals", engine, index=False, if_exists="replace")
        (read,) = read_exports([], world.export, world.source, world.paths)
        add_export(read, world.export, world.source, world.paths)
    engine.dispose()
    assert [s.found for s in world.taken] == ["time it was read"] * 2 and world.taken[1].by_column == {"Temp": 1}
    answers = world.tables()["answers"]
    assert rows_of(answers[answers["question"] == "temperature"], "A", "value") == [("3",), ("4",)]


def test_as_of_a_moment_only_snapshots_taken_before_it_are_read(world: SnapshotWorld) -> None:
    world.take("2026-02-01", [deal("D1"), deal("D2")])
    world.take("2026-04-01", [deal("D1", Stage="Won", Closed="2026-03-20", Amount=5), deal("D2")])
    closed = deal("D1", Stage="Lost", Closed="2026-03-20", Amount=7)
    world.take("2026-05-01", [closed], Oddity.FEWER_ROWS)  # a correction, and D2 is gone
    april = end_of("2026-04-30")
    ingest(world.source, world.paths, april)
    tables = load_tables(world.paths)
    assert rows_of(tables["outcomes"], "D1", "won", "amount", "known_at") == [(True, 5.0, end_of("2026-04-01"))]
    assert tables["leads"]["lead_id"].tolist() == ["D1", "D2"] and not len(rows_of(tables["stages"], "D2", "stage"))
    ingest(world.source, world.paths, end_of("2026-04-01"))
    assert not len(load_tables(world.paths)["outcomes"]), "what a snapshot of that very moment says is not known yet"
    with pytest.raises(NoSnapshotError, match=r"no snapshot of deals.csv was taken before 2026-01-31 .*2026-02-01"):
        ingest(world.source, world.paths, pd.Timestamp("2026-01-31"))


def test_what_the_export_of_today_says_is_known_by_now(tmp_path: Path) -> None:
    today = pd.Timestamp.now("UTC").tz_localize(None).normalize()
    days = [f"{today - pd.Timedelta(days=n):%Y-%m-%d}" for n in (9, 2, 1, 0)]
    world = SnapshotWorld(tmp_path, DEALS.replace('data_cutoff: "2026-06-01"\n', ""))
    world.take(days[1], [deal("D1", created=days[0]), deal("D2", created=days[0])])
    changed = [deal("D1", created=days[0], Temp=7), deal("D2", created=days[0], Stage="Lost", Closed=days[2])]
    world.take(days[3], [*changed, deal("D3", created=days[3])])
    stored = world.files()
    tables = world.tables()
    counts = CountsRecord.read(world.paths)
    assert {name: rows.quarantined for name, rows in counts.rows.items()} == dict.fromkeys(counts.rows, 0)
    now = pd.Timestamp.now("UTC").tz_localize(None)
    ((_, known),) = rows_of(tables["answers"][tables["answers"]["value"] == "7"], "D1", "value", "known_at")
    assert today <= known <= now
    assert rows_of(tables["outcomes"], "D2", "won", "known_at") == [(False, known)]
    assert world.files() == stored, "the store says the day"


def test_the_export_of_today_makes_the_same_tables_whenever_it_is_read(tmp_path: Path) -> None:
    today = pd.Timestamp.now("UTC").tz_localize(None).normalize()
    days = [f"{today - pd.Timedelta(days=n):%Y-%m-%d}" for n in (9, 2, 0)]
    declared = DEALS.replace('data_cutoff: "2026-06-01"\n', "")
    (tmp_path / "crm.yaml").write_text(declared, encoding="utf-8")
    context = open_context(str(tmp_path / "crm.yaml"), tmp_path / "data")
    world = SnapshotWorld(tmp_path, declared)
    world.take(days[1], [*STAY, deal("L1", created=days[0])])
    world.take(days[2], [*STAY, deal("L1", created=days[0], Temp=7)])

    made = []
    for _ in range(2):
        ingest(world.source, world.paths)
        files = {file.name: file.read_bytes() for file in sorted(world.paths.ingest.glob("*.parquet"))}
        made.append((files, fingerprint_of(context)))
    assert made[0] == made[1]

    later = pd.Timestamp(str(world.taken[-1].added_at)) + MICROSECOND
    ingest(world.source, world.paths, later)
    answers = load_tables(world.paths)["answers"]
    found = rows_of(answers[answers["question"] == "temperature"], "L1", "value", "known_at")
    assert found == [("3", end_of(days[1])), ("7", later - MICROSECOND)], "as of today, it is known"
