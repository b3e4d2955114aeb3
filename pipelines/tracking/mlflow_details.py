"""What stands below a run in MLflow: the data it read, and a child run per candidate and trial."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.tracking.mlflow_names import PLACE_TAG
from pipelines.tracking.run_contents import KIND, DataInput
from pipelines.tracking.untracked_runs import UntrackedRun

PARENT = "mlflow.parentRunId"  # MLflow nests runs by it


def log_data(mlflow: Any, data: DataInput, tags: Mapping[str, str]) -> None:
    """Log rows as a data set of the active run: digest, columns and counts; no row, no path."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, Schema

    class CountedRows(MetaDataset):
        """Rows that MLflow counts, and does not hold."""

        def to_dict(self) -> dict[str, str]:
            """With the counts as MLflow shows them."""
            return {**super().to_dict(), "profile": json.dumps({"num_rows": data.rows, "won": data.won})}

    name = f"{tags['source']} {data.context}"
    source = CodeDatasetSource({"leadscore.source": tags["source"], "declaration": tags["declaration"]})
    schema = Schema([ColSpec(kind, column) for column, kind in data.columns])
    counts = {"rows": str(data.rows), "won": str(data.won), "synthetic": tags["synthetic"]}
    mlflow.log_input(CountedRows(source, name, data.digest, schema), context=data.context, tags=counts)


def log_children(client: Any, run: Any, values: UntrackedRun, place: str) -> None:
    """A finished child run of each candidate and trial."""
    from mlflow.entities import Metric, Param, RunTag

    for child in values.children:
        tags = {PARENT: run.info.run_id, KIND: child.kind, "source": values.tags["source"], PLACE_TAG: place}
        made = client.create_run(
            run.info.experiment_id, start_time=values.ended_at, tags=tags | child.tags, run_name=child.name
        )
        client.log_batch(
            made.info.run_id,
            metrics=[Metric(name, value, values.ended_at, 0) for name, value in child.metrics.items()],
            params=[Param(name, str(value)) for name, value in child.params.items()],
            tags=[RunTag("mlflow.source.name", "leadscore")],
        )
        client.set_terminated(made.info.run_id, end_time=values.ended_at)
