"""What MLflow is to be told of a run: a folder of its own, kept until it was told, whatever later runs overwrite."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.errors import DataError
from models.bundle import load_bundle
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.charts.matplotlib_images import draw_pictures
from pipelines.tracking.mlflow_model import example_of
from pipelines.tracking.mlflow_names import HASH_TAG
from pipelines.tracking.provenance import Environment, installed_packages, project_commit
from pipelines.tracking.run_contents import KIND, ChildRun, DataInput, children_of, data_inputs, metrics_of, params_of
from pipelines.workspace.atomic_files import read_json, stage_dir, to_json, write_json, write_text
from pipelines.workspace.context import Context
from pipelines.workspace.hidden_passwords import hide_passwords
from pipelines.workspace.paths import Paths
from pipelines.workspace.private_files import make_folder

MOST_TRIES = 3  # calls in which MLflow was there and did not take a run
_ASIDE, _MOST_ASIDE = ".aside", 10  # folder beside the runs that wait, and how many it holds, the newest
_MOST_WAITING = 100  # runs, the newest; with report, plots and bundle each takes a few megabytes


class UntrackedRun(Record):
    """``run.json`` of a run that waits: what is logged as values; the folder beside it holds what is logged as files.

    ``ended_at`` is in milliseconds since 1970, as MLflow counts.
    """

    run_name: str
    tags: dict[str, str]
    params: dict[str, Any]
    metrics: dict[str, float]
    bundle_hash: str | None
    ended_at: int
    inputs: tuple[DataInput, ...] = ()
    children: tuple[ChildRun, ...] = ()


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits to be told: its folder, whose name is unique, and its values."""

    folder: Path
    values: UntrackedRun

    @property
    def bundle(self) -> Path:
        """A copy of its bundle."""
        return self.folder / "bundle"

    @property
    def example(self) -> dict[str, Any] | None:
        """Values of a made-up lead; None of runs that an earlier version left."""
        path = self.folder / "example.json"
        return {str(name): value for name, value in read_json(path).items()} if path.exists() else None


def queue_run(context: Context, summary: SummaryRecord) -> None:
    """Put a finished run among those that wait; nothing if the very same already does."""
    paths = context.paths
    mark = hashlib.sha256(to_json(summary.record()).encode()).hexdigest()[:12]
    waiting = _folders(paths)
    if any(folder.name.endswith(mark) for folder in waiting):
        return
    for folder in waiting[: max(0, len(waiting) + 1 - _MOST_WAITING)]:
        shutil.rmtree(folder, ignore_errors=True)

    now, environment = datetime.now(UTC), installed_packages()
    values = UntrackedRun.of(
        {
            "run_name": f"{context.source.name} {summary.verdict}",
            "tags": {
                KIND: "training",
                "source": context.source.name,
                "leadscore.version": version("leadscore"),
                "environment": environment.digest,
                **project_commit(context.source_path),
                "synthetic": str(context.source.synthetic).lower(),
                "verdict": str(summary.verdict),
                "declaration": context.declaration_hash,
                HASH_TAG: summary.bundle.hash or "",
            },
            "params": params_of(context, summary),
            "metrics": metrics_of(summary),
            "bundle_hash": summary.bundle.hash,
            "ended_at": int(now.timestamp() * 1e3),
            "inputs": [one.record() for one in data_inputs(paths)],
            "children": [child.record() for child in children_of(context, summary)],
        }
    )
    with stage_dir(paths.untracked / f"{now:%Y%m%dT%H%M%S%f}-{mark}") as folder:
        _copy_files(context, summary, folder)
        _copy_declaration(context, environment, folder / "declaration")
        write_json(folder / "run.json", values.record())


def list_waiting(paths: Paths) -> list[WaitingRun]:
    """Runs that wait, oldest first; a folder that is damaged is removed."""
    found = []
    for folder in _folders(paths):
        try:
            values = UntrackedRun.model_validate(read_json(folder / "run.json"))
        except (DataError, ValidationError):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            found.append(WaitingRun(folder, values))
    return found


def note_failure(waiting: WaitingRun, problem: str) -> str:
    """Count that MLflow could not take a run, and set it aside after the last try; returns what to say of it."""
    told = waiting.folder / "tries.json"
    tries = 1 + (int(read_json(told)["tries"]) if told.exists() else 0)
    if tries < MOST_TRIES:
        write_json(told, {"tries": tries, "problem": problem})
        return f"MLflow does not take run {waiting.folder.name}: {problem}"
    aside = waiting.folder.parent / _ASIDE / waiting.folder.name
    make_folder(aside.parent)
    waiting.folder.rename(aside)
    for old in sorted(aside.parent.iterdir())[:-_MOST_ASIDE]:
        shutil.rmtree(old, ignore_errors=True)
    return (
        f"MLflow did not take run {waiting.folder.name} in {tries} tries, so it is set aside ({aside}) and not tried "
        f"again: {problem}"
    )


def _folders(paths: Paths) -> list[Path]:
    if not paths.untracked.is_dir():
        return []
    return sorted(path for path in paths.untracked.iterdir() if path.is_dir() and not path.name.startswith("."))


def _copy_files(context: Context, summary: SummaryRecord, folder: Path) -> None:
    (folder / "report").mkdir()
    for name in ("summary.json", "report.html", "model_card.md", "model_card.html"):
        if (context.paths.reports / name).exists():
            shutil.copyfile(context.paths.reports / name, folder / "report" / name)
    (folder / "plots").mkdir()
    draw_pictures(context, folder / "plots")

    if summary.bundle.hash:
        shutil.copytree(context.paths.train / "bundle", folder / "bundle")
        write_json(folder / "example.json", example_of(load_bundle(folder / "bundle"), context.paths.matrix))


def _copy_declaration(context: Context, environment: Environment, folder: Path) -> None:
    """What the run was asked to do, as written and as meant, and the packages it ran with."""
    folder.mkdir()
    write_text(folder / "source.yaml", hide_passwords(context.source_path.read_text(encoding="utf-8")))
    for name, part in (("rubric", context.rubric), ("qualification", context.policy)):
        if part is not None:
            write_json(folder / f"{name}.json", part.model_dump(mode="json", exclude_defaults=True, by_alias=True))
    write_json(folder / "settings.json", context.settings.model_dump(mode="json"))
    write_text(folder / "packages.txt", "\n".join(environment.lines) + "\n")
