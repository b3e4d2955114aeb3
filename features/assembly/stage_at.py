"""The CRM stage a lead was in at a moment, since when and whose, as far as was known then."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.array_types import Bools, Ints, Tables, Texts
from features.kernel.column_reader import Rows
from features.point_in_time.microseconds import NEVER, days
from features.point_in_time.visibility import Moments, SortedRows, visible
from features.schema.source import Label
from features.schema.vocabulary import PHASE_OF, Phase, Stage

_ORDER = {str(stage): place for place, stage in enumerate(Stage)}  # of entries at one moment the last counts
_SALES, _BEFORE = (
    frozenset(str(stage) for stage, phase in PHASE_OF.items() if phase is wanted)
    for wanted in (Phase.WITH_SALES, Phase.BEFORE_HANDOFF)
)
_OVER = (str(Phase.CLOSED), str(Phase.CUSTOMER))
_ENDS = tuple(str(stage) for stage, phase in PHASE_OF.items() if str(phase) in _OVER)


@dataclass(frozen=True, kw_only=True)
class StagesHeld:
    """Per lead and moment the stage it was in; all arrays shape (n,), times in microseconds, ``NEVER`` where none.

    Parameters
    ----------
    stage : '' where no stage was on record
    since : when it entered that stage
    owner, reason : as recorded with the entry, '' where not
    handed_over : when it went to sales, of the latest time; also of leads that closed from there
    recycled : when it was handed back to marketing, of the latest time
    """

    stage: Texts
    since: Ints
    owner: Texts
    reason: Texts
    handed_over: Ints
    recycled: Ints

    def phases(self, as_of: Ints, label: Label) -> Texts:
        """The :class:`Phase` of every row; leads without a stage are before the handoff."""
        found = np.array([str(_phase(name)) for name in self.stage], dtype=object)
        found[self.back_at(label) > as_of] = str(Phase.COOLING_DOWN)
        return found

    def back_at(self, label: Label) -> Ints:
        """When a recycled lead comes back to the lists, ``NEVER`` where none rests.

        Where a recycled lead starts a new episode after its cool-down, it rests whatever is done with it meanwhile.
        """
        rests = (self.recycled != NEVER) & ~np.isin(self.stage, _ENDS)
        if label.recycled != "new_episode":
            rests &= self.stage == str(Stage.RECYCLED)
        return np.where(rests, self.recycled + days(label.recycle_cool_down_days), NEVER)

    def phases_while_open(self, as_of: Ints, label: Label) -> Texts:
        """:meth:`phases` of leads that are open, also where the stage says closed: a win or loss was taken back.

        Such a lead is with those who had it, or, where every win starts anew, before the handoff again.
        """
        found = self.phases(as_of, label)
        again = np.isin(found, _OVER)
        found[again] = str(Phase.BEFORE_HANDOFF)
        if not label.repeat_wins:
            found[again & (self.handed_over != NEVER)] = str(Phase.WITH_SALES)
        return found


def _phase(stage: str) -> Phase:
    return PHASE_OF[Stage(stage)] if stage else Phase.BEFORE_HANDOFF


def records_handoffs(tables: Tables) -> bool:
    """Whether the stages tell leads that are with sales from those that are not."""
    stages = tables.get("stages")
    return stages is not None and bool(stages["stage"].astype("str").isin(_SALES).any())


def after_rest(stages: Rows, lead_ids: Sequence[str] | Texts, as_of: Ints, until: int, label: Label) -> Ints:
    """Each moment, or the end of the rest that its lead has then, where that comes by ``until`` (all microseconds):
    for a rest to be over nothing more has to become known.
    """
    back = stages_at(stages, lead_ids, as_of).back_at(label)
    return np.where((back != NEVER) & (back > as_of) & (back <= until), back, as_of)


def stages_at(stages: Rows, lead_ids: Sequence[str] | Texts, as_of: Ints) -> StagesHeld:
    """Stage of each lead at its moment: of the entries known strictly before, the one entered last.

    ``stages`` is the canonical table; ``lead_ids`` and ``as_of`` (microseconds) are aligned.
    """
    history = _History.of(stages)
    lead = {name: code for code, name in enumerate(history.leads)}
    entity = np.array([lead.get(str(name), -1) for name in lead_ids], dtype=np.int64)
    moments = np.array(as_of, dtype=np.int64)  # copied: of a read-only array the kernel would be compiled once more
    span = visible(history.rows, Moments(entity, moments))
    return history.at(np.where(span.hi > span.lo, span.hi - 1, -1))


@dataclass(frozen=True, kw_only=True)
class _History:
    """Stage entries in the order they became known; per entry what held from then on."""

    leads: tuple[str, ...]
    rows: SortedRows
    stage: Texts
    owner: Texts
    reason: Texts
    since: Ints
    handed_over: Ints
    recycled: Ints

    @classmethod
    def of(cls, stages: Rows) -> "_History":
        leads, named = stages.text("lead_id"), stages.text("stage")
        entered, known = stages.moment("entered_at"), stages.moment("known_at")
        known = np.where(known == NEVER, entered, known)
        place = np.array([*(_ORDER.get(name, -1) for name in named.values), -1], dtype=np.int64)[named.codes]
        kept = np.flatnonzero((leads.codes >= 0) & (place >= 0) & (known != NEVER))
        order = kept[np.lexsort((kept, place[kept], entered[kept], known[kept], leads.codes[kept]))]

        lead, entered, place = leads.codes[order].astype(np.int64), entered[order], place[order]
        first = np.diff(lead, prepend=-1) != 0
        current = _latest_entered(lead, entered, place)
        stage = np.array(list(_ORDER), dtype=object)[place[current]]
        changed = first | (stage != np.roll(stage, 1))
        starts = np.searchsorted(lead, np.arange(len(leads.values) + 1)).astype(np.int64)
        return cls(
            leads=leads.values,
            rows=SortedRows(starts, order.astype(np.int64), known[order], entered),
            stage=stage,
            owner=_texts(stages, "owner")[order][current],
            reason=_texts(stages, "reason")[order][current],
            since=entered[current][_fill_forward(changed)],
            handed_over=_handed_over(stage, entered[current], first),
            recycled=_last_recycled(lead, entered, place == _ORDER[str(Stage.RECYCLED)]),
        )

    def at(self, last: Ints) -> StagesHeld:
        """What held after the entries at these places, -1 for nothing."""
        known = last >= 0
        place = np.where(known, last, 0)

        def texts(values: Texts) -> Texts:
            found = np.full(len(last), "", dtype=object)
            found[known] = values[place[known]]
            return found

        def times(values: Ints) -> Ints:
            found = np.full(len(last), NEVER, dtype=np.int64)
            found[known] = values[place[known]]
            return found

        return StagesHeld(
            stage=texts(self.stage),
            since=times(self.since),
            owner=texts(self.owner),
            reason=texts(self.reason),
            handed_over=times(self.handed_over),
            recycled=times(self.recycled),
        )


def _latest_entered(lead: Ints, entered: Ints, place: Ints) -> Ints:
    """Per entry, in known order, which of its lead's entries until then was entered last: one learned of late changes
    nothing that came after it.
    """
    rank = np.empty(len(lead), dtype=np.int64)
    rank[np.lexsort((np.arange(len(lead)), place, entered, lead))] = np.arange(len(lead))
    best = np.maximum.accumulate(rank) if len(rank) else rank  # ranks of a later lead are all higher
    at = np.empty(len(lead), dtype=np.int64)
    at[rank] = np.arange(len(lead))
    return at[best]


def _fill_forward(marks: Bools) -> Ints:
    """Per place the last marked place up to it; the first place must be marked."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), 0)) if len(marks) else np.empty(0, np.int64)


