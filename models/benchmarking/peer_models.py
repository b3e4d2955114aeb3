"""Other people's models on the same rows: what a candidate of ours must not lose to. Heavy imports are lazy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.catalog.feature import Catalog
from models.benchmarking.naive_bayes import naive_bayes
from models.grouped_folds import grouped_folds

# what tuned LightGBM may spend: a little more trials, folds and seeds than TrainSettings gives our own booster, and the
# same rounds and rows, so that a peer never loses for want of effort
_TRIALS, _FOLDS, _SEEDS, _ROUNDS, _TUNE_ROWS = 14, 5, 4, 400, 12_000
_PENALTIES = (0.001, 0.01, 0.1, 1.0)  # C of the logistic regression, up to scikit-learn's own default
_ITERATIONS = 5_000  # of its solver, which converges in far fewer once columns are standardised
_ENDS = (0.001, 0.999)  # quantiles of the learning rows at which a number is held; beyond lies one row in 500
_DEFAULT_ROUNDS = 100  # LightGBM's own default


@dataclass(frozen=True, kw_only=True)
class PeerData:
    """What a peer is given.

    Parameters
    ----------
    train, test : rows to learn from and rows to judge on, learned features only
    won, weight, group : of the rows to learn from, shape (len(train),)
    catalog : of the columns
    """

    train: pd.DataFrame
    won: Floats
    weight: Floats
    group: Ints
    test: pd.DataFrame
    catalog: Catalog
    seed: int
    threads: int


_DATASET: Mapping[str, Any] = {"verbosity": -1, "feature_pre_filter": False}

Peer = Callable[[PeerData], Floats]


def logistic(data: PeerData) -> Floats:
    """Logistic regression as a careful person writes it: one-hot, median for missing, standardised, C by folds.

    Numbers beyond those learned from are held at their ends, as a line carried on to a thousand deviations would
    promise the impossible.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    columns = make_column_transformer(
        (numbers, list(data.catalog.numbers)),
        (OneHotEncoder(handle_unknown="ignore"), list(data.catalog.categories)),
    )
    folds = list(grouped_folds(data.group, _FOLDS, data.seed))
    regression = LogisticRegressionCV(
        Cs=list(_PENALTIES),
        cv=folds,
        scoring="neg_log_loss",
        l1_ratios=(0.0,),
        max_iter=_ITERATIONS,
        use_legacy_attributes=False,
    )
    model = make_pipeline(columns, regression)

    train, test = _hold_at_ends(data)
    model.fit(train, data.won.astype(int), logisticregressioncv__sample_weight=data.weight)
    return np.asarray(model.decision_function(test), dtype=np.float64)


def lightgbm_default(data: PeerData) -> Floats:
    """LightGBM with nothing set but the objective."""
    return _train_and_predict(data, {}, _DEFAULT_ROUNDS, np.arange(len(data.won)), _codes(data, data.test), data.seed)


def lightgbm_tuned(data: PeerData) -> Floats:
    """LightGBM by random draws over random folds, rounds by the mean curve, four seeds averaged."""
    rng = np.random.default_rng(data.seed)
    rows = rng.permutation(len(data.won))[:_TUNE_ROWS]
    folds = [
        _build_fold(data, rows[train], rows[test]) for train, test in grouped_folds(data.group[rows], _FOLDS, data.seed)
    ]

    best: tuple[float, dict[str, Any], int] = (np.inf, {}, 1)
    for _ in range(_TRIALS):
        drawn = _draw_parameters(rng)
        curve = np.mean([_curve(data, drawn, *fold) for fold in folds], axis=0)
        if curve.min() < best[0]:
            best = (float(curve.min()), drawn, int(np.argmin(curve)) + 1)

    everything, test = np.arange(len(data.won)), _codes(data, data.test)
    every = [_train_and_predict(data, best[1], best[2], everything, test, data.seed + k) for k in range(_SEEDS)]
    return np.asarray(np.mean(every, axis=0), dtype=np.float64)


def explainable_boosting(data: PeerData) -> Floats:
    """InterpretML's explainable boosting machine as it comes."""
    from interpret.glassbox import ExplainableBoostingClassifier

    made = ExplainableBoostingClassifier(random_state=data.seed, n_jobs=1)
    made.fit(_with_plain_texts(data.train, data.catalog), data.won.astype(int), sample_weight=data.weight)
    return _log_odds(made.predict_proba(_with_plain_texts(data.test, data.catalog))[:, 1])


def catboost(data: PeerData) -> Floats:
    """CatBoost as it comes."""
    from catboost import CatBoostClassifier

    made = CatBoostClassifier(
        random_seed=data.seed,
        thread_count=data.threads,
        verbose=False,
        allow_writing_files=False,
        cat_features=list(data.catalog.categories),
    )
    made.fit(_with_plain_texts(data.train, data.catalog), data.won.astype(int), sample_weight=data.weight)
    return _log_odds(made.predict_proba(_with_plain_texts(data.test, data.catalog))[:, 1])


def crm_naive_bayes(data: PeerData) -> Floats:
    """The frequency formula of an open-source CRM."""
    return naive_bayes(data.train, data.won, data.weight, data.test, data.catalog)


PEERS: Mapping[str, Peer] = {
    "logistic regression": logistic,
    "LightGBM, default": lightgbm_default,
    "LightGBM, tuned": lightgbm_tuned,
    "naive Bayes of a CRM": crm_naive_bayes,
}


