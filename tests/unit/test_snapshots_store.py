"""Snapshots are stored as changes: once, in order, whole or not at all; what looks otherwise is refused."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import parse_source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.privacy.erase_everywhere import erase_everywhere
from pipelines.privacy.person import Person
from pipelines.snapshots.add_export import add_export, read_exports
from pipelines.snapshots.declared_exports import choose_export
from pipelines.snapshots.differences import apply_changes
from pipelines.snapshots.export_checks import Oddity
from pipelines.snapshots.snapshot_errors import SnapshotRefusedError
from pipelines.snapshots.snapshot_store import left_out_folder, read_changes
from pipelines.stages.ingest import ingest
from pipelines.workspace.context import open_context
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from tests.reference.snapshot_exports import DEALS, HEADER, SnapshotWorld, deal

FIRST, SECOND, THIRD = "2026-01-04", "2026-01-11", "2026-01-18"


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> SnapshotWorld:
    return SnapshotWorld(tmp_path)


def many(count: int, **values: object) -> list[str]:
    return [deal(f"D{n}", **values) for n in range(count)]


def test_new_changed_vanished_returned_and_corrected_rows_are_counted(world: SnapshotWorld) -> None:
    stay = many(20)
    world.take(FIRST, [*stay, deal("A"), deal("B"), deal("C")])
    second = world.take(SECOND, [*stay, deal("A", Temp=9, Next="Mail"), deal("C", Industry="hr"), deal("E")]).snapshot
    third = world.take(THIRD, [*stay, deal("A", Temp=9, Next="Mail"), deal("B"), deal("C", Industry="hr"), deal("E")])
    assert (second.new, second.changed, second.vanished, second.returned, second.corrected) == (1, 2, 1, 0, 1)
    assert second.by_column == {"Temp": 1, "Next": 1, "Industry": 1}
    third_one = third.snapshot
    assert (third_one.new, third_one.changed, third_one.vanished, third_one.returned) == (0, 0, 0, 1)
    assert [len(pd.read_parquet(world.paths.snapshots / "leads" / s.part)) for s in world.taken] == [23, 4, 1]
    assert world.state(2).loc["A", "Temp"] == "9" and "B" not in world.state(2).index
    assert "Secret" not in world.state() and "Note" in world.state()  # ignored: not kept; undeclared: kept


def test_the_same_export_twice_changes_nothing(world: SnapshotWorld) -> None:
    world.take(FIRST, many(5))
    world.take(SECOND, many(5, Temp=4))
    before = world.files()
    assert world.take(FIRST, many(5)).repeated and world.take(SECOND, many(5, Temp=4)).repeated
    assert world.files() == before


def test_the_form_of_a_value_is_no_change(world: SnapshotWorld) -> None:
    world.take(FIRST, [deal("A", Amount="1200.5", Temp="7"), deal("B", Amount="7.25")])
    header = HEADER.replace(",", ";")
    rows = [deal("A", "02.01.2026", Amount="1.200@50", Temp="7@0"), deal("B", "02.01.2026", Amount="7@25")]
    again = world.take(SECOND, [row.replace(",", ";").replace("@", ",") for row in rows], header=header).snapshot
    assert (again.new, again.changed, again.vanished) == (0, 0, 0), again.by_column


def test_exports_taken_together_are_read_alike(world: SnapshotWorld) -> None:
    header = HEADER.replace(",", ";")
    told = [deal(f"D{n}", Amount=f"{n}.872@5").replace(",", ";").replace("@", ",") for n in range(1, 9)]
    untold = [deal(f"D{n}", Amount=f"{n}.872").replace(",", ";") for n in range(1, 9)]
    files = [world.write(f"deals_{FIRST}.csv", told, header), world.write(f"deals_{SECOND}.csv", untold, header)]
    for read in read_exports(files, world.export, world.source, world.paths):
        add_export(read, world.export, world.source, world.paths)
    assert world.state().loc["D3", "Amount"] == "3872"


def test_numbers_that_do_not_tell_their_form_are_read_as_in_the_exports_before(world: SnapshotWorld) -> None:
    header = HEADER.replace(",", ";")
    german = [deal(f"D{n}", Amount=f"{n}.872@5").replace(",", ";").replace("@", ",") for n in range(1, 9)]
    world.take(FIRST, german, header=header)
    open_form = [deal(f"D{n}", Amount=f"{n}.872").replace(",", ";") for n in range(1, 9)]
    world.take(SECOND, open_form, header=header)
    assert world.state().loc["D3", "Amount"] == "3872"
    ingest(world.source, world.paths)
    reading = ReadingRecord.find(world.paths).tables["outcomes"].columns["amount"]
    assert reading.decimal == ","  # a file scored later is read so, too


REFUSED = {
    "fewer columns": (Oddity.FEWER_COLUMNS, many(30), HEADER.replace(",Temp", ",Warmth"), "it lacks 'Temp'"),
    "fewer rows": (Oddity.FEWER_ROWS, many(20), HEADER, "of the 30 rows before it holds 20, e.g. 'D20' is missing"),
    "other ids": (
        Oddity.FEWER_ROWS,
        [deal(f"d-{n}") for n in range(30)],
        HEADER,
        "of the 30 rows before it holds 0, .*the first is 'd-0'",
    ),
    "renamed values": (
        Oddity.RENAMED_VALUES,
        many(30, Industry="Information technology"),
        HEADER,
        "'Industry' it -> Information technology \\(30 of 30 rows\\)",
    ),
    "later rows": (Oddity.LATER_ROWS, [*many(30), deal("X", "2026-03-01")], HEADER, "a row is of 2026-03-01"),
}


@pytest.mark.parametrize(("oddity", "rows", "header", "said"), REFUSED.values(), ids=REFUSED)
def test_an_export_that_looks_otherwise_is_refused_before_it_is_taken(
    world: SnapshotWorld, oddity: Oddity, rows: list[str], header: str, said: str
) -> None:
    world.take(FIRST, many(30))
    before = world.files()
    with pytest.raises(SnapshotRefusedError, match=rf"was not taken[\s\S]*{said}[\s\S]*--accept {oddity}"):
        world.take(SECOND, rows, header=header)
    assert world.files() == before
    assert world.take(SECOND, rows, oddity, header=header).snapshot.accepted == (oddity,)


def test_ids_that_lost_their_zeros_are_refused_however_few(world: SnapshotWorld) -> None:
    world.take(FIRST, [*many(80), *(deal(f"000{n}") for n in range(1, 7))])
    shorter = [*many(80), *(deal(str(n)) for n in range(1, 7))]
    with pytest.raises(SnapshotRefusedError, match=r"6 ids are written another way[\s\S]*--accept other-ids"):
        world.take(SECOND, shorter)
    assert world.take(SECOND, shorter, Oddity.OTHER_IDS).snapshot.vanished == 6


def test_a_day_begins_where_the_crm_stands(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path, DEALS.replace("kind: relational", "kind: relational\ntimezone: Asia/Seoul"))
    file = world.write("deals.csv", many(5, created="2026-01-05"))
    assert world.add(file, taken_at="2026-01-05T08:00").snapshot.rows == 5  # 23:00 of the day before in UTC
    tomorrow = world.write("again.csv", many(5, created="2026-01-07"))
    with pytest.raises(SnapshotRefusedError, match=r"a row is of 2026-01-06 15:00:00 UTC"):
        world.add(tomorrow, taken_at="2026-01-06T08:00")


def test_few_rows_that_move_alike_are_not_renamed(world: SnapshotWorld) -> None:
    world.take(FIRST, [*many(30, Industry="hr"), *(deal(f"X{n}") for n in range(9))])
    moved = [deal(f"X{n}", Industry="software") for n in range(9)]
    assert world.take(SECOND, [*many(30, Industry="hr"), *moved]).snapshot.changed == 9


def test_a_value_that_many_rows_left_for_several_others_is_not_renamed(world: SnapshotWorld) -> None:
    world.take(FIRST, many(30))
    moved = [deal(f"D{n}", Industry=("a", "b")[n % 2]) for n in range(30)]
    assert world.take(SECOND, moved).snapshot.changed == 30


def test_a_renamed_value_that_is_mapped_is_no_oddity(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path, DEALS.replace("{from: Industry}", "{from: Industry, map: {IT: it}}"))
    world.take(FIRST, many(30))
    world.take(SECOND, many(30, Industry="IT"))
    assert set(world.tables()["leads"]["industry"]) == {"it"}


def test_a_column_left_out_keeps_its_values(world: SnapshotWorld) -> None:
    world.take(FIRST, many(3, Temp=5))
    world.take(SECOND, many(3), Oddity.FEWER_COLUMNS, header=HEADER.replace(",Temp", ",Warmth"))
    assert set(world.state()["Temp"]) == {"5"}
    before = world.files()
    again = world.take(SECOND, many(3), header=HEADER.replace(",Temp", ",Warmth"))
    assert again.repeated and world.files() == before


@pytest.mark.parametrize("given", [Oddity.OLDER, Oddity.REPLACEMENT])
def test_an_older_or_another_export_of_a_day_is_put_in_its_place(world: SnapshotWorld, given: Oddity) -> None:
    day = SECOND if given is Oddity.OLDER else FIRST
    world.take(FIRST, [deal("A", Temp=1), deal("B")])
    world.take(THIRD, [deal("A", Temp=3), deal("B"), deal("C")])
    with pytest.raises(SnapshotRefusedError, match=f"--accept {given}"):
        world.take(day, [deal("A", Temp=2), deal("B"), deal("C")])
    world.take(day, [deal("A", Temp=2), deal("B"), deal("C")], given)

    taken = world.taken
    assert [s.taken_at[:10] for s in taken] == ([FIRST, SECOND, THIRD] if day == SECOND else [FIRST, THIRD])
    assert (taken[-1].new, taken[-1].changed) == (0, 1)  # what the last one changed is told anew
    assert world.state(len(taken) - 1).loc["A", "Temp"] == "2" and world.state().loc["A", "Temp"] == "3"
    assert len(world.files()) == len(taken) + 1  # no file of changes is left over


def test_rows_that_cannot_be_stored_are_counted_and_kept_as_they_stood(world: SnapshotWorld) -> None:
    taken = world.take(FIRST, [deal("A"), deal(""), deal("A", Temp=9), "broken"]).snapshot
    assert taken.rows == 1 and taken.left_out == {"without an id": 1, "repeats an id": 1, "field_count": 1}
    (file,) = left_out_folder(world.paths).iterdir()
    left = pd.read_parquet(file)
    assert left["row"].tolist() == [2, 3, 4] and '"Temp": "9"' in left["raw"].iloc[1]


def test_what_means_no_value_names_no_row(world: SnapshotWorld) -> None:
    taken = world.take(FIRST, [deal("A"), deal("NULL"), deal("n/a")]).snapshot
    assert taken.rows == 1 and taken.left_out == {"without an id": 2}


@pytest.mark.parametrize(("kind", "last"), [("type: timestamp", ""), ("type: timestamp", "now"), ("type: number", "")])
def test_of_rows_of_one_id_the_newest_is_stored_as_ingest_keeps_it(tmp_path: Path, kind: str, last: str) -> None:
    changed = f"    changed: {{from: Note, {kind}, role: display}}\n"
    declaration = DEALS.replace("  columns:\n", f"  newest_by: changed\n  columns:\n{changed}", 1)
    days = ["2026-01-03", "2026-01-20", last] if "timestamp" in kind else ["9", "10", last]
    world = SnapshotWorld(tmp_path, declaration)
    rows = [deal("A", Temp=temp, Note=day) for temp, day in zip([1, 2, 3], days, strict=True)]
    taken = world.take(SECOND, [*rows, deal("B", Note=days[0])]).snapshot
    assert world.state()["Temp"].to_dict() == {"A": "2", "B": "3"}
    assert taken.rows == 2 and taken.left_out == {"repeats an id": 2}
    (file,) = left_out_folder(world.paths).iterdir()
    assert pd.read_parquet(file)["row"].tolist() == [1, 3]


def test_a_column_that_does_not_name_rows_is_refused(world: SnapshotWorld) -> None:
    with pytest.raises(SnapshotRefusedError, match="'Deal' does not name a row: 20 of 40 rows repeat the id"):
        world.take(FIRST, [deal(f"D{n // 2}", Temp=n) for n in range(40)])


WRONG = {
    "no snapshots": ("file: deals.csv, snapshots: true", "file: deals.csv", "no snapshots are kept of 'leads'"),
    "a title": ("when_known: snapshots, map", "title: true, type: text, when_known: snapshots, map", "job title"),
    "a segment": ("opportunities:", "label: {segment: temperature}\nopportunities:", "today's; name a column"),
    "an account's segment": (
        "opportunities:",
        "label: {segment: size}\nopportunities:",
        "the default horizon",
    ),
    "an account's segment in a file of deals": (
        "    country: {from: Country}\n",
        "    country: {from: Country, when_known: known_at}\nlabel: {segment: country}\n",
        "the default horizon",
    ),
    "a watermark": (
        "{file: deals.csv, snapshots: true}",
        "{database: {url: DB, table: deals, watermark: id}, snapshots: true}",
        "needs the whole table",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_what_snapshots_cannot_give_is_refused_with_the_line(old: str, new: str, said: str) -> None:
    assert old in DEALS
    with pytest.raises(SourceError, match=rf"line \d+: .*{said}"):
        parse_source(DEALS.replace(old, new, 1))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.reference.snapshot_exports import SnapshotWorld
base, steps = Path(sys.argv[1]), int(sys.argv[2])
for step in range(1, steps + 1):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    world, calls = SnapshotWorld(base / str(step)), 0
    store = str(world.paths.snapshots)
    def kill_at(event, args):
        global calls
        writes = event == "open" and str(args[0]).startswith(store) and args[2] & (os.O_WRONLY | os.O_RDWR)
        moves = event in ("os.rename", "os.remove", "os.chmod") and str(args[0]).startswith(store)
        if writes or moves:
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(kill_at)
    world.add(world.folder / "deals_2026-01-11.csv")
    (world.folder / "done").touch()
    os._exit(0)
"""
STEPS = 12


