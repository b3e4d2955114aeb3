"""Closes that end long before everything else: what was won since is not in the data, and is labelled as not won."""

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.cohort.cohort import cutoff_of
from features.cohort.outcomes import REACHED, STAGE_LOST, STAGE_WON, lifecycle_events
from features.errors import DataError
from features.point_in_time.microseconds import days, micros, moments
from features.schema.source import Source
from models.judging.feeds.feed_pace import find_silence


def describe_silent_outcomes(tables: Tables, source: Source) -> str:
    """A warning where closes are older than their own rhythm explains, and looks are matured that they would tell of;
    empty where they are not.

    An outcomes table that was exported earlier than the rest looks like weeks in which nothing was won.
    """
    if source.flat is not None:
        return ""
    try:
        cutoff = int(micros(pd.DatetimeIndex([cutoff_of(tables, source)]))[0])
    except DataError:
        return ""
    closes = _closes(tables, source)
    known = micros(closes["known_at"])
    silence = find_silence(known, cutoff)
    label, settles = source.label, days(source.label.kept_days + source.label.reporting_lag_days)
    if silence is None or cutoff - silence.newest <= settles:
        return ""

    horizons = (label.horizon_days, *label.horizon_by_segment.values())
    first, last = silence.newest - days(max(horizons)), cutoff - settles - days(min(horizons))
    newest, end, since, until = moments(np.array([silence.newest, cutoff, first, last], dtype=np.int64))
    return (
        f"warning: closes end on {newest:%Y-%m-%d}, {(cutoff - silence.newest) / days(1):.0f} days before the data "
        f"cut-off ({end:%Y-%m-%d}); in their own rhythm {silence.usual / days(1):.0f} days are the most. Looks from "
        f"{since:%Y-%m-%d} to {until:%Y-%m-%d} count as not won where nobody knows. If the outcomes were exported "
        f"earlier than the rest, export them anew, or declare data_cutoff: '{newest + pd.Timedelta(days=1):%Y-%m-%d}'."
    )


def _closes(tables: Tables, source: Source) -> pd.DataFrame:
    """What tells of wins: outcomes, and what stages say beside them where it counts and holds wins at all."""
    events = lifecycle_events(tables, source)
    telling = ["won", "lost", *REACHED]
    if source.label.credit == "lead" and (events["what"] == STAGE_WON).any():
        telling += [STAGE_WON, STAGE_LOST]
    return events[events["what"].isin(telling)]
