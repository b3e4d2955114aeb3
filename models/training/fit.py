"""From a matrix and its chop to a verdict, an evaluated twin and a bundle refitted on all matured rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.cohort.splits import IN_TIME, Chop, leads_of
from features.matrix import Matrix
from models.bundle import Bundle
from models.calibration.interval import CalibrationRows, IntervalModel, fit_interval
from models.calibration.level import Level, check_promise, estimate_level
from models.candidates.blend import blend_log_odds, log_odds_of
from models.candidates.boosting import BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.own import OwnCandidate, in_bundle
from models.candidates.prior import PriorCandidate
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.grouped_folds import draw_rows
from models.interfaces import Calibration, Candidate, Scale
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.reference_distribution import build_reference_distribution
from models.judging.evaluation.backtest import (
    Backtest,
    Factory,
    fit_all,
    judging_weight,
    newest_learned,
    require_enough,
    run_backtest,
    subsample,
)
from models.judging.evaluation.final_block import Evaluation, evaluate
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import logit
from models.settings import TrainSettings
from models.training.prior_bundle import prior_factory
from models.training.segment_models import SEGMENTED, CommonModel, segmented_model
from models.training.segmentation import Segmentation
from models.training.tuning import tune_booster
from models.training.tuning_folds import Trial
from models.training.verdict import Decision

_TRIED_ROWS = 2_000  # development rows on which a user's candidate is tried first: enough for every mistake of shape
_SPREAD_ROWS = 2_000  # rows that tell the spread between seeds: enough for a mean, and every booster predicts them
_REACHED = 0.999  # share of leads whose score is not clipped
_LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All choices made before the test block: what every later fit follows."""

    backtest: Backtest
    decision: Decision
    settings: TrainSettings
    rubric: RubricCandidate | None = None
    prior: PriorCandidate | None = None
    own: tuple[OwnCandidate, ...] = ()

    def factory(self) -> Factory:
        """The maker of the candidates that were judged."""
        return factory_of(self.settings, self.backtest.parameters, self.rubric, self.prior, self.own)


def factory_of(
    settings: TrainSettings,
    parameters: Mapping[str, Any],
    rubric: RubricCandidate | None = None,
    prior: PriorCandidate | None = None,
    own: Sequence[OwnCandidate] = (),
) -> Factory:
    """A maker of unfitted candidates, simplest first and a user's own last; with a prior bundle, of those alone that
    few rows can fit.
    """
    if prior is not None:
        return prior_factory(prior, rubric)

    def make() -> dict[str, Candidate]:
        manual: dict[str, Candidate] = {} if rubric is None else {"rubric": rubric}
        return {
            "rate": RateCandidate(),
            **manual,
            "scorecard": ScorecardCandidate(features=settings.scorecard_features),
            "linear": LinearCandidate(),
            "booster": BoosterCandidate(parameters, boosters=settings.boosters, threads=settings.threads),
            **{one.name: one for one in own},
        }

    return make


def backtest_candidates(
    matrix: Matrix,
    chop: Chop,
    settings: TrainSettings,
    rubric: RubricCandidate | None = None,
    own: Sequence[OwnCandidate] = (),
) -> Backtest:
    """Tune the booster on development rows, then judge all candidates, a user's own among them, on the same blocks."""
    require_enough(matrix, chop, settings)
    beside = find_unstorable(own, matrix, chop, settings)  # a user's mistake is told before minutes of tuning
    tried: list[Trial] = []
    parameters = tune_booster(matrix, chop, settings, tried)
    found = run_backtest(matrix, chop, factory_of(settings, parameters, rubric, own=own), parameters, settings)
    return replace(found, beside=beside, trials=tuple(trial.record() for trial in tried))


