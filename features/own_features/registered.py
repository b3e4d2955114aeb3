"""Functions that declarations name, and how each is loaded: nothing is imported before a value is asked for."""

import threading
from collections.abc import Callable
from typing import Any

from features.errors import ContractError

Load = Callable[[], Callable[..., Any]]

_loads: dict[str, Load] = {}
_functions: dict[str, Callable[..., Any]] = {}
_lock = threading.Lock()


def offer(named: str, load: Load) -> None:
    """Say how the function of a path is loaded; a later offer takes an earlier one's place."""
    with _lock:
        _loads[named] = load
        _functions.pop(named, None)


def function_of(named: str, feature: str) -> Callable[..., Any]:
    """The function, loaded on first use.

    Raises
    ------
    ContractError : nobody offered it here
    """
    with _lock:
        if named not in _functions:
            if named not in _loads:
                raise ContractError(
                    f"feature '{feature}' is computed by '{named}', which is not loaded here; open the source by its "
                    "declaration (leadscore.read_source), whose 'features:' names it."
                )
            _functions[named] = _loads[named]()
        return _functions[named]
