"""A model with the data and the worklist it scored: loaded together, replaced together."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assembly.closed_leads import ClosedLead
from features.schema.vocabulary import LeadList
from models.explaining.framework import Framework
from models.standing.unscored_lists import UNSCORED, list_closed, list_resting
from pipelines.scoring.accounts.people_index import fold_name
from serving.problems import UnknownLeadError
from serving.state.kept_views import KeptViews
from serving.state.lead_data import LeadData
from serving.state.loaded_model import LoadedModel
from serving.state.segments import Segments
from serving.state.worklist.list_columns import display_values
from serving.state.worklist.ranked_worklist import Worklist
from serving.state.worklist.shown_scores import ShownScores

_OVER = (LeadList.CUSTOMERS, LeadList.CLOSED)


@dataclass(frozen=True)
class Replaced:
    """What a state took the place of: its bundle and data, and the states it listed by lead.

    ``moved_at`` [ns] is when the pointer had moved last as the load began: the same two may follow each other again.
    """

    bundle_hash: str
    stamp: tuple[int, ...]
    states: pd.DataFrame
    moved_at: int


@dataclass
class UntoldStep:
    """What a load changed that webhooks are to hear of: of each lead ``state_before``, ``state``, ``score``.

    ``key`` is the same on every server that takes the step, another when it is taken again; ``failures`` counts how
    often it could not be told.
    """

    key: str
    moved: pd.DataFrame
    failures: int = 0


@dataclass(frozen=True, kw_only=True)
class LoadedState:
    """What scores: a request keeps the one it began with.

    Parameters
    ----------
    scores : which of the stored scores the worklist shows
    number : counts the loads of this server
    framework : of the pages, by which the worklist was scored; None: the source's
    instead_of : why the chosen bundle does not serve and this one does; empty where it is the chosen one
    replaced : what it took the place of; None for the first
    """

    model: LoadedModel
    data: LeadData
    worklist: Worklist
    scores: ShownScores
    number: int
    framework: Framework | None = None
    instead_of: str = ""
    replaced: Replaced | None = None

    @property
    def pages_framework(self) -> Framework:
        """The framework of the pages, the source's where the settings name none."""
        return self.framework or self.model.context.framework

    def warm(self) -> None:
        """Score a made-up lead, so that the first real one finds everything loaded."""
        self.model.warm(self.pages_framework)

    def find_step(self) -> UntoldStep | None:
        """The open leads that this worklist has in another state than the one before; None where there are none."""
        before = self.replaced
        if before is None:
            return None
        both = before.states["state"].rename("state_before").to_frame()
        both = both.join(self.worklist.current_states(), how="inner")
        moved = both[both["state_before"] != both["state"]]
        parts = [(before.bundle_hash, before.stamp), (self.model.bundle.hash, self.data.stamp)]
        key = hashlib.sha256(repr((parts, before.moved_at)).encode()).hexdigest()
        return None if moved.empty else UntoldStep(key, moved)

    @cached_property
    def unscored(self) -> pd.DataFrame:
        """Leads that by the data are over, the newest close first, or rest, the first back first."""
        data = self.data
        resting = list_resting(
            data.tables, data.source, set(data.lead_ids) - set(data.closed_now), data.owners, data.cutoff
        )
        parts = [resting, list_closed(data.closed_now, data.owners, data.cutoff, self.model.context.policy)]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else resting

    def find_over(self) -> Mapping[str, ClosedLead]:
        """Every lead that is over: by the data, or by what was posted since."""
        again = self.worklist.scored_again()
        if not again:
            return self.data.closed_now
        over = dict(self.data.closed_now)
        for line in again:
            name, at = str(line["lead_id"]), line.get("closed_at")
            over.pop(name, None)
            if line.get("lead_list") in _OVER:
                over[name] = ClosedLead(str(line["outcome"]), None if at is None else pd.Timestamp(at))
        return over

    def find_gone(self) -> frozenset[str]:
        """Leads of the worklist that by what was posted since are over, or rest: they are on the lists of those."""
        again = self.worklist.scored_again()
        return frozenset(str(line["lead_id"]) for line in again if line.get("lead_list") in UNSCORED)

    @cached_property
    def keep(self) -> KeptViews:
        """The value of a view, worked out anew only where its key is new; it goes with the model and the data."""
        return KeptViews()

    @cached_property
    def searched_texts(self) -> npt.NDArray[np.object_]:
        """By row of the data, id and display columns in one text without accents and case: what a search reads."""
        joined = pd.Series(self.data.lead_ids).astype("object")
        for values in display_values(self.data.tables["leads"].reset_index(drop=True), self.data).values():
            joined = joined + "\n" + pd.Series(values, dtype="object").astype("str").astype("object")
        return joined.map(fold_name).to_numpy(dtype=object)

    @cached_property
    def segments(self) -> Segments:
        """Which leads of the data, by row, belong to a segment: for lists beside the worklist, which has its own."""
        return Segments(self.data, np.arange(len(self.data.lead_ids)))

    def find_lead(self, lead_id: str, owner: str | None) -> int:
        """Row of a lead the caller may see; the UnknownLeadError does not say whether it exists."""
        code = self.data.code(lead_id)
        if code < 0 or not self.data.is_shown_to(code, owner):
            raise UnknownLeadError("this lead is not in the data (or not yours); check the id on the worklist.")
        return code
