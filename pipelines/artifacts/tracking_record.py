"""``run.json``: where MLflow keeps a run."""

from pathlib import Path

from pipelines.artifacts.artifact import Record
from pipelines.workspace.atomic_files import read_json, write_json


class TrackRecord(Record):
    """The run and the registered model, None where nothing was trained; ``store`` is ``server`` or ``mlflow.db``.

    ``waiting`` counts the runs that MLflow was not told of, for the reason in ``problem``. ``version`` is the model's:
    the file's layout has none of its own.
    """

    run_id: str | None
    experiment: str
    model: str | None
    version: str | None
    store: str
    waiting: int = 0
    problem: str = ""

    @property
    def sentence(self) -> str:
        """What a person must know: nothing where all is told."""
        if not self.problem:
            return ""
        if not self.waiting:
            return f"not tracked: {self.problem}"
        runs = "1 run waits" if self.waiting == 1 else f"{self.waiting} runs wait"
        return f"not tracked: {self.problem} {runs}; 'leadscore track' or the next run catches up."

    @classmethod
    def read(cls, folder: Path) -> "TrackRecord":
        """The record of the stage's directory."""
        return cls.model_validate(read_json(folder / "run.json"))

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Whether a run was tracked."""
        return (folder / "run.json").exists()

    def write(self, folder: Path) -> None:
        """Write ``run.json`` into the stage's directory."""
        write_json(folder / "run.json", self.record())
