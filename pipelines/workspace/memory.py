"""Memory between stages: what a stage freed goes back to the system before the next one asks for more."""

import ctypes
import gc


def release_memory() -> None:
    """Give freed memory back; allocators keep it otherwise, and a run's peak would be the sum of its stages' scraps."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)
