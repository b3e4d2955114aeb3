"""What MLflow is told of a run as values: parameters, metrics, data sets, and a child run per candidate and trial."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from features.catalog.feature import FeatureType
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.backtest_record import BacktestRecord, read_trials
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.workspace.atomic_files import hash_stream, read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog, load_chop
from pipelines.workspace.paths import Paths

KIND = "kind"  # tag: training, candidate, trial; promotions and decisions have runs of their own
_POLICY_FIGURES: tuple[Literal["workload", "wins", "precision", "recall"], ...] = (
    "workload",
    "wins",
    "precision",
    "recall",
)
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")
_DIGEST = 32  # of 64 characters of a SHA-256: MLflow takes 36 at most


class ChildRun(Record):
    """A run below a training: a candidate, or a trial of the booster's parameters."""

    name: str
    kind: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str] = Field(default_factory=dict)


class DataInput(Record):
    """Rows a run learned from or was tested on: how many, and a digest of all values; no row of them.

    ``columns`` are the features with the type MLflow calls them by.
    """

    context: str
    digest: str
    rows: int
    won: int
    columns: tuple[tuple[str, str], ...]


def params_of(context: Context, summary: SummaryRecord) -> dict[str, Any]:
    """What the run was asked to do, settings, label, cohort and split included, and which model it chose."""
    source = context.source
    declared: dict[str, BaseModel] = {"split": source.split}
    declared |= {"label": source.label, "cohort": source.cohort} if source.flat is None else {"flat": source.flat}
    found: dict[str, Any] = {
        f"{part}.{name}": value
        for part, one in declared.items()
        for name, value in one.model_dump(mode="json").items()
        if value is not None
    }
    return {
        **context.settings.model_dump(),
        **found,
        "horizon_days": summary.horizon_days,
        "features": summary.bundle.features,
        "winner": summary.winner.name,
        "data_cutoff": summary.data_cutoff,
        "framework": source.framework,
        "rubric": source.rubric,
    }


def metrics_of(summary: SummaryRecord) -> dict[str, float]:
    """The chosen model's figures under names of their own (``test.auc``), and every figure of the summary as a flat
    metric: ``test.booster.auc``, ``cv.linear.log_loss``, ...
    """
    found: dict[str, Any] = {"cohort_rows": summary.cohort_rows, "matured_rows": summary.matured_rows}
    for candidate in summary.candidates:
        row = dict(candidate)
        found |= {f"cv.{row['name']}.{k.removeprefix('cv_')}": v for k, v in row.items() if k.startswith("cv_")}

    for name, figures in summary.test.items():
        found |= _test_metrics(f"test.{name}.", figures)

    for policy in summary.thresholds:
        found |= {f"policy.{policy['policy']}.{k}": policy[k] for k in _POLICY_FIGURES}
    found |= {f"seconds.{stage}": value for stage, value in summary.seconds.items()}
    return _as_metrics(found | summary.headline())


def children_of(context: Context, summary: SummaryRecord) -> tuple[ChildRun, ...]:
    """The candidates, and the trials of the booster's parameters; none where nothing was judged.

    Their metrics begin with ``candidate.`` and ``trial.``: a list of trainings that is sorted by ``test.log_loss`` must
    not mix them in.
    """
    backtest = BacktestRecord.read(context.paths)
    found = []
    for candidate in summary.candidates:
        row = dict(candidate)
        name = str(row["name"])
        metrics = {f"candidate.cv.{k.removeprefix('cv_')}": v for k, v in row.items() if k.startswith("cv_")}
        metrics |= _test_metrics("candidate.test.", summary.test.get(name, {}))
        parameters = backtest.booster_parameters if name == "booster" else {}
        weights = backtest.blend_weights if name == "blend" else {}
        found.append(
            ChildRun(
                name=name,
                kind="candidate",
                params={**parameters, **{f"weight.{k}": v for k, v in weights.items()}},
                metrics=_as_metrics(metrics),
                tags={"chosen": str(name == summary.winner.name).lower()},
            )
        )
    for k, trial in enumerate(read_trials(context.paths), start=1):
        found.append(
            ChildRun(
                name=f"trial {k}",
                kind="trial",
                params={"search": trial["search"], **trial["parameters"]},
                metrics=_as_metrics({"trial.log_loss": trial["log_loss"], "trial.rows": trial["rows"]}),
            )
        )
    return tuple(found)


def data_inputs(paths: Paths) -> tuple[DataInput, ...]:
    """Training and test rows of the matrix, as it was split; none where it was not."""
    if not (paths.matrix / "chop.json").exists():
        return ()
    final = load_chop(paths.matrix).final
    label = read_parquet(paths.matrix / "matrix_keys.parquet")["label"].to_numpy(dtype=np.float64)
    digest = hashlib.sha256()
    for name in ("matrix_values.parquet", "matrix_keys.parquet"):
        with (paths.matrix / name).open("rb") as file:
            digest.update(hash_stream(file).encode())

    columns = tuple(
        (feature.name, "string" if feature.type is FeatureType.CATEGORY else "double")
        for feature in load_catalog(paths.matrix)
    )
    found = []
    for part, rows in (("training", final.train), ("test", final.test)):
        own = digest.copy()
        own.update(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
        found.append(
            DataInput(
                context=part,
                digest=own.hexdigest()[:_DIGEST],
                rows=len(rows),
                won=int(label[rows].sum()),
                columns=columns,
            )
        )
    return tuple(found)


def _as_metrics(figures: Mapping[str, Any]) -> dict[str, float]:
    return {_NOT_ALLOWED.sub("_", k): float(v) for k, v in figures.items() if isinstance(v, int | float)}


def _test_metrics(prefix: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of one candidate on the test block; an interval is two metrics."""
    pairs: dict[str, Any] = {k: v for k, v in figures.items() if k.endswith("_ci")}
    found = {f"{prefix}{k}": v for k, v in figures.items() if k not in pairs}
    for key, pair in pairs.items():
        if pair and None not in pair:
            figure = key.removesuffix("_ci")
            found |= {f"{prefix}{figure}_low": pair[0], f"{prefix}{figure}_high": pair[1]}
    return found
