"""One whole run on a tiny demo: fewer leads, tiny budgets."""

import fcntl
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from models.settings import TrainSettings
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.run import RUN, run_stage
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.find_declarations import find_source

NAME, LEADS, LOCK = "tiny_demo", 1500, ".lock"
SETTINGS = TrainSettings.tiny().model_copy(update={"alpha": 0.2})


@dataclass(frozen=True)
class TinyRun:
    """Where a run lies, and how to open it."""

    folder: Path
    source: Path
    data_dir: Path
    context: Context

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.context.paths.reports / "summary.json")
        return found

    @property
    def summary_record(self) -> SummaryRecord:
        return SummaryRecord.read(self.context.paths)

    @property
    def page(self) -> Path:
        return self.context.paths.reports / "report.html"

    @property
    def args(self) -> tuple[str, ...]:
        """What a command needs to work on this run."""
        return ("--source", str(self.source), "--data-dir", str(self.data_dir))


def write_source(folder: Path, **changes: Any) -> Path:
    """The demo's declaration with another name and fewer leads."""
    document = yaml.safe_load(find_source("demo").read_text(encoding="utf-8"))
    document |= {"name": NAME, **changes}
    document["generator"]["parameters"] |= {"leads": LEADS}
    path = folder / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def open_run(folder: Path) -> TinyRun:
    """A run that was made in a folder."""
    source, data_dir = folder / f"{NAME}.yaml", folder / "data"
    return TinyRun(folder, source, data_dir, open_context(str(source), data_dir, SETTINGS))


def copy_run(run: TinyRun, folder: Path) -> TinyRun:
    """A copy of a run in a new folder: for whatever may write."""
    shutil.copytree(run.folder, folder)
    return open_run(folder)


def stamps(folder: Path) -> set[tuple[Path, tuple[int, ...]]]:
    """Size and time of every file of a run, but for the lock, which even those take who change nothing."""
    told = (
        (path.relative_to(folder), path.stat()) for path in folder.rglob("*") if path.is_file() and path.name != LOCK
    )
    return {(path, (found.st_ino, found.st_size, found.st_mtime_ns)) for path, found in told}


def make_run(folder: Path) -> dict[str, Any]:
    """Run every stage but validation and tracking, which take seconds to import and have tests of their own."""
    write_source(folder)
    run = open_run(folder)
    for stage in RUN:
        if stage != "validate":
            run_stage(run.context, stage)
    if not run.summary["bundle"]["hash"]:
        raise AssertionError(f"the tiny demo must train a model; its verdict is {run.summary['verdict_text']}")
    return run.summary


def first_lead(run: TinyRun) -> str:
    """Who is first on the list."""
    return str(pd.read_parquet(run.context.paths.score / "worklist.parquet")["lead_id"].iloc[0])


def make_once(folder: Path) -> None:
    """Make the run unless another process of the same tests did; waits for one that is at it."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            make_run(folder)
            (folder / "done").touch()


if __name__ == "__main__":
    make_once(Path(sys.argv[1]))
