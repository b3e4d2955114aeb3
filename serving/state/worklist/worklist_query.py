"""What is asked of the worklist, and the page that answers it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from models.standing.pinned import NO_PINS, Pins

Sort = Literal["score", "points", "change", "newest", "value", "lead", "name", "waiting"]
PAGE_LIMIT = 500  # rows of one page: bounds the time and the size of an answer


@dataclass(frozen=True, kw_only=True)
class WorklistQuery:
    """What to show of the worklist; ``None`` and ``""`` mean no filter."""

    owner: str | None = None
    state: str | None = None
    lead_list: str = ""  # one of LeadList; closed leads and customers are not on this list
    stage: str = ""
    grade: str | None = None
    segment: str = ""
    unknown: str = ""  # a criterion of which nothing is known
    minimum: int = 0
    search: str = ""
    sort: Sort = "score"
    reverse: bool = False  # the order turned round
    page: int = 1
    size: int = 50
    hidden: frozenset[str] = field(default_factory=frozenset)
    only: frozenset[str] | None = None  # these leads alone, hidden or not
    since: datetime | None = None  # only leads created from then on
    pins: Pins = NO_PINS  # what sales pinned
    disagree: bool = False  # only leads that one of rubric and model would hand off


@dataclass(frozen=True)
class Place:
    """Where a lead stands in what the query asks for: its rank from 1, of how many, and the leads beside it."""

    rank: int
    total: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Page:
    """One page: rows of the scored file with display columns and rank, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.size))
