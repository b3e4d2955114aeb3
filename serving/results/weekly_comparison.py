"""The worklist's scores and states of a week ago, for the trend it shows."""

import numpy as np
import pandas as pd

from serving.state.app_state import AppState

_WEEK = pd.Timedelta(days=7)
_LONGEST_LIST = 20_000  # bounds the work after a start: a longer list shows no trend
_BLOCK = 2_000  # leads scored at once, which bounds the memory


def compare_with_last_week(app_state: AppState) -> None:
    """Score the leads that existed a week before the data's cut-off, as of then; runs behind the first requests."""
    state = app_state.loaded
    count = len(state.worklist)
    if state.data.cutoff is None or not 0 < count <= _LONGEST_LIST:
        return

    when = state.data.cutoff - _WEEK
    created = state.worklist.created
    existed = ~np.isnat(created) & (created < np.datetime64(when.to_datetime64()))

    ids = state.worklist.position.tolist()
    scores, states = np.full(count, np.nan), np.full(count, "", dtype=object)
    for block in np.array_split(np.flatnonzero(existed), max(1, count // _BLOCK)):
        if len(block):
            names = [ids[int(k)] for k in block]
            scored = state.model.score_tables(state.data.tables, names, when, app_state.framework(None))
            scores[block] = scored.frame["score"].to_numpy(dtype=np.float64)
            states[block] = scored.frame["state"].to_numpy(dtype=object)

    state.worklist.set_last_week(scores, states)