def test_a_kill_at_any_step_leaves_the_old_store_or_the_new(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path / "1")
    world.folder.mkdir()
    world.take(FIRST, many(5))
    world.write(f"deals_{SECOND}.csv", many(6, Temp=9))
    for step in range(2, STEPS + 1):
        shutil.copytree(world.folder, tmp_path / str(step))
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(STEPS)], check=True)

    seen = set()
    for step in range(1, STEPS + 1):
        killed = SnapshotWorld(tmp_path / str(step))
        seen.add((len(killed.taken), (killed.folder / "done").exists()))
        assert len(killed.state()) == (5 if len(killed.taken) == 1 else 6), f"killed at step {step}"
        killed.take(SECOND, many(6, Temp=9))  # again: it finishes, and what the killed one left is removed
        assert len(killed.taken) == 2 and len([f for f in killed.files() if f.endswith(".parquet")]) == 2
    assert (1, False) in seen and (2, True) in seen, "no step was killed, or none was let through"


def test_a_forgotten_person_is_left_out_and_mentioned_in_no_other_row(tmp_path: Path) -> None:
    world = SnapshotWorld(tmp_path)
    noted = deal("D2", Next="by ann@x.example")
    world.take("2026-02-01", [deal("D1"), noted])
    person = Person(lead_ids=frozenset({"D1"}), addresses=frozenset({"ann@x.example"}))
    (tmp_path / "crm.yaml").write_text(DEALS, encoding="utf-8")
    erase_everywhere(open_context(str(tmp_path / "crm.yaml"), tmp_path / "data"), person, dry_run=False)
    add_to_register(world.paths.root, FORGOTTEN, ["D1"], ["ann@x.example"])
    assert b"ann@x" not in b"".join(world.files().values())
    assert world.state()["Next"].to_dict() == {"D2": "by [forgotten]"}
    world.take("2026-02-08", [deal("D1"), noted, deal("D3", Next="ann@x.example")])
    assert world.state()["Next"].to_dict() == {"D2": "by [forgotten]"}
    assert world.taken[-1].changed == 0, "what was hidden is no change"


