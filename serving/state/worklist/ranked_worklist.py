"""The ranked worklist in memory: filters, search, sorting, stable pages."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Floats, Ints
from models.standing.pinned import NO_PINS, Pins
from pipelines.scoring.accounts.people_index import fold_name
from pipelines.scoring.shown_columns import person_name
from serving.state.lead_data import LeadData, rows_of
from serving.state.segments import Segments
from serving.state.win_value import lead_win_values
from serving.state.worklist.list_columns import (
    compact_text_columns,
    count_codes,
    display_values,
    factorize,
    texts_of,
)
from serving.state.worklist.ranks import Ranks, sort_best_first
from serving.state.worklist.worklist_query import Page, Place, Sort, WorklistQuery

SAME_MOMENT = np.timedelta64(1, "h")  # time alone moves scores from here on


class Worklist:
    """Scored open leads; rows keep their position, the order is held apart.

    Parameters
    ----------
    frame : rows of a scored file, one per lead
    data : where owners, display columns and creation times come from
    """

    def __init__(self, frame: pd.DataFrame, data: LeadData) -> None:
        self.frame = frame = compact_text_columns(frame.reset_index(drop=True))
        empty = np.empty(0, dtype=object)
        self.position = pd.Index(frame["lead_id"].astype("str")) if len(frame) else pd.Index([], dtype="str")
        self._id_rank = np.argsort(np.argsort(self.position.to_numpy(dtype=object), kind="stable"), kind="stable")

        codes = data.lead_ids.get_indexer(self.position)
        leads = data.tables["leads"].iloc[codes].reset_index(drop=True)
        created = leads["created_at"] if "created_at" in leads else pd.Series(pd.NaT, index=leads.index)
        self.created = created.to_numpy(dtype="datetime64[us]")
        self.owner = texts_of(leads["owner"]) if "owner" in leads else np.full(len(frame), "", dtype=object)
        self._owner, self._owner_codes = factorize(self.owner)
        self.display = display_values(leads, data)
        self.segments = Segments(data, codes)
        self.win_values = lead_win_values(data, self.segments)

        self.scores_last_week = np.full(len(frame), np.nan)
        self.states_last_week = np.full(len(frame), "", dtype=object)
        self._compared_at = np.full(len(frame), np.datetime64("NaT"), dtype="datetime64[us]")

        self._lock = threading.Lock()
        self._last_search: tuple[str, Bools] | None = None
        self._last_mask: tuple[Ranks, WorklistQuery, Bools | None] | None = None
        probability = frame["probability"].to_numpy(dtype=np.float64) if len(frame) else np.empty(0)
        score = frame["score"].to_numpy(dtype=np.int64) if len(frame) else np.empty(0, dtype=np.int64)
        self._state, state = factorize(texts_of(frame["state"]) if len(frame) else empty)
        by_score = sort_best_first(probability, self._id_rank)
        self.has_points = "manual_points" in frame and len(frame) > 0
        manual = frame["manual_points"].to_numpy(dtype=np.float64) if self.has_points else np.full(len(frame), np.nan)
        disagree = frame["disagree"].ne("").to_numpy(dtype=np.bool_) if self.has_points else np.zeros(len(frame), bool)
        self._ranks = Ranks(
            probability=probability,
            score=score,
            state=state,
            manual=manual,
            disagree=disagree,
            by_score=by_score,
            patches={},
        )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def states(self) -> dict[str, int]:
        """Leads by state."""
        return self.states_of(None)

    def states_of(self, owner: str | None, pinned: Mapping[str, str] | None = None) -> dict[str, int]:
        """Leads of an owner by state, ``pinned`` ones by what sales pinned; None: all owners."""
        codes = self._states_with(self._ranks, pinned or {})
        own = codes if owner is None else codes[self._owner_codes == self._owner.get(owner, -1)]
        counts = np.bincount(own, minlength=len(self._state))
        return {name: int(counts[code]) for name, code in sorted(self._state.items()) if counts[code]}

    def _states_with(self, ranks: Ranks, pinned: Mapping[str, str]) -> Ints:
        """Codes of states, where sales pinned one that one."""
        if not pinned:
            return ranks.state
        codes = ranks.state.copy()
        for lead_id, name in pinned.items():
            at = self._find_position(lead_id)
            if at >= 0:
                codes[at] = self._state.setdefault(name, len(self._state))
        return codes

    def counts_of(self, column: str, owner: str | None, pins: Pins = NO_PINS) -> dict[str, int]:
        """Leads of an owner (None: all) by CRM stage or list, where the list has the column; leads without are left
        out. ``pins``: what sales pinned, which decides a lead's list.
        """
        values = self._texts_with(self._ranks, column, pins)
        if values is None:
            return {}
        own = values if owner is None else values[self._owner_codes == self._owner.get(owner, -1)]
        names, counts = np.unique(own.astype(str), return_counts=True)
        return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}

    def count_by_owner(self, column: str, among: Bools, pins: Pins = NO_PINS) -> dict[str, dict[str, int]]:
        """Leads by owner (empty: nobody) and by ``state`` or a column of texts, of those ``among``; the empty text
        counts, too. ``pins``: what sales pinned, which decides a lead's state and list.
        """
        ranks = self._ranks
        if column == "state":
            codes = self._states_with(ranks, pins.states)
            names = list(self._state)
        else:
            values = self._texts_with(ranks, column, pins)
            found, codes = factorize(np.full(len(self), "", dtype=object) if values is None else values)
            names = list(found)
        counted = np.bincount(
            self._owner_codes[among] * len(names) + codes[among], minlength=len(self._owner) * len(names)
        ).reshape(len(self._owner), len(names))
        return {
            name: {names[k]: int(counted[row, k]) for k in np.flatnonzero(counted[row])}
            for name, row in self._owner.items()
            if counted[row].any()
        }

    def _texts_now(self, ranks: Ranks, column: str) -> npt.NDArray[np.object_] | None:
        """A column of the list with the leads scored again since, None where the list has none."""
        if column not in self.frame:
            return None
        if column not in ranks.texts:
            values = texts_of(self.frame[column]).copy()  # a view of the frame is read-only
            for at, line in ranks.patches.items():
                told = line.get(column)
                values[at] = "" if told is None else told
            ranks.texts[column] = values
        return ranks.texts[column]

    def _texts_with(self, ranks: Ranks, column: str, pins: Pins) -> npt.NDArray[np.object_] | None:
        """:meth:`_texts_now`, of lists with those that follow from what is pinned."""
        values, actions = self._texts_now(ranks, column), self._texts_now(ranks, "next_action")
        if values is None or actions is None or not pins.by_lead or column != "lead_list":
            return values
        values, names = values.copy(), np.array(list(self._state), dtype=object)
        for lead_id in pins.by_lead:
            at = self._find_position(lead_id)
            if at >= 0 and values[at]:
                state = str(names[ranks.state[at]])
                values[at] = pins.follow(lead_id, state, str(actions[at]), str(values[at]))[2]
        return values

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """A column of texts by position as it is now; empty texts where the list has no such column."""
        values = self._texts_now(self._ranks, column)
        return np.full(len(self), "", dtype=object) if values is None else values

    @property
    def scores(self) -> Ints:
        """Scores by position as they are now."""
        return self._ranks.score

    def current_states(self) -> pd.DataFrame:
        """State and score by lead, as they are now."""
        ranks = self._ranks
        names = np.array(list(self._state), dtype=object)
        state = names[ranks.state] if len(names) else np.empty(0, dtype=object)
        return pd.DataFrame({"state": state, "score": ranks.score}, index=self.position)

    @property
    def owners(self) -> list[str]:
        """Owners with open leads."""
        return sorted({str(name) for name in self.owner if name})

    def line(self, lead_id: str) -> dict[str, Any] | None:
        """The row of one lead, None if it is not on the list."""
        at = self._find_position(lead_id)
        return None if at < 0 else self._row(self._ranks, at, rows_of(self.frame.iloc[[at]])[0])

    def are_listed(self, leads: Collection[str]) -> Bools:
        """By position, whether the lead is one of these."""
        found = np.zeros(len(self), dtype=np.bool_)
        if leads:
            at = self.position.get_indexer(pd.Index(list(leads), dtype="str"))
            found[at[at >= 0]] = True
        return found

    def rows_at(self, places: Ints) -> list[dict[str, Any]]:
        """The rows at some positions: picking many at once costs little more than picking one."""
        records = rows_of(self.frame.iloc[places])
        return [self._row(self._ranks, int(at), record) for at, record in zip(places, records, strict=True)]

    def best_places(self, query: WorklistQuery) -> Ints:
        """Positions of the first page of what the query asks for."""
        return self._selected(self._ranks, query)[: query.size]

    def all_places(self, query: WorklistQuery) -> Ints:
        """Positions of all that the query asks for, in its order; they stay those of the same leads."""
        return self._selected(self._ranks, query)

    def current_state_of(self, lead_id: str) -> dict[str, Any] | None:
        """Score, state, owner and display of one lead, None if it is not on the list."""
        at = self._find_position(lead_id)
        if at < 0:
            return None

        ranks = self._ranks
        state = next((name for name, code in self._state.items() if code == ranks.state[at]), "")
        return {"score": int(ranks.score[at]), "state": state, "owner": self.owner[at], "display": self._display_of(at)}

    def _find_position(self, lead_id: str) -> int:
        """Position of a lead, -1 if it is not on the list."""
        return int(self.position.get_indexer(pd.Index([lead_id], dtype="str"))[0]) if len(self) else -1

    def _display_of(self, at: int) -> dict[str, str]:
        return {name: values[at] for name, values in self.display.items() if values[at]}

    def best_leads(self, count: int) -> dict[str, str]:
        """The best leads in order, each with the as_of it was scored again at, empty where it was not."""
        ranks = self._ranks
        chosen = ranks.by_score[:count]
        names = self.position[chosen].tolist()
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
        at = self.position.get_indexer(pd.Index([str(line["lead_id"]) for line in lines], dtype="str"))
        found = {int(place): line for place, line in zip(at, lines, strict=True) if place >= 0}
        if not found:
            return

        with self._lock:
            states = [self._state.setdefault(str(line["state"]), len(self._state)) for line in found.values()]
            self._ranks = self._ranks.replace_rows(found, states, self._id_rank, has_points=self.has_points)

    def set_last_week(
        self,
        scores: npt.NDArray[np.float64],
        states: npt.NDArray[np.object_],
        compared_at: npt.NDArray[np.datetime64],
    ) -> None:
        """Take over scores and states of a week before ``compared_at``, by position; NaN and empty where there were
        none. A row that is scored again as of later than that is compared with nothing: it would be no week.
        """
        with self._lock:
            self.scores_last_week, self.states_last_week, self._compared_at = scores, states, compared_at

    def _score_last_week(self, ranks: Ranks, at: int) -> float:
        """The score of a week before a row's own moment, NaN where it is not known."""
        line = ranks.patches.get(at)
        as_of = None if line is None else line.get("as_of")
        if as_of is not None and abs(np.datetime64(as_of, "us") - self._compared_at[at]) > SAME_MOMENT:
            return float("nan")
        return float(self.scores_last_week[at])

    def last_week_of(self, lead_id: str) -> tuple[int, str] | None:
        """Score and state that a lead had a week before it was compared, whatever was posted since; None: none."""
        at = self._find_position(lead_id)
        if at < 0 or np.isnan(self.scores_last_week[at]):
            return None
        return int(self.scores_last_week[at]), str(self.states_last_week[at])

    def page(self, query: WorklistQuery) -> Page:
        """One page of what the query asks for; equal scores are sorted by lead id, so pages never overlap."""
        ranks = self._ranks
        selected = self._selected(ranks, query)

        first = (query.page - 1) * query.size
        chosen = selected[first : first + query.size]
        records = rows_of(self.frame.iloc[chosen])
        rows = [self._row(ranks, int(at), record) for at, record in zip(chosen, records, strict=True)]
        for rank, row in enumerate(rows, first + 1):
            row["rank"] = rank
        return Page(rows, len(selected), query.page, query.size)

    def place_of(self, query: WorklistQuery, lead_id: str) -> Place | None:
        """Where a lead stands in what the query asks for, None where it is not among them."""
        selected = self._selected(self._ranks, query)
        found = np.flatnonzero(selected == self._find_position(lead_id))
        if not len(found):
            return None
        at = int(found[0])
        before = str(self.position[selected[at - 1]]) if at > 0 else ""
        after = str(self.position[selected[at + 1]]) if at + 1 < len(selected) else ""
        return Place(at + 1, len(selected), before, after)

    def count(self, query: WorklistQuery) -> int:
        """How many leads the query asks for."""
        mask = self._mask(self._ranks, query)
        return len(self) if mask is None else int(mask.sum())

    def count_by(self, query: WorklistQuery, column: str) -> dict[str, int]:
        """What the query asks for by the values of a column (of the list, or ``grade`` by its letter); none without."""
        ranks = self._ranks
        values = self._texts_with(ranks, column, query.pins)
        if values is None:
            return {}
        if column == "lead_list" and query.pins.by_lead:
            coded = factorize(values)
        elif column in ranks.codes:
            coded = ranks.codes[column]
        else:
            shown = np.array([text[:1] for text in values], dtype=object) if column == "grade" else values
            coded = ranks.codes[column] = factorize(shown)
        return count_codes(*coded, self._mask(ranks, query))

    def count_unknown(self, query: WorklistQuery, criteria: Iterable[str]) -> dict[str, int]:
        """Of what the query asks for, by criterion how many nothing is known of."""
        ranks = self._ranks
        mask = self._mask(ranks, query)
        status = {name: self._texts_now(ranks, f"status_{name}") for name in criteria}
        unknown = {name: texts == "unknown" for name, texts in status.items() if texts is not None}
        return {name: int((hit if mask is None else hit & mask).sum()) for name, hit in unknown.items()}

    def count_states(self, query: WorklistQuery) -> dict[str, int]:
        """What the query asks for by state, pinned leads by what sales pinned."""
        ranks = self._ranks
        return count_codes(self._state, self._states_with(ranks, query.pins.states), self._mask(ranks, query))

    def count_segments(self, query: WorklistQuery, columns: Iterable[str]) -> dict[str, dict[str, int]]:
        """What the query asks for by the values of declared columns."""
        mask = self._mask(self._ranks, query)
        return {column: count_codes(*self.segments.coded(column), mask) for column in columns}

    def _selected(self, ranks: Ranks, query: WorklistQuery) -> Ints:
        """Positions of what the query asks for, in its order."""
        order, mask = self._order(ranks, query.sort), self._mask(ranks, query)
        selected = order if mask is None else order[mask[order]]
        return selected[::-1] if query.reverse else selected

    def _order(self, ranks: Ranks, sort: Sort) -> Ints:
        """Positions in the order asked for; ties by lead id."""
        if sort == "score" or (sort == "points" and not self.has_points):
            return ranks.by_score
        if sort == "points":
            return np.lexsort((self._id_rank, -ranks.probability, -ranks.manual))
        if sort == "value":
            return ranks.by_score if self.win_values is None else self._by_value(ranks, self.win_values)
        if sort == "lead":
            return np.argsort(self._id_rank, kind="stable")
        if sort == "name":
            return self._by_name
        if sort == "waiting":
            return np.lexsort((self._id_rank, -self._days_in_stage(ranks)))
        if sort == "change":
            before = self.scores_last_week.copy()
            before[list(ranks.patches)] = [self._score_last_week(ranks, at) for at in ranks.patches]
            moved = np.nan_to_num(ranks.score - before, nan=-1e9)  # leads without a past come last
            return np.lexsort((self._id_rank, -moved))
        return self._newest_first

    def _days_in_stage(self, ranks: Ranks) -> Floats:
        """Days in the stage now, -1 where they are not known, as in a source without stages."""
        told = self._texts_now(ranks, "stage_days")
        if told is None:
            return np.full(len(self), -1.0)
        return pd.to_numeric(pd.Series(told), errors="coerce").fillna(-1.0).to_numpy(dtype=np.float64)

    def _by_value(self, ranks: Ranks, win_values: Floats) -> Ints:
        if "value" not in ranks.orders:
            ranks.orders["value"] = np.lexsort((self._id_rank, -(ranks.probability * win_values)))
        return ranks.orders["value"]

    @cached_property
    def _by_name(self) -> Ints:
        names = [fold_name(person_name(self._display_of(at))) or "~" for at in range(len(self))]  # the nameless last
        return np.lexsort((self._id_rank, np.array(names, dtype=str)))

    @cached_property
    def _newest_first(self) -> Ints:
        return np.lexsort((self._id_rank, -self.created.view(np.int64).astype(np.float64)))

    def _mask(self, ranks: Ranks, query: WorklistQuery) -> Bools | None:
        """The rows that every filter of the query lets through, None without a filter.

        One page asks for the same rows many times, to count them; the last answer is kept.
        """
        asked = replace(query, sort="score", reverse=False, page=1, size=1)
        kept = self._last_mask
        if kept is not None and kept[0] is ranks and kept[1] == asked:
            return kept[2]
        mask = self._find_mask(ranks, query)
        self._last_mask = ranks, asked, mask
        return mask

    def _find_mask(self, ranks: Ranks, query: WorklistQuery) -> Bools | None:
        parts: list[Bools] = []
        if query.owner is not None:
            parts.append(self._owner_codes == self._owner.get(query.owner, -1))
        if query.state:
            parts.append(self._states_with(ranks, query.pins.states) == self._state.get(query.state, -1))
        for column, wanted in (("lead_list", query.lead_list), ("stage", query.stage)):
            if wanted:
                values = self._texts_with(ranks, column, query.pins)
                parts.append(np.zeros(len(self), dtype=bool) if values is None else values == wanted)
        if query.grade:
            grades = self._texts_now(ranks, "grade")
            found = [False] * len(self) if grades is None else [text.startswith(query.grade) for text in grades]
            parts.append(np.array(found, dtype=bool))
        if query.unknown:
            status = self._texts_now(ranks, f"status_{query.unknown}")
            parts.append(np.zeros(len(self), dtype=bool) if status is None else status == "unknown")
        if query.segment:
            parts.append(self.segments.mask(query.segment))
        if query.since is not None:
            parts.append(~np.isnat(self.created) & (self.created >= np.datetime64(query.since, "us")))
        if query.disagree:
            parts.append(ranks.disagree)
        if query.minimum > 0:
            parts.append(ranks.score >= query.minimum)
        if query.search.strip():
            parts.append(self._search_mask(query.search.strip()))
        if query.only is not None:
            parts.append(self.are_listed(query.only))
        elif query.hidden:
            parts.append(~self.are_listed(query.hidden))
        return np.logical_and.reduce(parts) if parts else None

    def _search_mask(self, text: str) -> Bools:
        """Rows with every word; a page asks for the same words several times, among other filters."""
        kept = self._last_search
        if kept is not None and kept[0] == text:
            return kept[1]
        found = np.ones(len(self), dtype=bool)
        for word in fold_name(text).split():
            found &= self._searched_text.str.contains(word, regex=False).to_numpy(dtype=bool)
        self._last_search = text, found
        return found

    @cached_property
    def _searched_text(self) -> pd.Series:
        """Id and display columns of every lead in one text, without accents and case."""
        joined = self.frame["lead_id"].astype("str")
        for values in self.display.values():
            joined = joined + "\n" + pd.Series(values).astype("str")
        return joined.map(fold_name).astype("str")

    def _row(self, ranks: Ranks, at: int, record: dict[str, Any]) -> dict[str, Any]:
        record |= ranks.patches.get(at, {})
        before = self._score_last_week(ranks, at)
        record["owner"] = self.owner[at]
        record["display"] = self._display_of(at)
        record["created_at"] = None if np.isnat(self.created[at]) else pd.Timestamp(self.created[at]).isoformat()
        record["worth"] = 1.0 if self.win_values is None else float(self.win_values[at])
        record["state_before"] = None if np.isnan(before) else str(self.states_last_week[at]) or None
        record["change"] = None if np.isnan(before) else int(record["score"] - before)
        return record
