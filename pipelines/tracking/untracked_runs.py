"""What MLflow is to be told of a run: a folder of its own, kept until it was told, whatever later runs overwrite."""

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import ValidationError

from features.errors import DataError
from models.bundle import load_bundle
from models.settings import TrainSettings
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.charts.matplotlib_images import draw_pictures
from pipelines.tracking.mlflow_names import HASH_TAG
from pipelines.workspace.atomic_files import read_json, read_parquet, stage_dir, to_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.paths import Paths

_EXAMPLE_ROWS = 5  # from which MLflow infers the signature
_MOST_WAITING = 100  # runs, the newest; with report, plots and bundle each takes a few megabytes
_POLICY_FIGURES: tuple[Literal["workload", "wins", "precision", "recall"], ...] = (
    "workload",
    "wins",
    "precision",
    "recall",
)
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")


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


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits to be told: its folder, whose name is unique, and its values."""

    folder: Path
    values: UntrackedRun

    @property
    def bundle(self) -> Path:
        """A copy of its bundle."""
        return self.folder / "bundle"

    def example(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A few rows of the matrix, and their probabilities."""
        return read_parquet(self.folder / "example.parquet"), read_parquet(self.folder / "scored.parquet")


def queue_run(context: Context, summary: SummaryRecord) -> None:
    """Put a finished run among those that wait; nothing if the very same already does."""
    paths = context.paths
    mark = hashlib.sha256(to_json(summary.record()).encode()).hexdigest()[:12]
    waiting = _folders(paths)
    if any(folder.name.endswith(mark) for folder in waiting):
        return
    for folder in waiting[: max(0, len(waiting) + 1 - _MOST_WAITING)]:
        shutil.rmtree(folder, ignore_errors=True)

    now = datetime.now(UTC)
    values = UntrackedRun.of(
        {
            "run_name": f"{context.source.name} {summary.verdict}",
            "tags": {
                "source": context.source.name,
                "synthetic": str(context.source.synthetic).lower(),
                "verdict": str(summary.verdict),
                "declaration": context.declaration_hash,
                HASH_TAG: summary.bundle.hash or "",
            },
            "params": params_of(context.settings, summary),
            "metrics": metrics_of(summary),
            "bundle_hash": summary.bundle.hash,
            "ended_at": int(now.timestamp() * 1e3),
        }
    )
    with stage_dir(paths.untracked / f"{now:%Y%m%dT%H%M%S%f}-{mark}") as folder:
        _copy_files(context, summary, folder)
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
        values, scored = _example(context)
        values.to_parquet(folder / "example.parquet")
        scored.to_parquet(folder / "scored.parquet")


def _example(context: Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    bundle = load_bundle(context.paths.train / "bundle")
    values = load_matrix(context.paths.matrix).values.head(_EXAMPLE_ROWS)
    probability, low, high = bundle.probability(values)
    scored = pd.DataFrame({"probability": probability, "probability_low": low, "probability_high": high})
    return values.fillna(dict.fromkeys(bundle.catalog.categories, "")), scored


def params_of(settings: TrainSettings, summary: SummaryRecord) -> dict[str, Any]:
    """What the run was asked to do and which model it chose."""
    return {
        **settings.model_dump(),
        "horizon_days": summary.horizon_days,
        "features": summary.bundle.features,
        "winner": summary.winner.name,
        "data_cutoff": summary.data_cutoff,
    }


def metrics_of(summary: SummaryRecord) -> dict[str, float]:
    """Every figure of the summary as a flat metric: ``test.booster.auc``, ``cv.linear.log_loss``, ..."""
    found: dict[str, Any] = {
        "base_rate": summary.base_rate,
        "cohort_rows": summary.cohort_rows,
        "matured_rows": summary.matured_rows,
    }
    for candidate in summary.candidates:
        row = dict(candidate)
        found |= {f"cv.{row['name']}.{k.removeprefix('cv_')}": v for k, v in row.items() if k.startswith("cv_")}

    for name, figures in summary.test.items():
        found |= _test_metrics(name, figures)

    for policy in summary.thresholds:
        found |= {f"policy.{policy['policy']}.{k}": policy[k] for k in _POLICY_FIGURES}
    found |= {f"seconds.{stage}": value for stage, value in summary.seconds.items()}
    return {_NOT_ALLOWED.sub("_", k): float(v) for k, v in found.items() if isinstance(v, int | float)}


def _test_metrics(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of one candidate on the test block; an interval is two metrics."""
    pairs: dict[str, Any] = {k: v for k, v in figures.items() if k.endswith("_ci")}
    found = {f"test.{name}.{k}": v for k, v in figures.items() if k not in pairs}
    for key, pair in pairs.items():
        if pair and None not in pair:
            figure = key.removesuffix("_ci")
            found |= {f"test.{name}.{figure}_low": pair[0], f"test.{name}.{figure}_high": pair[1]}
    return found
