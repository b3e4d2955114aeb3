"""What scores and states of the worklist were a week before."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from features.array_types import Floats
from serving.state.worklist.ranks import Ranks

SAME_MOMENT = np.timedelta64(1, "h")  # time alone moves scores from here on


@dataclass(frozen=True)
class LastWeek:
    """Scores and states of a week before ``compared_at``, by position; NaN and empty where there were none.

    A row that is scored again as of later than that is compared with nothing: it would be no week.
    """

    scores: npt.NDArray[np.float64]
    states: npt.NDArray[np.object_]
    compared_at: npt.NDArray[np.datetime64]

    @classmethod
    def unknown(cls, size: int) -> Self:
        """Of a list that is compared with nothing yet."""
        scores, states = np.full(size, np.nan), np.full(size, "", dtype=object)
        return cls(scores, states, np.full(size, np.datetime64("NaT"), dtype="datetime64[us]"))

    def score_of(self, ranks: Ranks, at: int) -> float:
        """The score of a week before a row's own moment, NaN where it is not known."""
        line = ranks.patches.get(at)
        as_of = None if line is None else line.get("as_of")
        if as_of is not None and abs(np.datetime64(as_of, "us") - self.compared_at[at]) > SAME_MOMENT:
            return float("nan")
        return float(self.scores[at])

    def moves(self, ranks: Ranks) -> Floats:
        """By position, by how much the score moved; far below all others where there is no past."""
        before = self.scores.copy()
        before[list(ranks.patches)] = [self.score_of(ranks, at) for at in ranks.patches]
        return np.nan_to_num(ranks.score - before, nan=-1e9)
