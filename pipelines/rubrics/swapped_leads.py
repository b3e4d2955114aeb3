"""Why leads change places: the parts of the score by which the twin judged each of them, where they are to be had."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Ints
from features.matrix import Matrix
from models.bundle import Bundle
from models.interfaces import Contributions
from pipelines.artifacts.final_block import FinalBlock

_ROUNDING = 1e-6  # of log-odds; parts add up within 1e-9


@dataclass(frozen=True, kw_only=True)
class ExplainedSwaps:
    """Those leads of a swap set whose parts add up to the log-odds they were judged by.

    ``at`` are their positions in the swap set; ``values``, rows of the matrix, and ``parts`` are of them alone.
    """

    at: Ints
    values: pd.DataFrame
    parts: Contributions


def explain_swaps(twin: Bundle, block: FinalBlock, swap: pd.DataFrame) -> ExplainedSwaps | None:
    """Swapped leads with the twin's parts; None where it cannot read the block.

    The matrix may have been built again since the block was judged, and the twin trained again: rows stand in other
    places then, hold other values, or get other scores. Reasons of those would be another lead's, or another model's.

    Parameters
    ----------
    swap : columns ``row``, ``lead_id``, ``handed_off_at`` and ``model_log_odds`` of the swap set
    """
    if not set(twin.catalog.names) <= set(block.matrix.values.columns):
        return None
    rows = _find_rows(block.matrix, swap)
    at = np.flatnonzero(rows >= 0)
    values = block.matrix.values.iloc[rows[at]].reset_index(drop=True)
    parts = twin.contributions(values)
    same = np.isclose(parts.log_odds, swap["model_log_odds"].to_numpy(dtype=np.float64)[at], rtol=0, atol=_ROUNDING)
    own = Contributions(parts.names, parts.values[same], parts.base)
    return ExplainedSwaps(at=at[same], values=values[same].reset_index(drop=True), parts=own)


def _find_rows(matrix: Matrix, swap: pd.DataFrame) -> Ints:
    """Where each lead's handoff stands, by lead and moment; -1 where it does not. Of several alike, the place named."""
    keys = _index_of(matrix.keys["lead_id"], matrix.keys["as_of"])
    asked = _index_of(swap["lead_id"], swap["handed_off_at"])
    named = swap["row"].to_numpy(dtype=np.int64)
    inside = np.clip(named, 0, max(0, len(keys) - 1))
    stays = (named < len(keys)) & (keys.take(inside) == asked) if len(keys) else np.zeros(len(named), dtype=np.bool_)
    first = np.flatnonzero(~keys.duplicated())
    found = keys[first].get_indexer(asked)
    return np.where(stays, named, np.where(found >= 0, first[found], -1)).astype(np.int64)


def _index_of(lead: pd.Series, as_of: pd.Series) -> pd.MultiIndex:
    """Lead and moment; a moment may be a text as JSON has it, with a fraction of a second or without."""
    moments = pd.to_datetime(as_of, format="ISO8601").astype("datetime64[us]").astype("int64")
    return pd.MultiIndex.from_arrays([lead.astype("str"), moments])
