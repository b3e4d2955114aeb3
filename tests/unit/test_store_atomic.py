"""What is written is the old or the new, never half: files and whole stage directories, under errors and kills."""

import errno
import fcntl
import json
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from pipelines.workspace import atomic_files
from pipelines.workspace.atomic_files import (
    read_json,
    read_parquet,
    read_parquet_names,
    stage_dir,
    to_json,
    write_bytes,
    write_json,
    write_parquet,
    write_text,
)
from pipelines.workspace.left_overs import process_mark, remove_parts
from pipelines.workspace.lock import only_writer
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.objecting import objecting_here
from pipelines.workspace.storage_errors import StorageError, place_error_of


def test_a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "x.txt", "old")
    with (tmp_path / "a" / "x.txt").open() as reader:
        write_text(tmp_path / "a" / "x.txt", "new")
        assert reader.read() == "old"  # who reads while it is replaced reads the old file to its end
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x.txt"]
    assert (tmp_path / "a" / "x.txt").read_text() == "new"


def test_no_file_takes_the_place_of_a_device_or_pipe(tmp_path: Path) -> None:
    pipe, listening, link, out = (tmp_path / name for name in ("pipe", "socket", "null", "stdout"))
    os.mkfifo(pipe)
    link.symlink_to(os.devnull)
    with socket.socket(socket.AF_UNIX) as server, (tmp_path / "taken").open("wb") as taken:
        server.bind(str(listening))
        out.symlink_to(f"/proc/self/fd/{taken.fileno()}")  # as /dev/stdout is where it goes to a file
        for place in (pipe, listening, link, out):
            before = place.lstat()
            with pytest.raises(OSError, match="no file can take its place") as found:
                write_bytes(place, b"x")
            told = place_error_of(found.value)
            assert told is not None and "is a device, pipe or socket" in told.message and str(place) in told.message
            assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["null", "pipe", "socket", "stdout", "taken"]


def test_a_frame_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_parquet(tmp_path / "x.parquet", pd.DataFrame({"a": [1]}))
    with pytest.raises(Exception, match="object"):
        write_parquet(tmp_path / "x.parquet", pd.DataFrame({"a": [object()]}))
    assert read_parquet(tmp_path / "x.parquet")["a"].tolist() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]


