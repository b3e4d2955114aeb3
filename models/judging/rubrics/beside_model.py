"""Rubric in force, draft and model on the same past leads, each handing off as many every week."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.array_types import Floats, Ints
from features.rubric.ledger import Ledger
from models.judging.cluster_bootstrap import Interval, Resampling, interval, resample_totals
from models.judging.handoff.policy_results import Handoffs, sums_of
from models.judging.handoff.replay import JudgedRows, first_crossings, per_snapshot, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.rubric_pair import ACTIVE, DRAFT

MODEL = "model"
PAIRS = ((DRAFT, ACTIVE), (DRAFT, MODEL), (ACTIVE, MODEL))


@dataclass(frozen=True)
class JudgeWins:
    """Wins inside the list of one judge, with a 90% interval."""

    judge: str
    wins: int
    wins_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"judge": self.judge, "wins": self.wins, "wins_ci": self.wins_ci.record()}


@dataclass(frozen=True)
class PairedWins:
    """Wins of the first judge minus those of the second on the same leads, with a paired 90% interval."""

    first: str
    second: str
    wins: int
    wins_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"first": self.first, "second": self.second, "wins": self.wins, "wins_ci": self.wins_ci.record()}


@dataclass(frozen=True, kw_only=True)
class BesideModel:
    """Result of :func:`replay_beside_model`; ``workload_of`` says whose number of handoffs a week all of them have."""

    judges: tuple[JudgeWins, ...]
    differences: tuple[PairedWins, ...]
    workload: int
    workload_of: str
    weeks: int
    leads: int
    winnable: int
    noun: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "judges": [judge.record() for judge in self.judges],
            "differences": [pair.record() for pair in self.differences],
            "workload": self.workload,
            "workload_of": self.workload_of,
            "weeks": self.weeks,
            "leads": self.leads,
            "winnable": self.winnable,
            "noun": self.noun,
        }


def replay_beside_model(
    books: Mapping[str, Ledger],
    model: Floats,
    rows: JudgedRows,
    *,
    capacity: SnapshotCapacity,
    resampling: Resampling,
) -> BesideModel:
    """Replay rubrics and model at the workload of the rubric in force, or of the draft where none is.

    Parameters
    ----------
    books : ledgers of ``draft`` and, where one is in force, ``active`` on the rows
    model : shape (n,), log-odds of a model that has not seen the rows' outcomes
    """
    replay = capacity.arrange(rows.keys, rows.label)
    base = ACTIVE if ACTIVE in books else DRAFT
    own = first_crossings(replay, books[base].handed_off)
    places = per_snapshot(replay, own)
    taken: dict[str, Ints] = {base: own}
    taken |= {name: top_each_snapshot(replay, book.points, places) for name, book in books.items() if name != base}
    taken[MODEL] = top_each_snapshot(replay, model, places)

    sums = {name: sums_of(replay, Handoffs(name, "", "", at), rows.amount)["wins"] for name, at in taken.items()}
    drawn = resample_totals(sums, resampling)
    won = {name: int(replay.label[at].sum()) for name, at in taken.items()}
    order = [name for name in (ACTIVE, DRAFT, MODEL) if name in taken]
    return BesideModel(
        judges=tuple(JudgeWins(name, won[name], interval(drawn[name])) for name in order),
        differences=tuple(
            PairedWins(first, second, won[first] - won[second], interval(drawn[first] - drawn[second]))
            for first, second in PAIRS
            if first in taken and second in taken
        ),
        workload=len(own),
        workload_of=base,
        weeks=max(1, round(float(replay.weeks.sum()))),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        noun=rows.noun,
    )
