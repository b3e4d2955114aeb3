"""Hot and untouched as each run's list had it: counted, kept, and told for the weeks that were counted, no other."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from pipelines.diagnostics.hot_leads import (
    DAMAGED,
    LOG,
    HotCount,
    count_hot,
    keep_hot_count,
    read_hot_counts,
    untouched_by_week,
)
from pipelines.workspace.paths import Paths

DAY = pd.Timestamp("2026-06-29")


def test_a_list_is_counted_as_people_see_it() -> None:
    shown = pd.DataFrame({"lead_id": list("ABCDEF"), "as_of": DAY, "temperature": ["hot"] * 5 + ["warm"]})
    activities = pd.DataFrame({"lead_id": list("AABC"), "actor": ["lead", "rep", None, "lead"]})
    found = count_hot(shown, activities, frozenset("D"), frozenset("E"), "b")
    assert found == HotCount(DAY, hot=4, untouched=2, bundle="b"), "D is put aside, A was called, E accepted"


def test_the_newest_list_of_a_moment_stands_and_leads_that_close_later_change_nothing(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    paths.root.mkdir()
    first = HotCount(DAY, 9, 5, "old")
    assert read_hot_counts(paths) == []
    for count in (first, HotCount(DAY - pd.Timedelta(days=7), 8, 4, "old"), replace(first, untouched=6, bundle="new")):
        keep_hot_count(paths, count)
    counts = read_hot_counts(paths)
    assert [(one.as_of, one.untouched, one.bundle) for one in counts] == [
        (DAY - pd.Timedelta(days=7), 4, "old"),
        (DAY, 6, "new"),
    ]


def test_a_week_that_no_run_counted_has_no_figure() -> None:
    counts = [HotCount(DAY - pd.Timedelta(days=days, hours=5), 9, days, "b") for days in (28, 14, 13, 3, 0)]
    assert untouched_by_week(counts, DAY, 4) == [28, None, 14, None]
    assert untouched_by_week([], DAY, 2) == [None, None]


def test_a_log_that_cannot_be_read_is_laid_aside_and_holds_no_list_back(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "demo")
    paths.root.mkdir()
    for content in (b"PAR1 torn", None):
        if content is None:
            pd.DataFrame({"as_of": [DAY]}).to_parquet(paths.root / LOG)
        else:
            (paths.root / LOG).write_bytes(content)
        with pytest.raises(DataError, match="hot_leads"):
            read_hot_counts(paths)
        keep_hot_count(paths, HotCount(DAY, 9, 5, "b"))
        assert [one.untouched for one in read_hot_counts(paths)] == [5]
        assert (paths.root / DAMAGED).exists()
        (paths.root / DAMAGED).unlink()
