"""Commands killed with kill -9 at a chosen step of what they do to files, then run again: the result must be the same.

A helper process imports everything once and forks for each run; an audit hook counts what changes files and ends the
fork by SIGKILL at the chosen count. Random counts find the moments that matter far more often than random seconds.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.workspace.atomic_files import read_json, read_parquet

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "shutil.", "os.link")
# what differs between two undisturbed runs: when they were made, and how long they took
TIMES = (
    *("made_at", "added_at", "ended_at", "promoted_at", "adopted_at", "found_at"),
    *("seconds", "at", "when", "mtime", "place"),
)
FINE = (0, 24, 30, 31, 32)  # 24: the monitor found something; the others: what a retrain decided
# under random keys, named after a moment, or with ids that Great Expectations draws: never twice the same
RANDOM = ("privacy/", "decisions/", "/gx/")
_NOBODYS = {"forget": ("_keys.parquet",)}  # who is forgotten gets a random number in the matrix
_LOG = "rehearsal.log"
_HELPER = """
import json, os, signal, sys
from tests.reference.kill_rehearsal import run_in_fork
from pipelines.cli.main import main
import pipelines.run, pipelines.scoring.score_file, pipelines.report.page, pipelines.privacy.forget
import serving.privacy.subject, pipelines.promotion, pipelines.snapshots.add_export
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(run_in_fork(main, asked["words"], asked["kill_at"], asked["folder"])), flush=True)
"""


def run_in_fork(main: Any, words: Sequence[str], kill_at: int, folder: str) -> dict[str, int]:
    """Run a command in a fork of this process; returns its exit status (-9: killed) and how many changes it made.

    Changes outside the folder are not counted: caches of compiled code are written once, so no two runs make as many.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        out = os.open(f"{folder}/{_LOG}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        count = 0

        def hook(event: str, args: tuple[Any, ...]) -> None:
            nonlocal count
            writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
            if (writes or event.startswith(_CHANGES)) and not _is_outside(args, folder):
                count += 1
                if count == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        sys.argv = ["leadscore", *words]
        status = 1
        try:
            main()
        except SystemExit as done:
            status = done.code if isinstance(done.code, int) else 1
        finally:
            os.write(writer, str(count).encode())
            os._exit(status)
    os.close(writer)
    told = os.read(reader, 20)
    os.close(reader)
    _, ended = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(ended), "changes": int(told or 0)}


def _is_outside(args: Sequence[Any], folder: str) -> bool:
    """Whether all paths of an event lie outside a folder; relative ones count as inside."""
    paths = [os.fsdecode(arg) for arg in args if isinstance(arg, str | bytes | os.PathLike)]
    places = [path for path in paths if path.startswith("/")]
    return bool(places) and not any(path.startswith(folder) for path in places)


class Rehearsal:
    """The helper process; ``with`` ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / _LOG
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Rehearsal":
        command = [sys.executable, "-c", _HELPER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def run(self, *words: str, kill_at: int = 0) -> dict[str, int]:
        """Run a command, killed before its ``kill_at``-th change of a file; 0: to its end."""
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"words": words, "kill_at": kill_at, "folder": str(self.folder)}) + "\n")
        self._process.stdin.flush()
        found: dict[str, int] = json.loads(self._process.stdout.readline())
        return found


def orphans(folder: Path) -> list[str]:
    """What a killed process left half written."""
    marks = (".part.", ".new.", ".old")
    return sorted(str(p.relative_to(folder)) for p in folder.rglob(".*") if any(mark in p.name for mark in marks))


def digest(folder: Path, skip: Sequence[str] = ()) -> dict[str, str]:
    """A hash of the content of every file, without times; the lock and the server's log are no results."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name in (".lock", "seconds.json", "key") or any(part in name for part in skip):
            continue
        if path.suffix == ".parquet":
            content = _table_bytes(path)
        elif path.suffix == ".json":
            content = json.dumps(_without_times(json.loads(path.read_text())), sort_keys=True).encode()
        elif path.suffix == ".html":
            content = b"page" if path.stat().st_size else b""
        else:
            content = path.read_bytes()
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def _table_bytes(path: Path) -> bytes:
    """A table's columns as they lie in memory, whatever row groups and compression its file has."""
    table = pq.read_table(path).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(part) for name, part in value.items() if name not in TIMES}
    return [_without_times(part) for part in value] if isinstance(value, list) else value


def copy_of(before: Path, folder: Path) -> Path:
    """A fresh copy of a state."""
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(before, folder, symlinks=True))


def read_everything(folder: Path) -> None:
    """Every file that stands under its own name can be read to its end."""
    for path in folder.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.suffix == ".parquet":
            read_parquet(path)
        elif path.suffix == ".json":
            read_json(path)


@dataclass(frozen=True)
class Kill:
    """A command that was killed before its so-many-th change of a file; ``wrong`` says what the rerun left amiss."""

    command: str
    step: int
    of: int
    wrong: str = ""


def rehearse(
    before: Path, source: str, place: Path, commands: Sequence[Sequence[str]], kills: int, seed: int
) -> list[Kill]:
    """Kill each command at random steps, and at its last one, in a copy of a folder and run it again.

    ``{work}`` in a word of a command is the folder of the copy.
    """
    draw, done = random.Random(seed), []
    with Rehearsal(place) as rehearsal:
        for command in commands:
            work = copy_of(before, place / "work")
            given = [word.replace("{work}", str(work)) for word in command]
            words = (*given, "--source", str(work / source), "--data-dir", str(work / "data"))
            whole = rehearsal.run(*words)
            assert whole["status"] in FINE, rehearsal.log.read_text()
            skip = (*RANDOM, *_NOBODYS.get(command[0], ()))
            undisturbed = digest(work / "data", skip)
            last = int(whole["changes"])  # all is written, and nobody was told
            for step in sorted({*draw.sample(range(1, last + 1), min(kills, last)), last}):
                work = copy_of(before, place / "work")
                if rehearsal.run(*words, kill_at=step)["status"] != -signal.SIGKILL:
                    continue  # it made fewer changes this time, and ended before
                read_everything(work / "data")
                again = rehearsal.run(*words)
                left, now = orphans(work / "data"), digest(work / "data", skip)
                differs = sorted(name for name in {*now, *undisturbed} if now.get(name) != undisturbed.get(name))
                fine = again["status"] == whole["status"] and not left and not differs
                wrong = "" if fine else f"status {again['status']}, {left[:3]}, {differs[:3]}"
                done.append(Kill(" ".join(command[:2]), step, whole["changes"], wrong))
                sys.stdout.write(f"{done[-1]}\n")  # what was found is seen though a later command cannot be run
            assert any(kill.command == " ".join(command[:2]) for kill in done), f"{command[0]} was never killed"
    return done
