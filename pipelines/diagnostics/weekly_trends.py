"""How many leads were open, waiting too long and sent to sales, week by week: the trends behind a manager's figures."""

from dataclasses import dataclass

import pandas as pd

from features.array_types import Tables
from features.cohort.cohort import open_cohort
from features.pause_points import pause_point
from models.judging.lifecycle.service_levels import overdue_of, stage_entries
from pipelines.diagnostics.lifecycle_figures import policy_of
from pipelines.workspace.context import Context

WEEKS = 8


@dataclass(frozen=True)
class Week:
    """The seven days up to ``until``, that moment left out: leads sent to sales in them; leads open, and waiting too
    long, at their end.
    """

    until: pd.Timestamp
    open_leads: int
    overdue: int
    sent: int


@dataclass(frozen=True)
class WeeklyTrends:
    """Weeks, the oldest first; ``places`` is what sales can work in one, None where nothing is declared."""

    weeks: tuple[Week, ...]
    places: int | None


def weekly_trends(
    context: Context, tables: Tables, as_of: pd.Timestamp, weeks: int = WEEKS, aside: frozenset[str] = frozenset()
) -> WeeklyTrends:
    """The weeks up to ``as_of``, each as far as was known then; leads that are put ``aside`` now are in no queue."""
    policy, source = policy_of(context), context.source
    entries = stage_entries(tables["stages"], as_of)
    sent = entries.loc[(entries["stage"] == str(policy.sent)).to_numpy(dtype=bool)].drop_duplicates("lead_id")
    found = []
    for back in range(weeks - 1, -1, -1):
        pause_point()
        until = as_of - pd.Timedelta(days=7 * back)
        leads = set(open_cohort(tables, source, until)["lead_id"].astype("str")) - aside
        late = set(overdue_of(tables, policy, until)["lead_id"].astype("str"))
        # as what is known then: of the moment itself nothing is, so it belongs to the week that begins
        during = sent["entered_at"].between(until - pd.Timedelta(days=7), until, inclusive="left")
        found.append(Week(until, len(leads), len(late & leads), int(during.sum())))
    return WeeklyTrends(tuple(found), source.capacity.handoffs_per_week)
