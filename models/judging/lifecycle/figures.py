"""The lifecycle in figures: funnel, service levels, volumes, capture tools, nurturing and recycles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Tables
from features.assembly.closed_leads import ClosedLead
from features.pause_points import pause_point
from features.schema.vocabulary import Actor, Stage
from models.judging.lifecycle.lead_outcomes import (
    LOOKS,
    describe_unsettled,
    group_codes,
    groups_of,
    settled_outcomes,
)
from models.judging.lifecycle.nurture_programmes import compare_programmes, programme_members
from models.judging.lifecycle.policy import LifecyclePolicy
from models.judging.lifecycle.sales_feedback import RETURNED, return_reasons, sales_decisions
from models.judging.lifecycle.service_levels import (
    ASSOCIATION,
    attainment,
    attainment_by_month,
    check_service_levels,
    first_touch_and_wins,
    overdue_now,
    rates,
    rows_known_at,
    stage_entries,
)
from models.judging.lifecycle.shared_goals import shared_goals
from models.judging.lifecycle.stage_map import stage_table, transitions

FUNNEL = (Stage.LEAD, Stage.IQL, Stage.MQL, Stage.PQL, Stage.SAL, Stage.SQL, Stage.OPPORTUNITY, Stage.WON)
NAMES_LEADS = ("decisions", "overdue", "members")  # tables of single leads, left out of what everybody may read
_AHEAD = {str(stage): place for place, stage in enumerate(FUNNEL)}


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """Tables of the lifecycle page; all shares are of leads, all times in days unless a name says hours.

    ``funnel``: per stage, ``funnel_by_month``: the same per month of entry. ``sla``: service levels, ``sla_by_month``:
    the same per month of entry. ``worked``: leads sales touched and leads nobody touched, apart. ``decisions``: what
    sales said of the leads it was sent, ``returns``: the reasons of those it sent back, ``overdue``: who waits now
    beyond what was promised.
    ``stages``: what was agreed of each stage beside its figures, ``transitions``: the ways between them, ``goals``:
    what both teams promised each other per quarter, ``programmes``: nurture programmes against comparable others,
    ``members``: who is in one and since when.
    ``volumes``: promised, delivered and accepted per quarter. ``first_touch``, ``nurtured``, ``tools``: win rates
    of leads whose time is over (:mod:`models.judging.lifecycle.lead_outcomes`), with 90% intervals over accounts.
    ``recycled``: reasons and what became of the leads. ``sentences`` say the main things.
    """

    funnel: pd.DataFrame
    funnel_by_month: pd.DataFrame
    sla: pd.DataFrame
    sla_by_month: pd.DataFrame
    volumes: pd.DataFrame
    first_touch: pd.DataFrame
    nurtured: pd.DataFrame
    tools: pd.DataFrame
    recycled: pd.DataFrame
    worked: pd.DataFrame
    decisions: pd.DataFrame
    returns: pd.DataFrame
    overdue: pd.DataFrame
    stages: pd.DataFrame
    transitions: pd.DataFrame
    goals: pd.DataFrame
    programmes: pd.DataFrame
    members: pd.DataFrame
    sentences: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready, missing values as None; what names single leads is left out (:data:`NAMES_LEADS`)."""
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            if name in NAMES_LEADS:
                continue
            value = getattr(self, name)
            if isinstance(value, pd.DataFrame):
                plain = value.astype(object).where(value.notna(), None)
                found[name] = plain.to_dict(orient="records")
            else:
                found[name] = list(value)
        return found


