"""The process as agreed beside the process as it runs: a row per stage, and every way leads took between stages."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats
from features.assembly.closed_leads import ClosedLead
from models.judging.lifecycle.policy import MEASURE_WORDS, LifecyclePolicy, StageDefinition
from models.judging.lifecycle.service_levels import ServiceLevel

COLUMNS = (
    "stage",
    "meaning",
    "owner",
    "entry",
    "expectation",
    "sla",
    "metric",
    "target",
    "actual",
    "kept",
    "leads",
    "in_it_now",
    "median_days",
    "went_further",
    "next_step_in_time",
    "first_touch_in_time",
)


_ENDS = ("won", "lost", "disqualified")  # closings that end a stay; what a source declares a win may not
_ROUNDING = 1e-9


def stage_table(
    policy: LifecyclePolicy,
    funnel: pd.DataFrame,
    promises: Sequence[ServiceLevel],
    found: pd.DataFrame,
    as_of: pd.Timestamp,
    closed: Mapping[str, ClosedLead],
) -> pd.DataFrame:
    """A row per declared stage: what was agreed, and the figures beside it; columns :data:`COLUMNS`.

    ``funnel`` is the table of :mod:`.figures`, ``promises`` the service levels of all teams, also of those too small
    to be shown, ``found`` the stage entries known before ``as_of``, ``closed`` the leads that are over by then.
    ``median_days`` is of all stays, those that go on among them (:func:`median_stay`). ``kept`` says whether the
    metric's target is met, missing where there is none or nothing to judge by.
    """
    left_at = _ends_of_stays(found, closed)
    stayed = ((left_at.fillna(as_of) - found["entered_at"]).dt.total_seconds() / 86_400).clip(lower=0)
    by_stage = funnel.set_index("stage")
    rows = []
    for stage, definition in policy.stages.items():
        name = str(stage)
        entered = found[(found["stage"] == name).to_numpy()]
        last = entered["left_at"].isna()
        at = entered.index
        measured = {
            "leads": int(entered["lead_id"].nunique()),
            "in_it_now": int(entered.loc[last.to_numpy(), "lead_id"].nunique()),
            "median_days": median_stay(np.asarray(stayed[at], dtype=np.float64), left_at[at].notna().to_numpy()),
            "went_further": float(by_stage["went_further"].get(name, np.nan)),
            "next_step_in_time": _in_time(promises, name, "next step", policy.minimum_n),
            "first_touch_in_time": _in_time(promises, name, "first touch", policy.minimum_n),
        }
        metric = definition.metric
        actual = np.nan if metric is None else float(measured[metric.measure])
        rows.append(
            {
                "stage": name,
                "meaning": definition.meaning,
                "owner": definition.owner,
                "entry": definition.entry,
                "expectation": definition.expectation,
                "sla": sla_in_words(definition),
                "metric": "" if metric is None else MEASURE_WORDS[metric.measure],
                "target": np.nan if metric is None else metric.target,
                "actual": actual,
                "kept": None if metric is None or np.isnan(actual) else metric.is_met(actual),
                **measured,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _ends_of_stays(found: pd.DataFrame, closed: Mapping[str, ClosedLead]) -> pd.Series:
    """When each stay ended, by the next stage or, of a lead that outcomes alone closed, by its close; else missing.

    A stage that is a close itself begins with it: that ends only with the next stage.
    """
    over = {lead: one.at for lead, one in closed.items() if one.outcome in _ENDS and one.at is not None}
    close = pd.to_datetime(found["lead_id"].astype("str").map(over)).astype("datetime64[us]")
    ends = (close >= found["entered_at"]) & ~found["stage"].isin(_ENDS)
    return found["left_at"].fillna(close.where(ends))


def median_stay(days: Floats, left: Bools) -> float:
    """Days after which half have left, where who is still there counts for as long as that has been (Kaplan and Meier
    1958); NaN where fewer than half are seen to leave.

    Of those who left alone, the slow ones would be missing.

    >>> median_stay(np.array([1.0, 2.0, 4.0, 9.0]), np.array([True, True, True, True]))
    3.0
    >>> median_stay(np.array([1.0, 5.0, 5.0, 5.0]), np.array([True, False, False, False]))
    nan
    """
    told = np.isfinite(days)
    days, left = days[told], left[told]
    order = np.lexsort((~left, days))
    days, left = days[order], left[order]
    there = np.cumprod(1.0 - left / np.arange(len(days), 0, -1))
    half = np.flatnonzero(there <= 0.5 + _ROUNDING)
    if not len(half):
        return float("nan")
    below = np.flatnonzero(there < 0.5 - _ROUNDING)
    until = days[below[0]] if len(below) else days[half[0]]
    return float((days[half[0]] + until) / 2)


def sla_in_words(definition: StageDefinition) -> str:
    """The deadlines of a stage.

    >>> sla_in_words(StageDefinition(next=("sal",), within_hours=16, first_touch_hours=4))
    'first touch within 4 h, next step within 16 h'
    """
    parts = []
    if definition.first_touch_hours is not None:
        parts.append(f"first touch within {definition.first_touch_hours:g} h")
    if definition.within_hours is not None:
        parts.append(f"next step within {definition.within_hours:g} h")
    return ", ".join(parts)


def _in_time(promises: Sequence[ServiceLevel], stage: str, what: str, least: int) -> float:
    """Share of all teams' deadlines that were kept; unknown where fewer than ``least`` are judged."""
    levels = [level for level in promises if (level.stage, level.what) == (stage, what)]
    met = sum(int(level.met.sum()) for level in levels)
    judged = met + sum(int(level.missed.sum()) for level in levels)
    return met / judged if judged >= max(least, 1) else float("nan")


