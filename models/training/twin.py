"""The twin: all candidates fitted on the rows before the test block, calibrated by their newest, and judged."""

from collections.abc import Mapping

import pandas as pd

from features.array_types import Floats, Ints
from features.cohort.splits import IN_TIME, Chop
from features.matrix import Matrix
from models.calibration.level import Level, estimate_level
from models.candidates.blend import blend_log_odds
from models.candidates.prior import PriorCandidate
from models.candidates.rubric import RubricCandidate
from models.interfaces import Calibration, Candidate
from models.judging.cluster_bootstrap import Resampling, mean_interval
from models.judging.evaluation.backtest import (
    Backtest,
    fit_all,
    newest_learned,
)
from models.judging.evaluation.caution_text import LearnedRate
from models.judging.evaluation.final_block import Evaluation, evaluate
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.settings import TrainSettings
from models.training.recipe import Recipe, factory_of
from models.training.segment_models import SEGMENTED, CommonModel, segmented_model
from models.training.verdict import Decision


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
    decision, resampling = recipe.decision, Resampling.of(recipe.settings)
    test = matrix.take(chop.final.test)
    twin = with_segments(twin, matrix, chop.final.train, recipe)
    calibrations = settle_calibrations(twin, matrix, chop.final.train, recipe)
    log_odds = calibrated_log_odds(twin, test.values, calibrations, recipe)
    return evaluate(
        test,
        log_odds,
        capacity,
        winner=decision.winner,
        resampling=resampling,
        base_before=_learned_rate(matrix.take(chop.final.train), resampling),
        in_time=chop.kind in IN_TIME,
    )


def _learned_rate(rows: Matrix, resampling: Resampling) -> LearnedRate:
    """The base rate of the rows learned from."""
    return LearnedRate(float(rows.label.mean()), mean_interval(rows.label, rows.group_codes, resampling))
