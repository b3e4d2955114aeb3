"""The worklist's scores and states of a week ago, for the trend it shows."""

import numpy as np
import pandas as pd

from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState

_WEEK = pd.Timedelta(days=7)
LONGEST_LIST = 20_000  # bounds the work after a start: a longer list shows no trend
_BLOCK = 2_000  # leads scored at once, which bounds the memory


def compare_with_last_week(app_state: AppState) -> None:
    """Score the leads that existed a week before the data's cut-off, as of then; runs behind the first requests."""
    state = app_state.loaded
    if is_comparable(state):
        _compare_once(app_state, state)


def demand_comparison(app_state: AppState, state: LoadedState) -> None:
    """Have the scores of a week ago before something goes by them: without them every lead would seem to have moved.

    Raises
    ------
    InvalidError : there are none, because the list is too long or its source has no clocks
    """
    if state.data.cutoff is None:
        raise InvalidError(
            "this source has no clocks, so no score of a week ago is known; leave changed and sort=change out."
        )
    count = len(state.worklist)
    if count > LONGEST_LIST:
        raise InvalidError(
            f"scores of a week ago are worked out of at most {LONGEST_LIST:,} open leads, and there are {count:,}; "
            "leave changed and sort=change out, or use POST /v1/exports/crm, which remembers what it handed out."
        )
    _compare_once(app_state, state)


def is_comparable(state: LoadedState) -> bool:
    """Whether scores of a week ago are worked out of this list at all."""
    return state.data.cutoff is not None and len(state.worklist) <= LONGEST_LIST


def _compare_once(app_state: AppState, state: LoadedState) -> None:
    """Once per load: whoever asks meanwhile waits for it."""
    app_state.results.get("last week", state.number, lambda: _compare(app_state, state))


def _compare(app_state: AppState, state: LoadedState) -> int:
    """Work the scores of a week ago out and hand them to the list; returns how many leads there were then."""
    count, cutoff = len(state.worklist), state.data.cutoff
    if cutoff is None:
        return 0
    when = cutoff - _WEEK
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
    return int(existed.sum())
