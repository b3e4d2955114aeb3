"""What marketing and sales promised each other per quarter, what came of it, and which way it goes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.schema.vocabulary import Actor
from models.judging.lifecycle.policy import LifecyclePolicy
from models.judging.lifecycle.sales_feedback import RETURNED
from models.judging.lifecycle.service_levels import ServiceLevel

COLUMNS = ("quarter", "team", "goal", "promised", "reached", "attained", "n", "change", "running")
_STEADY = 0.02  # of a share, or of a promised volume: less is no trend


def shared_goals(
    found: pd.DataFrame,
    activities: pd.DataFrame,
    said: pd.DataFrame,
    promises: Sequence[ServiceLevel],
    policy: LifecyclePolicy,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """A row per quarter and goal; columns :data:`COLUMNS`, the newest quarter first.

    Marketing: qualified leads delivered (``reached`` is a count) and the share of them that sales accepted. Sales:
    shares of the leads sent in the quarter that were touched in time, worked, and fed back; leads whose deadline is
    still ahead are left out. ``attained`` is reached over promised; ``change`` is reached less the quarter before;
    ``running`` marks the quarter that is not over, whose volume is promised for the days that have passed.
    """
    sent = found[(found["stage"] == str(policy.sent)).to_numpy()].drop_duplicates("lead_id")
    quarter = sent["entered_at"].dt.to_period("Q").astype("str")
    now = str(as_of.to_period("Q"))
    named = {name for name in (*policy.goals, *policy.promised_per_quarter) if "Q" in name}
    quarters = sorted({*quarter, *named} - {name for name in named if name > now})

    due = _due(sent, promises, policy)
    touched = _touched(sent, promises, policy)
    worked = _worked(sent, found, activities, policy)
    fed_back = _fed_back(sent, said)
    accepted = sent["lead_id"].isin(found.loc[(found["stage"] == str(policy.accepted)).to_numpy(), "lead_id"])

    rows: list[dict[str, object]] = []
    before: dict[str, float] = {}
    for name in quarters:
        own = (quarter == name).to_numpy()
        goals = policy.goals_of(name)
        elapsed = _elapsed(name, as_of)
        asked = own & due.to_numpy(dtype=bool)
        figures = (
            ("marketing", "qualified leads", goals.marketing.qualified_leads, float(own.sum()), int(own.sum())),
            ("marketing", "accepted by sales", goals.marketing.accepted, *_share(accepted, asked)),
            ("sales", "touched in time", goals.sales.touched_in_time, *_share(touched, own)),
            ("sales", "worked", goals.sales.worked, *_share(worked, asked)),
            ("sales", "fed back", goals.sales.fed_back, *_share(fed_back, asked)),
        )
        for team, goal, promised, reached, n in figures:
            volume = goal == "qualified leads"
            by_now = None if promised is None else promised * (elapsed if volume else 1.0)
            last = before.get(goal)
            rows.append(
                {
                    "quarter": name,
                    "team": team,
                    "goal": goal,
                    "promised": np.nan if by_now is None else by_now,
                    "reached": reached,
                    "attained": reached / by_now if by_now else np.nan,
                    "n": n,
                    "change": np.nan if last is None or (volume and elapsed < 1) else reached - last,
                    "running": elapsed < 1,
                }
            )
            if not np.isnan(reached) and elapsed == 1:
                before[goal] = reached
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    kept = ~(table["promised"].isna() & (table["n"] == 0)).to_numpy(dtype=bool)
    order = {name: -k for k, name in enumerate(quarters)}
    return table[kept].sort_values("quarter", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _elapsed(quarter: str, as_of: pd.Timestamp) -> float:
    """Share of a quarter's days that have passed."""
    period = pd.Period(quarter, freq="Q")
    start, end = period.start_time, (period + 1).start_time
    return float(np.clip((as_of - start) / (end - start), 0.0, 1.0))


def _share(reached: pd.Series, asked: np.ndarray) -> tuple[float, int]:
    """Share of the asked rows that are true; rows without a value are not asked."""
    values = reached.to_numpy(dtype=np.float64, na_value=np.nan)
    judged = asked & ~np.isnan(values)
    n = int(judged.sum())
    return (float(values[judged].mean()), n) if n else (float("nan"), 0)


def _level(promises: Sequence[ServiceLevel], policy: LifecyclePolicy, what: str) -> ServiceLevel | None:
    return next((level for level in promises if level.stage == str(policy.sent) and level.what == what), None)


def _due(sent: pd.DataFrame, promises: Sequence[ServiceLevel], policy: LifecyclePolicy) -> pd.Series:
    """Leads that sales should have dealt with by now: decided, or past their deadline."""
    level = _level(promises, policy, "next step")
    if level is None:
        return pd.Series(True, index=sent.index)
    judged = pd.Series(level.met | level.missed, index=level.rows.index)
    return judged.reindex(sent.index).fillna(True).astype(bool)


def _touched(sent: pd.DataFrame, promises: Sequence[ServiceLevel], policy: LifecyclePolicy) -> pd.Series:
    """Whether the first touch came in time; missing where its deadline is ahead, or none was promised."""
    level = _level(promises, policy, "first touch")
    if level is None:
        return pd.Series(np.nan, index=sent.index)
    judged = pd.Series(np.where(level.met, 1.0, np.where(level.missed, 0.0, np.nan)), index=level.rows.index)
    return judged.reindex(sent.index)


def _worked(sent: pd.DataFrame, found: pd.DataFrame, activities: pd.DataFrame, policy: LifecyclePolicy) -> pd.Series:
    """Whether a rep acted on the lead after it was sent, or sales accepted it."""
    acts = activities[(activities["actor"] == str(Actor.REP)).to_numpy(dtype=bool)]
    last = acts.groupby("lead_id")["happened_at"].max()
    acted = (
        pd.Series(last.reindex(sent["lead_id"]).to_numpy(), index=sent.index) >= sent["entered_at"]
    )  # last may be empty
    accepted = sent["lead_id"].isin(found.loc[(found["stage"] == str(policy.accepted)).to_numpy(), "lead_id"])
    return (acted.fillna(False) | accepted).astype(float)


def _fed_back(sent: pd.DataFrame, said: pd.DataFrame) -> pd.Series:
    """Whether sales decided on the lead, and gave the reason where it returned it."""
    reason = said["reason"].astype("str").fillna("").ne("")
    heard = said.loc[((said["decision"] != RETURNED) | reason).to_numpy(dtype=bool), "lead_id"]
    return sent["lead_id"].isin(heard).astype(float)


def trend_of(change: float, promised: float) -> str:
    """The direction of a goal against the quarter before.

    >>> trend_of(0.1, 0.9), trend_of(-30, 400), trend_of(0.01, 0.9), trend_of(float("nan"), 1)
    ('better', 'worse', 'steady', '')
    """
    if np.isnan(change):
        return ""
    scale = promised if promised > 1 else 1.0
    return "steady" if abs(change) < _STEADY * scale else "better" if change > 0 else "worse"
