"""The decisions on record as runs of their own in MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import DataError
from pipelines.registry.kept_decisions import decision_files
from pipelines.tracking.mlflow_client import client_of, experiment_of, is_away, is_on_server, place_mark
from pipelines.tracking.mlflow_names import HASH_TAG, PLACE_TAG
from pipelines.tracking.mlflow_run import describe_failure
from pipelines.tracking.untracked_runs import MOST_TRIES
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context

DECISION_TAG = "leadscore.decision"  # a run's tag: the name of the decision's file


def tell_decisions(context: Context) -> str:
    """Log the decisions MLflow was not told of, each once; returns what is wrong with MLflow, empty if nothing is.

    One that MLflow cannot take keeps none of the others back, and is not tried for good.
    """
    if not is_on_server() and not (context.paths.data_dir / "mlflow.db").exists():
        return ""
    try:
        waiting = [
            (file, record)
            for file in decision_files(context.paths)
            if (record := _read(file)) and not record["run_id"] and record.get("tries", 0) < MOST_TRIES
        ]
        if not waiting:
            return ""
        problem = ""
        with client_of(context.paths) as (mlflow, client):
            experiment = experiment_of(client, context.paths)
            for file, record in waiting:
                try:
                    number = _find_logged(client, experiment, file.stem)
                    number = number or _log(mlflow, experiment, context, file.stem, record)
                except Exception as error:
                    if is_away(error):
                        raise
                    write_json(file, record | {"tries": record.get("tries", 0) + 1})
                    problem = problem or f"MLflow does not take decision {file.stem}: {describe_failure(error)}"
                else:
                    write_json(file, record | {"run_id": number})
    except Exception as error:  # MLflow raises what its stores, its transport and its parsers do
        return describe_failure(error)
    return problem


def _find_logged(client: Any, experiment: str, name: str) -> str | None:
    """The run of a decision that a process logged and was killed before it could write that down."""
    asked = f"attributes.status = 'FINISHED' and tags.`{DECISION_TAG}` = '{name}'"
    done = client.search_runs([experiment], filter_string=asked, max_results=1)
    return str(done[0].info.run_id) if done else None


def _log(mlflow: Any, experiment: str, context: Context, name: str, record: Mapping[str, Any]) -> str:
    gate = record.get("gate") or {}
    tags = {"kind": "decision", "source": context.source.name, "decision": str(record["decision"])}
    tags |= {
        HASH_TAG: str(record.get("challenger") or ""),
        "verdict": str(gate.get("verdict", "")),
        DECISION_TAG: name,
        PLACE_TAG: place_mark(context.paths),
    }
    with mlflow.start_run(experiment_id=experiment, run_name=f"{context.source.name} decision", tags=tags) as run:
        mlflow.log_metrics(decision_metrics(gate))
        mlflow.log_dict(dict(record), "decision/decision.json")
        return str(run.info.run_id)


def decision_metrics(gate: Mapping[str, Any]) -> dict[str, float]:
    """The figures of an answer as flat metrics: ``gate.log_loss.difference``, ``gate.won``, ..."""
    found = {f"gate.{name}": gate[name] for name in ("rows", "won") if name in gate}
    for check in gate.get("checks", ()):
        name = str(check["name"]).replace(" ", "_")
        found |= {f"gate.{name}.{side}": check[side] for side in ("champion", "challenger", "difference", "margin")}
        if check["ci"][0] is not None:
            found |= {f"gate.{name}.low": check["ci"][0], f"gate.{name}.high": check["ci"][1]}
    return {name: float(value) for name, value in found.items()}


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = read_json(file)
    except DataError:
        return None
    return found if isinstance(found, dict) and "run_id" in found and "decision" in found else None
