"""How many leads were hot and not called in the weeks before, as the lists of these weeks had it."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from features.errors import DataError
from pipelines.diagnostics.hot_leads import LOG, read_hot_counts, untouched_by_week
from pipelines.diagnostics.weekly_trends import WEEKS
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp


@dataclass(frozen=True)
class HotWeeks:
    """Hot and not called a week, the last a week ago, None where no run counted; ``since`` is when the first did.

    ``readable`` is whether the counts of before can be read.
    """

    untouched: tuple[int | None, ...]
    since: datetime | None
    readable: bool = True


def find_hot_weeks(app_state: AppState) -> HotWeeks:
    """The weeks before the data's cut-off; none is worked out anew, as the scores that were shown then are gone."""
    cutoff, paths = app_state.loaded.data.cutoff, app_state.paths
    try:
        counts = app_state.results.get("hot counts", file_stamp(paths.root / LOG), lambda: read_hot_counts(paths))
    except (DataError, OSError):
        return HotWeeks((None,) * (WEEKS - 1), None, readable=False)
    if cutoff is None or not counts:
        return HotWeeks((None,) * (WEEKS - 1), None)
    weeks = untouched_by_week(counts, pd.Timestamp(cutoff), WEEKS - 1)
    return HotWeeks(tuple(weeks), counts[0].as_of.to_pydatetime(warn=False))
