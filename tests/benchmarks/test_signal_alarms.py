"""The signal test keeps its level: of 100 shuffled targets at alpha .01 at most four are called a signal."""

from collections.abc import Callable

import pytest

from tests.benchmarks.bench_signal import SETTINGS, alarms


@pytest.mark.prove
@pytest.mark.parametrize("ordered", [True, False])
def test_shuffled_targets_are_no_signal_and_real_ones_are_heard(
    ordered: bool, record_property: Callable[[str, object], None]
) -> None:
    assert SETTINGS.alpha == 0.01
    false = alarms(100, 240, ordered=ordered)
    heard = alarms(20, 240, ordered=ordered, strength=1.0)
    record_property("false_alarms_of_100", false)
    record_property("heard_of_20", heard)
    assert false <= 4
    assert heard >= 12
