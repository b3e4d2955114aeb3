"""On a year in which nothing happens the checks of the feeds are silent; what is planted is named within weeks."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.bench_monitor import START, TRAINED_AFTER, WEEK, delay_of, false_alarms, made_tables
from tests.reference.feed_faults import FAULTS

pytestmark = pytest.mark.prove
SLOW = {"market step": 84, "amount in thousands": 56}  # days; the others within three weeks


@pytest.mark.parametrize("seed", [7, 8])
def test_a_stable_year_is_silent_and_faults_are_named(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tables, source = made_tables(tmp_path, seed)
    alarms = false_alarms(tables, source, START + TRAINED_AFTER * WEEK, 50)
    record_property("false_alarms_of_50", len(alarms))
    assert len(alarms) == 0, alarms
    since = START + 125 * WEEK + pd.Timedelta(days=3)
    for fault in FAULTS:
        found = delay_of(tables, source, fault, since)
        record_property(fault, None if found is None else found[0])
        assert found is not None and found[0] <= SLOW.get(fault, 21), fault
