"""What a loaded model keeps of a view: its value, and nothing that made it."""

import gc
import weakref
from typing import Any

from serving.state.loaded_state import KeptView, LoadedState


class _Data:
    """Stands for what a load reads: large, and to be let go of with the next load."""


def _loaded() -> LoadedState:
    nothing: Any = None
    return LoadedState(model=nothing, data=_Data(), worklist=nothing, number=1)  # type: ignore[arg-type]


def _look(state: LoadedState, key: str) -> str:
    return str(state.keep(KeptView((key,), lambda: f"{key} of {type(state.data).__name__}")))


def test_a_view_is_worked_out_once_by_its_key() -> None:
    state, asked = _loaded(), list[int]()
    views = [KeptView(("a",), lambda: asked.append(1) or len(asked)) for _ in range(2)]  # type: ignore[func-returns-value]
    assert [state.keep(view) for view in views] == [1, 1] and len(asked) == 1
    assert _look(state, "b") == "b of _Data"


def test_what_is_replaced_is_let_go_of_without_a_search_for_garbage() -> None:
    gc.disable()
    try:
        state = _loaded()
        data = weakref.ref(state.data)
        assert _look(state, "a") == "a of _Data"
        del state
        assert data() is None, "a kept view holds the data it was worked out from"
    finally:
        gc.enable()
