"""An estimator of a user's own as a candidate: fitted and judged as ours are, explained by shap's permutations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import PlainRows, Values
from features.catalog.feature import Catalog, FeatureType
from features.errors import ContractError
from models.candidates.linear import LinearCandidate, learned_catalog
from models.encoding.linear_encoder import Encoder
from models.interfaces import Candidate, Contributions

_BACKGROUND = 20  # rows that stand for "not known"; each explained row is predicted as often per feature and direction
_SAME = 1e-6  # log-odds up to which a linear form is the estimator: sums in another order differ by far less


@dataclass(frozen=True)
class _Fitted:
    """What a fit leaves: the estimator, how values reach it, and rows that stand for the usual lead."""

    estimator: Any
    catalog: Catalog
    encoder: Encoder | None
    background: pd.DataFrame
    nearest: float  # to 0 or 1 that a probability may be


@dataclass(eq=False)
class OwnCandidate:
    """A classifier of scikit-learn's kind (``fit``, ``predict_proba``) under the interface of candidates.

    Parameters
    ----------
    name : in figures and files
    make : gives a new, unfitted classifier
    reads : ``numbers`` (encoded as for our linear model, no gaps) or ``frame`` (columns as they are)
    """

    name: str
    make: Callable[[], Any]
    reads: str = "numbers"
    fitted: _Fitted | None = field(default=None, repr=False)

    def fit(
        self,
        values: pd.DataFrame,
        won: Floats,
        weight: Floats,
        *,
        catalog: Catalog,
        seed: int,
        group: Ints | None = None,
    ) -> Self:
        """The candidate with a new estimator fitted; learning weights are handed on where it takes any.

        Raises
        ------
        ContractError : it cannot be made or fitted, naming what it said
        """
        seen = learned_catalog(catalog)
        estimator = self._made(seed)
        encoder = Encoder.fit(values, weight, seen, won) if self.reads == "numbers" else None
        given = values.loc[:, list(seen.names)] if encoder is None else None
        design = given if encoder is None else encoder.learning_design(values, won, weight, group, seed)
        try:
            estimator.fit(design, won.astype(np.int64), **_weights_for(estimator, weight))
        except Exception as problem:
            self._refuse("could not be fitted", problem)
        rows = np.random.default_rng(seed).permutation(len(values))[:_BACKGROUND]
        background = values.iloc[np.sort(rows)].reset_index(drop=True)
        return replace(self, fitted=_Fitted(estimator, catalog, encoder, background, 0.5 / (len(values) + 1)))

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, shape (n,); no probability is nearer to 0 or 1 than half a lead in those learned from.

        Raises
        ------
        ContractError : what it predicts are no probabilities
        """
        fitted = self._fitted
        try:
            found = np.asarray(fitted.estimator.predict_proba(self._design(values)), dtype=np.float64)
        except Exception as problem:
            self._refuse("could not predict", problem)
        if found.shape != (len(values), 2) or not ((found >= 0) & (found <= 1)).all():
            raise ContractError(
                f"candidate '{self.name}': predict_proba must give two probabilities a row, lost and won; it gave "
                f"shape {found.shape} for {len(values)} rows, from {np.min(found):g} to {np.max(found):g}. See "
                "docs/own_code.md."
            )
        chance = np.clip(found[:, 1], fitted.nearest, 1.0 - fitted.nearest)
        return np.asarray(np.log(chance) - np.log1p(-chance), dtype=np.float64)

    def contributions(self, values: Values) -> Contributions:
        """Additive parts by shap's permutation explainer: they sum to the log-odds, and each is an estimate.

        One permutation forwards and back a row, against :data:`_BACKGROUND` rows of those learned from.
        """
        from shap import maskers
        from shap.explainers import Permutation

        fitted = self._fitted
        seen, frame = learned_catalog(fitted.catalog), _frame(values)
        levels = {
            name: sorted(set(_texts(fitted.background, name)) | set(_texts(frame, name))) for name in seen.categories
        }
        coded = _Coded(seen, levels, frame.iloc[:0])
        explainer = Permutation(
            lambda rows: self.log_odds(coded.frame(np.asarray(rows))),
            maskers.Independent(coded.codes(fitted.background), max_samples=_BACKGROUND),
            seed=0,
        )
        found = explainer(coded.codes(frame), max_evals=2 * len(seen) + 1, silent=True)
        base = float(np.ravel(found.base_values)[0])
        return Contributions(seen.names, np.asarray(found.values, dtype=np.float64), base)

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`."""
        return self.log_odds(values), self.contributions(values)

    @property
    def kind(self) -> str:
        """What the estimator is, a class's name."""
        return type(self._fitted.estimator).__name__

    def linear_form(self) -> LinearCandidate | None:
        """The same model as numbers that a bundle can hold; None where only its code can predict.

        A classifier that reads numbers and whose log-odds are its ``intercept_`` and ``coef_`` is our linear model with
        other coefficients. That it is so is looked at on rows, not believed.
        """
        fitted = self._fitted
        slope, level = getattr(fitted.estimator, "coef_", None), getattr(fitted.estimator, "intercept_", None)
        if fitted.encoder is None or slope is None or level is None:
            return None
        theta = np.r_[np.ravel(np.asarray(level, dtype=np.float64)), np.ravel(np.asarray(slope, dtype=np.float64))]
        if theta.shape != (fitted.encoder.width + 1,) or not np.isfinite(theta).all():
            return None
        form = LinearCandidate(fitted.encoder, theta, 0.0)
        limit = np.log1p(-fitted.nearest) - np.log(fitted.nearest)  # beyond it the estimator's own are cut off, too
        kept = np.clip(form.log_odds(fitted.background), -limit, limit)
        apart = np.abs(kept - self.log_odds(fitted.background))
        return form if bool((apart <= _SAME).all()) else None

    def state(self) -> NoReturn:
        """ContractError: an estimator is code, and a bundle holds none; see :meth:`linear_form`."""
        raise ContractError(_unstorable(self.name))

    def files(self) -> Mapping[str, str]:
        """None: see :meth:`state`."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """ContractError, as :meth:`state`."""
        raise ContractError(_unstorable("of a user"))

    def _made(self, seed: int) -> Any:
        try:
            estimator = self.make()
        except Exception as problem:
            self._refuse("could not be made", problem)
        if not (hasattr(estimator, "fit") and hasattr(estimator, "predict_proba")):
            raise ContractError(
                f"candidate '{self.name}': what its function gives ({type(estimator).__name__}) has no fit or no "
                "predict_proba. Let the function return an unfitted classifier of scikit-learn's kind; "
                "CalibratedClassifierCV gives probabilities to one that has none."
            )
        return _seeded(estimator, seed)

    @property
    def _fitted(self) -> _Fitted:
        if self.fitted is None:
            raise ContractError(f"candidate '{self.name}' is not fitted yet.")
        return self.fitted

    def _design(self, values: Values) -> Any:
        fitted = self._fitted
        if fitted.encoder is not None:
            return fitted.encoder.transform(values)
        return _frame(values).loc[:, list(learned_catalog(fitted.catalog).names)]

    def _refuse(self, what: str, problem: Exception) -> NoReturn:
        reads = "numbers without gaps" if self.reads == "numbers" else "a frame with texts and missing values"
        raise ContractError(
            f"candidate '{self.name}' {what}: {type(problem).__name__}: {problem!s:.300}. It reads {reads} "
            f"(reads: {self.reads}); mend it, or take it out of 'candidates:'. See docs/own_code.md."
        ) from problem


@dataclass(frozen=True)
class _Coded:
    """Rows as one array of numbers, categories as the place of their level: what shap's maskers mix."""

    catalog: Catalog
    levels: Mapping[str, list[str]]
    like: pd.DataFrame

    def codes(self, frame: pd.DataFrame) -> Floats:
        columns = []
        for feature in self.catalog:
            if feature.type is FeatureType.CATEGORY:
                place = {text: float(k) for k, text in enumerate(self.levels[feature.name])}
                known = frame[feature.name]
                columns.append(np.array([place[text] if isinstance(text, str) else -1.0 for text in known.tolist()]))
            else:
                columns.append(frame[feature.name].to_numpy(dtype=np.float64))
        return np.column_stack(columns) if columns else np.empty((len(frame), 0))

    def frame(self, codes: Floats) -> pd.DataFrame:
        columns: dict[str, Any] = {}
        for feature, found in zip(self.catalog, codes.T, strict=True):
            if feature.type is FeatureType.CATEGORY:
                texts = np.array([*self.levels[feature.name], None], dtype=object)
                columns[feature.name] = pd.array(texts[found.astype(np.int64)].tolist(), dtype="str")
            else:
                columns[feature.name] = found
        return pd.DataFrame(columns)


def in_bundle(
    components: Mapping[str, Candidate], weights: Mapping[str, float]
) -> tuple[dict[str, Candidate], dict[str, float]]:
    """Components and weights as a bundle holds them: a user's linear model under the name of ours.

    Raises
    ------
    ContractError : one of them can be stored as code alone
    """
    made: dict[str, Candidate] = {}
    shares: dict[str, float] = {}
    for name, component in components.items():
        kept = name
        if isinstance(component, OwnCandidate):
            form = component.linear_form()
            if form is None:
                raise ContractError(_unstorable(name))
            kept, component = form.name, form
        made[kept], shares[kept] = component, weights[name]
    return made, shares


def _unstorable(name: str) -> str:
    return (
        f"candidate '{name}' cannot be stored in a bundle: a bundle holds numbers and text, and no code "
        "(docs/adr/0004). Take a linear classifier that reads numbers, or serve it yourself from the features of "
        "leadscore.features_at; see docs/own_code.md."
    )


def _frame(values: Values) -> pd.DataFrame:
    return values.frame if isinstance(values, PlainRows) else values.reset_index(drop=True)


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    return [text for text in frame[name].tolist() if isinstance(text, str)]


def _seeded(estimator: Any, seed: int) -> Any:
    """The estimator with a seed wherever it has none, so that equal runs stay equal."""
    if not hasattr(estimator, "get_params"):
        return estimator
    open_seeds = [
        k for k, v in estimator.get_params(deep=True).items() if k.split("__")[-1] == "random_state" and v is None
    ]
    return estimator.set_params(**dict.fromkeys(open_seeds, seed)) if open_seeds else estimator


def _weights_for(estimator: Any, weight: Floats) -> dict[str, Floats]:
    """Sample weights under the name the estimator takes them by; none where it takes none."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__sample_weight": weight} if has_fit_parameter(last, "sample_weight") else {}
    return {"sample_weight": weight} if has_fit_parameter(estimator, "sample_weight") else {}
