"""What the page of the first run shows, worked out before its template."""

import time
from dataclasses import dataclass
from typing import Any

from pipelines.declaring.confirming.guess_record import GuessedColumn, GuessedFiles
from pipelines.workspace.paths import Paths
from serving.auth.api_keys import Caller
from serving.first_run.attempt import Attempt, Step, verdict_of
from serving.first_run.first_run import FirstRun
from serving.first_run.run_child import STAGES
from serving.problems import ServingError
from serving.state.app_state import AppState

_STEPS = ("files", "columns", "run", "scores")
_ASKED_FIRST = ("leave_out", "sensitive")  # uses that somebody should look at
_MANY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Job:
    """A stage of the run: ``done``, ``now`` or ``wait``, and its seconds once it is done."""

    name: str
    state: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class SetupRecord:
    """The page: ``view`` is what stands on it, ``step`` the place among the four steps."""

    view: str
    step: int
    attempt: Attempt | None
    may_load: bool
    refused: str
    jobs: tuple[Job, ...] = ()
    done: int = 0
    seconds: int = 0
    asked: tuple[tuple[int, GuessedColumn], ...] = ()
    certain: tuple[tuple[int, GuessedColumn], ...] = ()
    ready: bool = False
    verdict: str = ""
    verdict_text: str = ""
    has_report: bool = False
    needs_dates: bool = False
    missing: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether the page changes by itself."""
        return self.view in ("reading", "running")


def build_setup(app_state: AppState, first_run: FirstRun, caller: Caller) -> SetupRecord:
    """The page for a caller."""
    refused = ""
    try:
        first_run.check(caller)
    except ServingError as problem:
        refused = problem.code
    attempt = first_run.attempt()
    paths = _paths_of(app_state, attempt)
    ended_without = attempt is not None and attempt.step is Step.DONE and bool(attempt.verdict)
    summary = None if paths is None or (app_state.ready and not ended_without) else verdict_of(paths)
    common: dict[str, Any] = {
        "attempt": attempt,
        "may_load": not refused,
        "refused": refused,
        "ready": app_state.ready,
        "verdict": "" if summary is None else str(summary.verdict),
        "verdict_text": "" if summary is None else summary.verdict_text,
        "has_report": app_state.ready or summary is not None,
    }
    led_here = attempt is not None and attempt.step is Step.DONE and app_state.ready
    if attempt is None or (refused and not attempt.busy and not led_here):
        return SetupRecord(view="files", step=0, **common)
    if attempt.busy:
        view = "reading" if attempt.step is Step.READING else "running"
        jobs = _jobs(attempt) if view == "running" else ()
        return SetupRecord(
            view=view,
            step=0 if view == "reading" else 2,
            jobs=jobs,
            done=len(attempt.seconds),
            seconds=max(int(time.time() - attempt.began), 0),
            **common,
        )
    if attempt.step is Step.CONFIRMING and attempt.guesses is not None:
        return SetupRecord(view="columns", step=1, **_columns(attempt.guesses), **common)
    if attempt.step is Step.DONE:
        return SetupRecord(
            view="done", step=3 if app_state.ready and not attempt.verdict else 2, jobs=_jobs(attempt), **common
        )
    return SetupRecord(view="files", step=0, **common)


def _paths_of(app_state: AppState, attempt: Attempt | None) -> Paths | None:
    """Of the source whose last run is told: the attempt's, else the server's."""
    if attempt is not None and attempt.step is Step.DONE and attempt.source:
        return Paths(app_state.settings.data_dir, attempt.source)
    return app_state.paths if attempt is None else None


def _columns(guesses: GuessedFiles) -> dict[str, Any]:
    numbered = [(k, column) for k, column in enumerate(guesses.columns) if column.use != "key"]
    asked = [(k, c) for k, c in numbered if c.use in _ASKED_FIRST]
    missing = [name for name, known in (("outcome", guesses.status), ("id", guesses.lead_id)) if known is None]
    if guesses.status is not None and not (guesses.won and guesses.lost):
        missing.append("sides")
    if guesses.status is not None and not guesses.open:
        missing.append("open")
    return {
        "asked": tuple(asked),
        "certain": tuple((k, c) for k, c in numbered if c.use not in _ASKED_FIRST),
        "needs_dates": bool(guesses.ambiguous),
        "missing": tuple(missing) if guesses.kind != "several" else (),
    }


def _jobs(attempt: Attempt) -> tuple[Job, ...]:
    return tuple(
        Job(
            name=name,
            state="done" if name in attempt.seconds else "now" if name == attempt.stage else "wait",
            seconds=attempt.seconds.get(name),
        )
        for name in STAGES
    )
