"""What people did with leads until a moment, beside the feature values: stage, closes, and when anybody last acted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.array_types import Ints, Tables, Texts
from features.assembly.closed_leads import ClosedLead
from features.assembly.stage_at import StagesHeld, stages_at
from features.cohort.outcomes import CLOSED
from features.kernel.column_reader import FrameRows, RecordRows, Rows, micros_of
from features.point_in_time.microseconds import NEVER, moments
from features.point_in_time.visibility import Moments, SortedRows, visible
from features.schema.source import Source
from features.schema.vocabulary import Actor


@dataclass(frozen=True)
class Closes:
    """Leads that are over at a moment, by :func:`~features.assembly.closed_leads.closed_leads`.

    ``as_of`` is one moment, or one per lead in microseconds; None: when each is scored, as without clocks.
    """

    as_of: Any
    leads: Mapping[str, ClosedLead]


@dataclass(frozen=True, kw_only=True)
class CrmFacts:
    """All arrays shape (n,); times in microseconds, ``NEVER`` where nothing is on record.

    Parameters
    ----------
    as_of : the moment each lead is looked at
    held : its CRM stage then
    acted : when anybody but a system last did something
    rep_acted : when a rep last did
    reps_recorded : whether the source says who acted; without, nobody can be said not to have called
    closed : per lead how it ended, None while it is open; ``held`` names the same end
    missing_seat : a seat of the buying committee nobody engaged holds, '' where none is missing or none is known
    """

    as_of: Ints
    held: StagesHeld
    acted: Ints
    rep_acted: Ints
    reps_recorded: bool
    closed: tuple[ClosedLead | None, ...]
    missing_seat: Texts

    @classmethod
    def of(
        cls,
        tables: Tables | Mapping[str, Sequence[Mapping[str, Any]]],
        source: Source,
        lead_ids: Sequence[str] | Texts,
        as_of: Ints,
        closes: Closes | None = None,
        missing_seat: Mapping[str, str] | None = None,
    ) -> "CrmFacts":
        """From canonical tables, as frames or as the records of a request.

        ``as_of`` is when each lead is scored, in microseconds. Without ``closes`` the stages alone say what is over.
        """
        stages, activities = (_rows(tables.get(name)) for name in ("stages", "activities"))
        declared = source.tables.get("activities")
        seats = missing_seat or {}
        names = [str(name) for name in lead_ids]
        actor = activities.text("actor")
        by = np.array([*actor.values, str(Actor.LEAD)], dtype=object)[actor.codes]  # nobody named: the lead itself
        by_rep = by == str(Actor.REP)
        when = np.array(as_of, dtype=np.int64)  # copied: a read-only array would have the kernels compiled anew
        if closes is not None and closes.as_of is not None:
            each = isinstance(closes.as_of, np.ndarray)
            when = closes.as_of.copy() if each else np.full(len(names), micros_of(closes.as_of), dtype=np.int64)
        held = stages_at(stages, names, when)
        closed = _by_stage(held) if closes is None else tuple(closes.leads.get(name) for name in names)
        return cls(
            as_of=when,
            held=_with_closes(held, closed),
            acted=_last_acts(activities, np.flatnonzero(by != str(Actor.SYSTEM)), names, when),
            rep_acted=_last_acts(activities, np.flatnonzero(by_rep), names, when),
            reps_recorded="actor" in declared.columns if declared is not None else False,
            closed=closed,
            missing_seat=np.array([seats.get(name, "") for name in names], dtype=object),
        )

    def __len__(self) -> int:
        return len(self.as_of)


def _by_stage(held: StagesHeld) -> tuple[ClosedLead | None, ...]:
    """What is over by the stages."""
    at = moments(held.since)
    return tuple(ClosedLead(name, at[row]) if name in CLOSED else None for row, name in enumerate(held.stage))


def _with_closes(held: StagesHeld, closed: Sequence[ClosedLead | None]) -> StagesHeld:
    """The stages, with what ended a lead where the stages do not say so: many sources close by outcomes alone."""
    stage, since = held.stage.copy(), held.since.copy()
    for row, end in enumerate(closed):
        if end is not None and end.outcome in CLOSED and stage[row] != end.outcome:
            stage[row] = end.outcome
            since[row] = micros_of(end.at)
    return replace(held, stage=stage, since=since)


def _rows(table: Any) -> Rows:
    if table is None:
        return RecordRows(())
    return RecordRows(table) if isinstance(table, Sequence) else FrameRows(table)


def _last_acts(activities: Rows, kept: Ints, names: Sequence[str], as_of: Ints) -> Ints:
    """When each lead's latest of the kept activities happened, of those known before its moment."""
    lead = activities.text("lead_id")
    happened, known = activities.moment("happened_at"), activities.moment("known_at")
    known = np.where(known == NEVER, happened, known)
    kept = kept[(lead.codes[kept] >= 0) & (known[kept] != NEVER)]
    order = kept[np.lexsort((kept, happened[kept], known[kept], lead.codes[kept]))]
    code, happened = lead.codes[order].astype(np.int64), happened[order]

    rank = np.empty(len(order), dtype=np.int64)
    rank[np.lexsort((happened, code))] = np.arange(len(order))
    latest = happened[np.argsort(rank)][np.maximum.accumulate(rank)]

    starts = np.searchsorted(code, np.arange(len(lead.values) + 1)).astype(np.int64)
    place = {name: k for k, name in enumerate(lead.values)}
    entity = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    span = visible(SortedRows(starts, order.astype(np.int64), known[order], happened), Moments(entity, as_of))
    seen = span.hi > span.lo
    found = np.full(len(names), NEVER, dtype=np.int64)
    found[seen] = latest[span.hi[seen] - 1]
    return found
