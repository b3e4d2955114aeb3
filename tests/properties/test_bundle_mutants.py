"""Bundles changed at random, with the hash of what they now hold: refused with a reason, or sound; never harm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reference.bundle_judge import judge_all
from tests.reference.bundle_mutants import write_bases


def test_mutants_of_bundles_are_refused_or_sound(tmp_path: Path) -> None:
    write_bases(tmp_path)
    counts, harm = judge_all(tmp_path, 0, 130)
    assert not harm
    assert counts["refused"] > 80 and counts["sound"] > 5


@pytest.mark.prove
def test_5000_mutants_of_bundles_are_refused_or_sound(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    write_bases(tmp_path)
    counts, harm = judge_all(tmp_path, 100_000, 105_000)
    for verdict, number in sorted(counts.items()):
        record_property(verdict, number)
    assert not harm and counts.total() == 5_000
