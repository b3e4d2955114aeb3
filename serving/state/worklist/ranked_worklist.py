"""The ranked worklist in memory: its pages, its counts, and what leads scored again change of it."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Ints
from models.standing.pinned import NO_PINS, Pins
from serving.state.lead_data import LeadData, rows_of
from serving.state.worklist.last_week import LastWeek
from serving.state.worklist.list_columns import count_codes, factorize
from serving.state.worklist.ranks import Ranks
from serving.state.worklist.worklist_filter import WorklistFilter
from serving.state.worklist.worklist_order import WorklistOrder
from serving.state.worklist.worklist_query import Page, Place, WorklistQuery
from serving.state.worklist.worklist_rows import WorklistRows


class Worklist:
    """Scored open leads; rows keep their position, the order is held apart.

    Parameters
    ----------
    frame : rows of a scored file, one per lead
    data : where owners, display columns and creation times come from

    ``rows`` holds what does not change, ``last_week`` what moves are told against, swapped as one object.
    """

    def __init__(self, frame: pd.DataFrame, data: LeadData) -> None:
        self.rows = WorklistRows(frame, data)
        self.last_week = LastWeek.unknown(len(self.rows))
        self._filter, self._order = WorklistFilter(self.rows), WorklistOrder(self.rows)
        self._ranks = self.rows.first_ranks()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def states(self) -> dict[str, int]:
        """Leads by state."""
        return self.states_of(None)

    def states_of(self, owner: str | None, pinned: Mapping[str, str] | None = None) -> dict[str, int]:
        """Leads of an owner by state, ``pinned`` ones by what sales pinned; None: all owners."""
        codes = self.rows.states_with(self._ranks, pinned or {})
        own = codes if owner is None else codes[self.rows.are_owned_by(owner)]
        counts = np.bincount(own, minlength=len(self.rows.state_names))
        return {name: int(counts[code]) for name, code in sorted(self.rows.state_names.items()) if counts[code]}

    def counts_of(self, column: str, owner: str | None, pins: Pins = NO_PINS) -> dict[str, int]:
        """Leads of an owner (None: all) by CRM stage or list, where the list has the column; leads without are left
        out. ``pins``: what sales pinned, which decides a lead's list.
        """
        values = self.rows.texts_with(self._ranks, column, pins)
        if values is None:
            return {}
        own = values if owner is None else values[self.rows.are_owned_by(owner)]
        names, counts = np.unique(own.astype(str), return_counts=True)
        return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}

    def count_by_owner(self, column: str, among: Bools, pins: Pins = NO_PINS) -> dict[str, dict[str, int]]:
        """Leads by owner (empty: nobody) and by ``state`` or a column of texts, of those ``among``; the empty text
        counts, too. ``pins``: what sales pinned, which decides a lead's state and list.
        """
        rows, ranks = self.rows, self._ranks
        if column == "state":
            codes = rows.states_with(ranks, pins.states)
            names = list(rows.state_names)
        else:
            values = rows.texts_with(ranks, column, pins)
            found, codes = factorize(np.full(len(self), "", dtype=object) if values is None else values)
            names = list(found)
        counted = np.bincount(
            rows.owner_codes[among] * len(names) + codes[among], minlength=len(rows.owner_names) * len(names)
        ).reshape(len(rows.owner_names), len(names))
        return {
            name: {names[k]: int(counted[row, k]) for k in np.flatnonzero(counted[row])}
            for name, row in rows.owner_names.items()
            if counted[row].any()
        }

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """A column of texts by position as it is now; empty texts where the list has no such column."""
        values = self.rows.texts_now(self._ranks, column)
        return np.full(len(self), "", dtype=object) if values is None else values

    @property
    def scores(self) -> Ints:
        """Scores by position as they are now."""
        return self._ranks.score

    def current_states(self) -> pd.DataFrame:
        """State and score by lead, as they are now."""
        ranks = self._ranks
        names = np.array(list(self.rows.state_names), dtype=object)
        state = names[ranks.state] if len(names) else np.empty(0, dtype=object)
        return pd.DataFrame({"state": state, "score": ranks.score}, index=self.rows.position)

    @property
    def owners(self) -> list[str]:
        """Owners with open leads."""
        return sorted({str(name) for name in self.rows.owner if name})

    def line(self, lead_id: str) -> dict[str, Any] | None:
        """The row of one lead, None if it is not on the list."""
        at = self.rows.find_position(lead_id)
        return None if at < 0 else self._row(self._ranks, at, rows_of(self.rows.frame.iloc[[at]])[0])

    def rows_at(self, places: Ints) -> list[dict[str, Any]]:
        """The rows at some positions: picking many at once costs little more than picking one."""
        records = rows_of(self.rows.frame.iloc[places])
        return [self._row(self._ranks, int(at), record) for at, record in zip(places, records, strict=True)]

    def best_places(self, query: WorklistQuery) -> Ints:
        """Positions of the first page of what the query asks for."""
        return self._selected(self._ranks, query)[: query.size]

    def all_places(self, query: WorklistQuery) -> Ints:
        """Positions of all that the query asks for, in its order; they stay those of the same leads."""
        return self._selected(self._ranks, query)

    def current_state_of(self, lead_id: str) -> dict[str, Any] | None:
        """Score, state, owner and display of one lead, None if it is not on the list."""
        rows, ranks = self.rows, self._ranks
        at = rows.find_position(lead_id)
        if at < 0:
            return None

        state = next((name for name, code in rows.state_names.items() if code == ranks.state[at]), "")
        return {"score": int(ranks.score[at]), "state": state, "owner": rows.owner[at], "display": rows.display_of(at)}

    def best_leads(self, count: int) -> dict[str, str]:
        """The best leads in order, each with the as_of it was scored again at, empty where it was not."""
        ranks = self._ranks
        chosen = ranks.by_score[:count]
        names = self.rows.position[chosen].tolist()
        return {
            str(name): str(ranks.patches[int(at)]["as_of"]) if int(at) in ranks.patches else ""
            for name, at in zip(names, chosen, strict=True)
        }

    def scored_again(self) -> list[Mapping[str, Any]]:
        """The new rows of leads that were scored again since the list was made."""
        return list(self._ranks.patches.values())

    def update_row(self, line: Mapping[str, Any]) -> None:
        """Put a lead's new row in its place; leads that are not on the list are left out."""
        self.update_rows([line])

    def update_rows(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Put the new rows of many leads in their places and rank all anew, once."""
        rows = self.rows
        at = rows.position.get_indexer(pd.Index([str(line["lead_id"]) for line in lines], dtype="str"))
        found = {int(place): line for place, line in zip(at, lines, strict=True) if place >= 0}
        if not found:
            return

        with self._lock:
            states = [rows.code_of_state(str(line["state"])) for line in found.values()]
            self._ranks = self._ranks.replace_rows(found, states, rows.id_rank, has_points=rows.has_points)

    def last_week_of(self, lead_id: str) -> tuple[int, str] | None:
        """Score and state that a lead had a week before it was compared, whatever was posted since; None: none."""
        at, last_week = self.rows.find_position(lead_id), self.last_week
        if at < 0 or np.isnan(last_week.scores[at]):
            return None
        return int(last_week.scores[at]), str(last_week.states[at])

    def page(self, query: WorklistQuery) -> Page:
        """One page of what the query asks for; equal scores are sorted by lead id, so pages never overlap."""
        ranks = self._ranks
        selected = self._selected(ranks, query)

        first = (query.page - 1) * query.size
        chosen = selected[first : first + query.size]
        records = rows_of(self.rows.frame.iloc[chosen])
        rows = [self._row(ranks, int(at), record) for at, record in zip(chosen, records, strict=True)]
        for rank, row in enumerate(rows, first + 1):
            row["rank"] = rank
        return Page(rows, len(selected), query.page, query.size)

    def place_of(self, query: WorklistQuery, lead_id: str) -> Place | None:
        """Where a lead stands in what the query asks for, None where it is not among them."""
        selected = self._selected(self._ranks, query)
        found = np.flatnonzero(selected == self.rows.find_position(lead_id))
        if not len(found):
            return None
        at = int(found[0])
        before = str(self.rows.position[selected[at - 1]]) if at > 0 else ""
        after = str(self.rows.position[selected[at + 1]]) if at + 1 < len(selected) else ""
        return Place(at + 1, len(selected), before, after)

    def count(self, query: WorklistQuery) -> int:
        """How many leads the query asks for."""
        mask = self._filter.mask(self._ranks, query)
        return len(self) if mask is None else int(mask.sum())

    def count_by(self, query: WorklistQuery, column: str) -> dict[str, int]:
        """What the query asks for by the values of a column (of the list, or ``grade`` by its letter); none without."""
        ranks = self._ranks
        values = self.rows.texts_with(ranks, column, query.pins)
        if values is None:
            return {}
        if column == "lead_list" and query.pins.by_lead:
            coded = factorize(values)
        elif column in ranks.codes:
            coded = ranks.codes[column]
        else:
            shown = np.array([text[:1] for text in values], dtype=object) if column == "grade" else values
            coded = ranks.codes[column] = factorize(shown)
        return count_codes(*coded, self._filter.mask(ranks, query))

    def count_unknown(self, query: WorklistQuery, criteria: Iterable[str]) -> dict[str, int]:
        """Of what the query asks for, by criterion how many nothing is known of."""
        ranks = self._ranks
        mask = self._filter.mask(ranks, query)
        status = {name: self.rows.texts_now(ranks, f"status_{name}") for name in criteria}
        unknown = {name: texts == "unknown" for name, texts in status.items() if texts is not None}
        return {name: int((hit if mask is None else hit & mask).sum()) for name, hit in unknown.items()}

    def count_states(self, query: WorklistQuery) -> dict[str, int]:
        """What the query asks for by state, pinned leads by what sales pinned."""
        rows, ranks = self.rows, self._ranks
        codes = rows.states_with(ranks, query.pins.states)
        return count_codes(rows.state_names, codes, self._filter.mask(ranks, query))

    def count_segments(self, query: WorklistQuery, columns: Iterable[str]) -> dict[str, dict[str, int]]:
        """What the query asks for by the values of declared columns."""
        mask = self._filter.mask(self._ranks, query)
        return {column: count_codes(*self.rows.segments.coded(column), mask) for column in columns}

    def _selected(self, ranks: Ranks, query: WorklistQuery) -> Ints:
        """Positions of what the query asks for, in its order."""
        order, mask = self._order.positions(ranks, query.sort, self.last_week), self._filter.mask(ranks, query)
        selected = order if mask is None else order[mask[order]]
        return selected[::-1] if query.reverse else selected

    def _row(self, ranks: Ranks, at: int, record: dict[str, Any]) -> dict[str, Any]:
        rows, last_week = self.rows, self.last_week
        record |= ranks.patches.get(at, {})
        before = last_week.score_of(ranks, at)
        record["owner"] = rows.owner[at]
        record["display"] = rows.display_of(at)
        record["created_at"] = None if np.isnat(rows.created[at]) else pd.Timestamp(rows.created[at]).isoformat()
        record["worth"] = 1.0 if rows.win_values is None else float(rows.win_values[at])
        record["state_before"] = None if np.isnan(before) else str(last_week.states[at]) or None
        record["change"] = None if np.isnan(before) else int(record["score"] - before)
        return record
