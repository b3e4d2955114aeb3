"""The bundle: the chosen model refitted on all matured rows, with what it says of its training."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.cohort.splits import leads_of
from features.matrix import Matrix
from features.point_in_time.microseconds import micros
from models.bundle import Bundle
from models.calibration.interval import CalibrationRows, IntervalModel, fit_interval
from models.calibration.level import check_promise, estimate_level
from models.candidates.blend import log_odds_of
from models.candidates.boosting import BoosterCandidate
from models.candidates.own import in_bundle
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Candidate, Scale
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.reference_distribution import build_reference_distribution
from models.judging.evaluation.backtest import (
    Backtest,
    fit_all,
    judging_weight,
    newest_learned,
    subsample,
)
from models.logistic import logit
from models.settings import TrainSettings
from models.training.recipe import Recipe
from models.training.segment_models import SEGMENTED
from models.training.segmentation import Segmentation
from models.training.twin import settle_calibration, with_segments
from models.training.verdict import Decision

_SPREAD_ROWS = 2_000  # rows that tell the spread between seeds: enough for a mean, and every booster predicts them
FEWEST_LISTED = 100  # leads that make a list: with fewer, a percentile is no finer than it is told
_WEEK = pd.Timedelta(days=7)
_REACHED = 0.999  # share of leads whose score is not clipped
_LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn", "scipy")


def fit_bundle(
    matrix: Matrix,
    rows: Any,
    recipe: Recipe,
    *,
    scale: Scale | None = None,
    meta: Mapping[str, Any],
    facts: Mapping[str, Any],
    on_grid: bool = False,
) -> Bundle:
    """The chosen model fitted on the given matured rows, with the backtest's calibration.

    Parameters
    ----------
    rows : positions of the matured rows to learn from
    scale : the frozen scale of an earlier bundle, so that a retrained model does not move everybody's score
    meta, facts : stored in the bundle beside what the fit itself knows
    on_grid : whether all open leads are looked at together, see :func:`newest_rows`
    """
    decision, settings, rubric = recipe.decision, recipe.settings, recipe.rubric
    part = subsample(matrix, rows, settings)

    names = (*decision.weights, *(("rubric",) if rubric is not None else ()))
    fitted = fit_all(matrix, rows, recipe.factory(), settings, names=names)
    components = {name: fitted[name] for name in decision.weights}
    fitted_rubric = fitted.get("rubric")
    seed_deviation = _seed_deviation(components, decision, part)
    components, weights = in_bundle(components, decision.weights)
    segmented = with_segments(components, matrix, rows, recipe).get(SEGMENTED)
    if segmented is not None:
        components, weights = {SEGMENTED: segmented}, {SEGMENTED: 1.0}

    raw = log_odds_of(components, weights, matrix.values)
    newest, learned = newest_rows(matrix, on_grid=on_grid), newest_learned(matrix, rows)
    history = decision.levels[decision.winner]
    calibration, shown = settle_calibration(decision.winner, raw[learned], matrix, learned, decision)
    whole = estimate_level(calibration.slope * raw[rows], matrix.label[rows], matrix.group_codes[rows])
    level_variance = shown.variance + history.wander + history.doubt(calibration.intercept, whole.value)
    calibrated = calibration.apply(raw)
    promise = check_promise(calibrated[learned], matrix.label[learned], shown, calibration.intercept)

    return Bundle(
        meta={**_meta(matrix, rows, part, recipe), "level": promise.record(), **meta},
        catalog=matrix.catalog,
        components=components,
        weights=weights,
        calibration=calibration,
        interval=_interval(matrix, recipe, seed_deviation, level_variance),
        scale=scale or _scale(part, calibrated, settings),
        facts=facts,
        percentiles=np.quantile(calibrated[newest], np.arange(101) / 100),
        rubric=fitted_rubric if isinstance(fitted_rubric, RubricCandidate) else None,
        trained_on=build_reference_distribution(matrix, rows, newest, calibrated[newest]),
    )


def newest_rows(matrix: Matrix, *, on_grid: bool) -> Ints:
    """Rows the percentiles speak of: a list as it would be now, or all rows where there is no time.

    On a calendar grid the newest moment is one: everybody open then. Otherwise every lead has moments of its own, and
    the newest of all is that of a single lead; the list is then the latest look at every lead of the newest week, or
    of as many more weeks as hold :data:`FEWEST_LISTED` leads.

    Parameters
    ----------
    on_grid : whether all open leads are looked at together (cohort policy weekly)
    """
    as_of = matrix.keys["as_of"]
    if not matrix.ordered or as_of.isna().all():
        return np.arange(len(matrix))
    latest = as_of.max()
    if on_grid:
        return np.flatnonzero((as_of == latest).to_numpy())

    order = np.argsort(micros(as_of), kind="stable")
    last = ~matrix.keys["lead_id"].iloc[order].duplicated(keep="last").to_numpy()
    looks = np.asarray(order[last], dtype=np.int64)  # the latest at each lead, the newest behind
    weeks = ((latest - as_of.iloc[looks]) // _WEEK).to_numpy()
    enough = weeks[-min(FEWEST_LISTED, len(looks))]
    return np.sort(looks[weeks <= enough])


def _seed_deviation(components: Mapping[str, Candidate], decision: Decision, part: Matrix) -> float:
    """Typical standard deviation of the model's log-odds between seeds."""
    booster = components.get("booster")
    if not isinstance(booster, BoosterCandidate):
        return 0.0
    spread = booster.spread(part.values.iloc[:_SPREAD_ROWS])
    # the mean of k boosters deviates less than one of them
    return float(decision.weights["booster"] * spread.mean() / np.sqrt(max(len(booster.texts), 1)))


