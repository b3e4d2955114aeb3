"""Whatever the file: no traceback, read = kept + quarantined, nothing silent, each scored row in its place."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.workspace.context import Context
from tests.reference.hostile_run import Tally, train_on_honest_rows, try_file

FEW, MANY = 25, 5_000


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return train_on_honest_rows(tmp_path_factory.mktemp("honest"))


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is thrown away at once: it need not survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def test_a_few_hostile_files(tmp_path: Path, context: Context) -> None:
    tally = Tally()
    for seed in range(FEW):
        try_file(seed, tmp_path, context, tally)
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.files == FEW and tally.kept and tally.quarantined and tally.scored


@pytest.mark.prove
def test_five_thousand_hostile_files(
    tmp_path: Path, context: Context, record_property: Callable[[str, object], None]
) -> None:
    tally = Tally()
    for seed in range(MANY):
        try_file(seed, tmp_path, context, tally)
    for name, figure in tally.record().items():
        record_property(name, figure)
    assert not tally.faults, "\n".join(tally.faults[:20])
    assert tally.read == tally.kept + tally.quarantined
