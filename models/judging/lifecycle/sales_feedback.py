"""What sales decided about the leads it was sent, and where sales and score disagree."""

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.schema.vocabulary import Stage
from models.judging.clustered_share import compare_shares
from models.judging.lifecycle.policy import LifecyclePolicy
from models.judging.lifecycle.service_levels import rates

ACCEPTED, RETURNED = "accepted", "returned"
THIRDS = ("lower third", "middle third", "upper third")
STALE_DAYS = 14  # an older score says little of what was known when sales decided
_RETURNS = tuple(str(stage) for stage in (Stage.RECYCLED, Stage.DISQUALIFIED, Stage.LOST))
_ACCEPTS = tuple(str(stage) for stage in (Stage.SAL, Stage.SQL, Stage.OPPORTUNITY, Stage.WON))
_LISTED = ("lead_id", "decided_at", "decision", "reason", "team", "probability", "third", "won")
SCORE_RIGHT, SALES_RIGHT, UNDECIDED = "score", "sales", "not clear yet"


def sales_decisions(found: pd.DataFrame, policy: LifecyclePolicy) -> pd.DataFrame:
    """Sales' decision on every lead it was sent: lead_id, sent_at, decided_at, decision, reason, team.

    ``found`` are stage entries (:func:`models.judging.lifecycle.service_levels.stage_entries`). Acceptance and every
    stage beyond it count as accepted; recycled, disqualified or lost without acceptance counts as returned, with the
    reason given; a verdict given on a card is such a stage. ``team`` is who decided: the owner's team, or, where the
    policy names people, the owner. Undecided leads are left out.
    """
    reason = found["reason"].shift(-1).where(found["then"].notna())
    owner = found["owner"].shift(-1).where(found["then"].notna()).fillna(found["owner"]).astype("str").fillna("")
    unnamed = policy.stages[policy.accepted].owner if policy.accepted in policy.stages else ""
    named = {name: name if policy.per_person else unnamed or "(no team)" for name in owner.unique()}
    team = owner.map({**named, **policy.teams})
    sent = (found["stage"] == str(policy.sent)).to_numpy()
    accepts = {str(policy.accepted), *_ACCEPTS} - {str(policy.sent)}
    then = found["then"]
    said = np.select([then.isin(accepts), then.isin(_RETURNS)], [ACCEPTED, RETURNED], "")
    rows = found[sent & (said != "")]
    return pd.DataFrame(
        {
            "lead_id": rows["lead_id"].to_numpy(),
            "sent_at": rows["entered_at"].to_numpy(),
            "decided_at": rows["left_at"].to_numpy(),
            "decision": said[rows.index],
            "reason": reason[rows.index].to_numpy(),
            "team": team[rows.index].to_numpy(),
        }
    )


def scored_decisions(
    said: pd.DataFrame, keys: pd.DataFrame, probability: Floats, label: Floats, snapshot: pd.Series | None = None
) -> pd.DataFrame:
    """The first decision on each lead with the score it had then: its last judged row before, at most 14 days old.

    ``third`` says where the probability lay among the rows of that ``snapshot``: per row its moment, as of a calendar
    grid, unless given, as the week is where every lead is looked at on days of its own. A decision without such a row
    is left out, and so is one of a snapshot of fewer than three leads, which has no thirds. Every row here was scored
    by a model that did not know how it ended.
    """
    rows = keys[["lead_id", "as_of", "group"]].assign(probability=probability, won=label)
    beside = rows.groupby(rows["as_of"] if snapshot is None else snapshot)
    enough = beside["lead_id"].transform("nunique") >= len(THIRDS)
    rank = beside["probability"].rank(pct=True).where(enough)
    rows = rows.assign(third=pd.cut(rank, [0, 1 / 3, 2 / 3, 1], labels=list(THIRDS)).astype("str"))
    left = said.dropna(subset=["decided_at"]).sort_values("decided_at", kind="stable")
    right = rows.dropna(subset=["as_of"]).sort_values("as_of", kind="stable")
    if not len(left) or not len(right):
        return pd.DataFrame(columns=[*_LISTED, "group"])

    joined = pd.merge_asof(
        left,
        right,
        left_on="decided_at",
        right_on="as_of",
        by="lead_id",
        tolerance=pd.Timedelta(days=STALE_DAYS),
        allow_exact_matches=False,
    )
    joined = joined[joined["third"].isin(THIRDS)].drop_duplicates("lead_id")
    return joined.reindex(columns=[*_LISTED, "group"]).reset_index(drop=True)


