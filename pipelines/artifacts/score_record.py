"""What the score stage says beside the worklist: ``score.json``, ``cards.json``, ``bots.json``, ``exploration.json``,
``accounts.json`` and ``qualification.json``; and the matrix stage's ``half_lives.json``.
"""

from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Number, Record, Span, read_rows, write_rows
from pipelines.workspace.paths import Paths

Card = dict[str, Any]  # a lead card as the API answers it
OPEN_LEADS, TEST_ROWS = "open leads", "test rows"  # who was scored: test rows where none is open
_CARDS, _HALF_LIVES = "cards.json", "half_lives.json"


class ImportanceRow(TypedDict):
    """Mean absolute points of a criterion or feature."""

    label: str
    name: str
    points: Number


class Importance(Record):
    """Criteria and features, the largest first."""

    criterion: tuple[ImportanceRow, ...]
    feature: tuple[ImportanceRow, ...]


class InfluenceFeature(TypedDict):
    """A feature's values and points on a sample of leads."""

    label: str
    name: str
    number: bool
    points: list[Figure]
    shade: list[str]
    unit: str
    values: list[Any]


class InfluenceSample(Record):
    """The features that move scores most, on a sample of so many leads."""

    features: tuple[InfluenceFeature, ...]
    leads: int


class ScoreRecord(Artifact):
    """Who was scored by which bundle; ``kind`` is :data:`OPEN_LEADS` or :data:`TEST_ROWS`, None where nobody was.

    ``silenced`` counts leads of the list that nobody may contact: they are kept in the file and shown nowhere.
    ``too_old`` counts leads that came in more than a horizon before the oldest age the bundle learned from.
    ``as_of`` is the earlier moment of the tables it was made from, where a retrain as of one left them.
    """

    FILE = "score/score.json"
    STAGE = "score"

    verdict: Verdict
    verdict_text: str
    leads: int
    kind: str | None = None
    bundle: str | None = None
    as_of: str | None = None
    mode: str = "model"  # or "points", where the score is the rubric's points
    context_share: Figure = None
    context_warning: bool = False
    reference_probability: Figure = None
    too_old: int = 0
    silenced: int = 0
    importance: Importance | None = None
    influence: InfluenceSample | None = None

    @property
    def listed(self) -> int:
        """Leads that people see."""
        return self.leads - self.silenced


class BotKind(TypedDict):
    """Activities of one kind, and those taken for a scanner's."""

    kind: str
    removed: int
    rows: int
    share: Figure


class BotLead(TypedDict):
    """A lead whose score the bot filter moves."""

    lead_id: str
    removed: int
    score: int
    unfiltered: int


class BotsRecord(Artifact):
    """What the bot filter changes; nothing is left without bot-prone activities."""

    FILE = "score/bots.json"
    STAGE = "score"

    sentence: str
    kinds: tuple[BotKind, ...]
    open_leads: int
    moved: int
    mean_points: Number
    leads: tuple[BotLead, ...]


class EstimateRow(TypedDict):
    """Precision of a policy, weighed by the chance of a handoff."""

    effective: Figure
    leads: int
    policy: str
    precision: Figure
    precision_ci: Span


class ExplorationRecord(Artifact):
    """What places drawn at random say; nothing is left where none were drawn."""

    FILE = "score/exploration.json"
    STAGE = "score"

    logged: int
    weeks: int
    drawn: int
    matured: int
    estimates: tuple[EstimateRow, ...]
    sentence: str
    drawn_now: tuple[str, ...] = ()
    left_out: int = 0


class AccountsRecord(Artifact):
    """Accounts of the open leads; rows carry the accounts' display columns. Nothing is left without accounts."""

    FILE = "score/accounts.json"
    STAGE = "score"

    accounts: int
    several: int
    engaged: int
    customers: int
    missing: dict[str, int]
    rows: tuple[dict[str, Any], ...]
    expansion: tuple[dict[str, Any], ...]
    functions: tuple[str, ...]
    coverage: tuple[tuple[int, ...], ...]
    products: dict[str, Any] | None = None
    wanted: tuple[dict[str, Any], ...] = ()
    wants: int = 0


class StateRow(TypedDict):
    """Leads of one state, rule and action."""

    leads: int
    next_action: str
    probability: Figure
    programme: str
    rule: str
    state: str
    team: str


class WeekRow(TypedDict):
    """States of one past week under the policy of that week."""

    changed: int
    changed_without: int
    date: str
    leads: int
    policy: str
    states: dict[str, int]
    version: str


class QualificationRecord(Artifact):
    """States, near misses and proposals of the scored list; nothing is left without one.

    ``policy`` is the qualification policy in force, as :class:`QualificationPolicy` writes it.
    """

    FILE = "score/qualification.json"
    STAGE = "score"

    policy: dict[str, Any]
    states: tuple[StateRow, ...]
    temperature: dict[str, int]
    actions: dict[str, int]
    personas: dict[str, int]
    introductions: int
    near: tuple[dict[str, Any], ...]
    near_lacks: tuple[dict[str, Any], ...]
    near_total: int
    proposed: tuple[dict[str, Any], ...]
    proposed_total: int
    reasons: dict[str, int]
    short: tuple[dict[str, Any], ...]
    short_total: int
    weeks: tuple[WeekRow, ...]
    flicker: str
    kept: int
    lists: dict[str, int] = {}
    stages: dict[str, int] = {}
    stage_and_state: tuple[dict[str, Any], ...] = ()
    steps: tuple[dict[str, Any], ...] = ()


class HalfLifeRow(TypedDict):
    """Declared, learned and used half-life of one kind of activity [days]."""

    declared: Number
    finding: str
    high: Number
    kind: str
    label: str
    leads: int
    learned: Number
    low: Number
    used: Number


def read_cards(paths: Paths) -> list[Card]:
    """Cards of the first leads of the worklist."""
    return read_rows(paths.score / _CARDS, paths.source, "score")


def write_cards(folder: Path, cards: list[Card]) -> None:
    """Write ``cards.json``."""
    write_rows(folder / _CARDS, cards)


def read_half_lives(paths: Paths) -> list[dict[str, Any]]:
    """What the matrix stage learned of activities' half-lives."""
    return read_rows(paths.matrix / _HALF_LIVES, paths.source, "matrix")


def write_half_lives(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``half_lives.json``."""
    write_rows(folder / _HALF_LIVES, rows)