def _interval(matrix: Matrix, recipe: Recipe, seed_deviation: float, level_variance: float) -> IntervalModel:
    """The interval model of the winner, on the rolling blocks that calibrated it.

    The next block's level lies around the promised one as the levels of past blocks did (docs/adr/0016, 0031).
    """
    found, decision, settings = recipe.backtest.rolling, recipe.decision, recipe.settings
    rows = CalibrationRows(
        log_odds=found.log_odds[decision.winner],
        won=matrix.label[found.rows],
        weight=judging_weight(found.rows),
        group=matrix.group_codes[found.rows],
        level_variance=level_variance,
    )
    return fit_interval(rows, decision.calibration, seed_deviation=seed_deviation, resampling=Resampling.of(settings))


def _scale(part: Matrix, calibrated: Floats, settings: TrainSettings) -> Scale:
    """Reference odds at twice the base odds, even odds at most, or the base odds from there on.

    PDO is as large as lets 99.9% of leads fit.
    """
    base = float(part.label.mean())
    reference = round(min(logit(base) + float(np.log(2.0)), 0.0) if base < 0.5 else logit(base), 2)
    reach = float(np.quantile(np.abs(calibrated - reference), _REACHED))
    # 50 points either side of the reference must hold the reach; PDO in steps of a tenth
    pdo = min(settings.pdo, float(np.floor(10 * 50 * np.log(2.0) / max(reach, 1e-9)) / 10))
    return Scale(version=f"s1-{reference:+.2f}-{pdo:g}", reference_log_odds=reference, pdo=pdo)


def _meta(matrix: Matrix, rows: Any, part: Matrix, recipe: Recipe) -> dict[str, Any]:
    """What a bundle says of its training; ``part`` are the rows learned from, at most so many a lead."""
    backtest, decision, settings = recipe.backtest, recipe.decision, recipe.settings
    known = matrix.label_known_at.iloc[rows].dropna()
    won_leads, lost_leads = leads_of(matrix, rows)
    return {
        "winner": decision.winner,
        "why": decision.why,
        "verdict": str(decision.verdict),
        "verdict_text": decision.verdict_text,
        "trained_through": known.max().isoformat() if len(known) else None,
        "rows": len(rows),
        "won": int(matrix.label[rows].sum()),
        "leads": int(part.keys["lead_id"].nunique()),
        "won_leads": won_leads,
        "lost_leads": lost_leads,
        "base_rate": float(matrix.label[rows].mean()),
        "age_days": [float(v) for v in part.keys["age_days"].quantile([0.0, 1.0])],
        "candidates": described_candidates(backtest),
        "booster_parameters": dict(backtest.parameters),
        "settings": settings.model_dump(),
        "seed": settings.seed,
        "versions": {name: version(name) for name in _LIBRARIES},
        **({} if recipe.prior is None else {"prior": dict(recipe.prior.model.origin)}),
        **({} if decision.segments is None else {"segments": _told(decision.segments)}),
    }


def described_candidates(backtest: Backtest) -> list[dict[str, Any]]:
    """What a bundle says of the candidates: their figures over all blocks."""
    return [{k: v for k, v in row.items() if k != "blocks"} for row in backtest.table]


def _told(segments: Segmentation) -> dict[str, Any]:
    """The decision on segments without the lines, which the component holds."""
    return {name: value for name, value in segments.record().items() if name != "levels"}


def fit_scorecard(matrix: Matrix, rows: Ints, settings: TrainSettings) -> ScorecardCandidate:
    """The scorecard alone, fitted as it would be in a bundle: to be printed and adopted whoever wins."""
    part = matrix.hide_people(subsample(matrix, rows, settings))
    card = ScorecardCandidate(features=settings.scorecard_features)
    return card.fit(
        part.values, part.label, part.weight, catalog=matrix.catalog, seed=settings.seed, group=part.group_codes
    )
