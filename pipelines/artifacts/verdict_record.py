"""``verdict.json``: what a stage concluded, for the stages behind it; the matrix stage's says what it built as well."""

from pathlib import Path
from typing import Self

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Record, Versioned
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

FILE = "verdict.json"


class StageVerdict(Versioned):
    """The verdict on the data or the model, passed on from stage to stage."""

    verdict: Verdict
    verdict_text: str

    @classmethod
    def read(cls, paths: Paths, stage: str) -> Self:
        """What a stage (audit, backtest, train, evaluate, thresholds, score) concluded.

        Raises
        ------
        DataError : the stage has not run, or its file is damaged or of another version
        """
        path = paths.root / stage / FILE
        return cls.parse(read_json(path), path, paths.source, stage)

    @classmethod
    def exists(cls, paths: Paths, stage: str) -> bool:
        """Whether a stage left its verdict."""
        return (paths.root / stage / FILE).exists()

    def write(self, folder: Path) -> None:
        """Write it into a stage's directory."""
        write_json(folder / FILE, self.record())


class RowsVerdict(Versioned):
    """What ingest and validate concluded of the rows: ``ok`` or ``failed``."""

    stage: str
    verdict: str
    text: str

    def write(self, folder: Path) -> None:
        """Write it into a stage's directory."""
        write_json(folder / FILE, self.record())


class SplitRecord(Record):
    """How the matrix is split into development and test rows."""

    kind: str
    explanation: str
    notes: tuple[str, ...]


class MatrixVerdict(Artifact):
    """What the matrix stage built, and whether it can be split; ``base_rate`` is of the matured rows.

    ``tables`` marks the canonical tables it was built from; empty where an earlier leadscore built it.
    """

    FILE = "matrix/verdict.json"
    STAGE = "matrix"

    verdict: Verdict
    verdict_text: str
    cohort_rows: int
    matured_rows: int
    won_rows: int
    leads: int
    base_rate: Figure
    features: int
    open_leads: int
    data_cutoff: str | None
    split: SplitRecord | None
    tables: str = ""
