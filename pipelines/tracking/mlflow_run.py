"""MLflow: a run per training with what was asked, what came out and how it looked; the registry's aliases.

MLflow may be away, locked or full: what it was not told waits (:mod:`pipelines.tracking.untracked_runs`), and a run
loses neither its summary nor its exit status over it.
"""

import math
import shutil
import time
from collections.abc import Mapping
from typing import Any

from features.errors import LeadScoreError
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.tracking_record import TrackRecord
from pipelines.tracking.mlflow_client import client_of, experiment_of, is_away, is_on_server, place_mark
from pipelines.tracking.mlflow_details import PARENT, log_children, log_data
from pipelines.tracking.mlflow_names import HASH_TAG, PLACE_TAG
from pipelines.tracking.mlflow_patience import TrackLimits, is_late, renew_patience
from pipelines.tracking.mlflow_versions import mirror, register_bundle
from pipelines.tracking.untracked_runs import WaitingRun, list_waiting, note_failure, queue_run
from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.hidden_passwords import hide_passwords
from pipelines.workspace.paths import Paths

_WAITING_TAG = "leadscore.run"
_LONGEST = 300  # characters of what MLflow says is wrong
_RUNS_OF_A_CALL = 4  # as slow ones as are waited for at most: what waits must not keep the run of today for long
_NOTHING = {"run_id": None, "model": None, "version": None}


class _Sent:
    """What became of the runs that wait: what the newest is known by, which comes last, and the first that went wrong.

    A run that was not taken in time is known to be the cause itself once the next is taken; two in a row say that the
    server is slow, and so does one that none comes after.
    """

    def __init__(self) -> None:
        self.told: dict[str, Any] | None = None
        self.problem = ""
        self._late: tuple[WaitingRun, Exception] | None = None

    def note_taken(self, told: dict[str, Any]) -> None:
        """A run was taken."""
        self.told = told
        if self._late is not None:
            waiting, error = self._late
            self._late = None
            self._count(waiting, error)

    def note_refused(self, waiting: WaitingRun, error: Exception) -> None:
        """A run was not taken; raises what went wrong where no other would be."""
        self.told = None
        late = is_late(error)
        if (late and self._late is not None) or (is_away(error) and not late):
            raise error
        if late:
            self._late = waiting, error
        else:
            self._count(waiting, error)

    def leave_rest(self, seconds: float) -> None:
        """No more is told, although the server takes what it is told."""
        self.told = None
        slow = f"the MLflow server took over {seconds:g} s for runs that waited; 'leadscore track' tells it the others"
        self.problem = self.problem or slow

    def end(self) -> None:
        """All were tried; raises what went wrong if the last was not taken in time."""
        if self._late is not None:
            raise self._late[1]

    def _count(self, waiting: WaitingRun, error: Exception) -> None:
        said = note_failure(waiting, describe_failure(error))
        self.problem = self.problem or said


def track_run(context: Context, summary: SummaryRecord) -> TrackRecord:
    """Log one finished run, and those before it that MLflow was not told of; writes ``track/run.json``.

    Runs that trained nothing (leak, no signal, too little data) are logged too, without a model. Whatever is wrong
    with MLflow becomes the record's ``problem``: the runs wait for the next call. A run that MLflow cannot take keeps
    none of the others back; after a few calls it is set aside. Each has its own time to be told in; where all that
    wait take four times as long, the rest waits for the next call.
    """
    queue_run(context, summary)
    sent, given = _Sent(), _RUNS_OF_A_CALL * TrackLimits().seconds
    try:
        with client_of(context.paths) as (mlflow, client):
            experiment = experiment_of(client, context.paths)
            _end_killed_runs(client, experiment, context.paths)
            until = time.monotonic() + given if is_on_server() else math.inf
            for waiting in list_waiting(context.paths):
                if time.monotonic() > until:
                    sent.leave_rest(given)
                    break
                renew_patience()
                try:
                    told = _send(mlflow, client, context, experiment, waiting)
                    shutil.rmtree(waiting.folder)
                except Exception as error:
                    sent.note_refused(waiting, error)
                else:
                    sent.note_taken(told)
            renew_patience()
            sent.end()
            mirror(mlflow, client, context)
    except Exception as error:  # MLflow raises what its stores, its transport and its parsers do
        sent.problem = describe_failure(error)

    store = "server" if is_on_server() else "mlflow.db"
    found = {"experiment": context.source.name, "store": store, **(sent.told or _NOTHING)}
    record = TrackRecord.of(found | {"waiting": len(list_waiting(context.paths)), "problem": sent.problem})
    with stage_dir(context.paths.track) as folder:
        record.write(folder)
    return record


