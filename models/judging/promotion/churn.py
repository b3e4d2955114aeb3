"""Who moves when another bundle scores the same open leads: thresholds crossed, places won and lost, and why."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints, Texts

TOP = 10  # first places of an owner's list that are watched: what a rep sees of the worklist without scrolling
_NO_OWNER = "no owner"
_LEAST = 0.5  # points by which a part must move to be a reason: less is rounding


@dataclass(frozen=True, kw_only=True)
class ScoredLeads:
    """What one bundle says of the open leads, row by row in one order.

    Parameters
    ----------
    log_odds : what ranks, shape (n,)
    score, state : as shown
    parts : points of base, each criterion, context and clip, by label; they sum to ``score - 50``
    dimensions : points of fit, interest, intent and usage, which rules of states may ask for
    reached : by the name of a threshold, which leads are at or above it
    lists : the list each lead is on (to hand off, to work, watching), '' where the source knows none
    """

    log_odds: Floats
    score: Ints
    state: Texts
    parts: Mapping[str, Floats]
    dimensions: Mapping[str, Floats]
    reached: Mapping[str, Bools]
    lists: Texts


@dataclass(frozen=True, kw_only=True)
class Mover:
    """One lead that crosses a threshold, or enters or leaves the top of its owner's list.

    ``list_before`` and ``list_after`` name the owner's list it is on, ``place_before`` and ``place_after`` count within
    it from 1; ``crosses`` reads ``mql up``, ``sql down``.
    """

    lead_id: str
    owner: str
    score_before: int
    score_after: int
    state_before: str
    state_after: str
    list_before: str
    list_after: str
    place_before: int
    place_after: int
    crosses: tuple[str, ...]
    top: str  # "enters", "leaves" or ""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Churn:
    """Who moves; ``movers`` are ordered by owner, those who enter or leave a top first.

    ``thresholds`` counts per threshold the leads before and after and who crosses it, ``owners`` per owner and list its
    leads after, who enters its first places and who leaves them.
    """

    leads: int
    top: int
    median_change: float
    rank_correlation: float
    thresholds: tuple[dict[str, Any], ...]
    owners: tuple[dict[str, Any], ...]
    movers: tuple[Mover, ...]

    @property
    def entering(self) -> int:
        """Leads that enter the top of one of their owner's lists."""
        return sum(mover.top == "enters" for mover in self.movers)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What moves, in words; the first sentence says it all."""
        if not self.leads:
            return ("No lead is open, so nobody moves.",)
        watched = sum(min(row["leads"], self.top) for row in self.owners)
        found = [
            f"{len(self.movers):,} of {self.leads:,} open leads move: {self.entering:,} of {watched:,} places in the "
            f"first {self.top} of the owners' lists change hands, and "
            f"{sum(bool(mover.crosses) for mover in self.movers):,} leads cross a threshold.",
            f"Half of the scores change by {self.median_change:g} points or less; the order of all leads correlates "
            f"by {self.rank_correlation:.2f} (1: the same order).",
        ]
        found += [
            f"{row['name'].upper()}: {row['before']:,} leads before, {row['after']:,} after; {row['up']:,} come up to "
            f"it, {row['down']:,} fall below."
            for row in self.thresholds
        ]
        return tuple(found)

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "leads": self.leads,
            "top": self.top,
            "moved": len(self.movers),
            "entering": self.entering,
            "median_change": self.median_change,
            "rank_correlation": self.rank_correlation if np.isfinite(self.rank_correlation) else None,
            "thresholds": [dict(row) for row in self.thresholds],
            "owners": [dict(row) for row in self.owners],
            "movers": [asdict(mover) | {"crosses": list(mover.crosses)} for mover in self.movers],
            "sentences": list(self.sentences),
        }


def find_churn(lead_ids: Texts, owners: Texts, before: ScoredLeads, after: ScoredLeads, top: int = TOP) -> Churn:
    """Who moves when ``after`` scores in place of ``before``.

    Every owner has the lists that the worklist shows: to hand off, to work, watching; ranked as there, by log-odds,
    equal ones by lead id. Leads without an owner share theirs.

    Parameters
    ----------
    lead_ids, owners : shape (n,), row by row as both bundles' leads
    top : first places of each owner's list that are watched
    """
    named = np.array([str(owner) or _NO_OWNER for owner in owners], dtype=object)
    lists = _lists_of(named, before), _lists_of(named, after)
    places = _places(lead_ids, lists[0], before.log_odds), _places(lead_ids, lists[1], after.log_odds)
    inside = places[0] <= top, places[1] <= top
    crossed = {name: (before.reached[name], after.reached[name]) for name in before.reached}
    moved = (inside[0] != inside[1]) | ((lists[0] != lists[1]) & (inside[0] | inside[1]))
    for was, now in crossed.values():
        moved = moved | (was != now)

    rows = sorted(
        np.flatnonzero(moved).tolist(),
        key=lambda k: (str(named[k]), inside[0][k] == inside[1][k], min(places[0][k], places[1][k]), str(lead_ids[k])),
    )
    ranks = [pd.Series(leads.log_odds).rank() for leads in (before, after)]
    change = np.abs(after.score.astype(np.float64) - before.score)
    spread = len(named) > 1 and all(rank.nunique() > 1 for rank in ranks)
    return Churn(
        leads=len(named),
        top=top,
        median_change=float(np.median(change)) if len(change) else 0.0,
        rank_correlation=round(float(ranks[0].corr(ranks[1])), 6) if spread else float("nan"),
        thresholds=tuple(
            {
                "name": name,
                "before": int(was.sum()),
                "after": int(now.sum()),
                "up": int((now & ~was).sum()),
                "down": int((was & ~now).sum()),
            }
            for name, (was, now) in crossed.items()
        ),
        owners=tuple(_count_lists(lists, inside)),
        movers=tuple(_mover(k, lead_ids, named, (before, after), places, top) for k in rows),
    )


def _lists_of(owners: Texts, scored: ScoredLeads) -> Texts:
    """Owner and list of every lead, as one key."""
    return np.array([f"{owner}\n{name}" for owner, name in zip(owners, scored.lists, strict=True)], dtype=object)


def _places(lead_ids: Texts, lists: Texts, log_odds: Floats) -> Ints:
    """Place of every lead on its owner's list, the best is 1."""
    frame = pd.DataFrame({"list": lists, "z": -log_odds, "lead": lead_ids})
    ordered = frame.sort_values(["list", "z", "lead"], kind="stable")
    return np.asarray((ordered.groupby("list", sort=False).cumcount() + 1).sort_index(), dtype=np.int64)


