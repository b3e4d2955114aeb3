"""A disk that fills up, a clock that was set back, a second run: told, and nothing is lost."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml

from features.errors import ExitStatus
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.lock import only_writer
from pipelines.workspace.paths import Paths
from tests.reference.crm_database import make_frames
from tests.reference.kill_rehearsal import digest, orphans
from tests.reference.tiny_run import TinyRun, open_run

Cli = Callable[..., tuple[int, str, str]]
ENDS = pd.Timestamp("2025-03-03", tz="UTC")  # of a demo of eight months
MOVED = ("declaration.json",)  # says where the folder lies


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Callable[[int], None] | None]:
    """A file system of so many MiB at a place, and how to make it larger; None where mounting is not allowed."""
    options = f"size={mebibytes}m"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        yield None
        return
    try:
        yield (
            lambda more: (
                subprocess.run(["mount", "-o", f"remount,size={more}m", str(place)], check=True, capture_output=True)
                and None
            )
        )
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


def _files_of_at_most(size: int) -> None:
    """In a child: a file that grows beyond a size cannot be written, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def run_in_child(run: TinyRun, *words: str, largest: int | None = None) -> tuple[int, str]:
    """A command in a process of its own, whose files may have so many bytes; exit status and what it said."""
    command = [sys.executable, "-m", "pipelines.cli", *words, *run.args]
    limit = None if largest is None else (lambda: _files_of_at_most(largest))
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
    return done.returncode, done.stderr + done.stdout


def fill_up(folder: Path, left: int) -> None:
    """Write a file until so many bytes are left."""
    free = shutil.disk_usage(folder).free
    with (folder / "ballast").open("wb") as file:
        file.write(b"\0" * max(free - left, 0))


@pytest.mark.parametrize("stage", ["score", pytest.param("matrix", marks=pytest.mark.prove)])
def test_a_disk_that_fills_up_loses_nothing_and_a_rerun_ends_as_if_undisturbed(
    stage: str, tiny_demo: TinyRun, tmp_path: Path
) -> None:
    size = sum(file.stat().st_size for file in tiny_demo.folder.rglob("*") if file.is_file()) // 2**20
    place = tmp_path / "disk"
    place.mkdir()
    with small_disk(place, size + 20) as enlarge:
        shutil.copytree(tiny_demo.folder, place / "run")
        run = open_run(place / "run")
        before = digest(run.data_dir, MOVED)
        if enlarge is not None:
            fill_up(place, left=48 * 1024)
        status, said = run_in_child(run, stage, largest=None if enlarge is not None else 48 * 1024)
        assert status == ExitStatus.STORAGE, said
        assert "LS070: no space is left" in said and "Traceback" not in said
        assert digest(run.data_dir, MOVED) == before and orphans(run.data_dir) == [], (
            "what was there before is unchanged"
        )

        if enlarge is not None:
            enlarge(2 * size + 200)
        assert run_in_child(run, stage)[0] == 0
        assert digest(run.data_dir, MOVED) == before


def shifted_source(folder: Path, weeks_back: int) -> Path:
    """The demo's files, eight months of them, so many weeks earlier; no data cut-off is declared."""
    (folder / "data" / "clock" / "raw").mkdir(parents=True)
    for name, frame in make_frames(seed=7, leads=300, months=8, weeks_back=weeks_back).items():
        frame.to_csv(folder / "data" / "clock" / "raw" / f"{name}.csv", index=False)
    document = yaml.safe_load(find_source("demo").read_text(encoding="utf-8")) | {"name": "clock"}
    for key in ("generator", "data_cutoff"):
        del document[key]
    for column in ("contract_number", "current_stage", "total_touches"):
        del document["tables"]["leads"]["columns"][column]
    path = folder / "clock.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def test_a_clock_set_back_before_the_ingest_keeps_out_what_is_yet_to_come_and_says_so(cli: Cli, tmp_path: Path) -> None:
    """The data reach six weeks into the future of this machine's clock."""
    now = pd.Timestamp.now("UTC")
    back = -int((now - ENDS) / pd.Timedelta(weeks=1)) - 7
    source = shifted_source(tmp_path, weeks_back=back)
    words = ("--source", str(source), "--data-dir", str(tmp_path / "data"))
    status, out, err = cli("ingest", *words)
    assert status == 0, err
    paths = Paths(tmp_path / "data", "clock")
    counts = CountsRecord.read(paths)
    assert counts.data_cutoff is not None and pd.Timestamp(counts.data_cutoff, tz="UTC") <= now
    late = counts.rows["activities"]
    assert late.quarantined > 100 and late.read == late.kept + late.quarantined + late.repeated + (late.left_out or 0)
    quarantine = pd.read_parquet(paths.ingest / "quarantine.parquet")
    assert "after_cutoff" in set(quarantine["rule"])
    assert "after_cutoff" in out or "cut-off" in out, out
    assert cli("matrix", *words, "--no-gate")[0] == 0
    looks = pd.read_parquet(paths.matrix / "open_keys.parquet")["as_of"]
    assert len(looks) > 10 and (looks <= now.tz_localize(None)).all()


@pytest.mark.parametrize(
    "words",
    [("retrain",), ("run",), ("promote",), ("rollback",), ("score",), ("ingest",)],
    ids=lambda words: words[0],
)
def test_whatever_writes_names_who_is_at_work_and_leaves_all_as_it_is(
    words: tuple[str, ...], cli: Cli, tiny_demo: TinyRun
) -> None:
    paths = tiny_demo.context.paths
    before = {file: file.stat().st_mtime_ns for file in paths.root.rglob("*") if file.name != ".lock"}
    with only_writer(paths):
        status, _, err = cli(*words, *tiny_demo.args)
        assert status == ExitStatus.BUSY, err
    assert f"process {os.getpid()}" in err and "since 20" in err
    assert {file: file.stat().st_mtime_ns for file in paths.root.rglob("*") if file.name != ".lock"} == before
