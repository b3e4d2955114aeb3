"""Which rows of the worklist a query asks for: its filters and its search."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from features.array_types import Bools
from pipelines.scoring.accounts.people_index import fold_name
from serving.state.worklist.ranks import Ranks
from serving.state.worklist.worklist_query import WorklistQuery
from serving.state.worklist.worklist_rows import WorklistRows


class WorklistFilter:
    """Filters of queries over the rows of one list."""

    def __init__(self, rows: WorklistRows) -> None:
        self._rows = rows
        self._last_search: tuple[str, Bools] | None = None
        self._last_mask: tuple[Ranks, WorklistQuery, Bools | None] | None = None

    def mask(self, ranks: Ranks, query: WorklistQuery) -> Bools | None:
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
        rows, parts = self._rows, list[Bools]()
        if query.owner is not None:
            parts.append(rows.are_owned_by(query.owner))
        if query.state:
            parts.append(rows.states_with(ranks, query.pins.states) == rows.state_names.get(query.state, -1))
        for column, wanted in (("lead_list", query.lead_list), ("stage", query.stage)):
            if wanted:
                values = rows.texts_with(ranks, column, query.pins)
                parts.append(np.zeros(len(rows), dtype=bool) if values is None else values == wanted)
        if query.grade:
            grades = rows.texts_now(ranks, "grade")
            found = [False] * len(rows) if grades is None else [text.startswith(query.grade) for text in grades]
            parts.append(np.array(found, dtype=bool))
        if query.unknown:
            status = rows.texts_now(ranks, f"status_{query.unknown}")
            parts.append(np.zeros(len(rows), dtype=bool) if status is None else status == "unknown")
        if query.segment:
            parts.append(rows.segments.mask(query.segment))
        if query.since is not None:
            parts.append(~np.isnat(rows.created) & (rows.created >= np.datetime64(query.since, "us")))
        if query.disagree:
            parts.append(ranks.disagree)
        if query.minimum > 0:
            parts.append(ranks.score >= query.minimum)
        if query.search.strip():
            parts.append(self._search_mask(query.search.strip()))
        if query.only is not None:
            parts.append(rows.are_listed(query.only))
        elif query.hidden:
            parts.append(~rows.are_listed(query.hidden))
        return np.logical_and.reduce(parts) if parts else None

    def _search_mask(self, text: str) -> Bools:
        """Rows with every word; a page asks for the same words several times, among other filters."""
        kept = self._last_search
        if kept is not None and kept[0] == text:
            return kept[1]
        found = np.ones(len(self._rows), dtype=bool)
        for word in fold_name(text).split():
            found &= self._searched_text.str.contains(word, regex=False).to_numpy(dtype=bool)
        self._last_search = text, found
        return found

    @cached_property
    def _searched_text(self) -> pd.Series:
        """Id and display columns of every lead in one text, without accents and case."""
        joined = self._rows.frame["lead_id"].astype("str")
        for values in self._rows.display.values():
            joined = joined + "\n" + pd.Series(values).astype("str")
        return joined.map(fold_name).astype("str")
