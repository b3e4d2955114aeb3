"""What a win of each listed lead would bring compared with the mean win, by the column the source declares."""

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.judging.handoff.win_value import win_value_ratios
from serving.state.lead_data import LeadData
from serving.state.segments import Segments


def lead_win_values(data: LeadData, segments: Segments) -> Floats | None:
    """Ratio to the mean win for each lead of a list; None where the source declares no ``capacity.value_by``.

    Raises
    ------
    InvalidError : the column is not declared, or is personal or sensitive
    """
    column = data.source.capacity.value_by
    if column is None or data.flat:
        return None

    outcomes = data.tables["outcomes"]
    won = outcomes[outcomes["won"].fillna(False).astype("bool") & outcomes["lead_id"].notna()]
    codes = data.lead_ids.get_indexer(pd.Index(won["lead_id"].astype("str")))
    amounts = won["amount"].to_numpy(dtype=np.float64)[codes >= 0]

    kinds = Segments(data, codes[codes >= 0]).values(column)
    ratios = win_value_ratios(kinds.tolist(), amounts.tolist())
    return np.array([round(ratios.get(name, 1.0), 4) for name in segments.values(column)], dtype=np.float64)
