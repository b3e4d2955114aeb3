"""What became of leads for the tables of the lifecycle, and which of them share a fate.

A win is known at once and a loss only in the end: whoever counts each lead as soon as it is known counts wins before
losses, and whoever calls the others lost counts running leads among them. So whether a lead counts depends on when it
was opened alone, never on how it ended.
"""

import numpy as np
import pandas as pd

from features.array_types import Ints
from features.cohort.cohort import group_of

LOOKS = ("lead_id", "as_of", "age_days", "label")


def settled_outcomes(looks: pd.DataFrame) -> pd.Series:
    """Per lead (index lead_id) whether it was won within the horizon after any look at it: 1, 0, or NaN.

    ``looks`` have lead_id, as_of, age_days and label (NaN where the horizon is not over). Known are leads that were
    opened so long ago that they could not be looked at any more when the first horizon still running began. Looks
    after that span, at a lead that was opened again late, do not count; those within it do, whichever time they are of.
    """
    age = pd.to_timedelta(looks["age_days"], unit="D")
    lead, names = pd.factorize(looks["lead_id"].astype("str"))
    ends = _opened(looks).groupby(lead).transform("min") + age.max()
    running = _first_running(looks)
    within = (looks["as_of"] <= ends).to_numpy(dtype=np.bool_)
    known = np.ones(len(looks), dtype=np.bool_) if pd.isna(running) else (ends < running).to_numpy(dtype=np.bool_)
    won = looks["label"].where(known)[within].groupby(lead[within]).max().astype("float64")
    return won.set_axis(names.take(won.index.to_numpy(dtype=np.int64)))


def describe_unsettled(looks: pd.DataFrame) -> str:
    """A sentence where leads are looked at and of none is known what became of it; empty where of any it is."""
    if not len(looks) or settled_outcomes(looks).notna().any():
        return ""
    return (
        f"No win rates yet: a lead counts once the last look at it, {looks['age_days'].max():.0f} days after it was "
        f"opened, has its horizon behind it. Looks since {_first_running(looks):%Y-%m-%d} do not, and the first lead "
        f"was opened on {_opened(looks).min():%Y-%m-%d}: the history is too short."
    )


def _opened(looks: pd.DataFrame) -> pd.Series:
    return looks["as_of"] - pd.to_timedelta(looks["age_days"], unit="D")


def _first_running(looks: pd.DataFrame) -> pd.Timestamp:
    """When the first horizon that is not over began; NaT where all are."""
    return looks.loc[looks["label"].isna(), "as_of"].min()


def groups_of(leads: pd.DataFrame) -> pd.Series:
    """Per lead (index lead_id) the group whose leads share a fate: its account, or itself."""
    once = leads.drop_duplicates("lead_id", keep="last")
    names = once["lead_id"].astype("str")
    return pd.Series(group_of(once["account_id"].astype("str"), names).to_numpy(), index=names.to_numpy())


def group_codes(lead_id: pd.Series, groups: pd.Series) -> Ints:
    """Codes of the groups of leads; a lead without one stands for itself."""
    code, found = pd.factorize(lead_id.astype("str"))
    names = pd.Series(found, dtype="str")
    return np.asarray(pd.factorize(names.map(groups).fillna("lead:" + names))[0][code], dtype=np.int64)