def agreement(scored: pd.DataFrame) -> pd.DataFrame:
    """Win rate by sales' decision and third of the score: which of the two was right."""
    masks = {
        f"{decision}, {third}": ((scored["decision"] == decision) & (scored["third"] == third)).to_numpy()
        for decision in (ACCEPTED, RETURNED)
        for third in reversed(THIRDS)
    }
    return rates(masks, scored["won"].to_numpy(dtype=np.float64), _groups(scored), "sales_and_score")


def _groups(scored: pd.DataFrame) -> Ints:
    """Codes of the accounts of decided leads."""
    return np.asarray(pd.factorize(scored["group"])[0], dtype=np.int64)


def disagreements(scored: pd.DataFrame) -> pd.DataFrame:
    """Leads sales returned although they scored in the upper third, and accepted although in the lower; worst first."""
    returned = (scored["decision"] == RETURNED) & (scored["third"] == THIRDS[-1])
    accepted = (scored["decision"] == ACCEPTED) & (scored["third"] == THIRDS[0])
    high = scored[returned].sort_values(["probability", "lead_id"], ascending=[False, True])
    low = scored[accepted].sort_values(["probability", "lead_id"])
    return pd.concat([high, low], ignore_index=True)[list(_LISTED)]


def who_was_right(scored: pd.DataFrame, minimum_n: int) -> pd.DataFrame:
    """Where sales decided against the score, and what became of it: over all, by reason and by team.

    Columns: what and group (which disagreements), n, won, rate with 90% interval, ``base`` (rate of all decided
    leads), ``right``: the score where returned leads won more often than all other decided leads, or accepted ones
    less; sales where it is the other way round; not clear yet where the difference may be chance
    (:func:`models.judging.clustered_share.compare_shares`). Smaller groups than ``minimum_n`` are left out. Returned
    leads were not worked, so they win less often whoever is right.
    """
    won, cluster = scored["won"].to_numpy(dtype=np.float64), _groups(scored)
    known = ~np.isnan(won)
    base = float(np.nanmean(won)) if (~np.isnan(won)).any() else float("nan")
    parts = []
    for what, decision, third in (
        ("returned though in the upper third", RETURNED, THIRDS[-1]),
        ("accepted though in the lower third", ACCEPTED, THIRDS[0]),
    ):
        hit = ((scored["decision"] == decision) & (scored["third"] == third)).to_numpy()
        masks = {"all": hit}
        for kind in ("reason", "team"):
            texts = scored[kind].astype("str").fillna("").replace("", f"(no {kind})")
            masks |= {f"{kind}: {name}": hit & (texts == name).to_numpy() for name in sorted(texts[hit].unique())}
        found = rates(masks, won, cluster, "group")
        found["side"] = [
            compare_shares(won[mask & known], cluster[mask & known], won[~mask & known], cluster[~mask & known])
            for mask in masks.values()
        ]
        found = found[(found["n"] >= minimum_n).to_numpy() | (found["group"] == "all").to_numpy()]
        side = found.pop("side").to_numpy()
        higher, lower = (SCORE_RIGHT, SALES_RIGHT) if decision == RETURNED else (SALES_RIGHT, SCORE_RIGHT)
        right = np.select([side > 0, side < 0], [higher, lower], UNDECIDED)
        parts.append(found.assign(base=base, right=right))
        parts[-1].insert(0, "what", what)
    return pd.concat(parts, ignore_index=True)


def return_reasons(said: pd.DataFrame) -> pd.DataFrame:
    """How many leads sales returned, by the reason it gave."""
    part = said[(said["decision"] == RETURNED).to_numpy()]
    counts = part["reason"].astype("str").fillna("").replace("", "(no reason)").value_counts()
    return pd.DataFrame({"reason": counts.index.astype("str"), "leads": counts.to_numpy()})
