"""Runs and decisions that MLflow cannot take keep no others back: they are tried a few times, then set aside."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.registry.kept_decisions import decision_files, keep_decision
from pipelines.tracking.mlflow_decisions import tell_decisions
from pipelines.tracking.mlflow_patience import LateError
from pipelines.tracking.mlflow_run import track_run
from pipelines.tracking.untracked_runs import UntrackedRun, list_waiting
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths


class Refusing:
    """An MLflow that takes every run but those with a metric of -1."""

    def __init__(self) -> None:
        self.taken: list[dict[str, float]] = []
        self.problem: Exception = ValueError("no store takes this")

    def start_run(self, **_: Any) -> Any:
        return nullcontext(SimpleNamespace(info=SimpleNamespace(run_id=f"r{len(self.taken)}")))

    def log_metrics(self, metrics: dict[str, float], **_: Any) -> None:
        if -1.0 in metrics.values():
            raise self.problem
        self.taken.append(metrics)

    def log_params(self, *_: Any) -> None:
        pass

    def log_dict(self, *_: Any) -> None:
        pass


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Refusing:
    found = Refusing()
    client = SimpleNamespace(
        search_runs=lambda *_, **__: [], get_experiment_by_name=lambda _: SimpleNamespace(experiment_id="1")
    )

    @contextmanager
    def opened(_: Paths) -> Iterator[tuple[Any, Any]]:
        yield found, client

    for module in ("mlflow_run", "mlflow_decisions"):
        monkeypatch.setattr(f"pipelines.tracking.{module}.client_of", opened)
    monkeypatch.setattr("pipelines.tracking.mlflow_run.queue_run", lambda *_: None)
    monkeypatch.setattr("pipelines.tracking.mlflow_run.log_children", lambda *_: None)
    return found


@pytest.fixture
def context(tmp_path: Path) -> Any:
    paths = Paths(tmp_path, "mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mlflow.db").touch()
    return SimpleNamespace(paths=paths, source=SimpleNamespace(name="mine"))


def wait(context: Any, name: str, metric: float) -> None:
    """A run that waits to be told."""
    values: dict[str, Any] = {"run_name": name, "tags": {}, "params": {}, "bundle_hash": None, "ended_at": 0}
    run = UntrackedRun.of(values | {"metrics": {"auc": metric}})
    write_json(context.paths.untracked / name / "run.json", run.record())


def test_a_run_that_mlflow_cannot_take_keeps_no_other_back_and_is_set_aside(
    mlflow: Refusing, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored: list[object] = []
    monkeypatch.setattr("pipelines.tracking.mlflow_run.mirror", lambda *given: mirrored.append(given))
    wait(context, "1", -1.0)
    for number, metric in enumerate((0.5, 0.6)):
        wait(context, f"2{number}", metric)
        told = track_run(context, None)  # type: ignore[arg-type]  # what is told waits already
        assert (told.waiting, told.run_id) == (1, f"r{number}")
        assert "does not take run 1: ValueError: no store takes this" in told.sentence
    mlflow.problem = ConnectionError("away")
    wait(context, "30", 0.7)
    assert track_run(context, None).waiting == 2, "where it is away nothing is tried"  # type: ignore[arg-type]
    mlflow.problem = ValueError("no store takes this")
    last = track_run(context, None)  # type: ignore[arg-type]
    assert (last.waiting, len(mirrored)) == (0, 3) and "set aside" in last.sentence and "wait" not in last.sentence
    assert [one["auc"] for one in mlflow.taken] == [0.5, 0.6, 0.7]
    assert [one.name for one in (context.paths.untracked / ".aside").iterdir()] == ["1"]
    assert not list_waiting(context.paths) and track_run(context, None).problem == ""  # type: ignore[arg-type]


def test_a_run_that_takes_too_long_by_itself_is_set_aside_and_keeps_no_other_back(
    mlflow: Refusing, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[None] = []
    monkeypatch.setattr("pipelines.tracking.mlflow_run.mirror", lambda *_: None)
    monkeypatch.setattr("pipelines.tracking.mlflow_run.renew_patience", lambda: begun.append(None))
    mlflow.problem = LateError(20.0)
    wait(context, "1", -1.0)
    alone = [track_run(context, None) for _ in range(4)]  # type: ignore[arg-type]
    assert {one.waiting for one in alone} == {1}, "nothing says that it is not the server"
    for name in ("2", "3"):
        wait(context, name, 0.5)
        told = track_run(context, None)  # type: ignore[arg-type]
        assert told.waiting == 1 and told.run_id and "does not take run 1: the MLflow server was not" in told.sentence
    wait(context, "4", 0.5)
    begun.clear()
    last = track_run(context, None)  # type: ignore[arg-type]
    assert last.waiting == 0 and "set aside" in last.sentence and len(mlflow.taken) == 3
    assert len(begun) == 3, "each run has its own time, and what follows them"


def test_a_server_that_is_too_slow_for_every_run_is_asked_for_two_and_loses_none(
    mlflow: Refusing, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(mlflow, "log_params", asked.append)
    mlflow.problem = LateError(20.0)
    for number in range(4):
        wait(context, str(number), -1.0)
    told = [track_run(context, None) for _ in range(4)]  # type: ignore[arg-type]
    assert {one.waiting for one in told} == {4} and "not done within 20 s" in told[-1].problem
    assert len(asked) == 2 * len(told)


@pytest.mark.parametrize("server", [True, False])
def test_many_runs_that_wait_for_a_slow_server_keep_nobody_for_longer_than_four(
    mlflow: Refusing, context: Any, monkeypatch: pytest.MonkeyPatch, server: bool
) -> None:
    clock = iter(range(0, 10_000, 29))
    monkeypatch.setenv("LEADSCORE_TRACK_SECONDS", "30")
    monkeypatch.setattr("pipelines.tracking.mlflow_run.time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setattr("pipelines.tracking.mlflow_run.mirror", lambda *_: None)
    monkeypatch.setattr("pipelines.tracking.mlflow_run.is_on_server", lambda: server)
    for number in range(10):
        wait(context, str(number), float(number))
    if not server:  # nobody is waited for
        assert track_run(context, None).waiting == 0 and len(mlflow.taken) == 10  # type: ignore[arg-type]
        return
    told = [track_run(context, None) for _ in range(3)]  # type: ignore[arg-type]
    assert [one.waiting for one in told] == [6, 2, 0] and mlflow.taken == [{"auc": float(k)} for k in range(10)]
    assert "took over 120 s for runs that waited" in told[0].problem and told[0].run_id is None
    assert not told[2].problem and told[2].run_id is not None


def test_a_decision_that_mlflow_cannot_take_keeps_no_other_back(mlflow: Refusing, context: Any) -> None:
    for won in (-1, 3):
        keep_decision(context.paths, {"kind": "promote", "decision": "kept back", "gate": {"won": won}})
    said = [tell_decisions(context) for _ in range(4)]
    assert all("does not take decision" in text for text in said[:3]) and said[3] == "", "not tried for good"
    assert [bool(read_json(file)["run_id"]) for file in decision_files(context.paths)] == [False, True]
