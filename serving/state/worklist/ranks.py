"""Scores, states and order of the worklist as they are now, and how leads scored again change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.array_types import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """What changes when a lead is scored again: replaced as one object, so that a reader sees all of it or nothing.

    ``by_score`` holds positions, best first; ``orders`` the other orders and ``texts`` the
    columns filtered by, ``codes`` the same as names and codes; worked out when first asked for.
    """

    probability: npt.NDArray[np.float64]
    score: Ints
    state: Ints  # codes of the worklist's state names
    manual: Floats  # points of the rubric in force, NaN without one
    disagree: Bools
    by_score: Ints
    patches: Mapping[int, Mapping[str, Any]]  # new rows of the leads scored again
    orders: dict[str, Ints] = field(default_factory=dict)
    texts: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    codes: dict[str, tuple[dict[str, int], Ints]] = field(default_factory=dict)

    def replace_rows(
        self, lines: Mapping[int, Mapping[str, Any]], states: Sequence[int], id_rank: Ints, *, has_points: bool
    ) -> "Ranks":
        """Ranks with new rows by position; ``states`` are the codes of theirs, ``id_rank`` sorts equal scores."""
        places, rows = list(lines), list(lines.values())
        probability, score, state = self.probability.copy(), self.score.copy(), self.state.copy()
        probability[places] = [line["probability"] for line in rows]
        score[places] = [line["score"] for line in rows]
        state[places] = states
        manual, disagree = self.manual.copy(), self.disagree.copy()
        if has_points:
            manual[places] = [line["manual_points"] for line in rows]
            disagree[places] = [bool(line["disagree"]) for line in rows]

        one = len(places) == 1
        return Ranks(
            probability=probability,
            score=score,
            state=state,
            manual=manual,
            disagree=disagree,
            by_score=self._move(places[0], probability, id_rank) if one else sort_best_first(probability, id_rank),
            patches={**self.patches, **{at: dict(line) for at, line in lines.items()}},
        )

    def _move(self, at: int, probability: Floats, id_rank: Ints) -> Ints:
        """The order with one lead moved to where it belongs now: sorting a million anew takes far longer."""
        others = self.by_score[self.by_score != at]
        keys = -probability[others]
        low = int(np.searchsorted(keys, -probability[at], side="left"))
        high = int(np.searchsorted(keys, -probability[at], side="right"))
        place = low + int(np.searchsorted(id_rank[others[low:high]], id_rank[at]))
        return np.insert(others, place, at)


def sort_best_first(probability: Floats, id_rank: Ints) -> Ints:
    """Positions by falling probability, equal ones by lead id."""
    return np.lexsort((id_rank, -probability))
