"""On a year in which nothing happens feeds and the whole monitor are silent; what is planted is named within weeks."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from models.judging.drift.monitor_findings import Level
from tests.benchmarks.bench_monitor import START, TRAINED_AFTER, WEEK, delay_of, false_alarms, made_tables
from tests.benchmarks.bench_whole_monitor import CHECKS, weekly_records
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


@pytest.mark.parametrize("seed", [7, 8])
def test_the_whole_monitor_calls_for_no_action_on_a_stable_year(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    records = list(weekly_records(tmp_path, seed, CHECKS))
    found = [finding for record in records for finding in record.findings]
    watched = Counter(finding.check for finding in found if finding.level == Level.WATCH)
    record_property("verdicts", str(Counter(record.verdict for record in records)))
    record_property("to be watched, by check", str(watched))
    assert [finding.sentence for finding in found if finding.level == Level.ACT] == []
    judged = {finding.check for finding in records[-1].findings if finding.level != Level.UNKNOWN}
    assert {"feeds", "leak", "features", "values", "scores", "base rate", "calibration"} <= judged, "all looked"
