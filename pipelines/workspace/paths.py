"""Where a source's data live."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class EngineName(StrEnum):
    """Who sorts and partitions."""

    MEMORY = "memory"
    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True)
class Paths:
    """Directories of one source below a data directory; nothing is created by looking."""

    data_dir: Path
    source: str

    @property
    def root(self) -> Path:
        return self.data_dir / self.source

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def ingest(self) -> Path:
        return self.root / "ingest"

    @property
    def validate(self) -> Path:
        return self.root / "validate"

    @property
    def matrix(self) -> Path:
        return self.root / "matrix"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def backtest(self) -> Path:
        return self.root / "backtest"

    @property
    def train(self) -> Path:
        return self.root / "train"

    @property
    def evaluate(self) -> Path:
        return self.root / "evaluate"

    @property
    def thresholds(self) -> Path:
        return self.root / "thresholds"

    @property
    def score(self) -> Path:
        return self.root / "score"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def track(self) -> Path:
        return self.root / "track"

    @property
    def monitor(self) -> Path:
        """What 'leadscore monitor' found last."""
        return self.root / "monitor" / "monitor.json"

    @property
    def seconds(self) -> Path:
        """Seconds each stage took when it last ran."""
        return self.root / "seconds.json"

    @property
    def cautions(self) -> Path:
        """What test blocks said against bundles, by hash."""
        return self.root / "cautions.json"

    @property
    def champion(self) -> Path:
        """Pointer file: bundle path (relative to the source's root) and hash."""
        return self.root / "champion.json"

    @property
    def bundles(self) -> Path:
        """Kept bundles, one directory per hash."""
        return self.root / "bundles"
