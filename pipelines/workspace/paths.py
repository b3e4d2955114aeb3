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
        """Everything of the source."""
        return self.data_dir / self.source

    @property
    def raw(self) -> Path:
        """Files that were fetched or generated."""
        return self.root / "raw"

    def kept_table(self, table: str) -> Path:
        """Copy of a database's table that grows by its watermark."""
        return self.root / "kept" / f"{table}.parquet"

    @property
    def snapshots(self) -> Path:
        """Dated exports kept as history; the one folder that cannot be made again from the source's files."""
        return self.root / "snapshots"

    @property
    def ingest(self) -> Path:
        """Canonical tables, quarantine and counts."""
        return self.root / "ingest"

    @property
    def refused(self) -> Path:
        """Quarantine and counts of the last ingest, where it was refused because a table was lost."""
        return self.root / "refused"

    @property
    def validate(self) -> Path:
        """Results of the data check."""
        return self.root / "validate"

    @property
    def expectations(self) -> Path:
        """The project of Great Expectations, which its users open with ``project_root_dir=<root>``."""
        return self.root / "gx"

    @property
    def data_docs(self) -> Path:
        """The site that ``leadscore validate --data-docs`` builds of the project."""
        return self.expectations / "uncommitted" / "data_docs" / "local_site"

    @property
    def matrix(self) -> Path:
        """Feature values, keys, labels and the split."""
        return self.root / "matrix"

    @property
    def audit(self) -> Path:
        """Findings of the leak audit."""
        return self.root / "audit"

    @property
    def backtest(self) -> Path:
        """Candidates judged on development rows."""
        return self.root / "backtest"

    @property
    def train(self) -> Path:
        """The bundle trained last, its twin and the verdict."""
        return self.root / "train"

    @property
    def evaluate(self) -> Path:
        """Figures of the test block."""
        return self.root / "evaluate"

    @property
    def thresholds(self) -> Path:
        """Policies, comparison and lifecycle."""
        return self.root / "thresholds"

    @property
    def score(self) -> Path:
        """Scores, cards and worklist of the open leads."""
        return self.root / "score"

    @property
    def reports(self) -> Path:
        """``report.html`` and ``summary.json``."""
        return self.root / "reports"

    @property
    def track(self) -> Path:
        """What MLflow was told of the run."""
        return self.root / "track"

    @property
    def untracked(self) -> Path:
        """Runs that MLflow is still to be told of, a folder each."""
        return self.root / "untracked"

    @property
    def monitor(self) -> Path:
        """What 'leadscore monitor' found last."""
        return self.root / "monitor" / "monitor.json"

    @property
    def seconds(self) -> Path:
        """Seconds each stage took when it last ran."""
        return self.root / "seconds.json"

    @property
    def ran(self) -> Path:
        """When each stage last ended, and how long it took."""
        return self.root / "ran.json"

    @property
    def cautions(self) -> Path:
        """What test blocks said against bundles, by hash."""
        return self.root / "cautions.json"

    @property
    def champion(self) -> Path:
        """Pointer file: bundle path (relative to the source's root) and hash."""
        return self.root / "champion.json"

    @property
    def moving(self) -> Path:
        """What a move of the champion's pointer is about, while it goes on."""
        return self.root / "moving.json"

    @property
    def rubrics(self) -> Path:
        """Adopted versions of the rubric; what people decided here cannot be made again from the source's files."""
        return self.root / "rubrics"

    @property
    def churn(self) -> Path:
        """Who moved when the champion's pointer moved last."""
        return self.root / "churn.json"

    @property
    def bundles(self) -> Path:
        """Kept bundles, one directory per hash."""
        return self.root / "bundles"

    @property
    def retrain(self) -> Path:
        """The page and record of the last retrain, and what it saw (:attr:`seen`)."""
        return self.root / "retrain"

    @property
    def seen(self) -> Path:
        """Fingerprints of what the last retrain saw."""
        return self.retrain / "seen"

    @property
    def begun(self) -> Path:
        """Who was champion when the retrain that goes on began."""
        return self.retrain / "begun.json"

    @property
    def judged(self) -> Path:
        """Bundles that retrains are done with, by hash: as of which data they were judged."""
        return self.retrain / "judged.json"

    @property
    def decisions(self) -> Path:
        """Answers of the promotion gate, a file each."""
        return self.root / "decisions"

    @property
    def cadence(self) -> Path:
        """After how many days past models had aged."""
        return self.root / "feeds" / "cadence.json"

    @property
    def feeds_accepted(self) -> Path:
        """What looks like a fault of a feed and was said to be right."""
        return self.root / "feeds" / "accepted.json"

    def feed_profile(self, bundle_hash: str) -> Path:
        """How the tables looked when a bundle was trained."""
        return self.root / "feeds" / f"{bundle_hash}.json"

    @property
    def probed(self) -> Path:
        """Bundles that scored made-up leads soundly, by hash; made anew by the next probe where it is missing."""
        return self.root / "probed.json"
