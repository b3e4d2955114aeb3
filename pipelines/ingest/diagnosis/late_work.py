"""Work learned of after labels were settled: leads that were worked and not won are left out as never worked, told."""

import numpy as np
import pandas as pd

from features.array_types import Bools, Tables
from features.cohort.cohort import build_cohort, cutoff_of
from features.cohort.labels import find_work, label, list_work
from features.errors import ContractError, DataError
from features.point_in_time.microseconds import days
from features.schema.source import Source

_FEEDS = ("stages", "activities")  # that tell of work
_FEW = 0.1  # of the looks at worked leads: some calls are always synced late; of a feed that was loaded late it is most


def describe_late_work(tables: Tables, source: Source) -> str:
    """A note where ``never_worked: excluded`` leaves out leads that were worked, because that was learned too late; a
    warning where these are more than a tenth; empty where there are none.

    What is won stays whether it was worked or not: a feed of work that was loaded late leaves wins alone.
    """
    if source.flat is not None or source.label.never_worked != "excluded":
        return ""
    work = list_work(tables)
    settles = days(source.label.kept_days + source.label.reporting_lag_days)
    if not (work["known"] - work["at"] >= settles).any():
        return ""  # all of it was known in time, whatever is looked at
    try:
        cutoff = cutoff_of(tables, source)
        cohort = build_cohort(tables, source, cutoff)
        counted = source.label.model_copy(update={"never_worked": "lost"})
        labels = label(cohort, tables, source.model_copy(update={"label": counted}), cutoff)
    except (ContractError, DataError):
        return ""  # what is wrong with them is said where the matrix is built

    worked, known = find_work(cohort, work, source)
    lost = ((labels["label"] == 0) & ~labels["excluded"]).to_numpy(dtype=np.bool_)
    late = lost & worked & ~known
    if not late.any():
        return ""
    won, told, all_worked = int((labels["label"] == 1).sum()), int((lost & known).sum()), int((lost & worked).sum())
    warning = "warning: " if late.sum() > _FEW * all_worked else ""
    feeds = " and ".join(f"'{name}'" for name in _late_feeds(cohort[late], tables, source))
    return (
        f"{warning}{int(late.sum()):,} of {all_worked:,} looks at leads that were worked and not won are left out as "
        f"never worked (e.g. of lead '{cohort['lead_id'][late].iloc[0]}'): what {feeds} tell of their work became "
        f"known after their labels were settled. Won ones stay: {_share(won, told)} of what is learned from is won, "
        f"{_share(won, all_worked)} with them. If known_at of {feeds} is when rows were loaded, map when each was "
        "recorded, or leave known_at out; or declare never_worked: lost."
    )


def _late_feeds(looks: pd.DataFrame, tables: Tables, source: Source) -> list[str]:
    """The tables that tell of the work of these looks."""

    def tells(feed: str) -> Bools:
        others = {name: tables[name].iloc[:0] for name in _FEEDS if name != feed}
        return find_work(looks, list_work({**tables, **others}), source)[0]

    return [feed for feed in _FEEDS if tells(feed).any()]


def _share(won: int, lost: int) -> str:
    return f"{won / max(won + lost, 1):.0%}"
