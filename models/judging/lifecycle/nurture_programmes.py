"""Nurture programmes: who is in one, since when, and what became of them against comparable others.

Association only: who a programme reaches was chosen, by people or by what a lead did. Comparable are leads outside it
in the same quarter, of the same age, with the same side of the handoff, and as active as the members when they joined.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from features.array_types import Floats, Tables
from features.assembly.closed_leads import ClosedLead
from features.assembly.stage_at import stages_at
from features.kernel.column_reader import FrameRows
from features.point_in_time.microseconds import micros
from features.schema.source import Label
from features.schema.vocabulary import Actor
from models.judging.clustered_share import share_interval, weighted_interval
from models.judging.lifecycle.lead_outcomes import group_codes, groups_of
from models.judging.lifecycle.policy import LifecyclePolicy, Programme
from models.judging.lifecycle.service_levels import rows_known_at

AGE_DAYS = (14.0, 45.0, 90.0)  # ends of the age bands: new, a month, a quarter, older
ACTIVE_DAYS = 30  # a lead that did anything in them counts as active
JOINED_WITHIN_DAYS = 14  # the first look after joining: the weekly grid, and one week missed
MEMBERS = ("programme", "lead_id", "since", "stage")
COMPARED = (
    "programme", "meaning", "members", "open_now", "compared", "won", "rate", "low", "high",
    "others", "others_rate", "others_low", "others_high", "verdict",
)  # fmt: skip


def programme_members(
    tables: Tables, policy: LifecyclePolicy, as_of: pd.Timestamp, closed: Mapping[str, ClosedLead]
) -> pd.DataFrame:
    """Who is in which programme and since when, with the CRM stage of now; columns :data:`MEMBERS`.

    ``closed`` are the leads that are over by then, whose stage is how they ended: not every source writes that down
    among its stages.
    """
    acts = rows_known_at(tables["activities"], as_of)
    parts = [_joined(acts, programme) for programme in policy.programmes]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["programme", "lead_id", "since"])
    if not len(found):
        return pd.DataFrame(columns=list(MEMBERS))
    now = np.full(len(found), micros(pd.DatetimeIndex([as_of]))[0], dtype=np.int64)
    held = stages_at(FrameRows(tables["stages"]), found["lead_id"].to_numpy(dtype=object), now)
    ends = [closed.get(str(lead)) for lead in found["lead_id"]]
    stage = [str(here) if end is None else end.outcome for here, end in zip(held.stage, ends, strict=True)]
    return found.assign(stage=np.array(stage, dtype=object))[list(MEMBERS)]


def _joined(acts: pd.DataFrame, programme: Programme) -> pd.DataFrame:
    """The first known activity of a programme per lead."""
    mask = acts["kind"].isin(programme.kinds).to_numpy(dtype=bool)
    if programme.assets:
        assets = acts["asset"].astype("object").fillna("").astype(str)
        named = {one for one in assets.unique() if any(fnmatchcase(one, pattern) for pattern in programme.assets)}
        mask = mask & assets.isin(named).to_numpy(dtype=bool)
    first = acts[mask].groupby("lead_id")["known_at"].min()
    return pd.DataFrame({"programme": programme.name, "lead_id": first.index.astype("str"), "since": first.to_numpy()})


def compare_programmes(
    members: pd.DataFrame,
    rows: pd.DataFrame,
    tables: Tables,
    policy: LifecyclePolicy,
    closed: Mapping[str, ClosedLead],
) -> pd.DataFrame:
    """Per programme: members, how many of them won within the horizon after joining, and comparable others.

    ``rows`` are looks at leads (lead_id, as_of, age_days, label; NaN: not known yet). A member is judged at the first
    look after it joined, others at their first look in the same stratum; the others' rate is weighted as the members
    fall into strata. Members without comparable others are left out of ``compared``. Members in ``closed`` are over,
    whatever their stage says.
    """
    looks = _with_strata(rows.dropna(subset=["label"]), tables)
    looks = looks.assign(group=group_codes(looks["lead_id"], groups_of(tables["leads"])))
    found = []
    for programme in policy.programmes:
        own = members[(members["programme"] == programme.name).to_numpy(dtype=bool)]
        since = own.set_index("lead_id")["since"].astype("datetime64[us]").reindex(looks["lead_id"])
        joined = looks.assign(since=since.to_numpy())
        wait = joined["as_of"] - joined["since"]
        entry = joined[
            ((wait > pd.Timedelta(0)) & (wait <= pd.Timedelta(days=JOINED_WITHIN_DAYS))).to_numpy(dtype=bool)
        ]
        entry = entry.sort_values("as_of", kind="stable").drop_duplicates("lead_id")
        outside = joined[(joined["since"].isna() | (joined["since"] >= joined["as_of"])).to_numpy(dtype=bool)]
        outside = outside.sort_values("as_of", kind="stable").drop_duplicates(["lead_id", "stratum"])
        open_now = int((~own["lead_id"].isin(list(closed))).sum())
        found.append(
            {"programme": programme.name, "meaning": programme.meaning, "members": len(own), "open_now": open_now}
            | _compared(entry, outside, policy.minimum_n)
        )
    return pd.DataFrame(found, columns=list(COMPARED))


def _compared(entry: pd.DataFrame, outside: pd.DataFrame, minimum_n: int) -> dict[str, object]:
    others = outside.groupby("stratum")["label"].agg(["size", "mean"])
    weight = entry["stratum"].value_counts()
    shared = weight.index.intersection(others.index)
    kept = entry[entry["stratum"].isin(shared).to_numpy(dtype=bool)]
    n, won = len(kept), float(kept["label"].sum())
    nothing = dict.fromkeys(COMPARED[6:13], np.nan)
    if n < minimum_n or int(others.loc[shared, "size"].sum()) < minimum_n:
        return {"compared": n, "won": int(won), **nothing, "others": 0, "verdict": "too few to compare"}

    share: Floats = weight[shared].to_numpy(dtype=np.float64) / float(weight[shared].sum())
    rate = float(share @ others.loc[shared, "mean"].to_numpy(dtype=np.float64))
    like = outside[outside["stratum"].isin(shared).to_numpy(dtype=bool)]
    part = pd.Series(share, index=shared) / others.loc[shared, "size"]
    low, high = share_interval(kept["label"].to_numpy(dtype=np.float64), kept["group"].to_numpy(dtype=np.int64))
    others_low, others_high = weighted_interval(
        like["label"].to_numpy(dtype=np.float64),
        like["stratum"].map(others["mean"]).to_numpy(dtype=np.float64),
        like["stratum"].map(part).to_numpy(dtype=np.float64),
        like["group"].to_numpy(dtype=np.int64),
    )
    verdict = "no clear difference"
    if low > others_high:
        verdict = "won more often"
    elif high < others_low:
        verdict = "won less often"
    return {
        "compared": n,
        "won": int(won),
        "rate": won / n,
        "low": low,
        "high": high,
        "others": int(others.loc[shared, "size"].sum()),
        "others_rate": rate,
        "others_low": others_low,
        "others_high": others_high,
        "verdict": verdict,
    }


def _with_strata(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Looks with the stratum they are compared within: quarter, age, side of the handoff, active or quiet."""
    looks = rows[["lead_id", "as_of", "age_days", "label"]].copy()
    looks["lead_id"] = looks["lead_id"].astype("str")
    looks["as_of"] = looks["as_of"].astype("datetime64[us]")
    at = micros(looks["as_of"])
    held = stages_at(FrameRows(tables["stages"]), looks["lead_id"].to_numpy(dtype=object), at)
    acts = tables["activities"]
    acts = acts[(acts["actor"] == str(Actor.LEAD)).to_numpy(dtype=bool)][["lead_id", "known_at"]].dropna()
    acts = acts.assign(lead_id=acts["lead_id"].astype("str"), last=acts["known_at"]).sort_values(
        "known_at", kind="stable"
    )
    order = looks.assign(place=np.arange(len(looks))).sort_values("as_of", kind="stable")
    seen = pd.merge_asof(
        order, acts, left_on="as_of", right_on="known_at", by="lead_id", allow_exact_matches=False
    ).sort_values("place")
    active = ((looks["as_of"] - seen["last"].to_numpy()) <= pd.Timedelta(days=ACTIVE_DAYS)).fillna(False)
    parts = (
        looks["as_of"].dt.to_period("Q").astype("str").to_numpy(dtype=object),
        np.digitize(looks["age_days"].to_numpy(dtype=np.float64), AGE_DAYS).astype(str),
        held.phases(at, Label(recycle_cool_down_days=0)),
        np.where(active.to_numpy(dtype=bool), "active", "quiet"),
    )
    return looks.assign(stratum=[" ".join(map(str, key)) for key in zip(*parts, strict=True)])