def _has_interpret() -> None:
    import interpret  # noqa: F401


def _has_catboost() -> None:
    import catboost  # noqa: F401


OPTIONAL: Mapping[str, tuple[str, Callable[[], None], Peer]] = {
    "EBM": ("interpret", _has_interpret, explainable_boosting),
    "CatBoost": ("catboost", _has_catboost, catboost),
}


def find_peers() -> tuple[dict[str, Peer], dict[str, str]]:
    """Peers that can run here, and the package that is missing for each other one."""
    found, absent = dict(PEERS), {}
    for name, (package, has, peer) in OPTIONAL.items():
        try:
            has()
        except ImportError:  # absent, or a package it needs is
            absent[name] = package
        else:
            found[name] = peer
    return found, absent


def _with_plain_texts(values: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """Numbers as they are, categories as plain text, missing ones as a level of their own."""
    texts = {name: values[name].astype(object).where(values[name].notna(), "(missing)") for name in catalog.categories}
    return values.loc[:, list(catalog.names)].assign(**texts)


def _hold_at_ends(data: PeerData) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to judge on, numbers within what was learned from and no larger than 1."""
    both = [_with_plain_texts(values, data.catalog) for values in (data.train, data.test)]
    for name in data.catalog.numbers:
        known = data.train[name].to_numpy(dtype=np.float64)
        known = known[np.isfinite(known)]
        low, high = np.quantile(known, _ENDS, method="nearest") if known.size else (0.0, 0.0)
        unit = max(abs(low), abs(high)) or 1.0  # variances of larger numbers would overflow
        for frame in both:
            frame[name] = np.clip(frame[name].to_numpy(dtype=np.float64), low, high) / unit
    return both[0], both[1]


def _log_odds(probability: Any) -> Floats:
    """Log-odds of probabilities that may be 0 or 1."""
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def _codes(data: PeerData, values: pd.DataFrame) -> Floats:
    """Numbers, then categories as positions among the levels of the learning rows; others are missing."""
    parts = [values[name].to_numpy(dtype=np.float64) for name in data.catalog.numbers]
    for name in data.catalog.categories:
        levels = pd.Index(sorted(data.train[name].dropna().unique()), dtype="str")
        codes = levels.get_indexer(pd.Index(values[name])).astype(np.float64)
        parts.append(np.where(codes < 0, np.nan, codes))
    return np.column_stack(parts)


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    """One random draw of LightGBM's parameters, over about the ranges our own tuning searches."""
    return {
        "learning_rate": 0.05,
        "num_leaves": int(rng.choice([4, 6, 8, 12, 16, 24, 31])),
        "max_depth": 6,
        "min_child_samples": int(rng.choice([10, 20, 40, 80, 160])),
        "feature_fraction": float(rng.uniform(0.3, 1.0)),
        "bagging_fraction": float(rng.uniform(0.5, 1.0)),
        "bagging_freq": 1,
        "lambda_l2": float(10 ** rng.uniform(-1, 1.7)),
        "cat_smooth": float(10 ** rng.uniform(0.7, 2)),
        "extra_trees": bool(rng.random() < 0.3),
    }


def _dataset(data: PeerData, rows: Ints) -> Any:
    """Some of the learning rows as LightGBM takes them."""
    import lightgbm as lgb

    numbers = len(data.catalog.numbers)
    return lgb.Dataset(
        _codes(data, data.train.iloc[rows]),
        data.won[rows],
        weight=data.weight[rows],
        categorical_feature=list(range(numbers, len(data.catalog))),
        free_raw_data=False,
        params=dict(_DATASET),
    )


def _options(data: PeerData, parameters: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """LightGBM's parameters for one deterministic booster."""
    fixed = {"objective": "binary", "deterministic": True, "force_row_wise": True}
    return {**parameters, **fixed, "num_threads": data.threads, "seed": seed, **_DATASET}


def _train_and_predict(
    data: PeerData, parameters: Mapping[str, Any], rounds: int, rows: Ints, test: Floats, seed: int
) -> Floats:
    import lightgbm as lgb

    model = lgb.train(_options(data, parameters, seed), _dataset(data, rows), rounds)
    return np.asarray(model.predict(test, raw_score=True, num_threads=data.threads), dtype=np.float64)


def _build_fold(data: PeerData, train: Ints, test: Ints) -> tuple[Any, Any]:
    """Data sets of a fold, built once for all draws."""
    import lightgbm as lgb

    fit = _dataset(data, train)
    held = _codes(data, data.train.iloc[test])
    keep: dict[str, Any] = {"free_raw_data": False, "params": dict(_DATASET)}
    judge = lgb.Dataset(held, data.won[test], weight=data.weight[test], reference=fit, **keep)
    judge.construct()
    return fit, judge


def _curve(data: PeerData, parameters: Mapping[str, Any], fit: Any, judge: Any) -> Floats:
    """Mean log loss on held-out rows after each round."""
    import lightgbm as lgb

    history: dict[str, dict[str, list[float]]] = {}
    options = {**_options(data, parameters, data.seed), "metric": "binary_logloss"}
    lgb.train(
        options, fit, _ROUNDS, valid_sets=[judge], valid_names=["held"], callbacks=[lgb.record_evaluation(history)]
    )
    return np.asarray(history["held"]["binary_logloss"], dtype=np.float64)
