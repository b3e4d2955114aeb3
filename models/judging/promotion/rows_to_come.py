"""When there will be enough later rows to decide: by the pace at which such rows came in the past."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.matrix import Matrix
from models.judging.promotion.paired_checks import Check
from models.judging.promotion.unseen_rows import find_unseen_rows

_WEEK = pd.Timedelta(days=7)
_MOST_WEEKS = 156  # beyond three years a date would be a guess


def count_won_leads(judged: Matrix) -> int:
    """Distinct (lead, episode) pairs won on at least one of the rows: weekly rows of one win count once."""
    return len(judged.keys.loc[judged.label == 1.0, ["lead_id", "episode"]].drop_duplicates())


def enough_at(matrix: Matrix, through: pd.Timestamp, needed: int, unit: str = "lead_id") -> pd.Timestamp | None:
    """When so many leads will have been won among the rows later than ``through``; None where that cannot be told.

    A model trained a number of weeks before the newest label has met so many later wins by now: the fewest weeks with
    enough of them are how long this one has to wait, counted from ``through``. Where the past is too short for so many
    wins, its longest stretch is extrapolated.
    """
    known = matrix.label_known_at[matrix.matured]
    if not len(known):
        return None
    newest, oldest = known.max(), known.min()
    longest = int((newest - oldest) / _WEEK) - 1
    if longest < 1:
        return None
    if _wins_after(matrix, newest - longest * _WEEK, unit) < needed:
        won = _wins_after(matrix, newest - longest * _WEEK, unit)
        weeks = int(np.ceil(longest * needed / won)) if won else _MOST_WEEKS + 1
    else:
        low, high = 0, longest
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if _wins_after(matrix, newest - middle * _WEEK, unit) >= needed else (middle, high)
            )
        weeks = high
    if weeks > _MOST_WEEKS:
        return None
    return max(through + weeks * _WEEK, newest)


def _wins_after(matrix: Matrix, through: pd.Timestamp, unit: str) -> int:
    return count_won_leads(matrix.take(find_unseen_rows(matrix, through, unit).rows))


def wins_to_decide(checks: Sequence[Check], won: int) -> int | None:
    """Wins after which every undecided interval would be narrow enough, were the differences to stay; None: never.

    An interval's width goes with one over the root of the wins.
    """
    needed = won
    for check in checks:
        if check.outcome != "cannot tell":
            continue
        room, half = check.margin - check.difference, check.high - check.difference
        if not np.isfinite([room, half]).all() or room <= 0:
            return None
        needed = max(needed, int(np.ceil(won * (half / room) ** 2)))
    return needed if needed > won else None