def test_an_error_inside_a_stage_leaves_the_old_stage(tmp_path: Path) -> None:
    with stage_dir(tmp_path / "ingest") as out:
        write_text(out / "a", "old")
    with pytest.raises(ZeroDivisionError), stage_dir(tmp_path / "ingest") as out:
        write_text(out / "a", "new")
        raise ZeroDivisionError
    assert (tmp_path / "ingest" / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["ingest"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_stage_replaces_the_old_one_without_mixing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(atomic_files, "exchange_folders", lambda one, other: False)
    for name in ("first", "second"):
        with stage_dir(tmp_path / "ingest") as out:
            write_text(out / name, name)
    assert [p.name for p in (tmp_path / "ingest").iterdir()] == ["second"]
    assert [p.name for p in tmp_path.iterdir()] == ["ingest"]


def test_an_old_stage_left_between_two_renames_is_put_back(tmp_path: Path) -> None:
    (tmp_path / ".ingest.old").mkdir()
    (tmp_path / ".ingest.old" / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), stage_dir(tmp_path / "ingest"):
        raise ZeroDivisionError
    assert (tmp_path / "ingest" / "a").read_text() == "old"


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.workspace import atomic_files
calls = 0
def kill_at(event, args):
    global calls
    if event == "open" or event.startswith(("os.", "shutil.", "ctypes.")):
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill_at)
"""
STAGE = """
with atomic_files.stage_dir(Path(sys.argv[1]) / "ingest") as out:
    atomic_files.write_text(out / "a", "new")
    atomic_files.write_text(out / "b", "new")
"""
FILE = """
atomic_files.write_text(Path(sys.argv[1]) / "ingest" / "a", "new" * 100_000)
"""


def killed(folder: Path, script: str, step: int) -> bool:
    """Run a script and kill it before its step; False if it had fewer steps."""
    command = [sys.executable, "-S", "-c", BARE + KILLED + script, str(folder), str(step)]
    status = subprocess.run(command, check=False).returncode
    assert status in (0, -signal.SIGKILL)
    return status != 0


def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_a_rerun_finishes(tmp_path: Path) -> None:
    seen, step, alive = set(), 0, True
    while alive:
        step += 1
        folder = tmp_path / str(step)
        with stage_dir(folder / "ingest") as out:
            write_text(out / "a", "old")
            write_text(out / "b", "old")
        alive = killed(folder, STAGE, step)
        texts = {(folder / "ingest" / name).read_text() for name in "ab"}
        assert len(texts) == 1, f"killed at step {step}: half old, half new"
        seen |= texts
        with stage_dir(folder / "ingest") as out:
            write_text(out / "a", "newer")
        assert [p.name for p in folder.iterdir()] == ["ingest"], "left-overs of the killed run stay"
    assert seen == {"old", "new"} and step > 20


def test_a_kill_while_a_file_is_written_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    seen, step, alive = set(), 0, True
    while alive:
        step += 1
        write_text(tmp_path / "ingest" / "a", "old" * 100_000)
        alive = killed(tmp_path, FILE, step)
        text = (tmp_path / "ingest" / "a").read_text()
        assert text in ("old" * 100_000, "new" * 100_000), f"killed at step {step}: half a file"
        seen.add(text[:3])
    assert seen == {"old", "new"} and step > 3


# The store without the heavy imports it needs for frames, so that the child starts fast.
BARE = f"""
import sys, types
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
for name, parts in {{"numpy": ("ndarray", "bool_", "integer", "floating", "datetime64"),
                     "pandas": ("DataFrame", "Timestamp", "NaT", "NA")}}.items():
    sys.modules[name] = types.ModuleType(name)
    for part in parts:
        setattr(sys.modules[name], part, type(part, (), {{}}))
"""


def test_json_reads_anywhere_and_back(tmp_path: Path) -> None:
    value = {
        "nan": math.nan,
        "infinite": np.float64("inf"),
        "number": np.int64(3),
        "flag": np.bool_(True),
        "moment": pd.Timestamp("2025-01-02 03:04:05"),
        "nothing": pd.NA,
        "list": np.array([1.5, 2.5]),
        "word": "Zürich",
    }
    write_json(tmp_path / "x.json", value)
    strict = json.loads((tmp_path / "x.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert strict == read_json(tmp_path / "x.json")
    assert strict["nan"] is None and strict["infinite"] is None and strict["nothing"] is None
    assert (strict["number"], strict["flag"], strict["list"]) == (3, True, [1.5, 2.5])
    assert strict["moment"] == "2025-01-02T03:04:05" and strict["word"] == "Zürich"
    assert to_json({"b": 1, "a": 2}) == to_json({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("name", "read"), [("x.json", read_json), ("x.parquet", read_parquet), ("y.parquet", read_parquet_names)]
)
def test_a_missing_or_damaged_file_names_the_stage_to_run(tmp_path: Path, name: str, read: object) -> None:
    assert callable(read)
    path = tmp_path / "ingest" / name
    with pytest.raises(DataError, match="does not exist; run the stage that writes it \\('ingest'\\)"):
        read(path)
    path.parent.mkdir()
    path.write_bytes(b"{half")
    with pytest.raises(DataError, match=r"is damaged .* run stage 'ingest' again"):
        read(path)


def test_who_objects_is_told_from_a_whole_table_or_not_at_all(tmp_path: Path) -> None:
    context = SimpleNamespace(source=SimpleNamespace(privacy=None), paths=Paths(tmp_path, "crm"))
    assert objecting_here(context) == set()  # type: ignore[arg-type]
    context.paths.ingest.mkdir(parents=True)
    (context.paths.ingest / "leads.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(DataError, match=r"leads\.parquet is damaged .* run stage 'ingest' again"):
        objecting_here(context)  # type: ignore[arg-type]


def test_a_running_process_keeps_its_unfinished_stage(tmp_path: Path) -> None:
    started = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[19]
    running = (f"{os.getppid()}", f"{os.getppid()}-{started}", process_mark())
    ended = ("999999999", f"{os.getppid()}-1", f"{os.getpid()}", f"{os.getpid()}-1", "none")
    for mark in (*running, *ended):
        (tmp_path / f".ingest.new.{mark}.abc").mkdir()
    with stage_dir(tmp_path / "ingest"):
        kept = {path.name.split(".")[3] for path in tmp_path.glob(".ingest.new.*.abc")}
    assert kept == set(running)


def test_a_half_written_file_of_a_process_that_had_our_number_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f".a.json.part.{os.getpid()}-1.xyz"
    other = tmp_path / f".b.json.part.{os.getpid()}-1.xyz"
    left.write_text("{")
    other.write_text("{")
    write_json(tmp_path / "a.json", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "a.json"]


@pytest.mark.parametrize(("umask", "modes"), [(None, (0o600, 0o700)), ("027", (0o640, 0o750)), ("x", (0o600, 0o700))])
def test_files_are_their_users_alone_unless_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: str | None, modes: tuple[int, int]
) -> None:
    if umask is None:
        monkeypatch.delenv("LEADSCORE_UMASK", raising=False)
    else:
        monkeypatch.setenv("LEADSCORE_UMASK", umask)
    with stage_dir(tmp_path / "new" / "ingest") as out:
        write_json(out / "a.json", {})
        (out / "deep").mkdir()
        (out / "deep" / "b").write_text("by another library")
    write_json(tmp_path / "new" / "c.json", {})
    with only_writer(Paths(tmp_path / "data", "calls")):
        write_json(tmp_path / "data" / "calls" / "d.json", {})
    found = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert len(found) == 10
    assert {mode for path, mode in found.items() if path.is_file()} == {modes[0]}
    assert {mode for path, mode in found.items() if path.is_dir()} == {modes[1]}


def test_parts_of_ended_processes_go_and_those_of_running_ones_stay(tmp_path: Path) -> None:
    ended, running = tmp_path / ".one.json.part.4194304-1.x", tmp_path / f".two.json.part.{process_mark()}.x"
    for file in (ended, running, tmp_path / "three.json"):
        file.touch()
    remove_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([running.name, "three.json"])


def test_a_file_system_without_locks_is_refused_and_held_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(number: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        with pytest.raises(StorageError, match="no file locks"), only_writer(Paths(tmp_path, "calls")):
            pytest.fail("worked without a lock")
    with only_writer(Paths(tmp_path, "calls")):
        write_json(tmp_path / "calls" / "d.json", {})


@pytest.mark.parametrize("read", [read_json, read_parquet])
def test_a_file_of_another_user_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "x")

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(pd, "read_parquet", refuse)
    with pytest.raises(DataError, match=r"kept may not be read by the user .* give that user read access"):
        read(tmp_path / "kept")
