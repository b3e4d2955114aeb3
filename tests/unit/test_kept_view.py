"""What a loaded model keeps of a view: its value, and nothing that made it."""

import gc
import weakref
from typing import Any

from serving.state.kept_views import KeptView, KeptViews, size_of
from serving.state.loaded_state import LoadedState


class _Data:
    """Stands for what a load reads: large, and to be let go of with the next load."""


def _loaded() -> LoadedState:
    nothing: Any = None
    return LoadedState(model=nothing, data=_Data(), worklist=nothing, scores=nothing, number=1)  # type: ignore[arg-type]


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


def test_what_is_kept_is_bounded_by_bytes_and_what_was_used_last_stays() -> None:
    keep = KeptViews(most_bytes=100_000)

    def look(key: int, letters: int) -> Any:
        return keep(KeptView(key, lambda: {"rows": ["x" * letters]}))

    for key in range(40):
        look(key, 5_000)
        look(0, 5_000)
    assert 10 < len(keep) < 20 and 50_000 < keep.bytes <= 100_000
    assert keep.misses == 40 and keep.hits == 40, "the one that is looked at every time was let go of"
    look(99, 50_000)
    look(99, 50_000)
    assert keep.misses == 42, "one view may not take the place of all others"
    keep.clear()
    assert (len(keep), keep.bytes) == (0, 0)


def test_the_size_of_a_record_counts_what_is_in_it() -> None:
    letters = "x" * 10_000
    for record in ({"a": letters}, {letters: 1}, [letters], (letters,), frozenset({letters}), [[{"a": (letters,)}]]):
        assert 10_000 < size_of(record) < 11_500, record
