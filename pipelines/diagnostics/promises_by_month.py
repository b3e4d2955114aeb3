"""Promises kept, month by month: the heat map of report and team page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EDGES = (0.45, 0.55, 0.65, 0.75)  # shares kept between the five steps of the colour scale
MONTHS = 12  # of the short map


@dataclass(frozen=True)
class KeptCell:
    """One promise in one month: share kept, deadlines judged, and the step of the colour scale (1 low, 5 high)."""

    month: str
    attained: float
    judged: int
    step: int


@dataclass(frozen=True)
class KeptPromise:
    """A promise with a cell per month, None where too few deadlines passed; ``team`` only where there are several."""

    stage: str
    what: str
    team: str
    promised_hours: float | None
    cells: tuple[KeptCell | None, ...]

    @property
    def latest(self) -> KeptCell | None:
        """The newest month with a figure."""
        return next((cell for cell in reversed(self.cells) if cell is not None), None)


@dataclass(frozen=True)
class KeptMap:
    """Promises down, months across."""

    months: tuple[str, ...]
    promises: tuple[KeptPromise, ...]

    def last(self, count: int = MONTHS) -> "KeptMap":
        """The newest months alone; promises that have no figure in them are left out."""
        cut = [
            KeptPromise(one.stage, one.what, one.team, one.promised_hours, one.cells[-count:]) for one in self.promises
        ]
        return KeptMap(self.months[-count:], tuple(one for one in cut if any(one.cells)))


def step_of(attained: float) -> int:
    """The step of the colour scale.

    >>> [step_of(share) for share in (0.1, 0.45, 0.6, 0.7, 0.9)]
    [1, 2, 3, 4, 5]
    """
    return 1 + sum(attained >= edge for edge in EDGES)


def promises_by_month(by_month: Sequence[Mapping[str, Any]], levels: Sequence[Mapping[str, Any]]) -> KeptMap:
    """The map of ``sla_by_month``; promised hours are read off ``sla``, both as :class:`LifecycleRecord` keeps them."""
    hours = {(row["stage"], row["what"]): row["promised_hours"] for row in levels}
    teams: dict[tuple[str, str], set[str]] = {}
    cells: dict[tuple[str, str, str], dict[str, KeptCell]] = {}
    for row in by_month:
        promise = (row["stage"], row["what"])
        teams.setdefault(promise, set()).add(row["team"])
        share = float(row["attained"])
        cell = KeptCell(row["month"], share, int(row["judged"]), step_of(share))
        cells.setdefault((*promise, row["team"]), {})[row["month"]] = cell

    months = tuple(sorted({row["month"] for row in by_month}))
    promises = tuple(
        KeptPromise(
            stage,
            what,
            team if len(teams[stage, what]) > 1 else "",
            hours.get((stage, what)),
            tuple(found.get(month) for month in months),
        )
        for (stage, what, team), found in cells.items()
    )
    return KeptMap(months, promises)
