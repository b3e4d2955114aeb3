"""The ranked worklist in memory: filters, search, sorting, stable pages, and leads rescored since."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Ints
from serving.state.lead_data import LeadData, display_columns, rows_of
from serving.state.segments import Segments
from serving.state.win_value import lead_win_values

Sort = Literal["score", "change", "newest", "value", "lead"]
PAGE_LIMIT = 500


@dataclass(frozen=True)
class Query:
    """What to show of the worklist; ``None`` and ``""`` mean no filter."""

    owner: str | None = None
    state: str | None = None
    grade: str | None = None
    segment: str = ""
    minimum: int = 0
    search: str = ""
    sort: Sort = "score"
    page: int = 1
    size: int = 50
    hidden: frozenset[str] = field(default_factory=frozenset)
    since: datetime | None = None  # only leads created from then on


@dataclass(frozen=True)
class Page:
    """One page: rows of the scored file with display columns and rank, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True)
class _Ranks:
    """What changes when a lead is rescored: replaced as one object, so that a reader sees all of it or nothing."""

    probability: npt.NDArray[np.float64]
    score: Ints
    state: Ints  # codes of the worklist's state names
    order: Ints
    patches: Mapping[int, Mapping[str, Any]]


class Worklist:
    """Scored open leads; rows keep their position, the order is kept apart.

    Parameters
    ----------
    frame : rows of a scored file, one per lead
    data : where owners, display columns and creation times come from
    """

    def __init__(self, frame: pd.DataFrame, data: LeadData) -> None:
        frame = _compact_text_columns(frame.reset_index(drop=True))
        self.frame = frame
        self.position = pd.Index(frame["lead_id"].astype("str")) if len(frame) else pd.Index([], dtype="str")
        codes = data.lead_ids.get_indexer(self.position)
        leads = data.tables["leads"].iloc[codes].reset_index(drop=True)
        self.owner = _texts(leads["owner"]) if "owner" in leads else np.full(len(frame), "", dtype=object)
        self.display = _display(leads, data)
        created = leads["created_at"] if "created_at" in leads else pd.Series(pd.NaT, index=leads.index)
        self.segments = Segments(data, codes)
        self.created = created.to_numpy(dtype="datetime64[us]")
        self.before = np.full(len(frame), np.nan)
        self.states_before = np.full(len(frame), "", dtype=object)
        self.haystack: pd.Series | None = None
        self._sorted: dict[str, Ints] = {}
        self.worth = lead_win_values(data, self.segments)
        self._by_value: tuple[_Ranks, Ints] | None = None
        self._lock = threading.Lock()
        probability = frame["probability"].to_numpy(dtype=np.float64) if len(frame) else np.empty(0)
        self._id_rank = np.argsort(np.argsort(self.position.to_numpy(dtype=object), kind="stable"), kind="stable")
        score = frame["score"].to_numpy(dtype=np.int64) if len(frame) else np.empty(0, dtype=np.int64)
        self._owner, self._owner_codes = _factorize(self.owner)
        self._state, state = _factorize(_texts(frame["state"]) if len(frame) else np.empty(0, dtype=object))
        self._ranks = _Ranks(probability, score, state, np.lexsort((self._id_rank, -probability)), {})

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def states(self) -> dict[str, int]:
        """Leads by state."""
        return self.states_of(None)

    def states_of(self, owner: str | None) -> dict[str, int]:
        """Leads of an owner by state; None: everybody's."""
        codes = self._ranks.state
        own = codes if owner is None else codes[self._owner_codes == self._owner.get(owner, -1)]
        counts = np.bincount(own, minlength=len(self._state))
        found = {name: int(counts[code]) for name, code in self._state.items() if counts[code]}
        return dict(sorted(found.items()))

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
        at = self._place(lead_id)
        return None if at < 0 else self._row(self._ranks, at, rows_of(self.frame.iloc[[at]])[0])

    def current_state_of(self, lead_id: str) -> dict[str, Any] | None:
        """Score, state, owner and display of one lead, None if it is not on the list."""
        at = self._place(lead_id)
        if at < 0:
            return None
        ranks = self._ranks
        state = next((name for name, code in self._state.items() if code == ranks.state[at]), "")
        return {"score": int(ranks.score[at]), "state": state, "owner": self.owner[at], "display": self._display_of(at)}

    def _place(self, lead_id: str) -> int:
        """Position of a lead, -1 if it is not on the list."""
        return int(self.position.get_indexer(pd.Index([lead_id], dtype="str"))[0]) if len(self) else -1

    def _display_of(self, at: int) -> dict[str, str]:
        return {name: values[at] for name, values in self.display.items() if values[at]}

    def best_leads(self, count: int) -> dict[str, str]:
        """The best leads in order, each with the moment it was rescored at; empty for those nobody touched since."""
        ranks = self._ranks
        chosen = ranks.order[:count]
        names = self.position[chosen].tolist()
        return {
            str(name): str(ranks.patches[int(at)]["as_of"]) if int(at) in ranks.patches else ""
            for name, at in zip(names, chosen, strict=True)
        }

    def update_row(self, line: Mapping[str, Any]) -> None:
        """Put a lead's new row in its place; leads that are not on the list are left out."""
        at = self._place(str(line["lead_id"]))
        if at < 0:
            return
        with self._lock:
            ranks = self._ranks
            probability, score, state = ranks.probability.copy(), ranks.score.copy(), ranks.state.copy()
            probability[at], score[at] = line["probability"], line["score"]
            state[at] = self._state.setdefault(str(line["state"]), len(self._state))
            others = ranks.order[ranks.order != at]
            keys = -probability[others]
            low = int(np.searchsorted(keys, -probability[at], side="left"))
            high = int(np.searchsorted(keys, -probability[at], side="right"))
            place = low + int(np.searchsorted(self._id_rank[others[low:high]], self._id_rank[at]))
            order = np.insert(others, place, at)
            self._ranks = _Ranks(probability, score, state, order, {**ranks.patches, at: dict(line)})

    def set_last_week(self, before: npt.NDArray[np.float64], states: npt.NDArray[np.object_]) -> None:
        """Scores and states of a week before, by position; NaN and empty where there were none."""
        with self._lock:
            self.before, self.states_before = before, states
            self._sorted.pop("change", None)

    def page(self, query: Query) -> Page:
        """One page of what the query asks for; equal scores stand by lead id, so pages never overlap."""
        ranks = self._ranks
        order = self._order(ranks, query.sort)
        mask = self._mask(ranks, query)
        kept = order if mask is None else order[mask[order]]
        first = (query.page - 1) * query.size
        chosen = kept[first : first + query.size]
        records = rows_of(self.frame.iloc[chosen])
        rows = [self._row(ranks, int(at), record) for at, record in zip(chosen, records, strict=True)]
        for rank, row in enumerate(rows, first + 1):
            row["rank"] = rank
        return Page(rows, len(kept), query.page, query.size)

    def _order(self, ranks: _Ranks, sort: Sort) -> Ints:
        if sort == "score" or (sort == "value" and self.worth is None):
            return ranks.order
        if sort == "value":
            return self._value_order(ranks)
        if sort == "lead":
            return np.argsort(self._id_rank, kind="stable")
        if sort == "change":
            moved = np.nan_to_num(ranks.score - self.before, nan=-1e9)
            return np.lexsort((self._id_rank, -moved))
        if "newest" not in self._sorted:
            self._sorted["newest"] = np.lexsort((self._id_rank, -self.created.view(np.int64).astype(np.float64)))
        return self._sorted["newest"]

    def _value_order(self, ranks: _Ranks) -> Ints:
        """By probability times worth, kept until a lead is rescored."""
        kept = self._by_value
        if kept is None or kept[0] is not ranks:
            worth = np.ones(len(self)) if self.worth is None else self.worth
            kept = ranks, np.lexsort((self._id_rank, -(ranks.probability * worth)))
            self._by_value = kept
        return kept[1]

    def _mask(self, ranks: _Ranks, query: Query) -> Bools | None:
        parts: list[Bools] = []
        if query.owner is not None:
            parts.append(self._owner_codes == self._owner.get(query.owner, -1))
        if query.state:
            parts.append(ranks.state == self._state.get(query.state, -1))
        if query.grade:
            parts.append(self.frame["grade"].astype("str").str.startswith(query.grade).to_numpy(dtype=bool))
        if query.segment:
            parts.append(self.segments.mask(query.segment))
        if query.since is not None:
            parts.append(~np.isnat(self.created) & (self.created >= np.datetime64(query.since, "us")))
        if query.minimum > 0:
            parts.append(ranks.score >= query.minimum)
        if query.search.strip():
            parts.append(self._search_mask(query.search.strip()))
        if query.hidden:
            at = self.position.get_indexer(pd.Index(sorted(query.hidden), dtype="str"))
            seen = np.ones(len(self), dtype=bool)
            seen[at[at >= 0]] = False
            parts.append(seen)
        return np.logical_and.reduce(parts) if parts else None

    def _search_mask(self, text: str) -> Bools:
        if self.haystack is None:
            columns = [self.frame["lead_id"], *(pd.Series(values) for values in self.display.values())]
            joined = columns[0].astype("str")
            for column in columns[1:]:
                joined = joined + "\n" + column.astype("str")
            self.haystack = joined.str.lower()
        return self.haystack.str.contains(text.lower(), regex=False).to_numpy(dtype=bool)

    def _row(self, ranks: _Ranks, at: int, record: dict[str, Any]) -> dict[str, Any]:
        record |= ranks.patches.get(at, {})
        before = self.before[at]
        record["owner"] = self.owner[at]
        record["display"] = self._display_of(at)
        record["created_at"] = None if np.isnat(self.created[at]) else pd.Timestamp(self.created[at]).isoformat()
        record["worth"] = 1.0 if self.worth is None else float(self.worth[at])
        record["state_before"] = str(self.states_before[at]) or None
        record["change"] = None if np.isnan(before) else int(record["score"] - before)
        return record


