"""Leads that are over: what closed each, and when, as far as was known at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.flat_outcomes import flat_outcomes
from features.cohort.cohort import episodes_of
from features.cohort.outcomes import STAGE_LOST, STAGE_UNWON, STAGE_WON, UNWON, lifecycle_events
from features.point_in_time.microseconds import micros, moments
from features.point_in_time.visibility import UNKNOWN, is_known
from features.schema.source import Source

_CLOSES = ("won", "lost", "disqualified", "opportunity", "accepted")  # the first of several at one moment is named
_NO_WINS = ("lost", "disqualified", STAGE_LOST)
_BY_STAGE = {STAGE_WON: "won", STAGE_LOST: "lost", STAGE_UNWON: UNWON}
_SAID = {"opportunity": "became an opportunity", "accepted": "accepted by sales"}
_NOTHING, _DUE = "none", ("expand", "recycle")


@dataclass(frozen=True)
class ClosedLead:
    """How a lead ended.

    Parameters
    ----------
    outcome : won, lost, disqualified, or opportunity or accepted where that is the declared outcome
    at : when it closed that way; None in a source without clocks
    open_until : when it was open last, where another close came before: accepted by sales, and lost later
    """

    outcome: str
    at: pd.Timestamp | None
    open_until: pd.Timestamp | None = None

    @property
    def last_open(self) -> pd.Timestamp | None:
        """Until when it was open; None in a source without clocks."""
        return self.at if self.open_until is None else self.open_until

    @property
    def sentence(self) -> str:
        """For a card or a line of a scored file.

        >>> ClosedLead("won", pd.Timestamp("2024-01-28 02:37")).sentence
        'won on 2024-01-28, not open any more'
        """
        what = _SAID.get(self.outcome, self.outcome)
        return f"{what}{'' if self.at is None else f' on {self.at:%Y-%m-%d}'}, not open any more"

    @property
    def score_sentence(self) -> str:
        """Of which moment its score is, behind :attr:`sentence`; empty in a source without clocks.

        >>> ClosedLead("lost", pd.Timestamp("2024-06-01"), pd.Timestamp("2024-03-01")).score_sentence
        'the score is of 2024-03-01, when it was last open'
        """
        if self.open_until is not None:
            return f"the score is of {self.open_until:%Y-%m-%d}, when it was last open"
        return "" if self.at is None else "the score is the one it had then"

    def scored_at(self, as_of: pd.Timestamp) -> pd.Timestamp:
        """The moment its score is of: the last one at which it was open."""
        return as_of if self.last_open is None else min(as_of, self.last_open)

    def mark(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """The card of a lead that is over: it says so, and asks for nothing more.

        Where it stands may still advise to expand or to recycle, once that is due.
        """
        due = card.get("standing", {}).get("next_action", _NOTHING)
        return {
            **card,
            "closed": {
                "outcome": self.outcome,
                "at": None if self.at is None else self.at.isoformat(),
                "open_until": None if self.open_until is None else self.open_until.isoformat(),
                "text": self.sentence,
            },
            "next_action": due if due in _DUE else _NOTHING,
            "question": "",
            "criteria": [row | {"question": ""} if "question" in row else row for row in card["criteria"]],
        }


def closed_leads(tables: Tables, source: Source, as_of: pd.Timestamp | None) -> dict[str, ClosedLead]:
    """Leads that were over at ``as_of`` as far as was known then; without clocks, by the file's own target.

    A lead that was opened again (moved back, recycled) is not among them.
    """
    if source.flat is not None:
        leads = tables["leads"]
        outcomes = flat_outcomes(leads, source.flat)
        named = zip(leads["lead_id"].astype("str"), outcomes.tolist(), strict=True)
        return {name: ClosedLead(outcome, None) for name, outcome in named if outcome in _CLOSES}
    if as_of is None:
        return {}
    return _closed_by_then(tables, source, int(micros(pd.DatetimeIndex([as_of]))[0]))


def closed_ids_at(tables: Tables, source: Source, when: Sequence[pd.Timestamp]) -> list[set[str]]:
    """Ids of the leads that were over at each of several moments; the rows are gone through once."""
    events = lifecycle_events(tables, source)
    return [set(_ended(tables, source, int(now), events)) for now in micros(pd.DatetimeIndex(list(when)))]


def _ended(tables: Tables, source: Source, now: int, events: pd.DataFrame) -> dict[str, int]:
    """When each lead that was over by then ended, in microseconds."""
    episodes = episodes_of(tables, source, known_before=now, events=events)
    last = np.r_[np.flatnonzero(np.diff(episodes.lead)), len(episodes.lead) - 1] if len(episodes.lead) else []
    ended = [k for k in last if episodes.until[k] != UNKNOWN and episodes.until[k] <= now]
    ids = tables["leads"]["lead_id"].astype("str").to_numpy(dtype=object)
    return {str(ids[episodes.lead[k]]): int(episodes.until[k]) for k in ended}


def _closed_by_then(tables: Tables, source: Source, now: int) -> dict[str, ClosedLead]:
    events = lifecycle_events(tables, source)
    found = _ended(tables, source, now, events)
    if not found:
        return {}
    closes = _last_closes(events, now, found)
    named = [closes.get(name, ("closed", until)) for name, until in found.items()]
    at = moments(np.array([when for _, when in named], dtype=np.int64))
    until = moments(np.fromiter(found.values(), dtype=np.int64, count=len(found)))
    return {
        name: ClosedLead(what, when, None if last == when else last)
        for name, (what, _), when, last in zip(found, named, at, until, strict=True)
    }


def _last_closes(events: pd.DataFrame, now: int, until: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    """What each of the leads was closed by, and when: of the closes known by then the last, and of several at once a
    win. Of the same close told more than once it is the earliest, whatever was told between.

    Closes before the one that ended the lead (``until``) ended an earlier time it was open, however late they were
    told; only a win counts whenever it happened. Wins that stages tell count only of leads without an outcome known by
    then.
    """
    known = is_known(micros(events["known_at"]), now) & events["lead_id"].isin(list(until)).to_numpy(dtype=bool)
    events = events[known & events["what"].isin([*_CLOSES, UNWON, *_BY_STAGE]).to_numpy(dtype=bool)]
    decided = events["lead_id"].isin(set(events.loc[events["what"].isin(["won", "lost"]), "lead_id"]))
    outdone = decided & events["what"].isin([STAGE_WON, STAGE_UNWON])
    ended = np.minimum(micros(events["happened_at"]), micros(events["known_at"]) + 1)  # as episodes end
    over = events["lead_id"].map(until).to_numpy(dtype=np.int64)
    earlier = events["what"].isin(_NO_WINS) & (ended < over)
    kept = ~(outdone | earlier).to_numpy(dtype=bool)
    events = events[kept].replace({"what": _BY_STAGE})

    closes: dict[str, tuple[str, int]] = {}
    first: dict[str, dict[str, int]] = {}  # when each lead was first closed in each way
    when = np.maximum(ended, over)[kept]  # a win that closes nothing, as wins repeat, does not say when it was over
    for name, what, at in zip(events["lead_id"].astype("str"), events["what"], when.tolist(), strict=True):
        if what == UNWON:
            closes.pop(name, None)
            first.pop(name, None)
            continue
        own = first.setdefault(name, {})
        own[what] = min(own.get(what, at), at)
        if what == "won" or closes.get(name, ("", at))[0] != "won":  # another deal that was lost undoes no win
            closes[name] = (str(what), own[what])
    return closes
