"""A proposed rule's ranges follow each other upwards, whatever the scorecard's edges are."""

import numpy as np
import pytest

from features.rubric.rule import Rule
from models.encoding.bins import NumberBins
from models.judging.rubrics.scorecard_to_rubric import points_per_value


@pytest.mark.parametrize("edges", [(-46.2, -42.0, -41.8, -36.4), (1.0, 2.0, 7.0), (0.0, 0.5)])
def test_ranges_rise_and_hold_what_the_bins_hold(edges: tuple[float, ...]) -> None:
    points = np.arange(len(edges) + 2)
    made = points_per_value(NumberBins(edges), points)
    Rule.model_validate({"id": "r", "group": "fit", "lead": "index", **made})
    for value in (*edges, edges[0] - 10, edges[-1] + 10):
        inside = [r["points"] for r in made["ranges"] if r.get("from", -np.inf) <= value < r.get("below", np.inf)]
        assert inside == [float(points[np.searchsorted(edges, value, side="left")])]