def _count_lists(lists: tuple[Texts, Texts], inside: tuple[Bools, Bools]) -> list[dict[str, Any]]:
    found = []
    for key in sorted({*lists[0].tolist(), *lists[1].tolist()}):
        owner, _, name = key.partition("\n")
        was, now = (lists[0] == key) & inside[0], (lists[1] == key) & inside[1]
        enters, leaves = int((now & ~was).sum()), int((was & ~now).sum())
        leads = int((lists[1] == key).sum())
        found.append({"owner": owner, "list": name, "leads": leads, "enters": enters, "leaves": leaves})
    return found


def _mover(
    at: int,
    lead_ids: Texts,
    owners: Texts,
    pair: tuple[ScoredLeads, ScoredLeads],
    places: tuple[Ints, Ints],
    top: int,
) -> Mover:
    before, after = pair
    was, now = int(places[0][at]), int(places[1][at])
    other = before.lists[at] != after.lists[at]
    enters, leaves = now <= top and (other or was > top), was <= top and (other or now > top)
    side = "enters" if enters else "leaves" if leaves else ""
    crosses = tuple(
        f"{name} {'up' if after.reached[name][at] else 'down'}"
        for name in before.reached
        if bool(before.reached[name][at]) != bool(after.reached[name][at])
    )
    if other:  # who changes the list is first or last there for that alone: what counts is which way it went
        rise = int(after.score[at]) - int(before.score[at]) or float(after.log_odds[at] - before.log_odds[at])
        sign = 1.0 if rise > 0 else -1.0
    else:
        ups = side == "enters" or (not side and crosses[0].endswith("up"))
        sign = 1.0 if ups else -1.0
    return Mover(
        lead_id=str(lead_ids[at]),
        owner=str(owners[at]),
        score_before=int(before.score[at]),
        score_after=int(after.score[at]),
        state_before=str(before.state[at]),
        state_after=str(after.state[at]),
        list_before=str(before.lists[at]),
        list_after=str(after.lists[at]),
        place_before=was,
        place_after=now,
        crosses=crosses,
        top=side,
        reason=_reason(at, before, after, sign)
        or _other_reason(at, before, after, sign, by_place=bool(side) and not other),
    )


def _reason(at: int, before: ScoredLeads, after: ScoredLeads, sign: float) -> str:
    """The part whose points moved most in the direction of the move; empty where the score did not move that way."""
    if sign * (int(after.score[at]) - int(before.score[at])) <= 0:
        return ""
    return _largest(at, before.parts, after.parts, sign)


def _other_reason(at: int, before: ScoredLeads, after: ScoredLeads, sign: float, *, by_place: bool) -> str:
    """Why a lead moves whose score does not: a dimension that a rule asks for, a trifle, or that others move."""
    if not by_place:
        if found := _largest(at, before.dimensions, after.dimensions, sign):
            return f"{found}, which a rule of the policy asks for"
        return (
            f"its own score goes from {before.score[at]} to {after.score[at]}; no part moves by half a point that way"
        )
    others = "fall further, or rise less" if sign > 0 else "rise further, or fall less"
    return f"its own score goes from {before.score[at]} to {after.score[at]}; others {others}"


def _largest(at: int, before: Mapping[str, Floats], after: Mapping[str, Floats], sign: float) -> str:
    """The largest move in a direction, in words; empty where none reaches half a point."""
    names = dict.fromkeys((*after, *before))  # a part that only one of the two has was, or is, none in the other
    was = {name: float(before[name][at]) if name in before else 0.0 for name in names}
    now = {name: float(after[name][at]) if name in after else 0.0 for name in names}
    moves = {name: now[name] - was[name] for name in names}
    name = max(moves, key=lambda part: sign * moves[part], default="")
    if not name or sign * moves[name] < _LEAST:
        return ""
    return f"{name} {moves[name]:+.0f} (from {was[name]:+.0f} to {now[name]:+.0f})"
