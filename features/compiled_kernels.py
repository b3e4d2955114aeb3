"""Functions that numba compiles, or reads compiled, when they are first called: until then numba is not imported."""

import threading
from collections.abc import Callable
from functools import cache, update_wrapper
from importlib import import_module
from typing import Any

from features.import_blocker import block_import

_MAKING = threading.RLock()  # two first calls at once must not make two of a kernel


class Kernel:
    """A function in the part of Python that numba compiles; other kernels may call it.

    >>> double = kernel(lambda x: 2 * x)
    >>> double.function(4)
    8
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._compiled: Any = None
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """What the compiled function returns."""
        return (self._compiled or self.compiled)(*args)

    @property
    def compiled(self) -> Any:
        """Numba's dispatcher, kept on disk, which leaves other threads the interpreter."""
        with _MAKING:
            if self._compiled is None:
                self._compiled = _import_numba().njit(cache=True, nogil=True)(self.function)
            return self._compiled


def kernel(function: Callable[..., Any]) -> Any:
    """Decorator: the function as a :class:`Kernel`."""
    return Kernel(function)


@cache
def _import_numba() -> Any:
    """Numba, to which a :class:`Kernel` named within another one is its dispatcher.

    For matrix products, foreign functions and coverage it imports what takes a quarter of a second; no kernel needs it.
    """
    with block_import("scipy.linalg", "cffi", "coverage"):
        import numba
        from numba.extending import typeof_impl

        import_module("numba.np.arraymath")
        import_module("numba.core.typing.cffi_utils")

    @typeof_impl.register(Kernel)
    def _type_of_kernel(value: Kernel, _: Any) -> Any:
        return numba.types.Dispatcher(value.compiled)

    return numba
