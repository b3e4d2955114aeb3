"""Leads of which a list does not show yet what the store holds."""

from typing import Any

from serving.state.clock import ServingClock
from serving.state.loaded_state import LoadedState
from serving.state.loading.build_worklist import score_touched
from serving.store.engine import Store


def show_missed(store: Store, state: LoadedState, clock: ServingClock) -> bool:
    """Score anew leads of which something was posted while this state was loaded, or to another server, or to
    which rows of a merged lead went; returns whether the store held anything new.

    What those were scored under (a threshold, a rubric, a model) need not be what is in use here.
    """
    lines, framework = list[dict[str, Any]](), state.pages_framework
    with state.scores.catching_up, store.reading() as session:
        before = state.scores.last
        entry, moved = state.scores.find_moved(session)
        through, missed = state.scores.find_missed(session)
        if moved:
            state.data.moved = max(state.data.moved, entry)
        listed = state.worklist.rows.position.intersection([*missed, *moved])
        if len(listed) and not state.data.flat:
            lines = score_touched(session, state.model, state.data, clock, framework, state.data.codes(listed))
        state.scores.take_over(through, lines, entry)
    return through > before or bool(moved)
