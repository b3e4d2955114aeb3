"""Labels of a cohort: won within the horizon, on matured rows only; unmatured rows are censored, never negative."""

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints, Tables
from features.cohort.outcomes import STAGE_LOST, STAGE_WON, lifecycle_events, taken_back_wins, wins
from features.point_in_time.microseconds import days, micros, moments
from features.point_in_time.visibility import UNKNOWN, is_known
from features.schema.source import Source
from features.schema.vocabulary import Actor, Stage

WORKED = tuple(str(s) for s in Stage if s not in (Stage.LEAD, Stage.IQL, Stage.MQL, Stage.PQL))


def label(cohort: pd.DataFrame, tables: Tables, source: Source, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Label, maturity and amount of every cohort row.

    A row is won iff the credited lead's outcome happened after as_of and within the horizon and was known by
    ``label_known_at`` = as_of + horizon + days it must be kept + reporting lag: from then on its label never
    changes. It is matured iff that moment is not after the cut-off; the outcome plays no part in it. A win that only
    stages tell counts where no outcome of the lead was known by then.

    Returns
    -------
    columns label (1, 0, NaN where not matured), matured, label_known_at, amount, excluded (the source leaves
    such leads out of training: disqualified or never worked, where declared so)
    """
    settings = source.label
    as_of = micros(cohort["as_of"])
    ends, known_by = _ends(cohort, source)
    matured = known_by <= micros(pd.DatetimeIndex([cutoff]))[0]

    events = lifecycle_events(tables, source)
    found = _pairs(cohort, wins(events, source), as_of, ends, known_by)
    found = found[~_find_outdone(found, events, known_by)]
    found = found[~_find_taken_back(found, taken_back_wins(tables, source), known_by)]
    if settings.kept_days and len(found):
        found = found[~_find_reversals(found, events, days(settings.kept_days), known_by)]

    won = np.zeros(len(cohort), dtype=np.bool_)
    won[found["row"].to_numpy()] = True
    if not settings.repeat_wins:
        found = found.drop_duplicates("row")

    amount = found.groupby("row")["amount"].sum(min_count=1).reindex(range(len(cohort))).to_numpy(dtype=np.float64)
    excluded = _find_excluded(cohort, tables, events, source, as_of, ends, known_by) & ~won

    return pd.DataFrame(
        {
            "label": np.where(matured, won.astype(np.float64), np.nan),
            "matured": matured,
            "label_known_at": moments(known_by),
            "amount": np.where(matured, amount, np.nan),
            "excluded": excluded & matured,
        }
    )


def find_work(cohort: pd.DataFrame, work: pd.DataFrame, source: Source) -> tuple[Bools, Bools]:
    """Per cohort row whether its lead was worked by the end of the horizon, and whether that was known when its label
    was settled.

    ``work`` is :func:`list_work` of the tables.
    """
    ends, known_by = _ends(cohort, source)
    return _find_worked(cohort, work, ends, np.full(len(cohort), UNKNOWN)), _find_worked(cohort, work, ends, known_by)


def _ends(cohort: pd.DataFrame, source: Source) -> tuple[Ints, Ints]:
    """Per cohort row when its horizon ends, and the moment from which on its label never changes."""
    ends = horizon_ends(cohort, source)
    return ends, ends + days(source.label.kept_days + source.label.reporting_lag_days)


def horizon_ends(cohort: pd.DataFrame, source: Source) -> Ints:
    """Per cohort row when its horizon ends, in microseconds; that of its segment where segments have their own."""
    by_segment = source.label.horizon_by_segment
    horizon = np.full(len(cohort), days(source.label.horizon_days), dtype=np.int64)
    segment = cohort["segment"].to_numpy()
    for name, length in by_segment.items():
        horizon[segment == name] = days(length)
    return micros(cohort["as_of"]) + horizon


def _pairs(cohort: pd.DataFrame, events: pd.DataFrame, as_of: Ints, ends: Ints, known_by: Ints) -> pd.DataFrame:
    """Cohort rows with each of their lead's events that happened in (as_of, ends] and was known by ``known_by``."""
    left = pd.DataFrame({"lead_id": cohort["lead_id"], "row": np.arange(len(cohort))})
    right = events[["lead_id", "amount", "what", "opportunity_id"]].assign(
        happened=micros(events["happened_at"]), known=micros(events["known_at"])
    )
    both = left.merge(right, on="lead_id")
    row = both["row"].to_numpy()
    happened, known = both["happened"].to_numpy(), both["known"].to_numpy()
    kept = (happened > as_of[row]) & (happened <= ends[row]) & is_known(known, known_by[row])
    return both[kept].sort_values(["row", "happened", "known"], kind="stable", ignore_index=True)


def _find_outdone(found: pd.DataFrame, events: pd.DataFrame, known_by: Ints) -> Bools:
    """Which wins are told by stages although an outcome of the lead was known when the label was settled."""
    by_stage = (found["what"] == STAGE_WON).to_numpy()
    if not by_stage.any():
        return by_stage
    outcomes = events[events["what"].isin(["won", "lost"])]
    first = found["lead_id"].map(outcomes.groupby("lead_id")["known_at"].min())
    return by_stage & first.notna().to_numpy() & is_known(micros(first), known_by[found["row"].to_numpy()])


def _find_taken_back(found: pd.DataFrame, back: pd.DataFrame, known_by: Ints) -> Bools:
    """Which wins did not stand, as far as was known when the label was settled."""
    flags = np.zeros(len(found), dtype=np.bool_)
    if not len(found) or not len(back):
        return flags
    right = back[["lead_id", "what", "opportunity_id"]].assign(
        happened=micros(back["happened_at"]), learned=micros(back["undone_known_at"])
    )
    same = ["lead_id", "happened", "what", "opportunity_id"]  # two deals of a lead may close on one day
    both = found.reset_index(drop=True).reset_index(names="place").merge(right, on=same)
    late = is_known(both["learned"].to_numpy(), known_by[both["row"].to_numpy()])
    flags[both.loc[late, "place"].to_numpy()] = True
    return flags


def _find_reversals(found: pd.DataFrame, events: pd.DataFrame, kept: int, known_by: Ints) -> Bools:
    """Which wins were undone within the days they must be kept; another opportunity that is lost undoes none."""
    undone = events[events["what"].isin(["lost", STAGE_LOST, "disqualified", "recycled"])]
    right = undone[["lead_id"]].assign(
        undone=micros(undone["happened_at"]),
        learned=micros(undone["known_at"]),
        by=undone["what"],
        of=undone["opportunity_id"],
    )
    both = found.reset_index(drop=True).reset_index(names="place").merge(right, on="lead_id")
    both = both[(both["by"] != STAGE_LOST) | (both["what"] == STAGE_WON)]
    deals = (both["of"] != "") & (both["opportunity_id"] != "")
    both = both[~deals | (both["of"] == both["opportunity_id"])]
    after = both["undone"].to_numpy() - both["happened"].to_numpy()
    late = is_known(both["learned"].to_numpy(), known_by[both["row"].to_numpy()])
    flags = np.zeros(len(found), dtype=np.bool_)
    flags[both.loc[(after > 0) & (after <= kept) & late, "place"].to_numpy()] = True
    return flags


def _find_excluded(
    cohort: pd.DataFrame, tables: Tables, events: pd.DataFrame, source: Source, as_of: Ints, ends: Ints, known_by: Ints
) -> Bools:
    excluded = np.zeros(len(cohort), dtype=np.bool_)
    if source.label.disqualified == "excluded":
        rows = _pairs(cohort, events[events["what"] == "disqualified"], as_of, ends, known_by)["row"]
        excluded[rows.to_numpy()] = True
    if source.label.never_worked == "excluded":
        excluded |= ~_find_worked(cohort, list_work(tables), ends, known_by)
    return excluded


def _find_worked(cohort: pd.DataFrame, work: pd.DataFrame, ends: Ints, known_by: Ints) -> Bools:
    """Which rows' leads were worked by the end of the horizon, as far as was known when the label was settled."""
    if not len(work):
        return np.zeros(len(cohort), dtype=np.bool_)
    rows = pd.DataFrame({"lead_id": cohort["lead_id"].astype("str"), "at": ends, "row": np.arange(len(cohort))})
    found = pd.merge_asof(rows.sort_values("at", kind="stable"), work, on="at", by="lead_id").sort_values("row")
    known = found["known"].fillna(UNKNOWN).to_numpy(dtype=np.int64)
    return is_known(known, known_by)


def list_work(tables: Tables) -> pd.DataFrame:
    """A row each time a lead was worked, by a sales stage or by what a rep did, in order of time: lead_id, at, and when
    the first of all that happened by then became known (known).

    Moments are microseconds.
    """
    stages, activities = tables["stages"], tables["activities"]
    by_stage = stages[stages["stage"].astype("str").isin(WORKED)]
    by_rep = activities[(activities["actor"].astype("str") == str(Actor.REP)).to_numpy(dtype=np.bool_, na_value=False)]
    parts = []
    for rows, clock in ((by_stage, "entered_at"), (by_rep, "happened_at")):
        dated = rows[rows[clock].notna()]
        known = micros(dated["known_at"].fillna(dated[clock]))
        parts.append(
            pd.DataFrame({"lead_id": dated["lead_id"].astype("str"), "at": micros(dated[clock]), "known": known})
        )
    work = pd.concat(parts, ignore_index=True).sort_values("at", kind="stable", ignore_index=True)
    return work.assign(known=work.groupby("lead_id")["known"].cummin().astype("Int64"))