def measure_lifecycle(
    tables: Tables,
    policy: LifecyclePolicy,
    as_of: pd.Timestamp,
    looks: pd.DataFrame | None = None,
    closed: Mapping[str, ClosedLead] | None = None,
) -> Lifecycle:
    """Figures of the lifecycle as known before ``as_of``.

    ``looks``: leads as they stood at the moments they were judged at (lead_id, as_of, age_days, and label: won within
    the horizon after it, 1, 0, or NaN where that is not over), without which there are no win rates; ``closed``: leads
    that are over by then.
    """
    found = stage_entries(tables["stages"], as_of)
    now = {name: rows_known_at(tables[name], as_of) for name in ("activities", "answers")}
    funnel = funnel_of(found)
    promises = list(check_service_levels(found, now["activities"], policy, as_of))
    said = sales_decisions(found, policy)
    over = closed or {}
    pause_point()
    members = programme_members(tables, policy, as_of, over)
    if looks is None:
        looks = pd.DataFrame(columns=list(LOOKS)).astype(
            {"as_of": "datetime64[us]", "age_days": "float64", "label": "float64"}
        )
    leads, answers = tables["leads"], now["answers"]
    judged = _JudgedLeads(settled_outcomes(looks), groups_of(leads))
    sla = attainment(promises, policy.minimum_n, judged.groups)
    pause_point()
    programmes = compare_programmes(members, looks, tables, policy, over)
    pause_point()

    return Lifecycle(
        funnel=funnel,
        funnel_by_month=_by_month(found),
        sla=sla,
        sla_by_month=attainment_by_month(promises, policy.minimum_n),
        volumes=_volumes(found, policy),
        first_touch=first_touch_and_wins(found, now["activities"], judged.won, judged.groups, policy),
        nurtured=_nurture_rates(leads, now["activities"], judged, policy),
        tools=_tools(answers, found, judged, policy),
        recycled=_recycle_outcomes(found),
        worked=_worked_rates(leads, now["activities"], found, judged, policy),
        decisions=said,
        returns=return_reasons(said),
        overdue=overdue_now(promises),
        stages=stage_table(policy, funnel, promises, found, as_of, over),
        transitions=transitions(policy, found),
        goals=shared_goals(found, now["activities"], said, promises, policy, as_of),
        programmes=programmes,
        members=members,
        sentences=tuple(filter(None, (*_sentences(found, leads, policy, said), describe_unsettled(looks)))),
    )


def funnel_of(found: pd.DataFrame) -> pd.DataFrame:
    """Per stage: leads that entered it, share that ever went further, median days of those who left, leads in it."""
    return _funnels(found, pd.Series("", index=found.index)).drop(columns="month")


def _by_month(found: pd.DataFrame) -> pd.DataFrame:
    """The funnel per month in which leads entered their first stage."""
    first = found.groupby("lead_id")["entered_at"].min().dt.strftime("%Y-%m")
    return _funnels(found, found["lead_id"].map(first))


def _funnels(found: pd.DataFrame, month: pd.Series) -> pd.DataFrame:
    """A funnel for each month; the month of a lead's rows is one."""
    place = found["stage"].map(_AHEAD)
    entries = pd.DataFrame(
        {
            "month": month,
            "place": place,
            "lead_id": found["lead_id"],
            "further": place.groupby(found["lead_id"]).transform("max") > place,
            "days": (found["left_at"] - found["entered_at"]).dt.total_seconds() / 86_400,
            "now": ~found["lead_id"].duplicated(keep="last"),
        }
    )
    entries = entries[place.notna().to_numpy()]
    funnels = ["month", "place"]
    rows = entries.groupby(funnels).agg(days=("days", "median"), now=("now", "sum"))
    leads = entries.drop_duplicates(["lead_id", "place"]).groupby(funnels)["further"].agg(["size", "mean"])
    told = [
        (name, FUNNEL[int(at)].value, n, float("nan") if FUNNEL[int(at)] == Stage.WON else share, days, now)
        for (name, at), n, share, days, now in zip(
            rows.index, leads["size"], leads["mean"], rows["days"], rows["now"], strict=True
        )
    ]
    return pd.DataFrame(told, columns=["month", "stage", "leads", "went_further", "median_days", "in_it_now"])


def _volumes(found: pd.DataFrame, policy: LifecyclePolicy) -> pd.DataFrame:
    """Per quarter: leads promised, sent, accepted and qualified afterwards."""
    sent = found[(found["stage"] == str(policy.sent)).to_numpy()].drop_duplicates("lead_id")
    quarter = sent["entered_at"].dt.to_period("Q").astype("str")
    rows = []
    for name in sorted(set(quarter) | set(policy.promised_per_quarter)):
        leads = sent.loc[(quarter == name).to_numpy(), "lead_id"]
        reached = [_count_reached(found, leads, stage) for stage in (policy.accepted, policy.qualified)]
        rows.append((name, policy.promised_per_quarter.get(name), len(leads), *reached))
    return pd.DataFrame(rows, columns=["quarter", "promised", "sent", "accepted", "qualified"])


def _count_reached(found: pd.DataFrame, leads: pd.Series, stage: Stage) -> int:
    return int(found.loc[(found["stage"] == str(stage)).to_numpy(), "lead_id"].drop_duplicates().isin(leads).sum())


@dataclass(frozen=True)
class _JudgedLeads:
    """Per lead (index lead_id) what became of it, and the account whose leads share a fate."""

    won: pd.Series
    groups: pd.Series

    def rates(self, masks: Mapping[str, Bools], lead_id: pd.Series, what: str) -> pd.DataFrame:
        """Win rates of parts of these leads."""
        outcome = lead_id.astype("str").map(self.won).to_numpy(dtype=np.float64)
        return rates(masks, outcome, group_codes(lead_id, self.groups), what)


