"""``retrain/page/retrain.json``: what one retrain took in, trained, judged and decided."""

from enum import StrEnum
from typing import Any

from pipelines.artifacts.artifact import Artifact, Record


class Decision(StrEnum):
    """How a retrain ends; each has its own exit status."""

    PROMOTED = "promoted"
    BETTER = "challenger better, not promoted"
    KEPT = "champion kept"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"


class NewRows(Record):
    """What a table holds that the last retrain did not see.

    ``late`` rows were known before the last retrain's data ended, but not in them; ``gone`` ones were.
    """

    rows: int
    new: int
    late: int
    gone: int


class WhatsNew(Record):
    """What is new since the last retrain; ``since`` is where its data ended, None if this is the first.

    ``said`` counts answers, activities, stages, fields and feedback given on the pages or posted to the server.
    """

    since: str | None
    until: str | None
    tables: dict[str, NewRows]
    new_leads: int
    newly_won: int
    newly_lost: int
    corrected: int
    reversed: int
    taken_back: int
    said: dict[str, int]
    sentences: tuple[str, ...]
    changed: bool


class JudgedChallenger(Record):
    """One bundle that was held against the champion: which, and what the gate answered."""

    hash: str
    what: str
    trained_through: str | None
    gate: dict[str, Any]


class Aging(Record):
    """How fast past models aged: excess log loss against the youngest model that had not seen the rows, by age.

    ``days`` is the age from which they were worse beyond noise and margin; None: within what could be measured, never.
    """

    days: int | None
    sentence: str
    ages: tuple[dict[str, Any], ...]


class RetrainRecord(Artifact):
    """One retrain; ``ended`` says what move of another command, killed over it, was ended before."""

    FILE = "retrain/page/retrain.json"
    STAGE = "retrain"

    source: str
    synthetic: bool
    at: str
    as_of: str | None
    decision: Decision
    status: int
    sentence: str
    next: str
    new: WhatsNew
    trained: str | None
    champion_before: str | None
    champion_after: str | None
    moved: tuple[dict[str, Any], ...]
    challengers: tuple[JudgedChallenger, ...]
    churn: dict[str, Any] | None
    aging: Aging | None
    untold: str = ""
    ended: str = ""
    seconds: float
