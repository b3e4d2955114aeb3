"""Killed at any moment, run twice at once, copied or moved: nothing is lost, half done, or written elsewhere."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.run import run_stage
from pipelines.tracking.mlflow_client import follow_moved_store
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.lock import BusyError, only_writer
from pipelines.workspace.paths import Paths
from tests.reference.kill_rehearsal import rehearse
from tests.reference.tiny_run import TinyRun, first_lead, open_run

Cli = Callable[..., tuple[int, str, str]]


def test_commands_killed_at_random_steps_end_as_if_undisturbed(tiny_demo: TinyRun, tmp_path: Path) -> None:
    lead = first_lead(tiny_demo)
    commands = (("object", lead), ("forget", lead))
    done = rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, commands, 2, seed=os.getpid())
    assert done and not [kill for kill in done if kill.wrong]


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
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.tracking.untracked_runs.draw_pictures", lambda *_: [])  # seconds, and of no weight
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
