"""How many leads were hot and untouched as each run's list had it: no later data tell what was shown then."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.errors import DataError
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.paths import Paths

LOG = "hot_leads.parquet"  # in the source's folder; counts alone, so nobody is named in it
DAMAGED = "hot_leads.damaged.parquet"
HOT = "hot"
_COLUMNS = ("as_of", "hot", "untouched", "bundle")
_WEEK, _NEAR = pd.Timedelta(days=7), pd.Timedelta(days=1)


@dataclass(frozen=True)
class HotCount:
    """Leads on a list that were hot, and those of them that no rep had touched, at ``as_of`` under one bundle."""

    as_of: pd.Timestamp
    hot: int
    untouched: int
    bundle: str


def count_hot(
    shown: pd.DataFrame, activities: pd.DataFrame, aside: frozenset[str], spoken_of: frozenset[str], bundle: str
) -> HotCount:
    """Count a list as people see it, by its columns ``lead_id``, ``as_of`` and ``temperature``.

    Leads that were put ``aside`` wait for nobody; touched is who has an activity by a rep or is ``spoken_of`` by sales,
    as on the pages.
    """
    names = shown["lead_id"].astype("str")
    hot = (shown["temperature"].eq(HOT) & ~names.isin(aside)).to_numpy(dtype=bool)
    by_rep = activities.loc[activities["actor"].eq("rep").fillna(False).to_numpy(dtype=bool), "lead_id"]
    touched = names.isin(set(by_rep.astype("str")) | spoken_of).to_numpy(dtype=bool)
    return HotCount(pd.Timestamp(shown["as_of"].iloc[0]), int(hot.sum()), int((hot & ~touched).sum()), bundle)


def keep_hot_count(paths: Paths, count: HotCount) -> None:
    """Add a count to those of earlier runs; of one moment the newest list is the one that was shown.

    A log that cannot be read is laid aside under another name, and a new one begun: it holds no list back.
    """
    try:
        before = read_hot_counts(paths)
    except DataError:
        before = []
        (paths.root / LOG).replace(paths.root / DAMAGED)
    rows = [*(one for one in before if one.as_of != count.as_of), count]
    rows.sort(key=lambda one: one.as_of)
    frame = pd.DataFrame([[getattr(one, name) for name in _COLUMNS] for one in rows], columns=list(_COLUMNS))
    write_parquet(paths.root / LOG, frame)


def read_hot_counts(paths: Paths) -> list[HotCount]:
    """What runs counted so far, the oldest first; nothing before the first of them.

    Raises
    ------
    DataError : the log is damaged, or not this user's to read
    """
    file = paths.root / LOG
    if not file.exists():
        return []
    frame = read_parquet(file)
    if not set(_COLUMNS) <= set(frame):
        raise DataError(f"{file} is no log of hot leads: it lacks columns.")
    rows = frame.to_dict(orient="records")
    return [HotCount(row["as_of"], int(row["hot"]), int(row["untouched"]), str(row["bundle"])) for row in rows]


def untouched_by_week(counts: Sequence[HotCount], as_of: pd.Timestamp, weeks: int) -> list[int | None]:
    """Hot and untouched ``weeks``, ..., 2, 1 weeks before ``as_of``; None where no run counted within a day of it.

    >>> day = pd.Timestamp("2026-06-29")
    >>> counts = [HotCount(day - pd.Timedelta(days=days), 9, days, "b") for days in (21, 8, 3)]
    >>> untouched_by_week(counts, day, 3)
    [21, None, 8]
    """
    found = list[int | None]()
    for back in range(weeks, 0, -1):
        then = as_of - back * _WEEK
        near = [one for one in counts if abs(one.as_of - then) <= _NEAR]
        found.append(min(near, key=lambda one: abs(one.as_of - then)).untouched if near else None)
    return found
