"""Service levels: was the next step taken in time, and how fast was the first touch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints, Tables
from features.kernel.column_reader import micros_of
from features.point_in_time.microseconds import micros
from features.point_in_time.visibility import is_known
from features.schema.vocabulary import Actor
from models.judging.clustered_share import share_interval
from models.judging.lifecycle.lead_outcomes import group_codes
from models.judging.lifecycle.policy import LifecyclePolicy

FIRST_TOUCH_BINS = (1.0, 4.0, 8.0, 24.0, np.inf)  # business hours: at once, within half a day, a day, three days, later
ASSOCIATION = "Association only: leads that looked better may also have been called sooner."


def rows_known_at(table: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Rows that our systems knew before ``as_of``."""
    return table[is_known(micros(table["known_at"]), micros_of(as_of))]


def stage_entries(stages: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Stage entries as known at a moment, with when the lead left the stage (``left_at``) and for which (``then``)."""
    rows = rows_known_at(stages, as_of).sort_values(["lead_id", "entered_at"], kind="stable").reset_index(drop=True)
    same = rows["lead_id"].eq(rows["lead_id"].shift(-1)).to_numpy()
    rows["left_at"] = rows["entered_at"].shift(-1).where(same)
    rows["then"] = rows["stage"].shift(-1).where(same)
    return rows


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """One promise and the entries it binds: ``met`` and ``missed`` are neither where the deadline is still ahead.

    ``waited`` is business hours since the entry; ``waiting`` says whether it still stands where it entered, undone.
    """

    stage: str
    what: str
    promised_hours: float
    rows: pd.DataFrame
    team: pd.Series
    met: Bools
    missed: Bools
    waited: Floats
    waiting: Bools


def check_service_levels(
    found: pd.DataFrame, activities: pd.DataFrame, policy: LifecyclePolicy, as_of: pd.Timestamp
) -> Iterator[ServiceLevel]:
    """Every promise of the policy with the stage entries it binds.

    An entry still open counts as missed once its deadline is past, and as neither before.
    """
    touches = _first_touch(found, activities)
    for stage, definition in policy.stages.items():
        part = found[(found["stage"] == str(stage)).to_numpy()]
        for what, promised, done in (
            ("next step", definition.within_hours, part["left_at"]),
            ("first touch", definition.first_touch_hours, touches.reindex(part.index)),
        ):
            if promised is None or not len(part):
                continue
            taken = policy.business_hours.hours_between(part["entered_at"], done)
            waited = policy.business_hours.hours_between(part["entered_at"], pd.Series(as_of, index=part.index))
            missed = (taken > promised) | (np.isnan(taken) & (waited > promised))
            owner = part["owner"].astype("str").fillna("")
            rest = {name: name if policy.per_person else definition.owner or "(no team)" for name in owner.unique()}
            team = owner.map({**rest, **policy.teams})
            waiting = (done.isna() & part["left_at"].isna()).to_numpy()
            yield ServiceLevel(
                stage=str(stage),
                what=what,
                promised_hours=promised,
                rows=part,
                team=team,
                met=taken <= promised,
                missed=missed,
                waited=waited,
                waiting=waiting,
            )


def attainment(every: Sequence[ServiceLevel], minimum_n: int, groups: pd.Series) -> pd.DataFrame:
    """Service levels per stage and team: what, promised hours, n, met, missed, still open, attained with interval.

    ``groups``: per lead (index lead_id) the account whose leads share a fate.
    """
    rows = []
    for level in every:
        rows += _by_team(level, group_codes(level.rows["lead_id"], groups), minimum_n)
    columns = ["stage", "what", "promised_hours", "team", "n", "met", "missed", "open", "attained", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def overdue_now(every: Sequence[ServiceLevel]) -> pd.DataFrame:
    """Leads that wait beyond what was promised, longest first: one row per lead and broken promise."""
    parts = []
    for level in every:
        late = level.missed & level.waiting
        rows = level.rows[late]
        frame = {
            "lead_id": rows["lead_id"].astype("str").to_numpy(dtype=object),
            "stage": level.stage,
            "what": level.what,
            "team": level.team.to_numpy()[late],
            "promised_hours": level.promised_hours,
            "waited_hours": level.waited[late],
        }
        parts.append(pd.DataFrame(frame))

    columns = ["lead_id", "stage", "what", "team", "promised_hours", "waited_hours"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found.sort_values(["waited_hours", "lead_id"], ascending=[False, True], ignore_index=True)


def overdue_of(tables: Tables, policy: LifecyclePolicy, as_of: pd.Timestamp) -> pd.DataFrame:
    """:func:`overdue_now` of the leads whose stages and activities are in ``tables``, as known before ``as_of``."""
    entries, acts = stage_entries(tables["stages"], as_of), rows_known_at(tables["activities"], as_of)
    return overdue_now(list(check_service_levels(entries, acts, policy, as_of)))


def attainment_by_month(every: Sequence[ServiceLevel], minimum_n: int) -> pd.DataFrame:
    """Service levels per month of entry and team: judged deadlines, met, attained; small groups left out."""
    parts = []
    for level in every:
        judged = level.met | level.missed
        frame = pd.DataFrame(
            {
                "month": level.rows["entered_at"].dt.strftime("%Y-%m").to_numpy()[judged],
                "stage": level.stage,
                "what": level.what,
                "team": level.team.to_numpy()[judged],
                "met": level.met[judged],
            }
        )
        summed = frame.groupby(["month", "stage", "what", "team"])["met"].agg(["size", "sum"]).reset_index()
        parts.append(summed[(summed["size"] >= minimum_n).to_numpy()])

    columns = ["month", "stage", "what", "team", "judged", "met"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    found.columns = pd.Index(columns)
    return found.assign(attained=found["met"].astype("float64") / found["judged"].astype("float64"))


def _by_team(level: ServiceLevel, group: Ints, minimum_n: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    met, missed = level.met, level.missed
    for name in sorted(level.team.unique()):
        mask = (level.team == name).to_numpy()
        kept, broken, n = int(met[mask].sum()), int(missed[mask].sum()), int(mask.sum())
        judged = kept + broken
        if n < minimum_n:
            continue
        due = mask & (met | missed)
        low, high = share_interval(met[due].astype(np.float64), group[due])
        share = kept / judged if judged else float("nan")
        rows.append(
            (level.stage, level.what, level.promised_hours, name, n, kept, broken, n - judged, share, low, high)
        )
    return rows


def _first_touch(found: pd.DataFrame, activities: pd.DataFrame) -> pd.Series:
    """Per entry the first act of a rep at or after it and before the lead left the stage; NaT if none."""
    acts = activities[(activities["actor"] == str(Actor.REP)).to_numpy()][["lead_id", "happened_at"]]
    left = found[["lead_id", "entered_at", "left_at"]].reset_index().sort_values("entered_at", kind="stable")
    right = acts.dropna().rename(columns={"happened_at": "touched_at"}).sort_values("touched_at", kind="stable")
    if not len(right) or not len(left):
        return pd.Series(pd.NaT, index=found.index, dtype="datetime64[us]")
    joined = pd.merge_asof(
        left, right, left_on="entered_at", right_on="touched_at", by="lead_id", direction="forward"
    ).set_index("index")
    late = (joined["touched_at"] > joined["left_at"]).to_numpy()
    return joined["touched_at"].mask(late)


def first_touch_and_wins(
    found: pd.DataFrame, activities: pd.DataFrame, won: pd.Series, groups: pd.Series, policy: LifecyclePolicy
) -> pd.DataFrame:
    """Win rate by business hours to the first touch after the lead was sent: an association, not an effect."""
    sent = found[(found["stage"] == str(policy.sent)).to_numpy()].drop_duplicates("lead_id")
    never = pd.Series(pd.NaT, index=found.index, dtype="datetime64[us]")
    touched = _first_touch(found.assign(left_at=never), activities).reindex(sent.index)
    hours = policy.business_hours.hours_between(sent["entered_at"], touched)
    names, low = [], 0.0
    for high in FIRST_TOUCH_BINS:
        names.append((f"over {low:g} hours" if np.isinf(high) else f"{low:g} to {high:g} hours", low, high))
        low = high
    outcome = sent["lead_id"].astype("str").map(won).to_numpy(dtype=np.float64)
    masks: Mapping[str, Bools] = {
        **{name: (hours > start if start else hours >= 0) & (hours <= end) for name, start, end in names},
        "never": np.isnan(hours),
    }
    return rates(masks, outcome, group_codes(sent["lead_id"], groups), "first_touch")


def rates(masks: Mapping[str, Bools], outcome: Floats, group: Ints, what: str) -> pd.DataFrame:
    """Rate of an outcome (NaN: not known yet, left out) per named part, with a 90% interval that respects accounts.

    ``outcome`` and the codes of accounts, ``group``, are per lead, shape (n,).
    """
    rows = []
    for name, mask in masks.items():
        judged = mask & ~np.isnan(outcome)
        n, wins = int(judged.sum()), float(outcome[judged].sum())
        ends = share_interval(outcome[judged], group[judged])
        rows.append((name, n, int(wins), wins / n if n else float("nan"), *ends))
    return pd.DataFrame(rows, columns=[what, "n", "won", "rate", "low", "high"])