NUMBERED = """\
name: numbered
kind: relational
tables:
  leads:
    location: {file: leads.csv, snapshots: true}
    columns: {lead_id: {from: id}, created_at: {}}
  accounts:
    location: {file: accounts.csv, snapshots: true}
    columns: {account_id: {from: id}, country: {}}
  outcomes:
    location: {file: outcomes.csv, snapshots: true}
    columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}
"""
NUMBERED_FILES = {
    "leads": "id,created_at\n1000,2026-01-01\n7,2026-01-01\n",
    "accounts": "id,country\n1000,DE\n7,PL\n",
    "outcomes": "opportunity_id,lead_id,closed_at,won\n1000,7,2026-02-01,true\n7,1000,2026-02-01,true\n",
}


@pytest.mark.parametrize(("table", "kept"), [("leads", ["7"]), ("accounts", ["1000", "7"]), ("outcomes", ["1000"])])
def test_the_number_of_a_deal_or_company_is_not_that_of_a_forgotten_lead(
    tmp_path: Path, table: str, kept: list[str]
) -> None:
    source = parse_source(NUMBERED)
    paths, export = Paths(tmp_path / "data", source.name), choose_export(source, table)
    add_to_register(paths.root, FORGOTTEN, ["1000"], [])
    file = tmp_path / f"{table}_2026-03-01.csv"
    file.write_text(NUMBERED_FILES[table], encoding="utf-8")
    (read,) = read_exports([file], export, source, paths)
    taken = add_export(read, export, source, paths).snapshot
    state = apply_changes(read_changes(paths, export.name, [taken]))
    assert sorted(state.index) == kept
    assert taken.left_out == ({"of forgotten people": 2 - len(kept)} if len(kept) < 2 else {})
