"""The whole pipeline on one source: stages in order, each timed; the report is always written."""

import time
from collections.abc import Callable
from typing import Any

from features.schema.vocabulary import Verdict
from pipelines.registry.champion import How, Move, ensure_pointer, keep_bundle, point_to, read_champion
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context

STAGES = (
    "ingest",
    "validate",
    "matrix",
    "audit",
    "backtest",
    "train",
    "evaluate",
    "thresholds",
    "score",
    "report",
)
TRACK = "track"
TRAINING_VERDICTS = frozenset(str(verdict) for verdict in Verdict)
Notify = Callable[[str, float], None]


def run_stage(context: Context, stage: str, seconds: dict[str, float] | None = None) -> dict[str, Any]:
    """Run one stage; what it writes it returns."""
    if stage == "ingest":
        from pipelines.stages.ingest import ingest

        return ingest(context.source, context.paths)
    if stage == "validate":
        from pipelines.stages.validate import validate

        return validate(context.source, context.paths)
    if stage == "report":
        from pipelines.stages.report import run_report

        return run_report(context, seconds)
    if stage == TRACK:
        from pipelines.tracking.mlflow_run import track_run

        return track_run(context, read_json(context.paths.reports / "summary.json"))
    return _learning_stage(stage)(context)


def _learning_stage(stage: str) -> Callable[[Context], dict[str, Any]]:
    if stage == "matrix":
        from pipelines.stages.matrix import build as found
    elif stage == "audit":
        from pipelines.stages.audit import run_audit as found
    elif stage == "backtest":
        from pipelines.stages.backtest import run_backtest_stage as found
    elif stage == "train":
        from pipelines.stages.train import run_train as found
    elif stage == "evaluate":
        from pipelines.stages.evaluate import run_evaluate as found
    elif stage == "thresholds":
        from pipelines.stages.thresholds import run_thresholds as found
    else:
        from pipelines.stages.score import run_score as found
    return found


def run_all(context: Context, notify: Notify | None = None, *, track: bool = True) -> dict[str, Any]:
    """Every stage in order, then MLflow; returns the summary's content.

    The first trained bundle of a source becomes its champion; a later one becomes the challenger, unless the
    champion no longer fits the declaration.

    Raises
    ------
    ContractError
        before anything is read, if a declared column may not be a feature.
    """
    from features.catalog.build_catalog import build_catalog

    build_catalog(context.source, context.rubric)
    for stage in (*STAGES, *((TRACK,) if track else ())):
        if notify is not None:
            notify(stage, -1.0)
        seconds = timed(context, stage)[1]
        if notify is not None:
            notify(stage, seconds)
    summary: dict[str, Any] = read_json(context.paths.reports / "summary.json")
    return summary


def timed(context: Context, stage: str) -> tuple[dict[str, Any], float]:
    """Run one stage and note how long it took, for ``summary.json``."""
    started = time.perf_counter()
    known: dict[str, float] = read_json(context.paths.seconds) if context.paths.seconds.exists() else {}
    result = run_stage(context, stage, {name: known[name] for name in STAGES if name in known})
    if stage == "train":
        result = {**result, "role": enter(context)}
    taken = round(time.perf_counter() - started, 2)
    write_json(context.paths.seconds, known | {stage: taken})
    return result, taken


def enter(context: Context) -> str | None:
    """Keep the trained bundle; make it champion if there is none or the champion no longer fits; returns its role.

    Both need a clean audit and a verdict that allows it. Any other bundle is a challenger, for the gate to judge.
    """
    from models.bundle import load_bundle
    from pipelines.registry.promotion_gate import fits, unclean_now

    folder = context.paths.train / "bundle"
    if not (folder / "bundle.json").exists():
        ensure_pointer(context.paths)
        return None
    bundle_hash = keep_bundle(context.paths, folder)
    now = read_champion(context.paths)
    if now is not None and now.hash == bundle_hash:
        return "champion"
    if (now is not None and fits(context, now.folder)) or unclean_now(context, load_bundle(folder)):
        ensure_pointer(context.paths)
        return "challenger"
    if now is None:
        move = Move(How.FIRST, "there was no champion; audit clean, verdict allows it")
    else:
        move = Move(How.DECLARATION, f"champion {now.hash[:12]} no longer fits the declaration")
    point_to(context.paths, bundle_hash, move)
    return "champion"


def exit_status(verdict: str) -> int:
    """Exit status of a finished run: verdicts that trained nothing are not success."""
    from features.errors import ExitStatus

    return int(
        {
            Verdict.LEAK: ExitStatus.LEAK,
            Verdict.NO_SIGNAL: ExitStatus.NO_SIGNAL,
            Verdict.TOO_LITTLE_DATA: ExitStatus.TOO_LITTLE_DATA,
        }.get(Verdict(verdict), ExitStatus.OK)
    )
