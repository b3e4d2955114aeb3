"""What moved a score: the parts always sum to the movement, and a part that is nothing is 0."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.array_types import Floats
from features.assembly.frameless_rows import Values, number_block
from features.catalog.feature import Catalog
from models.bundle import Bundle
from models.calibration.interval import IntervalModel
from models.calibration.segment_levels import SegmentLevels, SegmentLine
from models.candidates.segmented import SegmentedModel
from models.explaining.framework import framework_names, load_framework
from models.explaining.model_bars import SEGMENT_LEVEL
from models.explaining.points import BASE, bar_homes
from models.interfaces import Calibration, Contributions, Scale
from models.score_change import CLIP, DATA, DECAY, MODEL, PARTS, split_change
from models.scoring import score
from tests.reference.toy import CATALOG, toy_matrix

NUMBERS = Catalog(tuple(CATALOG[name] for name in CATALOG.numbers))
WIDTH = len(NUMBERS)
LINE = SegmentLine(shift=0.9, factor=1.2, middle=-1.0, variance=0.05)
ROW = st.lists(st.floats(-6, 6).map(lambda v: round(v, 3)), min_size=WIDTH, max_size=WIDTH)


@dataclass(frozen=True)
class Weighted:
    """A candidate whose contributions are the values times weights."""

    weights: tuple[float, ...]
    base: float = 0.0
    name: str = "weighted"

    def contributions(self, values: Values) -> Contributions:
        return Contributions(NUMBERS.names, number_block(values, NUMBERS.names) * np.array(self.weights), self.base)

    def log_odds(self, values: Values) -> Floats:
        return self.contributions(values).log_odds

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        return self.log_odds(values), self.contributions(values)

    def state(self) -> dict[str, float]:
        return {"base": self.base}

    def files(self) -> dict[str, str]:
        return {}


def bundle_of(weights: list[float], base: float, pdo: float = 10.0) -> Bundle:
    return Bundle(
        meta={"horizon_days": 90},
        catalog=NUMBERS,
        components={"weighted": Weighted(tuple(weights), base)},  # type: ignore[dict-item]
        weights={"weighted": 1.0},
        calibration=Calibration(0.9, 0.1),
        interval=IntervalModel(0.0, np.zeros((2, 2)), 0.0),
        scale=Scale("s", -1.0, pdo),
        facts={},
        percentiles=np.zeros(101),
    )


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(ROW, min_size=3, max_size=3),
    old=ROW,
    new=ROW,
    bases=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    pdo=st.sampled_from([10.0, 3.7, np.log(2.0)]),
    framework=st.sampled_from(framework_names()),
)
@example(rows=[[0.5, 0, 0, 0], [0.5, 0, 0, 0], [1.5, 0, 0, 0]], old=[1.0] * 4, new=[1.0] * 4, bases=(0.0, 0.0),
         pdo=np.log(2.0) / 0.9, framework="bant")  # fmt: skip
def test_integers_and_log_odds_sum_to_the_movement(
    rows: list[list[float]],
    old: list[float],
    new: list[float],
    bases: tuple[float, float],
    pdo: float,
    framework: str,
) -> None:
    before, after = bundle_of(old, bases[0], pdo), bundle_of(new, bases[1], pdo)
    steps = pd.DataFrame(rows, columns=list(NUMBERS.names))
    found = split_change(before, after, steps, load_framework(framework))
    assert tuple(found.points) == PARTS
    assert sum(found.points.values()) == found.score[1] - found.score[0]
    assert sum(found.exact.values()) == pytest.approx(found.log_odds[1] - found.log_odds[0], abs=1e-9)
    unit = before.scale.points_per_log_odds
    for part, moved in found.exact.items():
        assert sum(found.criteria[part].values()) == pytest.approx(moved * unit, abs=1e-9)
        assert abs(found.points[part] - moved * unit) < 2.0
    assert (found.points[DECAY] == 0) or rows[0] != rows[1]
    assert (found.points[DATA] == 0) or rows[1] != rows[2]
    assert (found.points[MODEL] == 0) or (old, bases[0]) != (new, bases[1])


@pytest.mark.parametrize("segmented", [(True, False), (False, True), (True, True), (False, False)])
def test_each_part_moves_the_bars_that_cards_show(segmented: tuple[bool, bool]) -> None:
    """The level of a segment is a bar of its own here as there, and none of the context, whichever model has it."""
    values = toy_matrix(40).values.iloc[[3, 11, 27]].reset_index(drop=True)
    numbers = values[list(NUMBERS.names)].fillna(0.0)
    steps = values.assign(**{name: numbers[name] for name in NUMBERS.names})
    levels = SegmentLevels(lines={str(text): LINE for text in steps["title"].dropna()}, between=0.1)
    pair = []
    for has_level, weights in zip(segmented, ([0.8, 0.5, 0.3, 0.1], [0.2, 0.9, 0.3, 0.4]), strict=True):
        plain = bundle_of(weights, -1.0)
        parts = SegmentedModel("title", plain.components, plain.weights, levels=levels)
        pair.append(replace(plain, components={parts.name: parts}, weights={parts.name: 1.0}) if has_level else plain)
    framework = load_framework("bant")
    found = split_change(pair[0], pair[1], steps, framework)

    def bars(bundle: Bundle, row: int) -> dict[str, float]:
        parts, unit = bundle.contributions(steps), bundle.scale.points_per_log_odds
        shown: dict[str, float] = {BASE: unit * (parts.base - bundle.scale.reference_log_odds)}
        for home, part in zip(bar_homes(parts, bundle.catalog, framework), parts.values[row], strict=True):
            shown[home] = shown.get(home, 0.0) + unit * float(part)
        return shown

    ends = {DECAY: ((0, 0), (0, 1)), DATA: ((0, 1), (0, 2)), MODEL: ((0, 2), (1, 2))}
    for part, ((old, row), (new, later)) in ends.items():
        was, now = bars(pair[old], row), bars(pair[new], later)
        names = found.criteria[part]
        assert (SEGMENT_LEVEL in names) == any(segmented)
        assert names == pytest.approx({name: now.get(name, 0.0) - was.get(name, 0.0) for name in names}, abs=1e-9)
        assert {*was, *now} <= set(names)


@pytest.mark.parametrize(("first", "last"), [(0.5, 1.5), (1.5, 2.5), (2.5, 1.5), (0.5, 2.5), (3.5, 0.5)])
def test_halves_that_round_apart_are_carried_by_the_part_that_moved(first: float, last: float) -> None:
    bundle = bundle_of([1.0, 0.0, 0.0, 0.0], 0.0, pdo=np.log(2.0))
    exact = Calibration(1.0, -1.0)
    steps = pd.DataFrame(0.0, index=range(3), columns=list(NUMBERS.names))
    steps.iloc[:, 0] = [first, first, last]
    halves = replace(bundle, calibration=exact)
    found = split_change(halves, halves, steps, load_framework("bant"))
    assert found.points == {DECAY: 0, DATA: found.score[1] - found.score[0], MODEL: 0, CLIP: 0}


def test_the_ends_are_the_scores_shown() -> None:
    matrix = toy_matrix(40)
    bundle = bundle_of([0.8, 0.5, 0.3, 0.1], -1.0)
    values = matrix.values[list(NUMBERS.names)].fillna(0.0)
    shown = score(bundle, replace(matrix, catalog=NUMBERS, values=values), load_framework("bant")).frame["score"]
    for row in range(3, 40):
        found = split_change(bundle, bundle, values.iloc[[row - 3, row - 1, row]], load_framework("champ"))
        assert found.score == (shown[row - 3], shown[row])