def _handed_over(stage: Texts, entered: Ints, first: Bools) -> Ints:
    """When the lead went to sales, of the latest time; closing leaves it, going back to marketing clears it."""
    sales = np.array([name in _SALES for name in stage], dtype=np.bool_)
    back = np.array([name in _BEFORE for name in stage], dtype=np.bool_)
    moved = first | sales | back  # what decides; a close changes nothing
    before = _fill_forward(moved)
    was_with_sales = np.r_[False, sales[before][:-1]] & ~first if len(stage) else sales
    starts = sales & ~was_with_sales
    held = np.where(starts, entered, NEVER)
    return np.asarray(held[_fill_forward(first | back | starts)], dtype=np.int64)


def _last_recycled(lead: Ints, entered: Ints, recycled: Bools) -> Ints:
    """Per entry, in known order, when its lead was recycled last of what was known until then."""
    at = np.where(recycled, entered, NEVER)
    if not len(at):
        return at
    rank = np.empty(len(at), dtype=np.int64)
    rank[np.lexsort((at, lead))] = np.arange(len(at))  # ranks of a later lead are all higher
    return np.asarray(at[np.argsort(rank)][np.maximum.accumulate(rank)], dtype=np.int64)


def _texts(stages: Rows, name: str) -> Texts:
    coded = stages.text(name)
    return np.array([*coded.values, ""], dtype=object)[coded.codes]
