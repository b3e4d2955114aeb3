"""The stages of a run, in order: the one table that ``run``, the command line and ``dvc.yaml`` are checked against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from features.errors import ContractError

if TYPE_CHECKING:
    from pipelines.artifacts.artifact import Record
    from pipelines.workspace.context import Context

Seconds = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: what it does, what it reads, what it leaves.

    Parameters
    ----------
    function : called with the context and the seconds the other stages took; returns the main artifact it left
    inputs : names of the earlier stages whose artifacts it reads
    artifacts : what it leaves, relative to the source's directory; a folder stands for all that is in it
    params : sections of ``params.yaml`` that change what it computes
    champion : whether it reads the champion's pointer
    """

    name: str
    purpose: str
    function: Callable[["Context", Seconds], "Record"]
    inputs: tuple[str, ...] = ()
    artifacts: tuple[str, ...]
    params: tuple[str, ...] = ()
    champion: bool = False


def stage(name: str) -> Stage:
    """The stage of that name.

    Raises
    ------
    ContractError : there is no such stage; names the known ones
    """
    if name not in STAGES:
        raise ContractError(f"there is no stage '{name}'; stages: {', '.join(STAGES)}.")
    return STAGES[name]


# What a stage runs is imported when it runs: the command line starts without pandas.


def _ingest(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.ingest import ingest

    return ingest(context.source, context.paths)


def _validate(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.validate import validate

    return validate(context.source, context.paths)


def _matrix(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.matrix import build

    return build(context)


def _audit(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.audit import run_audit

    return run_audit(context)


def _backtest(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.backtest import run_backtest_stage

    return run_backtest_stage(context)


def _train(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.train import run_train

    return run_train(context)


def _register(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.register_bundle import run_register

    return run_register(context)


def _evaluate(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.evaluate import run_evaluate

    return run_evaluate(context)


def _thresholds(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.thresholds import run_thresholds

    return run_thresholds(context)


def _score(context: "Context", _: Seconds) -> "Record":
    from pipelines.stages.score import run_score

    return run_score(context)


def _report(context: "Context", seconds: Seconds) -> "Record":
    from pipelines.stages.report import run_report

    return run_report(context, seconds)


def _track(context: "Context", _: Seconds) -> "Record":
    from pipelines.artifacts.summary_record import SummaryRecord
    from pipelines.tracking.mlflow_run import track_run

    return track_run(context, SummaryRecord.read(context.paths))


TRACK = "track"
_IN_ORDER = (
    Stage(
        name="ingest",
        purpose="Read a source's files into the canonical tables; bad rows go to quarantine.",
        function=_ingest,
        artifacts=("ingest",),
    ),
    Stage(
        name="validate",
        purpose="Check the kept rows against the contract; write a page about it.",
        function=_validate,
        inputs=("ingest",),
        artifacts=("validate",),
    ),
    Stage(
        name="matrix",
        purpose="Build features, labels and the split.",
        function=_matrix,
        inputs=("ingest",),
        artifacts=("matrix",),
        params=("leadscore",),
    ),
    Stage(
        name="audit",
        purpose="Name columns that carry the outcome.",
        function=_audit,
        inputs=("ingest", "matrix"),
        artifacts=("audit",),
    ),
    Stage(
        name="backtest",
        purpose="Judge all candidates on rolling origins.",
        function=_backtest,
        inputs=("ingest", "matrix", "audit"),
        artifacts=("backtest",),
        params=("leadscore",),
    ),
    Stage(
        name="train",
        purpose="Fit the evaluated twin and the bundle.",
        function=_train,
        inputs=("ingest", "matrix", "audit", "backtest"),
        artifacts=("train",),
        params=("leadscore",),
    ),
    Stage(
        name="register",
        purpose="Keep the trained bundle; the first clean one becomes the champion.",
        function=_register,
        inputs=("matrix", "audit", "train"),
        artifacts=("champion.json", "bundles"),
    ),
    Stage(
        name="evaluate",
        purpose="Test figures of every candidate on the final block.",
        function=_evaluate,
        inputs=("ingest", "matrix", "backtest", "train"),
        artifacts=("evaluate",),
        params=("leadscore",),
    ),
    Stage(
        name="thresholds",
        purpose="Rubric against model at equal workload, a threshold with a promise, capacity and the rubric's rules.",
        function=_thresholds,
        inputs=("ingest", "matrix", "train", "evaluate"),
        artifacts=("thresholds",),
        params=("leadscore",),
    ),
    Stage(
        name="score",
        purpose="Score the source's open leads; with --input, the leads of a file (one row out per row in).",
        function=_score,
        inputs=("ingest", "matrix", "train", "thresholds"),
        artifacts=("score",),
        champion=True,
    ),
    Stage(
        name="report",
        purpose="Write the report and summary.json from what the other stages left.",
        function=_report,
        inputs=(
            "ingest",
            "validate",
            "matrix",
            "audit",
            "backtest",
            "train",
            "evaluate",
            "thresholds",
            "score",
        ),
        artifacts=(
            "reports/report.html",
            "reports/summary.json",
            "reports/metrics.json",
            "reports/plots/calibration.json",
            "reports/plots/roc.json",
            "reports/plots/thresholds.json",
            "reports/plots/wins_by_workload.json",
        ),
        params=("monitor", "gate"),
        champion=True,
    ),
    Stage(
        name=TRACK,
        purpose="Log the last report to MLflow, register its bundle, mirror the aliases.",
        function=_track,
        inputs=("matrix", "audit", "backtest", "train", "evaluate", "thresholds", "score", "report"),
        artifacts=("track",),
        champion=True,
    ),
)
STAGES: Mapping[str, Stage] = MappingProxyType({one.name: one for one in _IN_ORDER})