def describe_failure(error: Exception) -> str:
    """What is wrong with MLflow in one line, without passwords."""
    if isinstance(error, LeadScoreError):
        return hide_passwords(error.message)
    first = (str(error).splitlines() or [""])[0]
    return hide_passwords(f"{type(error).__name__}: {first}")[:_LONGEST]


def _log_churn(mlflow: Any, client: Any, context: Context, moved: dict[str, Any]) -> None:
    """Who moved with a promotion or a rollback: figures as metrics, the whole report as a file."""
    tags = {"kind": "promotion", "source": context.source.name, HASH_TAG: moved["challenger"]}
    tags |= {"previous": moved["champion"] or "", "how": moved.get("how", ""), PLACE_TAG: place_mark(context.paths)}
    started = mlflow.start_run(
        experiment_id=experiment_of(client, context.paths),
        run_name=f"{context.source.name} {moved.get('how', 'promotion')} {str(moved['challenger'])[:12]}",
        tags=tags,  # from the beginning: one that is killed is found by them
    )
    with started:
        mlflow.log_metrics(churn_metrics(moved))
        mlflow.log_dict(moved, "promotion/churn.json")


def churn_metrics(moved: dict[str, Any]) -> dict[str, float]:
    """The figures of a churn report as flat metrics: ``churn.moved``, ``churn.mql.up``, ..."""
    churn = moved["churn"]
    if churn is None:
        return {}
    names = ("leads", "moved", "entering", "median_change", "rank_correlation")
    found = {f"churn.{name}": churn[name] for name in names if churn[name] is not None}
    for row in churn["thresholds"]:
        found |= {f"churn.{row['name']}.{side}": row[side] for side in ("before", "after", "up", "down")}
    return {name: float(value) for name, value in found.items()}


def mirror_aliases(context: Context, moved: dict[str, Any] | None = None) -> str:
    """Set the registry's aliases to what the champion pointer says; without a server, only where a run was tracked yet.

    ``moved`` is the churn report of the move that led there: it becomes a run of its own in the source's experiment.
    Returns what is wrong with MLflow, empty if nothing is: the pointer counts, and the next run mirrors it.
    """
    if not is_on_server() and not (context.paths.data_dir / "mlflow.db").exists():
        return ""
    try:
        with client_of(context.paths) as (mlflow, client):
            mirror(mlflow, client, context)
            if moved is not None:
                _log_churn(mlflow, client, context, moved)
    except Exception as error:  # as above
        return describe_failure(error)
    return ""


def _end_killed_runs(client: Any, experiment: str, paths: Paths) -> None:
    """End the runs that a process of this data directory began and was killed over; they would run for ever.

    Their finished children end with them: the run is told again, with children of its own.
    """
    asked = f"attributes.status = 'RUNNING' and tags.`{PLACE_TAG}` = '{place_mark(paths)}'"
    for run in client.search_runs([experiment], filter_string=asked):
        for child in client.search_runs([experiment], filter_string=f"tags.`{PARENT}` = '{run.info.run_id}'"):
            client.set_terminated(child.info.run_id, status="KILLED")
        client.set_terminated(run.info.run_id, status="KILLED")


def _send(mlflow: Any, client: Any, context: Context, experiment: str, waiting: WaitingRun) -> dict[str, Any]:
    """Log a run, unless a process that was killed before it could say so has done it."""
    name = waiting.folder.name
    asked = f"attributes.status = 'FINISHED' and tags.`{_WAITING_TAG}` = '{name}'"
    registered: Mapping[str, str | None] = {"model": None, "version": None}
    done = client.search_runs([experiment], filter_string=asked, max_results=1)
    if done:
        return {"run_id": done[0].info.run_id, **registered}

    values = waiting.values
    marks = {_WAITING_TAG: name, PLACE_TAG: place_mark(context.paths)}
    with mlflow.start_run(experiment_id=experiment, run_name=values.run_name, tags=values.tags | marks) as run:
        mlflow.log_params(values.params)
        mlflow.log_metrics(values.metrics, timestamp=values.ended_at)
        for part in ("report", "plots", "declaration"):
            if (waiting.folder / part).is_dir():
                mlflow.log_artifacts(str(waiting.folder / part), part)
        for data in values.inputs:
            log_data(mlflow, data, values.tags)
        if values.bundle_hash:
            registered = register_bundle(mlflow, client, context, waiting.bundle, example=waiting.example)
        log_children(client, run, values, marks[PLACE_TAG])
    return {"run_id": run.info.run_id, **registered}