def _nurture_rates(
    leads: pd.DataFrame, activities: pd.DataFrame, judged: _JudgedLeads, policy: LifecyclePolicy
) -> pd.DataFrame:
    """Win rate of leads with and without nurturing: an association, not an effect."""
    names = leads["lead_id"].drop_duplicates()
    touched = set(activities.loc[activities["kind"].isin(policy.nurture_kinds).to_numpy(), "lead_id"])
    nurtured = names.isin(touched).to_numpy()
    return judged.rates({"nurtured": nurtured, "not nurtured": ~nurtured}, names, "group")


def _worked_rates(
    leads: pd.DataFrame, activities: pd.DataFrame, found: pd.DataFrame, judged: _JudgedLeads, policy: LifecyclePolicy
) -> pd.DataFrame:
    """Win rate of leads a rep acted on or sales accepted, and of leads nobody worked, apart."""
    names = leads["lead_id"].drop_duplicates()
    touched = set(activities.loc[(activities["actor"] == str(Actor.REP)).to_numpy(), "lead_id"])
    touched |= set(found.loc[(found["stage"] == str(policy.accepted)).to_numpy(), "lead_id"])
    worked = names.isin(touched).to_numpy()
    return judged.rates({"worked": worked, "never worked": ~worked}, names, "leads")


def _tools(answers: pd.DataFrame, found: pd.DataFrame, judged: _JudgedLeads, policy: LifecyclePolicy) -> pd.DataFrame:
    """Per channel of a lead's first answer: leads, share qualified, win rate."""
    first = answers.sort_values("known_at", kind="stable").dropna(subset=["channel"]).drop_duplicates("lead_id")
    qualified = set(found.loc[(found["stage"] == str(policy.qualified)).to_numpy(), "lead_id"])
    masks = {str(name): (first["channel"] == name).to_numpy() for name in sorted(first["channel"].unique())}
    table = judged.rates(masks, first["lead_id"], "tool")
    share = [float(first.loc[mask, "lead_id"].isin(qualified).mean()) for mask in masks.values()]
    leads = [int(mask.sum()) for mask in masks.values()]
    return table.assign(leads=leads, qualified=share)


def _recycle_outcomes(found: pd.DataFrame) -> pd.DataFrame:
    """Per reason: leads recycled, sent again, won later, lost or disqualified later, still waiting."""
    part = found[(found["stage"] == str(Stage.RECYCLED)).to_numpy()].drop_duplicates("lead_id")
    later = found.merge(part[["lead_id", "entered_at"]], on="lead_id", suffixes=("", "_recycled"))
    later = later[(later["entered_at"] > later["entered_at_recycled"]).to_numpy()]

    became = {
        what: set(later.loc[later["stage"].isin([str(s) for s in stages]).to_numpy(), "lead_id"])
        for what, stages in {
            "sent_again": (Stage.MQL, Stage.PQL, Stage.SAL, Stage.SQL, Stage.OPPORTUNITY),
            "won": (Stage.WON,),
            "lost": (Stage.LOST, Stage.DISQUALIFIED),
        }.items()
    }

    rows = []
    for reason, leads in part.groupby(part["reason"].astype("str").fillna("(no reason)"))["lead_id"]:
        counts = [int(leads.isin(names).sum()) for names in became.values()]
        waiting = int((~leads.isin(set(later["lead_id"]))).sum())
        rows.append((str(reason), len(leads), *counts, waiting))
    return pd.DataFrame(rows, columns=["reason", "leads", "sent_again", "won", "lost", "waiting"])


def _sentences(
    found: pd.DataFrame, leads: pd.DataFrame, policy: LifecyclePolicy, said: pd.DataFrame
) -> tuple[str, ...]:
    everyone = leads["lead_id"].nunique()
    if not everyone or not len(found):
        return ("No lifecycle history is on record: map the 'stages' table to see the funnel and service levels.",)
    order = ("sent", "accepted", "qualified")
    names = {word: str(getattr(policy, word)) for word in order}
    reached = {w: found.loc[(found["stage"] == s).to_numpy(), "lead_id"].drop_duplicates() for w, s in names.items()}
    sent, qualified = len(reached["sent"]), int(reached["qualified"].isin(reached["sent"]).sum())
    text = f"{sent / everyone:.0%} of all {everyone:,} leads were sent to sales ({names['sent'].upper()})"
    if sent:
        text += f"; {qualified / sent:.0%} of those became qualified ({names['qualified'].upper()})"
    lines = [f"{text}."]
    if len(said):
        returned = int((said["decision"] == RETURNED).sum())
        lines.append(f"Sales decided on {len(said):,} handoffs and returned {returned:,} ({returned / len(said):.0%}).")
    return (*lines, ASSOCIATION)
