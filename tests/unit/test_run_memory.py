"""Memory that a stage freed goes back to the system."""

import resource
from pathlib import Path

import numpy as np

from pipelines.run import release_memory


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_scraps_of_a_stage_are_given_back() -> None:
    """Blocks of 64 kB lie in the heap; the last one would keep all below it."""
    scraps = [np.ones(8_192) for _ in range(3_000)]
    kept, full = scraps[-1].copy(), resident()
    del scraps
    release_memory()
    assert full - resident() > 100 * 2**20 and kept.sum() == 8_192
