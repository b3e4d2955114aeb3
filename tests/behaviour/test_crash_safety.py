"""Killed at any moment, run twice at once, copied or moved: nothing is lost, half done, or written elsewhere."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from pipelines.registry.champion import read_champion
from pipelines.run import RUN, run_stage
from pipelines.tracking.mlflow_client import follow_moved_store
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.lock import BusyError, only_writer
from pipelines.workspace.paths import Paths
from tests.reference.challengers import early_champion, keep, rescaled
from tests.reference.kill_rehearsal import Rehearsal, copy_of, digest, orphans
from tests.reference.tiny_run import TinyRun, open_run
from tests.reference.weekly_exports import WeeklyWorld, crm_declaration

Cli = Callable[..., tuple[int, str, str]]
# under random keys and numbers, or named after a moment, so never twice the same; decisions are counted instead
RANDOM = ("privacy/", "_keys.parquet", "decisions/")


def read_everything(folder: Path) -> None:
    """Every file that stands under its own name can be read to its end."""
    for path in folder.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.suffix == ".parquet":
            read_parquet(path)
        elif path.suffix == ".json":
            read_json(path)


def rehearse(
    before: Path, source: str, place: Path, commands: Sequence[Sequence[str]], kills: int, seed: int
) -> list[str]:
    """Kill each command at random steps in a copy of a folder and run it again; returns what was wrong."""
    draw, wrong = random.Random(seed), []
    with Rehearsal(place) as rehearsal:
        for command in commands:
            work = copy_of(before, place / "work")
            words = (*command, "--source", str(work / source), "--data-dir", str(work / "data"))
            whole = rehearsal.run(*words)
            assert whole["status"] in (0, 24), rehearsal.log.read_text()  # 24: the monitor found something
            undisturbed = digest(work / "data", RANDOM)
            for step in sorted(draw.sample(range(1, whole["changes"] + 1), min(kills, whole["changes"]))):
                work = copy_of(before, place / "work")
                assert rehearsal.run(*words, kill_at=step)["status"] == -signal.SIGKILL
                read_everything(work / "data")
                again = rehearsal.run(*words)
                left, now = orphans(work / "data"), digest(work / "data", RANDOM)
                if again["status"] != whole["status"] or left or now != undisturbed:
                    differs = sorted(name for name in {*now, *undisturbed} if now.get(name) != undisturbed.get(name))
                    wrong.append(f"{command} killed at {step}: status {again['status']}, {left[:3]}, {differs[:3]}")
    return wrong


def first_lead(run: TinyRun) -> str:
    return str(pd.read_parquet(run.context.paths.score / "worklist.parquet")["lead_id"].iloc[0])


def test_commands_killed_at_random_steps_end_as_if_undisturbed(tiny_demo: TinyRun, tmp_path: Path) -> None:
    lead = first_lead(tiny_demo)
    commands = (("object", lead), ("forget", lead))
    assert rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, commands, 2, seed=os.getpid()) == []


def promotable(run: TinyRun, folder: Path) -> str:
    """The hash of a challenger that is no worse, beside a champion trained early that was promoted over another."""
    trained = run.summary["bundle"]["hash"]
    twin = early_champion(run, folder)
    assert read_champion(run.context.paths).previous == trained
    return keep(run, rescaled(twin), folder / "good")


def snapshot_world(folder: Path) -> tuple[Path, Path]:
    """A source of weekly exports of which two were taken, and the third export."""
    world = WeeklyWorld()
    (folder / "exports").mkdir(parents=True)
    (folder / "before").mkdir()
    files = world.write_exports(folder / "exports", pd.date_range(end=world.cutoff, periods=3, freq="7D"))
    source = folder / "before" / "weekly.yaml"
    source.write_text(crm_declaration(world.cutoff), encoding="utf-8")
    for file in files[:2]:
        words = [sys.executable, "-m", "pipelines.cli", "snapshot", "add", str(file), "--source", str(source)]
        subprocess.run([*words, "--data-dir", str(folder / "before" / "data")], check=True, capture_output=True)
    return folder / "before", files[2]


@pytest.mark.prove
def test_promotions_and_snapshots_killed_at_random_steps_end_as_if_undisturbed(
    tiny_copy: TinyRun, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    good = promotable(tiny_copy, tmp_path / "made")
    moves = (("promote", "--bundle", good, "--force", "--reason", "a rehearsal"), ("rollback",))
    wrong = rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, moves, 12, seed=5)
    before, export = snapshot_world(tmp_path / "snapshots")
    (tmp_path / "taken").mkdir()
    wrong += rehearse(before, "weekly.yaml", tmp_path / "taken", (("snapshot", "add", str(export)),), 12, seed=5)
    record_property("wrong", len(wrong))
    assert wrong == [], "\n".join(wrong)


@pytest.mark.prove
def test_a_hundred_kills_of_stages_and_commands(
    tiny_demo: TinyRun, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    lead = first_lead(tiny_demo)
    stages = [(name,) for name in RUN]
    commands = [*stages, ("monitor",), ("object", lead), ("forget", lead)]
    kills = -(-100 // len(commands))
    wrong = rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, commands, kills, seed=11)
    record_property("kills", kills * len(commands))
    record_property("wrong", len(wrong))
    assert wrong == []


def test_a_second_run_is_told_who_works_and_since_when(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "s")
    with only_writer(paths), pytest.raises(BusyError) as told, only_writer(paths):
        pass
    for word in (f"process {os.getpid()} (", " on ", "since 20", "UTC", "Wait for it"):
        assert word in str(told.value)


def test_a_lock_file_of_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "s")
    paths.root.mkdir()
    (paths.root / "kept").touch()
    hold = "import sys, time; from pathlib import Path; from pipelines.workspace.lock import only_writer as o;"
    hold += "from pipelines.workspace.paths import Paths\nwith o(Paths(Path(sys.argv[1]), 's')): print(1, flush=True)"
    hold += "; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        with pytest.raises(BusyError, match=f"process {holder.pid} "), only_writer(paths):
            pass
        holder.kill()
    assert str(holder.pid) in (paths.root / ".lock").read_text()
    with only_writer(paths):
        assert str(os.getpid()) in (paths.root / ".lock").read_text()


def test_a_lock_that_outlives_its_process_is_told_as_such(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "s")
    with only_writer(paths):
        (paths.root / ".lock").write_text("4194305")  # no process has this number
        with pytest.raises(BusyError, match=r"has ended, but something it started.*fuser"), only_writer(paths):
            pass


def test_a_rehearsal_needs_no_lock(tiny_demo: TinyRun, cli: Cli) -> None:
    with only_writer(tiny_demo.context.paths):
        assert cli("forget", first_lead(tiny_demo), "--dry-run", *tiny_demo.args)[0] == 0


def test_a_copied_data_directory_works_alone_and_leaves_its_original_as_it_was(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    run_stage(tiny_copy.context, "track")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tiny_copy.folder, elsewhere)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tiny_copy.folder.rglob("*")}

    copied = open_run(elsewhere)
    run_stage(copied.context, "track")
    after = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tiny_copy.folder.rglob("*")}
    assert after == before
    assert read_json(copied.context.paths.track / "run.json")["problem"] == ""
    assert len(list((copied.data_dir / "mlartifacts").rglob("report.html"))) == 2

    shutil.rmtree(tiny_copy.folder)
    run_stage(copied.context, "score")
    assert not tiny_copy.folder.exists()


def test_a_moved_mlflow_store_is_told_where_it_lies_now(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "here", "s")
    paths.data_dir.mkdir()
    other, here = "file:///once/upon/mlartifacts", (paths.data_dir.resolve() / "mlartifacts").as_uri()
    with closing(sqlite3.connect(paths.data_dir / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (artifact_location TEXT)")
        database.execute("CREATE TABLE runs (artifact_uri TEXT)")
        places = [f"{other}/s", f"{here}/t", "s3://bucket/mlartifacts/x"]
        database.executemany("INSERT INTO experiments VALUES (?)", [(place,) for place in places])
        database.execute("INSERT INTO runs VALUES (?)", (f"{other}/s/1/artifacts",))
    assert [follow_moved_store(paths), follow_moved_store(paths)] == [2, 0]
    with closing(sqlite3.connect(paths.data_dir / "mlflow.db")) as database:
        found = [row[0] for row in database.execute("SELECT artifact_location FROM experiments ORDER BY rowid")]
        assert found == [f"{here}/s", *places[1:]]
        assert database.execute("SELECT artifact_uri FROM runs").fetchall() == [(f"{here}/s/1/artifacts",)]
