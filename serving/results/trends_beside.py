"""Weekly trends, worked out beside the request: a page shows its figures before their history."""

import pandas as pd

from pipelines.diagnostics.weekly_trends import WeeklyTrends
from serving.results.lifecycle_now import AT_ONCE_SECONDS
from serving.state.app_state import AppState
from serving.state.gather_rows import count_posted, gather_all_rows
from serving.state.result_cache import BesideResult

_NAME = "weekly trends"


def begin_weekly_trends(app_state: AppState, aside: frozenset[str]) -> BesideResult[WeeklyTrends]:
    """Weeks up to the data's cut-off with what was posted since; nothing without stages. ``aside``: leads that sales
    put aside, which wait for nobody.

    Where that takes long, the weeks as they were counted last, while they are counted again.
    """
    from pipelines.diagnostics.weekly_trends import weekly_trends

    data = app_state.loaded.data
    cutoff = data.cutoff
    if data.flat or cutoff is None or not len(data.tables.get("stages", ())):
        return BesideResult(problem="no stages")

    def compute() -> WeeklyTrends:
        with app_state.store.reading() as session:
            rows = gather_all_rows(session, data)
        latest = app_state.clock.scored_as_of(rows.latest) if rows.edited else None
        until = cutoff if latest is None else max(cutoff, pd.Timestamp(latest))
        return weekly_trends(app_state.context, rows.tables, until, aside=aside)

    results, base = app_state.results, (data.stamp, app_state.people.stamp, data.moved)
    stamp = (base, (count_posted(app_state.store), aside))

    def work() -> WeeklyTrends:
        return results.get(_NAME, stamp, compute)

    kept = results.last(_NAME)
    if kept is None or kept.stamp == stamp or kept.stamp[0] != base or kept.seconds <= AT_ONCE_SECONDS:
        return results.begin(f"{_NAME} beside", stamp, work)
    results.renew(_NAME, stamp, work)
    return BesideResult(kept.value)
