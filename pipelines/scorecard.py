"""The learned scorecard of a finished run: one page to print, and a rubric to adopt."""

from functools import cache
from typing import Any

import numpy as np

from features.catalog import Catalog
from features.errors import DataError
from models.candidates.scorecard import ScorecardCandidate
from models.judging.proposal import Proposal, propose
from models.scorer import Floats
from pipelines.context import Context
from pipelines.matrices import load_matrix
from pipelines.report_format import FILTERS
from pipelines.store import read_json

STORED = "scorecard.json"


def stored(card: ScorecardCandidate, catalog: Catalog) -> dict[str, Any]:
    """What the train stage writes: the fitted card, and its lines in words, features by spread of points."""
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
        "points_to_double_the_odds": float(np.log(2.0) / card.slope) if card.slope > 0 else None,
    }


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
    return {
        "source": context.source.name,
        "title": context.source.title or context.source.name,
        "synthetic": context.source.synthetic,
        **found,
        "sentences": sentences(found),
    }


def sentences(found: dict[str, Any]) -> list[str]:
    """How to read the card, and what integers cost."""
    told = ["Add the points of every line that fits a lead; more points, more likely to be won."]
    if found["points_to_double_the_odds"]:
        told.append(f"{found['points_to_double_the_odds']:.0f} points more double the odds.")
    cost = found["rounding_cost"]
    told.append(
        f"Rounding to whole points costs {max(cost, 0.0):.5f} of log loss on the learning rows"
        + (" (it happens to help a little)." if cost < 0 else ".")
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
    points: Floats = propose(card, matrix.catalog, name, 0.0).points(matrix.values.iloc[rows])
    return propose(card, matrix.catalog, name, float(np.quantile(points, 1 - context.source.capacity.share)))


def text_of(found: dict[str, Any]) -> str:
    """The card as plain text."""
    lines = [f"{found['title']}{' (synthetic)' if found['synthetic'] else ''}: learned scorecard", ""]
    for feature in found["features"]:
        lines.append(feature["label"])
        lines += [f"  {row['points']:>+5}  {row['bin']}  ({row['share']:.0%} of leads)" for row in feature["bins"]]
    return "\n".join([*lines, "", *found["sentences"]])


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pipelines", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= FILTERS
    return environment.get_template("scorecard.html.j2")
