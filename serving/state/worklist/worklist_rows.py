"""Rows of the worklist by position, and their columns as they are now: scored again, or pinned by sales."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Ints
from models.standing.pinned import Pins
from serving.state.lead_data import LeadData
from serving.state.segments import Segments
from serving.state.win_value import lead_win_values
from serving.state.worklist.list_columns import compact_text_columns, display_values, factorize, texts_of
from serving.state.worklist.ranks import Ranks, sort_best_first


class WorklistRows:
    """Scored open leads; rows keep their position, and what changes of them is in :class:`Ranks`.

    Parameters
    ----------
    frame : rows of a scored file, one per lead
    data : where owners, display columns and creation times come from
    """

    def __init__(self, frame: pd.DataFrame, data: LeadData) -> None:
        self.frame = frame = compact_text_columns(frame.reset_index(drop=True))
        self.position = pd.Index(frame["lead_id"].astype("str")) if len(frame) else pd.Index([], dtype="str")
        self.id_rank = np.argsort(np.argsort(self.position.to_numpy(dtype=object), kind="stable"), kind="stable")

        codes = data.lead_ids.get_indexer(self.position)
        leads = data.tables["leads"].iloc[codes].reset_index(drop=True)
        created = leads["created_at"] if "created_at" in leads else pd.Series(pd.NaT, index=leads.index)
        self.created = created.to_numpy(dtype="datetime64[us]")
        self.owner = texts_of(leads["owner"]) if "owner" in leads else np.full(len(frame), "", dtype=object)
        self.owner_names, self.owner_codes = factorize(self.owner)
        self.display = display_values(leads, data)
        self.segments = Segments(data, codes)
        self.win_values = lead_win_values(data, self.segments)
        self.has_points = "manual_points" in frame and len(frame) > 0
        self.state_names, self._first_states = factorize(
            texts_of(frame["state"]) if len(frame) else np.empty(0, dtype=object)
        )

    def __len__(self) -> int:
        return len(self.frame)

    def first_ranks(self) -> Ranks:
        """The ranks of the rows as they were scored."""
        frame = self.frame
        probability = frame["probability"].to_numpy(dtype=np.float64) if len(frame) else np.empty(0)
        score = frame["score"].to_numpy(dtype=np.int64) if len(frame) else np.empty(0, dtype=np.int64)
        manual = frame["manual_points"].to_numpy(dtype=np.float64) if self.has_points else np.full(len(frame), np.nan)
        disagree = frame["disagree"].ne("").to_numpy(dtype=np.bool_) if self.has_points else np.zeros(len(frame), bool)
        return Ranks(
            probability=probability,
            score=score,
            state=self._first_states,
            manual=manual,
            disagree=disagree,
            by_score=sort_best_first(probability, self.id_rank),
            patches={},
        )

    def find_position(self, lead_id: str) -> int:
        """Position of a lead, -1 if it is not on the list."""
        return int(self.position.get_indexer(pd.Index([lead_id], dtype="str"))[0]) if len(self) else -1

    def are_listed(self, leads: Collection[str]) -> Bools:
        """By position, whether the lead is one of these."""
        found = np.zeros(len(self), dtype=np.bool_)
        if leads:
            at = self.position.get_indexer(pd.Index(list(leads), dtype="str"))
            found[at[at >= 0]] = True
        return found

    def are_owned_by(self, owner: str) -> Bools:
        """By position, whether the lead is this owner's."""
        return self.owner_codes == self.owner_names.get(owner, -1)

    def display_of(self, at: int) -> dict[str, str]:
        """Display columns of one lead, without empty ones."""
        return {name: values[at] for name, values in self.display.items() if values[at]}

    def code_of_state(self, name: str) -> int:
        """The code of a state; one that no row had yet gets the next."""
        return self.state_names.setdefault(name, len(self.state_names))

    def states_with(self, ranks: Ranks, pinned: Mapping[str, str]) -> Ints:
        """Codes of states, where sales pinned one that one."""
        if not pinned:
            return ranks.state
        codes = ranks.state.copy()
        for lead_id, name in pinned.items():
            at = self.find_position(lead_id)
            if at >= 0:
                codes[at] = self.code_of_state(name)
        return codes

    def texts_now(self, ranks: Ranks, column: str) -> npt.NDArray[np.object_] | None:
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

    def texts_with(self, ranks: Ranks, column: str, pins: Pins) -> npt.NDArray[np.object_] | None:
        """:meth:`texts_now`, of lists with those that follow from what is pinned."""
        values, actions = self.texts_now(ranks, column), self.texts_now(ranks, "next_action")
        if values is None or actions is None or not pins.by_lead or column != "lead_list":
            return values
        values, names = values.copy(), np.array(list(self.state_names), dtype=object)
        for lead_id in pins.by_lead:
            at = self.find_position(lead_id)
            if at >= 0 and values[at]:
                state = str(names[ranks.state[at]])
                values[at] = pins.follow(lead_id, state, str(actions[at]), str(values[at]))[2]
        return values
