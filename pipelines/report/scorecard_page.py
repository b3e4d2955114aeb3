"""The learned scorecard of a finished run: one page to print, and a rubric to adopt."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.errors import DataError
from models.judging.rubrics.scorecard_to_rubric import Proposal
from models.logistic import sigmoid
from pipelines.artifacts.train_record import CardLine, ScorecardRecord
from pipelines.report.formatting import chance
from pipelines.report.page_templates import open_template
from pipelines.rubrics.learned_rubric import propose_at_share
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix

_FAR = float(np.log(999.0))  # log-odds of 99.9%
_SHOWN = 5e-6  # a smaller cost reads as 0.00000
_STEPS, _MOST = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500), 14  # round sums; so many lines fit beside the card


@dataclass(frozen=True, kw_only=True)
class ScorecardPage:
    """The card of the last run with what is worked out from it: probabilities of round sums, and how to read it."""

    source: str
    title: str
    synthetic: bool
    card: ScorecardRecord
    probabilities: list[dict[str, float]]
    sentences: list[str]

    def record(self) -> dict[str, Any]:
        """JSON-ready, the state that restores the card left out."""
        card = {name: value for name, value in self.card.content().items() if name != "state"}
        head = {"source": self.source, "title": self.title, "synthetic": self.synthetic}
        return {**head, **card, "probabilities": self.probabilities, "sentences": self.sentences}


def find_probabilities(card: ScorecardRecord) -> list[dict[str, float]]:
    """Probability at a few round sums of points, from the lowest to the highest the card can give, at most 15.

    Sums whose probability lies outside 0.1% to 99.9% are left out: the card was not learned there.
    """
    line = card.line
    spans = [[row["points"] for row in feature["bins"]] for feature in card.features if feature["bins"]]
    low, high = sum(map(min, spans)), sum(map(max, spans))
    if line.slope <= 0 or low == high:
        return [{"points": 0, "probability": _probability(line, 0)}]

    ends = [(z - line.intercept) / line.slope for z in (-_FAR, _FAR)]
    low, high = max(low, int(np.ceil(ends[0]))), min(high, int(np.floor(ends[1])))
    step = next((step for step in _STEPS if (high - low) / step < _MOST), _STEPS[-1])
    sums = range(int(np.ceil(low / step)) * step, high + 1, step)
    return [{"points": points, "probability": _probability(line, points)} for points in sums]


def _probability(line: CardLine, points: float) -> float:
    return float(sigmoid(np.array(line.intercept + line.slope * points)))


def section_of(context: Context) -> ScorecardPage | None:
    """What the report shows of the card; None where no model was trained."""
    return page_of(context) if ScorecardRecord.exists(context.paths) else None


def page_of(context: Context) -> ScorecardPage:
    """The card of the last run.

    Raises
    ------
    DataError
        before the first run that trained a model.
    """
    source, card = context.source, read_card(context)
    return ScorecardPage(
        source=source.name,
        title=source.title or source.name,
        synthetic=source.synthetic,
        card=card,
        probabilities=find_probabilities(card),
        sentences=describe_card(card, None if source.kind == "flat" else source.label.horizon_in_words),
    )


def read_card(context: Context) -> ScorecardRecord:
    """The scorecard of the last run; DataError before the first run that trained a model."""
    if not ScorecardRecord.exists(context.paths):
        raise DataError(
            f"source '{context.source.name}' has no scorecard in {context.paths.train}; run "
            f"'leadscore run --source {context.source.name}' first."
        )
    return ScorecardRecord.read(context.paths)


def describe_card(card: ScorecardRecord, within_days: str | None) -> list[str]:
    """How to read the card, where it starts, and what integers cost."""
    horizon = "" if within_days is None else f" within {within_days} days"
    lines = [
        "Start at 0 and add the points of every line that fits a lead; more points, more likely to be won.",
        f"0 points are a probability of {_probability(card.line, 0):.1%} of a win{horizon}"
        + (", calibrated on past predictions." if card.line.calibrated else ", not calibrated."),
    ]
    if card.points_to_double_the_odds:
        lines.append(f"{card.points_to_double_the_odds:.0f} points more double the odds.")
    lines.append(
        f"Rounding to whole points costs {max(card.rounding_cost, 0.0):.5f} of log loss on the learning rows"
        + (" (it happens to help a little)." if card.rounding_cost <= -_SHOWN else ".")
    )
    return lines


def html_of(context: Context) -> str:
    """The card as one page to print."""
    return str(open_template("pipelines.report", "scorecard.html.j2").render(page=page_of(context)))


def rubric_of(context: Context) -> Proposal:
    """The card as a rubric whose handoff takes as large a share of the matured rows as capacity allows.

    Raises
    ------
    DataError
        before the first run that trained a model, and where the card learned no feature.
    """
    card, matrix = read_card(context), load_matrix(context.paths.matrix)
    name, share = f"{context.source.name}_learned", context.source.capacity.share
    proposal = propose_at_share(card, matrix, np.flatnonzero(matrix.matured), name, share)
    if proposal is None:
        raise DataError(f"the scorecard of '{context.source.name}' holds no feature; there is no rubric to write.")
    return proposal


def text_of(page: ScorecardPage) -> str:
    """The card as plain text."""
    lines = [f"{page.title}{' (synthetic)' if page.synthetic else ''}: learned scorecard", ""]
    for feature in page.card.features:
        lines.append(feature["label"])
        lines += [f"  {row['points']:>+5}  {row['bin']}  ({row['share']:.0%} of leads)" for row in feature["bins"]]
    lines += ["", "points  probability"]
    lines += [f"{row['points']:>6}  {chance(row['probability'])}" for row in page.probabilities]
    return "\n".join([*lines, "", *page.sentences])
