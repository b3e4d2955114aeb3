"""In markets that step, drift or turn, the probabilities are never worse than the base rate known at the time."""

import pytest

from models.settings import TrainSettings
from tests.benchmarks.bench_level import judge
from tests.reference.markets import levels

SETTINGS = TrainSettings.tiny().model_copy(update={"alpha": 0.2})


@pytest.mark.parametrize("kind", list(levels(1)))
def test_the_level_follows_the_market(kind: str) -> None:
    found = judge(kind, 1, rows=2400, settings=SETTINGS)
    assert found.regret["ours"] - found.regret["base rate"] < 2 * found.noise
    if kind in ("step up", "step down"):
        assert found.regret["ours"] < found.regret["no level"]
    if kind == "thin early block":
        assert found.regret["ours"] < found.regret["carried over"]
