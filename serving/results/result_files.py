"""What the last run left in its files: one that is missing or damaged takes its own part of a page, not the page."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from features.errors import DataError
from pipelines.artifacts.artifact import Artifact
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.workspace.atomic_files import closed_error
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp

T = TypeVar("T", bound=Artifact)

# those that pages read of the run itself
RUN_FILES: tuple[type[Artifact], ...] = (TrainRecord, BacktestRecord, EvaluationRecord, AuditRecord, ComparisonRecord)


@dataclass(frozen=True)
class ResultFile(Generic[T]):
    """What a file holds, None where there is none, or nothing is in it; ``problem`` where it cannot be read."""

    record: T | None = None
    problem: DataError | None = None

    def need(self) -> T | None:
        """The record; the DataError of a file that cannot be read."""
        if self.problem is not None:
            raise self.problem
        return self.record


def read_result(app_state: AppState, artifact: type[T]) -> ResultFile[T]:
    """What a stage left, read once per file; one that cannot be read is tried again: whoever lets us in changes no time
    of it.
    """
    paths = app_state.paths

    def read() -> ResultFile[T]:
        return ResultFile(artifact.read_if_any(paths) if artifact.exists(paths) else None)

    try:
        return app_state.results.get(f"file {artifact.FILE}", file_stamp(artifact.path(paths)), read)
    except DataError as problem:
        return ResultFile(problem=problem)
    except OSError:  # of the folder, which may not even be looked into
        return ResultFile(problem=closed_error(artifact.path(paths)))


def describe_unreadable(app_state: AppState) -> str:
    """Which file of the run cannot be read, and what to do; empty where all can."""
    found = (read_result(app_state, artifact).problem for artifact in RUN_FILES)
    return next((problem.message for problem in found if problem is not None), "")
