"""The worklist's scores and states of a week ago, for the trend it shows."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Ints
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.state.loaded_state import LoadedState
from serving.state.worklist.last_week import SAME_MOMENT, LastWeek

_WEEK = pd.Timedelta(days=7)
LONGEST_LIST = 20_000  # bounds the work after a start: a longer list shows no trend
_BLOCK = 2_000  # leads scored at once, which bounds the memory


def compare_with_last_week(app_state: AppState) -> None:
    """Score the leads that existed a week before they were scored, as of then; runs behind the first requests."""
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
    end = cutoff.to_datetime64().astype("datetime64[us]")
    scored_at = _find_moments(state, end)
    created, when = state.worklist.rows.created, scored_at - _WEEK.to_timedelta64()
    existed = ~np.isnat(created) & (created < when)
    later = abs(scored_at - end) > SAME_MOMENT  # on real time, of what was posted: the data alone do not tell them

    ids = state.worklist.rows.position.tolist()
    scores, states = np.full(count, np.nan), np.full(count, "", dtype=object)

    def take(block: Ints, tables: dict[str, pd.DataFrame], as_of: pd.Timestamp | pd.Series) -> None:
        names = [ids[int(k)] for k in block]
        scored = state.model.score_tables(tables, names, as_of, app_state.framework(None))
        scores[block] = scored.frame["score"].to_numpy(dtype=np.float64)
        states[block] = scored.frame["state"].to_numpy(dtype=object)

    for block in np.array_split(np.flatnonzero(existed & ~later), max(1, count // _BLOCK)):
        if len(block):
            take(block, state.data.tables, cutoff - _WEEK)
    for block in np.array_split(np.flatnonzero(existed & later), max(1, count // _BLOCK)):
        if len(block):
            with app_state.store.reading() as session:
                codes = state.data.codes(pd.Index([ids[int(k)] for k in block], dtype="str"))
                rows = gather_rows(session, state.data, codes.tolist())
            take(block, rows.tables, pd.Series(when[block]))

    state.worklist.last_week = LastWeek(scores, states, scored_at)
    return int(existed.sum())


def _find_moments(state: LoadedState, end: np.datetime64) -> npt.NDArray[np.datetime64]:
    """As of when each lead of the list is scored: the cut-off ``end``, or the last that was posted of it."""
    found = np.full(len(state.worklist), end, dtype="datetime64[us]")
    again = [line for line in state.worklist.scored_again() if line.get("as_of") is not None]
    at = state.worklist.rows.position.get_indexer(pd.Index([str(line["lead_id"]) for line in again], dtype="str"))
    found[at] = np.array([line["as_of"] for line in again], dtype="datetime64[us]")
    return found
