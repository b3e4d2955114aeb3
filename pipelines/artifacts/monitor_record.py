"""``monitor.json``: what is scored now against what the champion was trained on."""

from typing_extensions import TypedDict

from pipelines.artifacts.artifact import Artifact, Figure, Number, Record


class DriftRow(TypedDict):
    """One distribution in the training and now; shares are of rows, ``before`` and ``after`` say the largest moves."""

    after: str
    before: str
    label: str
    missing: Number
    missing_before: Number
    name: str
    noise: Number
    psi: Number
    standing: str
    unseen: Figure
    weight: Number


class MonitorFinding(Record):
    """One check: how grave, what was seen, what to do next; ``place`` names table, feed and column.

    ``values`` are marks (no names) of the values or feeds that a fault of a feed is about.
    """

    check: str
    level: str
    sentence: str
    next: str
    place: str = ""
    values: tuple[str, ...] = ()


class RetrainAdvice(Record):
    """Whether to train again: ``now``, ``can wait``, ``not enough closed yet`` or ``mend the feeds first``, and why."""

    verdict: str
    sentence: str
    won: int
    needed: int


class MonitorRecord(Artifact):
    """What the monitor found last; ``features`` are sorted, those that moved first."""

    FILE = "monitor/monitor.json"
    STAGE = "monitor"

    source: str
    bundle: str
    trained_through: str | None
    as_of: str | None
    what: str
    leads: int
    verdict: str
    headline: str
    findings: tuple[MonitorFinding, ...]
    scores: DriftRow | None
    features: tuple[DriftRow, ...]
    retrain: RetrainAdvice | None = None
