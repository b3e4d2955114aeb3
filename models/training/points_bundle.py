"""A bundle that scores by points alone: the rubric's points are the score; outcomes only say how likely wins are."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.cohort.splits import leads_of
from features.matrix import Matrix
from features.rubric.schema import Rubric
from models.bundle import Bundle
from models.calibration.interval import IntervalModel
from models.candidates.rubric import RubricCandidate, fit_line
from models.explaining.facts import build_facts
from models.explaining.points import CENTRE
from models.interfaces import Calibration, Scale
from models.judging.drift.reference_distribution import build_reference_distribution
from models.logistic import logit
from models.settings import TrainSettings
from models.training.fit_bundle import newest_rows

MODE = "mode"
POINTS = "points"
_FLATTEST = 1e-4  # log-odds per point: ranks leads by points, and says of 100 points that they change odds by 1%
_DRAWS = 100  # bootstrap of the line: its interval is wide where wins are few, whatever the draws
_VAGUE = 1.0  # standard deviation of the level [log-odds] where no row is matured: from a third to three times the odds


def fit_points_bundle(
    matrix: Matrix, rubric: Rubric, settings: TrainSettings, meta: Mapping[str, Any], *, on_grid: bool = False
) -> Bundle:
    """The rubric as a bundle: ``score`` is its points, clipped to 0..100, and bars are points per criterion.

    Probabilities come from a line through points fitted on the matured rows, as far as there are any, each as a list
    shows it: flat where outcomes do not follow points, with an interval that is wide where wins are few.

    Parameters
    ----------
    matrix : built with the rubric's rules
    meta : stored beside what is said here, which counts before it
    on_grid : whether all open leads are looked at together
    """
    rows = np.flatnonzero(matrix.matured).astype(np.int64)
    plain = RubricCandidate(rubric)
    points = plain.points(matrix.values)
    weight = _rows_alike(matrix, rows)
    slope, intercept = _line(points[rows], matrix.label[rows], weight)
    fitted = RubricCandidate(rubric, slope=slope, intercept=intercept)
    log_odds = fitted.log_odds(matrix.values)
    newest = newest_rows(matrix, on_grid=on_grid) if len(matrix) else np.empty(0, dtype=np.int64)
    known = matrix.label_known_at.iloc[rows].dropna()
    won_leads, lost_leads = leads_of(matrix, rows)
    ages = matrix.keys["age_days"].iloc[rows].quantile([0.0, 1.0]) if len(rows) else [float("nan")] * 2

    return Bundle(
        meta={
            **meta,  # first: of an earlier bundle's it may not keep what the rows here say
            MODE: POINTS,
            "winner": fitted.name,
            "trained_through": known.max().isoformat() if len(known) else None,
            "rows": len(rows),
            "won": int(matrix.label[rows].sum()),
            "won_leads": won_leads,
            "lost_leads": lost_leads,
            "base_rate": float(matrix.label[rows].mean()) if len(rows) else None,
            "age_days": [float(age) for age in ages],
            "seed": settings.seed,
            "versions": {name: version(name) for name in ("leadscore", "numpy", "pandas")},
        },
        catalog=matrix.catalog,
        components={fitted.name: fitted},
        weights={fitted.name: 1.0},
        calibration=Calibration(1.0, 0.0),
        interval=_interval(points[rows], matrix, rows, weight, (slope, intercept), settings),
        scale=points_scale(rubric, slope, intercept),
        facts=build_facts(matrix.hide_people(matrix.take(rows))) if len(rows) else {},
        percentiles=np.quantile(log_odds[newest], np.arange(101) / 100) if len(newest) else np.full(101, intercept),
        rubric=fitted,
        trained_on=build_reference_distribution(matrix, rows, newest, log_odds[newest]) if len(rows) else {},
    )


def points_scale(rubric: Rubric, slope: float, intercept: float) -> Scale:
    """The scale on which the score of a log-odds is its points: one point is ``slope``."""
    return Scale(
        version=f"points-{rubric.name}-{rubric.version}",
        reference_log_odds=intercept + slope * CENTRE,
        pdo=float(np.log(2.0) / slope),
    )


def _line(points: Floats, won: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and intercept, never flatter than what ranks; even odds where nothing is known."""
    if not len(points):
        return _FLATTEST, -_FLATTEST * CENTRE
    total = float(weight.sum())
    # half a win and half a loss more: a base rate of 0 or 1 would promise certainty (Jeffreys)
    rate = (float((won * weight).sum()) + 0.5) / (total + 1.0)
    if won.min() == won.max():
        return _FLATTEST, logit(rate) - _FLATTEST * float(np.average(points, weights=weight))
    slope, intercept = fit_line(points, won, weight)
    if slope >= _FLATTEST:
        return slope, intercept
    return _FLATTEST, logit(rate) - _FLATTEST * float(np.average(points, weights=weight))


def _rows_alike(matrix: Matrix, rows: Ints) -> Floats:
    """Every row counts alike, all together as much as there are leads.

    The line is what makes probabilities of points, as a calibration does of a model's log-odds. Rows of one lead weigh
    one where points are learned; but who wins soon has few rows, so by such weights more are won than on any list
    (docs/adr/0006).
    """
    return np.full(len(rows), float(matrix.weight[rows].mean()) if len(rows) else 1.0)


def _interval(
    points: Floats, matrix: Matrix, rows: Ints, weight: Floats, line: tuple[float, float], settings: TrainSettings
) -> IntervalModel:
    """How far level and slope move when whole accounts are drawn again."""
    slope, intercept = line
    if not len(rows):
        return IntervalModel(intercept, np.diag([_VAGUE**2, 0.0]), 0.0)
    won = matrix.label[rows]
    group = matrix.take(rows).group_codes
    middle = intercept + slope * float(np.average(points, weights=weight))
    rng, clusters = np.random.default_rng(settings.seed), int(group.max()) + 1
    drawn = np.empty((_DRAWS, 2))
    for k in range(_DRAWS):
        times = rng.multinomial(clusters, np.full(clusters, 1.0 / clusters))[group].astype(np.float64)
        kept = times > 0
        own = _line(points[kept], won[kept], (weight * times)[kept])
        at = (middle - intercept) / slope
        drawn[k] = own[1] + own[0] * at, own[0] / slope
    spread = np.cov(drawn.T)
    least = 1.0 / (float((won * weight).sum()) + 0.5)  # Poisson: a draw without a win knows no level at all
    spread[0, 0] = max(float(spread[0, 0]), least)
    return IntervalModel(middle, np.asarray(spread), 0.0)
