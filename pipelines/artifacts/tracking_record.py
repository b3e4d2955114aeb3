"""``run.json``: where MLflow keeps a run."""

from pathlib import Path

from pipelines.artifacts.artifact import Record
from pipelines.workspace.atomic_files import write_json


class TrackRecord(Record):
    """The run and the registered model, None where nothing was trained; ``store`` is ``server`` or ``mlflow.db``.

    ``version`` is the registered model's: only people read the file, its layout has no version of its own.
    """

    run_id: str
    experiment: str
    model: str | None
    version: str | None
    store: str

    def write(self, folder: Path) -> None:
        """Write ``run.json`` into the stage's directory."""
        write_json(folder / "run.json", self.record())
