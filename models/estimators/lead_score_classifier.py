"""The whole recipe as one scikit-learn estimator: candidates, signal test, selection, calibration."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from features.array_types import Floats, Ints
from features.cohort.splits import Chop, chop
from features.errors import ContractError, TooLittleDataError
from features.matrix import KEY_COLUMNS, Matrix
from features.rubric.schema import Rubric
from features.schema.learning import Split
from features.schema.vocabulary import TRAINED, Verdict
from models.bundle import Bundle
from models.candidates.linear import LinearCandidate
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.estimators.frame_classifier import FrameClassifier
from models.estimators.rubric_classifier import read_rubric
from models.estimators.seeds import are_numbers, codes_of, moments_of, refuse_numbers, seed_of
from models.estimators.user_frame import index_of
from models.explaining.facts import build_facts
from models.explaining.shap_explanation import shap_explanation
from models.interfaces import Candidate, Contributions
from models.judging.evaluation.backtest import subsample
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.verdict import decide

if TYPE_CHECKING:
    import shap


_Alone = TypeVar("_Alone", RateCandidate, LinearCandidate)


class TooFewRowsWarning(UserWarning):
    """There are too few rows to judge candidates: a linear model was fitted unjudged."""


class NoSignalWarning(UserWarning):
    """No candidate beats the base rate beyond noise: every row is given the base rate."""


class LeadScoreClassifier(FrameClassifier):
    """Rate, rubric, scorecard, linear model, booster and their blend compete on the same folds; one is chosen.

    What ``leadscore train`` does, for a frame. Texts are categories and missing values are read as they are. Rows of
    one of ``groups`` stay on one side of every fold. With ``as_of``, later rows judge what was learned from earlier
    ones whose outcome was known by then, and a group may have rows on both sides, as a company's leads do in practice:
    ``groups`` then are what is drawn anew, as a whole, for every interval and test.

    Parameters
    ----------
    rubric : joins the contest, as in :class:`~models.estimators.rubric_classifier.RubricClassifier`
    settings : budgets; default :class:`~models.settings.TrainSettings`
    folds, test_share : development blocks, and the share of rows (the newest, with ``as_of``) that selection never
        sees; the chosen model is fitted on all rows in the end
    horizon_days : days after ``as_of`` until an outcome is known
    random_state : of everything drawn; equal seeds give equal models

    Attributes
    ----------
    verdict_, verdict_text_ : ``ok`` or ``weak_signal``; ``no_signal``: every row is given the base rate;
        ``too_little_data``: a linear model, not judged
    winner_ : the chosen candidate
    candidates_ : out-of-fold figures of all of them
    bundle_ : the model as :func:`models.bundle.save_bundle` writes it; None without a verdict that allows one
    alone_ : the rate or the linear model in its stead
    chop_ : the folds; None where there are too few rows for any

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> leads = pd.DataFrame({"employees": draw.lognormal(4, 1, 800), "country": draw.choice(["PL", "KR"], 800)})
    >>> won = (np.log(leads["employees"]) - 4 + draw.logistic(size=800) > 1).astype(int)
    >>> model = LeadScoreClassifier(settings=TrainSettings.tiny()).fit(leads, won)
    >>> model.verdict_, model.predict_proba(leads.head(3)).shape
    (<Verdict.OK: 'ok'>, (3, 2))
    """

    def __init__(
        self,
        rubric: Rubric | str | Path | None = None,
        *,
        settings: TrainSettings | None = None,
        folds: int = 4,
        test_share: float = 0.25,
        horizon_days: float = 0.0,
        random_state: Any = 7,
    ) -> None:
        self.rubric = rubric
        self.settings = settings
        self.folds = folds
        self.test_share = test_share
        self.horizon_days = horizon_days
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        as_of: Any = None,
        label_known_at: Any = None,
    ) -> Self:
        """Judge the candidates, choose one, and fit it on all rows.

        Parameters
        ----------
        sample_weight : how much a row counts in learning; judging and the level of probabilities count every row once,
            also where nothing is judged
        groups : which rows belong together (an account's); a row without one belongs to none
        as_of : moments the rows are from; numbers give an order without clocks
        label_known_at : when each outcome was known; default: ``horizon_days`` after ``as_of``

        Raises
        ------
        ValueError : ``label_known_at``, or a horizon, beside numbers as ``as_of``, which are no moments that rows could
            be purged by; ``label_known_at`` without ``as_of``; or what is handed over has different lengths
        PolicyError : the rubric does not fit the columns
        """
        declared = read_rubric(self.rubric)
        values, won, weight = self._begin(X, y, sample_weight, declared)
        rubric = None if declared is None else RubricCandidate(declared)
        settings = (self.settings or TrainSettings()).model_copy(update={"seed": seed_of(self.random_state)})
        matrix = self._matrix(values, won, weight, groups, as_of, label_known_at)
        counted = np.flatnonzero(weight > 0)
        if len(counted) < len(matrix):
            matrix = matrix.take(counted)

        self.bundle_: Bundle | None = None
        self.alone_: Candidate | None = None
        self.candidates_: pd.DataFrame | None = None
        self.chop_: Chop | None = None
        try:
            self.chop_ = self._chop(matrix, settings)
            found = backtest_candidates(matrix, self.chop_, settings, rubric)
        except TooLittleDataError as problem:
            self._without_judging(matrix, settings, problem.message)
            return self

        decision = decide(matrix, found, settings)
        self.candidates_ = pd.DataFrame([{k: v for k, v in row.items() if k != "blocks"} for row in found.table])
        self.verdict_, self.verdict_text_ = decision.verdict, decision.verdict_text
        self.winner_ = decision.winner
        if decision.verdict not in TRAINED:
            warnings.warn(decision.verdict_text, NoSignalWarning, stacklevel=2)
            self.winner_ = RateCandidate.name
            self.alone_ = _fit_alone(RateCandidate(), matrix, np.ones(len(matrix)), settings)
            return self

        rows = np.arange(len(matrix))
        self.bundle_ = fit_bundle(
            matrix,
            rows,
            Recipe(backtest=found, decision=decision, settings=settings, rubric=rubric),
            meta={"source": "frame", "source_kind": "flat", "horizon_days": int(self.horizon_days)},
            facts=build_facts(matrix.hide_people(subsample(matrix, rows, settings))),
        )
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of lost and won, shape (n, 2); none is nearer to 0 or 1 than the rows learned from allow."""
        values = self._values(X)
        if self.bundle_ is None:
            return super().predict_proba(X)
        won = self.bundle_.probability(values)[0]
        return np.column_stack([1.0 - won, won])

    def predict_interval(self, X: Any) -> Floats:
        """90% interval of the probability of won, shape (n, 2).

        Raises
        ------
        ContractError : the model was not judged, so nothing is known of its uncertainty
        """
        values = self._values(X)
        return np.column_stack(self._judged().probability(values)[1:])

    def score_points(self, X: Any) -> Floats:
        """Scores of 0 to 100 as on a worklist, shape (n,).

        50 stands at twice the base odds, at even odds where a third or more are won, at the base odds from one half on:
        ``bundle_.scale.reference_log_odds``.
        """
        values = self._values(X)
        bundle = self._judged()
        moved = bundle.log_odds(values) - bundle.scale.reference_log_odds
        return np.clip(50.0 + bundle.scale.points_per_log_odds * moved, 0.0, 100.0)

    def contributions(self, X: Any) -> pd.DataFrame:
        """Additive parts of the log-odds, one column a feature and ``base``; a row sums to its log-odds.

        A frame's index is kept.
        """
        parts = self._parts(self._values(X))
        return pd.DataFrame(parts.values, columns=list(parts.names), index=index_of(X)).assign(base=parts.base)

    def explain(self, X: Any) -> "shap.Explanation":
        """:meth:`contributions` as the shap package plots them, features by the names of the frame's columns."""
        values = self._values(X)
        labels = {feature.name: feature.label or feature.name for feature in self.frame_.catalog}
        return shap_explanation(self._parts(values), values, labels)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the features behind the columns of :meth:`contributions`."""
        check_is_fitted(self)
        return np.array(self.frame_.catalog.names, dtype=object)

    def _parts(self, values: pd.DataFrame) -> Contributions:
        return self._model.contributions(values)

    def _log_odds(self, values: pd.DataFrame) -> Floats:
        return self._model.log_odds(values)

    @property
    def _model(self) -> Bundle | Candidate:
        model = self.bundle_ or self.alone_
        if model is None:
            raise ContractError("fit ended before a model was there; call it again.")
        return model

    def _judged(self) -> Bundle:
        if self.bundle_ is None:
            raise ContractError(f"there is no judged model ({self.verdict_}): {self.verdict_text_}")
        return self.bundle_

    def _without_judging(self, matrix: Matrix, settings: TrainSettings, why: str) -> None:
        warnings.warn(
            f"{why} A linear model was fitted instead; nothing tells how good it is.", TooFewRowsWarning, stacklevel=3
        )
        self.verdict_, self.verdict_text_ = Verdict.TOO_LITTLE_DATA, why
        self.winner_ = LinearCandidate.name
        linear = _fit_alone(LinearCandidate(), matrix, matrix.weight, settings)
        bent = np.ptp(matrix.weight) > 0 and np.ptp(matrix.label) > 0
        self.alone_ = linear.at_level_of(matrix.values, matrix.label) if bent else linear

    def _chop(self, matrix: Matrix, settings: TrainSettings) -> Chop:
        split = Split(by="time" if matrix.ordered else "accounts", test_share=self.test_share, folds=self.folds)
        return chop(matrix, split, seed=settings.seed, horizon_days=int(self.horizon_days) or None)

    def _check_clock(self, as_of: Any, label_known_at: Any) -> None:
        """Refuse what asks for moments where there are none: no row would be purged, without a word."""
        later = [
            *([] if label_known_at is None else ["label_known_at"]),
            *([f"horizon_days={self.horizon_days:g}"] if self.horizon_days > 0 else []),
        ]
        if as_of is not None and later and are_numbers(as_of):
            refuse_numbers(as_of, "as_of")
        if as_of is None and label_known_at is not None:
            raise ValueError("label_known_at purges rows by their moments: hand these over as as_of.")
        if as_of is None and later:
            warnings.warn(
                f"{later[0]} keeps no row out of training without as_of: rows are judged in random folds.",
                UserWarning,
                stacklevel=4,
            )

    def _matrix(
        self, values: pd.DataFrame, won: Floats, weight: Floats, groups: Any, as_of: Any, label_known_at: Any
    ) -> Matrix:
        length = len(values)
        number = pd.Series(np.arange(length)).astype("str")
        check_consistent_length(values, groups, as_of, label_known_at)
        self._check_clock(as_of, label_known_at)
        moments, order = _clock(as_of, length)
        known = moments + pd.Timedelta(days=self.horizon_days)
        if label_known_at is not None:
            known = moments_of(label_known_at, "label_known_at")
        keys = pd.DataFrame(
            {
                "lead_id": number,
                "as_of": moments,
                "account_id": pd.Series(pd.NA, index=range(length), dtype="str"),
                "group": number if groups is None else pd.Series(codes_of(groups)).astype("str"),
                "episode": np.zeros(length, dtype=np.int64),
                "order": order,
                "age_days": np.full(length, np.nan),
                "segment": pd.Series(pd.NA, index=range(length), dtype="str"),
            },
            columns=list(KEY_COLUMNS),
        )
        return Matrix(
            catalog=self.frame_.catalog,
            values=values,
            keys=keys,
            label=won,
            matured=np.ones(length, dtype=np.bool_),
            label_known_at=known.astype("datetime64[us]"),
            weight=weight,
            ordered=as_of is not None,
            amount=np.full(length, np.nan),
            case_weight=weight,
        )


def _clock(as_of: Any, length: int) -> tuple[pd.Series, Ints]:
    """Moments (NaT where there are no clocks) and the order they give; numbers give an order alone."""
    nothing = pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]")
    if as_of is None:
        return nothing, np.arange(length, dtype=np.int64)
    given = pd.Series(np.asarray(as_of))
    if len(given) != length or given.isna().any():
        raise ValueError(f"as_of needs a moment for each of {length} rows; found {int(given.notna().sum())}.")
    numbers = are_numbers(given)
    ranked = given if numbers else moments_of(given)  # as moments: texts of them need not be in their order
    order = np.asarray(ranked.rank(method="dense"), dtype=np.int64) - 1
    return nothing if numbers else ranked, order


def _fit_alone(candidate: _Alone, matrix: Matrix, weight: Floats, settings: TrainSettings) -> _Alone:
    return candidate.fit(
        matrix.values,
        matrix.label,
        weight,
        catalog=matrix.catalog,
        seed=settings.seed,
        group=matrix.group_codes,
    )
