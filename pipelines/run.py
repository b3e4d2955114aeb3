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
from pipelines.feeds.stage_times import note_stage, read_seconds
from pipelines.stages.stage_table import STAGES, TRACK, stage
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.context import Context
from pipelines.workspace.folder_owner import claim_folder

RUN = tuple(name for name in STAGES if name != TRACK)  # tracking comes last, where it is asked for
TRAINING_VERDICTS = frozenset(str(verdict) for verdict in Verdict)
Notify = Callable[[str, float], None]


@dataclass(frozen=True)
class StageRun:
    """What a stage left, and the seconds it took."""

    left: Record
    seconds: float

    def record(self) -> dict[str, Any]:
        """JSON-ready: the artifact."""
        return self.left.record()


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
    known = read_seconds(context.paths)

    left = chosen.function(context, {one: known[one] for one in RUN if one in known})
    claim_folder(context.paths, context.source_path)  # not before: a stage that fails leaves nothing behind

    taken = round(time.perf_counter() - started, 2)
    write_json(context.paths.seconds, known | {name: taken})
    note_stage(context.paths, name, taken)
    release_memory()
    return StageRun(left, taken)


def release_memory() -> None:
    """Give freed memory back; allocators keep it otherwise, and a run's peak would be the sum of its stages' scraps."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


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
