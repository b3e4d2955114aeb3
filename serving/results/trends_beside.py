"""Weekly trends, worked out beside the request: a page shows its figures before their history."""

import pandas as pd

from pipelines.diagnostics.weekly_trends import WeeklyTrends
from serving.state.app_state import AppState
from serving.state.gather_rows import count_posted, gather_all_rows
from serving.state.result_cache import BesideResult


def begin_weekly_trends(app_state: AppState, aside: frozenset[str]) -> BesideResult[WeeklyTrends]:
    """Weeks up to the data's cut-off with what was posted since; nothing without stages. ``aside``: leads that sales
    put aside, which wait for nobody.
    """
    from pipelines.diagnostics.weekly_trends import weekly_trends

    data = app_state.loaded.data
    cutoff = data.cutoff
    if data.flat or cutoff is None or not len(data.tables.get("stages", ())):
        return BesideResult(problem="no stages")

    def compute() -> WeeklyTrends:
        with app_state.store.reading() as session:
            rows = gather_all_rows(session, data)
        latest = app_state.clock.as_of(rows.latest) if rows.edited else None
        until = cutoff if latest is None else max(cutoff, pd.Timestamp(latest))
        return weekly_trends(app_state.context, rows.tables, until, aside=aside)

    return app_state.results.begin("weekly trends", (data.stamp, count_posted(app_state.store), aside), compute)
