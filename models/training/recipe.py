"""The candidates that are judged, and the choices made before the test block: what every later fit follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.cohort.splits import Chop
from features.matrix import Matrix
from models.candidates.boosting import BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.own import OwnCandidate
from models.candidates.prior import PriorCandidate
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.grouped_folds import draw_rows
from models.interfaces import Candidate
from models.judging.evaluation.backtest import (
    Backtest,
    Factory,
    fit_all,
    require_enough,
    run_backtest,
)
from models.settings import TrainSettings
from models.training.prior_bundle import prior_factory
from models.training.tuning import tune_booster
from models.training.tuning_folds import Trial
from models.training.verdict import Decision

_TRIED_ROWS = 2_000  # development rows on which a user's candidate is tried first: enough for every mistake of shape


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