def transitions(policy: LifecyclePolicy, found: pd.DataFrame) -> pd.DataFrame:
    """Every way between two stages: how many leads took it, its share of those that left, and whether it is declared.

    Declared ways that nobody took are listed with 0.
    """
    moved = found.dropna(subset=["then"])
    counts = moved.groupby(["stage", "then"])["lead_id"].nunique()
    left = moved.groupby("stage")["lead_id"].nunique()
    declared = [(str(a), str(b)) for a, definition in policy.stages.items() for b in definition.next]
    ways = list(dict.fromkeys([*declared, *counts.index.tolist()]))
    rows = [
        {
            "from": a,
            "to": b,
            "leads": int(counts.get((a, b), 0)),
            "share": float(counts.get((a, b), 0)) / float(left[a]) if a in left.index else np.nan,
            "declared": (a, b) in declared,
        }
        for a, b in ways
    ]
    return pd.DataFrame(rows, columns=["from", "to", "leads", "share", "declared"])


def mermaid(policy: LifecyclePolicy) -> str:
    """The declared process as a Mermaid flowchart, as docs draw it."""
    lines = ["flowchart LR"]
    for stage, definition in policy.stages.items():
        label = f"{str(stage).upper()}<br>{definition.meaning}" if definition.meaning else str(stage).upper()
        lines.append(f'  {stage}["{label}"]')
    for stage, definition in policy.stages.items():
        lines += [f"  {stage} --> {following}" for following in definition.next]
    return "\n".join(lines) + "\n"


def markdown_table(policy: LifecyclePolicy) -> str:
    """The declared stages as a Markdown table."""
    lines = [
        "| stage | means | owner | entry | expected next | deadline | judged by |",
        "|---|---|---|---|---|---|---|",
    ]
    for stage, definition in policy.stages.items():
        metric = definition.metric
        judged = "–"
        if metric is not None:
            bound = f"{metric.target:g} at most" if metric.measure == "median_days" else f"{metric.target:.0%} at least"
            judged = f"{MEASURE_WORDS[metric.measure]}, {bound}"
        cells = (
            f"`{stage}`",
            definition.meaning,
            definition.owner,
            definition.entry,
            definition.expectation,
            sla_in_words(definition),
            judged,
        )
        lines.append("| " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(lines) + "\n"