def _compact_text_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Text columns as one block each: out of many small ones a page of rows is slow to pick."""
    whole = np.arange(len(frame))
    return frame.assign(**{str(n): frame[n].array.take(whole) for n in frame if frame[n].dtype == "str"})


def _factorize(texts: npt.NDArray[np.object_]) -> tuple[dict[str, int], Ints]:
    """Names with their codes, and the code of every row: comparing a million whole numbers takes a millisecond."""
    codes, names = pd.factorize(texts)
    return {str(name): code for code, name in enumerate(names)}, codes.astype(np.int64)


def _texts(series: pd.Series) -> npt.NDArray[np.object_]:
    return series.astype("object").where(series.notna(), "").to_numpy(dtype=object)


def _display(leads: pd.DataFrame, data: LeadData) -> dict[str, npt.NDArray[np.object_]]:
    found = {name: _texts(leads[name]) for name in display_columns(data.source, "leads") if name in leads}
    accounts = data.tables.get("accounts")
    names = [n for n in display_columns(data.source, "accounts") if accounts is not None and n in accounts]
    if accounts is not None and names and "account_id" in leads:
        last = accounts.drop_duplicates("account_id", keep="last").set_index("account_id")
        for name in names:
            found[name] = _texts(leads["account_id"].map(last[name]).reset_index(drop=True))
    return found
