"""Too few wins to learn from: whether another source's bundle, shrunk towards these rows, beats what is there anyway.

It is held against the base rate and the rubric on folds of these rows; where few rows cannot tell that it helps, the
honest fallback stays (docs/adr/0041).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.cohort.splits import Chop, chop, leads_of
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.source import Split
from features.schema.vocabulary import Verdict
from models.calibration.affine import fit_level
from models.calibration.level import LevelHistory
from models.candidates.prior import PriorCandidate
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.interfaces import Candidate
from models.judging.cluster_bootstrap import Resampling, group_sums, resample_totals
from models.judging.evaluation.backtest import (
    Backtest,
    Factory,
    candidate_record,
    drawn_folds,
    fold_record,
    judging_weight,
    out_of_fold,
    require_enough,
)
from models.judging.evaluation.candidate_selection import Choice
from models.judging.evaluation.signal_test import Signal
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.verdict import Decision

PRIOR = PriorCandidate.name
FEWEST = 10  # won and lost leads, each: with fewer not even a base rate is known to within half of itself
LEVEL = 0.2  # one-sided, of being better than the base rate: few rows can tell no more (simulated: docs/adr/0041)
_FOLDS, _DRAWS = 5, 4  # every row is judged so many times; intervals resample groups


@dataclass(frozen=True)
class PriorTrial:
    """The backtest of a prior bundle, and the decision; its verdict is too little data where it does not help."""

    backtest: Backtest
    decision: Decision


def split_few(matrix: Matrix, declared: Split, settings: TrainSettings, scarce: str) -> Chop:
    """A split for a prior bundle: a test block and folds drawn by groups or rows, whatever their time.

    Raises
    ------
    TooLittleDataError : with fewer than :data:`FEWEST` won or lost leads; it repeats ``scarce``, why these are few
    """
    won, lost = leads_of(matrix, np.flatnonzero(matrix.matured))
    if min(won, lost) < FEWEST:
        raise TooLittleDataError(
            f"{scarce} A prior bundle is named; to tell whether it helps takes {FEWEST} won and {FEWEST} lost leads."
        )
    by_group = declared.model_copy(update={"by": "accounts", "folds": _FOLDS, "minimum_won_per_block": 1})
    made = chop(matrix, by_group, seed=settings.seed)
    text = (
        f"few wins and a prior bundle: {len(made.blocks)} folds and a seeded {declared.test_share:.0%} as the final "
        "test, whatever their time; two figures are learned, not a model. Drift over time cannot be seen in such a "
        "test."
    )
    return replace(made, explanation=text)


def is_scarce(matrix: Matrix, chop: Chop, settings: TrainSettings) -> str:
    """Why the source cannot learn from its own leads alone; empty where it can."""
    try:
        require_enough(matrix, chop, settings)
    except TooLittleDataError as problem:
        return problem.message
    return ""


def prior_factory(prior: PriorCandidate, rubric: RubricCandidate | None) -> Factory:
    """A maker of the few candidates that so few rows can fit."""

    def make() -> dict[str, Candidate]:
        manual: dict[str, Candidate] = {} if rubric is None else {rubric.name: rubric}
        return {RateCandidate.name: RateCandidate(), **manual, PRIOR: prior}

    return make


def try_prior(
    matrix: Matrix,
    chop: Chop,
    prior: PriorCandidate,
    settings: TrainSettings,
    rubric: RubricCandidate | None = None,
    *,
    scarce: str,
) -> PriorTrial:
    """Judge a prior bundle beside base rate and rubric on folds of the development rows.

    Parameters
    ----------
    scarce : why the source cannot learn from its own leads alone
    """
    # two figures are learned, not a model: there is no time to lose by leaving early rows out
    blocks = drawn_folds(matrix, np.asarray(chop.final.train, dtype=np.int64), _FOLDS, range(_DRAWS), settings)
    found = out_of_fold(matrix, blocks, prior_factory(prior, rubric), settings)
    backtest = Backtest(
        rolling=found,
        random=None,
        weights={},
        parameters={},
        folds=tuple(fold_record(matrix, block) for block in blocks[:_FOLDS]),
        table=tuple(candidate_record(matrix, found, None, name, settings) for name in found.log_odds),
        notes=(f"Few wins: {_FOLDS} folds over all development rows were drawn {_DRAWS} times, whatever their time.",),
    )

    won, group = matrix.label[found.rows], matrix.group_codes[found.rows]
    losses = {name: log_loss(won, z) for name, z in found.log_odds.items()}
    resampling = Resampling.of(settings)
    beside = {name: _Beside.of(losses[name] - losses[PRIOR], group, resampling) for name in losses if name != PRIOR}
    fitted = prior.fit(
        matrix.values.iloc[chop.final.train],
        matrix.label[chop.final.train],
        matrix.weight[chop.final.train],
        catalog=matrix.catalog,
        seed=settings.seed,
    )
    helps = beside["rate"].p_value < LEVEL and all(one.saved > 0 for one in beside.values())
    text = _text(prior, fitted, matrix, beside, helps=helps, scarce=scarce)
    calibrations = {name: fit_level(1.0, z, won, judging_weight(found.rows)) for name, z in found.log_odds.items()}
    above = {name: (-one.saved, one.error) for name, one in beside.items() if name != "rate"} | {PRIOR: (0.0, 0.0)}
    return PriorTrial(
        backtest,
        Decision(
            verdict=Verdict.WEAK_SIGNAL if helps else Verdict.TOO_LITTLE_DATA,
            verdict_text=text,
            winner=PRIOR,
            why=_why(beside),
            weights={PRIOR: 1.0},
            calibrations=calibrations,
            signal=Signal(helps, LEVEL, {PRIOR: beside["rate"].saved}, {PRIOR: beside["rate"].p_value}, lasting=False),
            choice=Choice(PRIOR, PRIOR, _why(beside), above),
            notes=backtest.notes,
            levels={name: LevelHistory(level=line.intercept) for name, line in calibrations.items()},
        ),
    )


@dataclass(frozen=True)
class _Beside:
    """Log loss the prior bundle saves beside another candidate, its standard error, and p of saving nothing."""

    saved: float
    error: float
    p_value: float

    @classmethod
    def of(cls, saved: Floats, group: Ints, resampling: Resampling) -> "_Beside":
        drawn = resample_totals(group_sums(group, {"saved": saved}), resampling)["saved"] / len(saved)
        return cls(float(saved.mean()), float(drawn.std(ddof=1)), float((drawn <= 0).mean()))


def _why(beside: dict[str, _Beside]) -> str:
    figures = "; ".join(
        f"{one.saved:+.4f} beside {name} (standard error {one.error:.4f})" for name, one in beside.items()
    )
    return f"The prior bundle saves log loss out of fold: {figures}."


def _text(
    prior: PriorCandidate,
    fitted: PriorCandidate,
    matrix: Matrix,
    beside: dict[str, _Beside],
    *,
    helps: bool,
    scarce: str,
) -> str:
    """The verdict in plain words."""
    origin: Any = prior.model.origin
    won, lost = leads_of(matrix, np.flatnonzero(matrix.matured))
    learned = f"{origin.get('won', 0):,} won of {origin.get('rows', 0):,} rows"
    other = f"that of '{origin.get('source', '?')}' (learned from {learned})"
    if not helps:
        return (
            f"{scarce[:1].upper()}{scarce[1:]} The prior bundle that is named, {other}, was tried on the {won} won and "
            f"{lost} lost leads here and does not help beyond what so few can tell: {_figures(beside)}. It is not used."
        )
    return (
        f"Borrowed: {won} won and {lost} lost leads are too few to learn from, so the score leans on another bundle, "
        f"{other}. Its log-odds count {fitted.slope:.0%}, shrunk towards whole, and its level is moved to what "
        f"was won here (odds times {np.exp(_moved(fitted, matrix)):.2f}). On folds of the leads here it saves "
        f"{_figures(beside)}. The order of leads is the other source's knowledge; check it against what you see."
    )


def _figures(beside: dict[str, _Beside]) -> str:
    names = {"rate": "the base rate", "rubric": "the rubric"}
    return ", ".join(
        f"{one.saved:+.3f} log loss beside {names.get(name, name)} (standard error {one.error:.3f})"
        for name, one in beside.items()
    )


def _moved(fitted: PriorCandidate, matrix: Matrix) -> float:
    """Mean move of the log-odds of the rows here."""
    rows = matrix.values.iloc[np.flatnonzero(matrix.matured)]
    return float((fitted.log_odds(rows) - fitted.model.log_odds(rows)).mean())
