"""A model with the data and the worklist it scored: loaded together, replaced together."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from models.standing.unscored_lists import list_closed, list_resting
from serving.problems import UnknownLeadError
from serving.state.lead_data import LeadData
from serving.state.loaded_model import LoadedModel
from serving.state.worklist.ranked_worklist import Worklist


@dataclass(frozen=True)
class LoadedState:
    """What scores: a request keeps the one it began with.

    Parameters
    ----------
    number : counts the loads of this server
    instead_of : why the chosen bundle does not serve and this one does; empty where it is the chosen one
    """

    model: LoadedModel
    data: LeadData
    worklist: Worklist
    number: int
    instead_of: str = ""

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

    def find_lead(self, lead_id: str, owner: str | None) -> int:
        """Row of a lead the caller may see; the UnknownLeadError does not say whether it exists."""
        code = self.data.code(lead_id)
        if code < 0 or not self.data.is_shown_to(code, owner):
            raise UnknownLeadError("this lead is not in the data (or not yours); check the id on the worklist.")
        return code
