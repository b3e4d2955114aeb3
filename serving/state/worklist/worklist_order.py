"""The orders of the worklist; ties by lead id, so that pages never overlap."""

from functools import cached_property

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from pipelines.scoring.accounts.people_index import fold_name
from pipelines.scoring.shown_columns import person_name
from serving.state.worklist.last_week import LastWeek
from serving.state.worklist.ranks import Ranks
from serving.state.worklist.worklist_query import Sort
from serving.state.worklist.worklist_rows import WorklistRows


class WorklistOrder:
    """Positions of the rows of one list in every order that can be asked for."""

    def __init__(self, rows: WorklistRows) -> None:
        self._rows = rows

    def positions(self, ranks: Ranks, sort: Sort, last_week: LastWeek) -> Ints:
        """Positions in the order asked for; ties by lead id."""
        id_rank, win_values = self._rows.id_rank, self._rows.win_values
        if sort == "score" or (sort == "points" and not self._rows.has_points):
            return ranks.by_score
        if sort == "points":
            return np.lexsort((id_rank, -ranks.probability, -ranks.manual))
        if sort == "value":
            return ranks.by_score if win_values is None else self._by_value(ranks, win_values)
        if sort == "lead":
            return np.argsort(id_rank, kind="stable")
        if sort == "name":
            return self._by_name
        if sort == "waiting":
            return np.lexsort((id_rank, -self._days_in_stage(ranks)))
        if sort == "change":
            return np.lexsort((id_rank, -last_week.moves(ranks)))
        return self._newest_first

    def _days_in_stage(self, ranks: Ranks) -> Floats:
        """Days in the stage now, -1 where they are not known, as in a source without stages."""
        told = self._rows.texts_now(ranks, "stage_days")
        if told is None:
            return np.full(len(self._rows), -1.0)
        return pd.to_numeric(pd.Series(told), errors="coerce").fillna(-1.0).to_numpy(dtype=np.float64)

    def _by_value(self, ranks: Ranks, win_values: Floats) -> Ints:
        if "value" not in ranks.orders:
            ranks.orders["value"] = np.lexsort((self._rows.id_rank, -(ranks.probability * win_values)))
        return ranks.orders["value"]

    @cached_property
    def _by_name(self) -> Ints:
        shown = (person_name(self._rows.display_of(at)) for at in range(len(self._rows)))
        names = [fold_name(name) or "~" for name in shown]  # the nameless last
        return np.lexsort((self._rows.id_rank, np.array(names, dtype=str)))

    @cached_property
    def _newest_first(self) -> Ints:
        return np.lexsort((self._rows.id_rank, -self._rows.created.view(np.int64).astype(np.float64)))