def find_unstorable(
    own: Sequence[OwnCandidate], matrix: Matrix, chop: Chop, settings: TrainSettings
) -> tuple[str, ...]:
    """Names of the candidates that no bundle can hold: tried on a few of the development rows.

    Raises
    ------
    ContractError : one of them cannot be made or fitted, or predicts what is no probability
    """
    if not own:
        return ()
    train = chop.final.train
    won = matrix.label[train] > 0  # of both outcomes, however rare one is
    parts = [draw_rows(one, _TRIED_ROWS // 2, settings.seed) for one in (train[won], train[~won])]
    rows = np.sort(np.concatenate(parts))
    tried = fit_all(matrix, rows, lambda: {one.name: one for one in own}, settings)
    found = []
    for name, one in tried.items():
        one.log_odds(matrix.values.iloc[rows])
        if not isinstance(one, OwnCandidate) or one.linear_form() is None:
            found.append(name)
    return tuple(found)


def fit_twin(
    matrix: Matrix,
    chop: Chop,
    backtest: Backtest,
    settings: TrainSettings,
    rubric: RubricCandidate | None = None,
    prior: PriorCandidate | None = None,
    fitted: Mapping[str, Candidate] | None = None,
) -> dict[str, Candidate]:
    """All candidates of ours fitted on the rows before the test block: what the test figures belong to.

    Parameters
    ----------
    fitted : those that were fitted on just these rows by just these settings
    """
    factory, given = factory_of(settings, backtest.parameters, rubric, prior), dict(fitted or {})
    names = [name for name in factory() if name not in given]
    made = given | fit_all(matrix, chop.final.train, factory, settings, names=names)
    return {name: made[name] for name in factory()}


def calibrated_log_odds(
    components: Mapping[str, Candidate], values: pd.DataFrame, calibrations: Mapping[str, Calibration], recipe: Recipe
) -> dict[str, Floats]:
    """Calibrated log-odds of every candidate, the blend included; ``calibrations`` of :func:`settle_calibrations`."""
    raw = _raw_log_odds(components, values, recipe)
    return {name: calibrations[name].apply(z) for name, z in raw.items()}


def settle_calibrations(
    components: Mapping[str, Candidate], matrix: Matrix, rows: Ints, recipe: Recipe
) -> dict[str, Calibration]:
    """Calibration of every fitted candidate: slope of the backtest, level by the newest of the rows it learned from.

    Parameters
    ----------
    rows : positions the candidates were fitted on
    """
    newest = newest_learned(matrix, rows)
    raw = _raw_log_odds(components, matrix.values.iloc[newest], recipe)
    return {name: settle_calibration(name, z, matrix, newest, recipe.decision)[0] for name, z in raw.items()}


def settle_calibration(
    name: str, log_odds: Floats, matrix: Matrix, newest: Ints, decision: Decision
) -> tuple[Calibration, Level]:
    """A candidate's calibration, and the level its newest rows show.

    Parameters
    ----------
    log_odds : before calibration, of the newest rows, shape (n,)
    newest : positions of the newest rows learned from
    """
    slope = decision.calibrations[name].slope
    shown = estimate_level(slope * log_odds, matrix.label[newest], matrix.group_codes[newest])
    if name not in decision.levels:
        return decision.calibrations[name], shown
    return Calibration(slope, decision.levels[name].settle(shown)), shown


def _raw_log_odds(components: Mapping[str, Candidate], values: pd.DataFrame, recipe: Recipe) -> dict[str, Floats]:
    """Log-odds before calibration of every candidate, the blend included where its parts are there.

    The winner's are those with segments where :func:`with_segments` put them beside the candidates.
    """
    raw = {name: candidate.log_odds(values) for name, candidate in components.items()}
    blend, segmented = recipe.backtest.weights, raw.pop(SEGMENTED, None)
    if blend and set(blend) <= set(raw):
        raw["blend"] = blend_log_odds(raw, blend)
    if segmented is not None:
        raw[recipe.decision.winner] = segmented
    return raw


def with_segments(
    components: Mapping[str, Candidate], matrix: Matrix, rows: Ints, recipe: Recipe
) -> dict[str, Candidate]:
    """The fitted candidates, and beside them the chosen model with segments, where the decision has any."""
    decision = recipe.decision
    if decision.segments is None or not decision.segments.used:
        return dict(components)
    chosen = {name: components[name] for name in decision.weights}
    model = segmented_model(matrix, rows, chosen, common_model(recipe), recipe.settings, decision.segments)
    return {**components, SEGMENTED: model}


def common_model(recipe: Recipe) -> CommonModel:
    """The chosen model, for segments to be held against."""
    decision = recipe.decision
    return CommonModel(
        winner=decision.winner,
        weights=decision.weights,
        slope=decision.calibration.slope,
        factory=recipe.factory(),
    )


def evaluate_twin(
    twin: Mapping[str, Candidate],
    matrix: Matrix,
    chop: Chop,
    recipe: Recipe,
    capacity: SnapshotCapacity,
) -> Evaluation:
    """Test figures of every candidate on the final block, with paired intervals.

    Parameters
    ----------
    twin : the candidates of :func:`fit_twin`
    """
    decision, settings = recipe.decision, recipe.settings
    test = matrix.take(chop.final.test)
    twin = with_segments(twin, matrix, chop.final.train, recipe)
    calibrations = settle_calibrations(twin, matrix, chop.final.train, recipe)
    log_odds = calibrated_log_odds(twin, test.values, calibrations, recipe)
    return evaluate(
        test,
        log_odds,
        capacity,
        winner=decision.winner,
        resampling=Resampling.of(settings),
        base_before=float(matrix.label[chop.final.train].mean()),
        in_time=chop.kind in IN_TIME,
    )


def fit_bundle(
    matrix: Matrix,
    rows: Any,
    recipe: Recipe,
    *,
    scale: Scale | None = None,
    meta: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Bundle:
    """The chosen model fitted on the given matured rows, with the backtest's calibration.

    Parameters
    ----------
    rows : positions of the matured rows to learn from
    scale : the frozen scale of an earlier bundle, so that a retrained model does not move everybody's score
    meta, facts : stored in the bundle beside what the fit itself knows
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
    newest, learned = newest_rows(matrix), newest_learned(matrix, rows)
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


def newest_rows(matrix: Matrix) -> Any:
    """Rows the percentiles speak of: the newest moment of the cohort, or all rows where there is no time."""
    if not matrix.ordered or matrix.keys["as_of"].isna().all():
        return np.arange(len(matrix))
    latest = matrix.keys["as_of"].max()
    return np.flatnonzero((matrix.keys["as_of"] == latest).to_numpy())


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
    """Reference odds at twice the base odds; PDO as large as lets 99.9 % of leads fit."""
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
    part = subsample(matrix, rows, settings)
    card = ScorecardCandidate(features=settings.scorecard_features)
    return card.fit(
        part.values, part.label, part.weight, catalog=matrix.catalog, seed=settings.seed, group=part.group_codes
    )
