"""A proposed rule's ranges follow each other upwards, whatever the scorecard's edges are."""

from types import SimpleNamespace

import numpy as np
import pytest

from features.catalog.feature import Catalog, Feature, FeatureType
from features.rubric.rule import Rule
from features.schema.operations import ColumnValue
from features.schema.vocabulary import Dimension, Topic
from models.encoding.bins import NumberBins
from models.judging.rubrics.scorecard_to_rubric import has_rules, points_per_value


@pytest.mark.parametrize("edges", [(-46.2, -42.0, -41.8, -36.4), (1.0, 2.0, 7.0), (0.0, 0.5)])
def test_ranges_rise_and_hold_what_the_bins_hold(edges: tuple[float, ...]) -> None:
    points = np.arange(len(edges) + 2)
    made = points_per_value(NumberBins(edges), points)
    Rule.model_validate({"id": "r", "group": "fit", "lead": "index", **made})
    for value in (*edges, edges[0] - 10, edges[-1] + 10):
        inside = [r["points"] for r in made["ranges"] if r.get("from", -np.inf) <= value < r.get("below", np.inf)]
        assert inside == [float(points[np.searchsorted(edges, value, side="left")])]


@pytest.mark.parametrize(("read_as", "found"), [(None, True), ("items", False)])
def test_a_card_of_lists_alone_makes_no_rubric(read_as: str | None, found: bool) -> None:
    feature = Feature(
        name="interests",
        family="attributes",
        dimension=Dimension.FIT,
        topic=Topic.NEED,
        type=FeatureType.NUMBER,
        when_empty=0.0,
        doc="",
        unit="",
        known_when="",
        params=ColumnValue(table="leads", column="interests", read_as=read_as),  # type: ignore[arg-type]
    )
    binned = SimpleNamespace(bins=NumberBins((1.0,)))
    card = SimpleNamespace(bins={"interests": binned}, points_by_bin={"interests": np.arange(3)})
    assert has_rules(card, Catalog((feature,))) is found  # type: ignore[arg-type]
