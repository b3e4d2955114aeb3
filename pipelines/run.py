"""The whole pipeline on one source: stages in order, each timed; the report is always written."""

import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Record
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.feeds.stage_times import note_stage
from pipelines.registry.champion import MoveKind, PointerMove, ensure_pointer, keep_bundle, point_to, read_champion
from pipelines.stages.stage_table import STAGES, TRACK, stage
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.folder_owner import claim_folder

RUN = tuple(name for name in STAGES if name != TRACK)  # tracking comes last, where it is asked for
TRAINING_VERDICTS = frozenset(str(verdict) for verdict in Verdict)
Notify = Callable[[str, float], None]


@dataclass(frozen=True)
class StageRun:
    """What a stage left, the seconds it took and, of training, the new bundle's role (champion or challenger)."""

    left: Record
    seconds: float
    role: str | None = None

    def record(self) -> dict[str, Any]:
        """JSON-ready: the artifact, and of training the role, None where no bundle was trained."""
        return self.left.record() | ({"role": self.role} if isinstance(self.left, TrainRecord) else {})


def run_all(context: Context, notify: Notify | None = None, *, track: bool = True) -> SummaryRecord:
    """Every stage in order, then MLflow; returns the summary.

    The first trained bundle of a source becomes its champion; a later one becomes the challenger, unless the
    champion no longer fits the declaration.

    Raises
    ------
    ContractError
        before anything is read, if a declared column may not be a feature.
    """
    from features.catalog.build_catalog import build_catalog

    build_catalog(context.source, context.rubric)
    for name in (*RUN, *((TRACK,) if track else ())):
        if notify is not None:
            notify(name, -1.0)
        seconds = run_stage(context, name).seconds
        if notify is not None:
            notify(name, seconds)
    return SummaryRecord.read(context.paths)


def run_stage(context: Context, name: str) -> StageRun:
    """Run one stage and note how long it took, for ``summary.json``.

    Raises
    ------
    ContractError : there is no such stage
    """
    chosen = stage(name)
    started = time.perf_counter()
    known: dict[str, float] = read_json(context.paths.seconds) if context.paths.seconds.exists() else {}

    left = chosen.function(context, {one: known[one] for one in RUN if one in known})
    claim_folder(context.paths, context.source_path)  # not before: a stage that fails leaves nothing behind
    role = register_trained_bundle(context) if name == "train" else None

    taken = round(time.perf_counter() - started, 2)
    write_json(context.paths.seconds, known | {name: taken})
    note_stage(context.paths, name, taken)
    release_memory()
    return StageRun(left, taken, role)


def release_memory() -> None:
    """Give freed memory back; allocators keep it otherwise, and a run's peak would be the sum of its stages' scraps."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


def register_trained_bundle(context: Context) -> str | None:
    """Keep the trained bundle; make it champion if there is none or the champion no longer fits; returns its role.

    Both need a clean audit and a verdict that allows it. Any other bundle is a challenger, for the gate to judge.
    """
    from models.bundle import load_bundle
    from pipelines.feeds.feed_profiles import keep_feed_profile
    from pipelines.registry.promotion_gate import fits, reasons_not_clean

    points = register_points(context)
    folder = context.paths.train / "bundle"
    if not (folder / "bundle.json").exists():
        ensure_pointer(context.paths)
        return points
    bundle_hash = keep_bundle(context.paths, folder)
    keep_feed_profile(context, load_bundle(folder))
    now = read_champion(context.paths)
    if now is not None and now.hash == bundle_hash:
        return "champion"
    kept_back = (now is not None and fits(context, now.folder)) or context.source.mode == "points"
    if kept_back or reasons_not_clean(context, load_bundle(folder)):
        ensure_pointer(context.paths)
        return "challenger"
    if now is None:
        move = PointerMove(MoveKind.FIRST, "there was no champion; audit clean, verdict allows it")
    else:
        move = PointerMove(MoveKind.DECLARATION, f"champion {now.hash[:12]} no longer fits the declaration")
    point_to(context.paths, bundle_hash, move)
    return "champion"


def register_points(context: Context) -> str | None:
    """Where points are to score alone: the rubric's bundle is kept, and made champion unless a model is one already.

    A model gives way where the source declares ``mode: points``, or where it no longer fits the declaration; points of
    an older version of the rubric always do. Returns the bundle's role, None where there is none.
    """
    from models.bundle import load_bundle
    from pipelines.registry.promotion_gate import fits

    folder = context.paths.train / "points"
    if not (folder / "bundle.json").exists():
        return None
    bundle_hash = keep_bundle(context.paths, folder)
    now = read_champion(context.paths)
    if now is not None and now.hash == bundle_hash:
        return "champion"
    why = str(load_bundle(folder).meta.get("verdict_text") or "")
    if now is None:
        move = PointerMove(MoveKind.FIRST, f"points score alone: {why}")
    elif context.source.mode == "points" or not fits(context, now.folder):
        move = PointerMove(MoveKind.DECLARATION, f"points score alone: {why}")
    elif load_bundle(now.folder, now.hash).by_points:
        move = PointerMove(MoveKind.DECLARATION, f"points score alone, as of this run: {why}")
    else:
        return "challenger"
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
