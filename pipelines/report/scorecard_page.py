"""The learned scorecard of a finished run: one page to print, and a rubric to adopt."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from features.array_types import Floats
from features.catalog.feature import Catalog
from features.errors import DataError
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Calibration
from models.judging.rubrics.scorecard_to_rubric import Proposal, propose_rubric
from models.logistic import sigmoid
from pipelines.report.formatting import FILTERS
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix

STORED = "scorecard.json"
_FAR = float(np.log(999.0))
_SHOWN = 5e-6  # a smaller cost reads as 0.00000
_STEPS, _MOST = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500), 14


def stored(card: ScorecardCandidate, catalog: Catalog, calibration: Calibration | None = None) -> dict[str, Any]:
    """What the train stage writes: the fitted card, its lines in words, features by spread of points, and its line.

    ``line`` leads from points to log-odds, through the card's calibration on past predictions where one is given.
    """
    mended = calibration or Calibration(1.0, 0.0)
    line = {"intercept": float(mended.apply(np.array(card.intercept))), "slope": card.slope * mended.slope}
    features: dict[str, dict[str, Any]] = {}
    for row in card.rows():
        feature = catalog[row.feature]
        head = {"feature": row.feature, "label": feature.label or row.feature.replace("_", " "), "unit": feature.unit}
        entry = features.setdefault(row.feature, {**head, "bins": []})
        if row.share > 0 or row.points:
            entry["bins"].append({"bin": row.bin, "points": row.points, "share": row.share})
    return {
        "state": card.state(),
        "features": list(features.values()),
        "rounding_cost": card.rounding_cost,
        "points_to_double_the_odds": float(np.log(2.0) / line["slope"]) if line["slope"] > 0 else None,
        "line": {**line, "calibrated": calibration is not None},
    }


def probabilities(found: Mapping[str, Any]) -> list[dict[str, float]]:
    """Probability at a few round sums of points, from the lowest to the highest the card can give, at most 15.

    Sums whose probability lies outside 0.1 % to 99.9 % are left out: the card was not learned there.
    """
    line = found["line"]
    spans = [[row["points"] for row in feature["bins"]] for feature in found["features"] if feature["bins"]]
    low, high = sum(map(min, spans)), sum(map(max, spans))
    if line["slope"] <= 0 or low == high:
        return [{"points": 0, "probability": _probability(line, 0)}]
    ends = [(z - line["intercept"]) / line["slope"] for z in (-_FAR, _FAR)]
    low, high = max(low, int(np.ceil(ends[0]))), min(high, int(np.floor(ends[1])))
    step = next((step for step in _STEPS if (high - low) / step < _MOST), _STEPS[-1])
    sums = range(int(np.ceil(low / step)) * step, high + 1, step)
    return [{"points": points, "probability": _probability(line, points)} for points in sums]


def _probability(line: Mapping[str, float], points: float) -> float:
    return float(sigmoid(np.array(line["intercept"] + line["slope"] * points)))


def section_of(context: Context) -> dict[str, Any] | None:
    """What the report shows of the card; None where no model was trained."""
    return page_of(context) if (context.paths.train / STORED).exists() else None


def page_of(context: Context) -> dict[str, Any]:
    """The card of the last run.

    Raises
    ------
    DataError
        before the first run that trained a model.
    """
    path = context.paths.train / STORED
    if not path.exists():
        raise DataError(
            f"source '{context.source.name}' has no scorecard in {context.paths.train}; run "
            f"'leadscore run --source {context.source.name}' first."
        )
    found: dict[str, Any] = read_json(path)
    # a card of before the line was stored speaks for itself, uncalibrated
    plain = {name: float(found["state"][name]) for name in ("intercept", "slope")}
    found = {"line": {**plain, "calibrated": False}, **found}
    source = context.source
    within = None if source.kind == "flat" else source.label.horizon_days
    return {
        "source": context.source.name,
        "title": context.source.title or context.source.name,
        "synthetic": context.source.synthetic,
        **found,
        "probabilities": probabilities(found),
        "sentences": sentences(found, within),
    }


def sentences(found: Mapping[str, Any], within_days: int | None) -> list[str]:
    """How to read the card, where it starts, and what integers cost."""
    line, horizon = found["line"], "" if within_days is None else f" within {within_days} days"
    told = [
        "Start at 0 and add the points of every line that fits a lead; more points, more likely to be won.",
        f"0 points are a probability of {_probability(line, 0):.1%} of a win{horizon}"
        + (", calibrated on past predictions." if line["calibrated"] else ", not calibrated."),
    ]
    if found["points_to_double_the_odds"]:
        told.append(f"{found['points_to_double_the_odds']:.0f} points more double the odds.")
    cost = found["rounding_cost"]
    told.append(
        f"Rounding to whole points costs {max(cost, 0.0):.5f} of log loss on the learning rows"
        + (" (it happens to help a little)." if cost <= -_SHOWN else ".")
    )
    return told


def html_of(context: Context) -> str:
    """The card as one page to print."""
    return str(_template().render(**page_of(context)))


def rubric_of(context: Context) -> Proposal:
    """The card as a rubric whose handoff takes as large a share of the matured rows as capacity allows."""
    found = page_of(context)
    card = ScorecardCandidate.restore(found["state"], {})
    matrix = load_matrix(context.paths.matrix)
    name, rows = f"{context.source.name}_learned", np.flatnonzero(matrix.matured)
    points: Floats = propose_rubric(card, matrix.catalog, name, 0.0).points(matrix.values.iloc[rows])
    return propose_rubric(card, matrix.catalog, name, float(np.quantile(points, 1 - context.source.capacity.share)))


def text_of(found: dict[str, Any]) -> str:
    """The card as plain text."""
    lines = [f"{found['title']}{' (synthetic)' if found['synthetic'] else ''}: learned scorecard", ""]
    for feature in found["features"]:
        lines.append(feature["label"])
        lines += [f"  {row['points']:>+5}  {row['bin']}  ({row['share']:.0%} of leads)" for row in feature["bins"]]
    lines += ["", "points  probability"]
    lines += [f"{row['points']:>6}  {row['probability']:.1%}" for row in found["probabilities"]]
    return "\n".join([*lines, "", *found["sentences"]])


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pipelines.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("scorecard.html.j2")
