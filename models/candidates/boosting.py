"""Gradient-boosted trees (LightGBM): several seeds averaged, categories stored, the unseen handled on purpose."""

import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values, number_block
from features.catalog.feature import Catalog
from models.candidates.booster_text import TreeFeatures, checked_model_text
from models.candidates.linear import learned_catalog
from models.encoding.linear_encoder import CategoryCode, category_codes
from models.explaining.treeshap import TreeShap, UnsupportedError
from models.explaining.treeshap.leaf_sums import LeafSums
from models.interfaces import Contributions
from models.logistic import logit

if TYPE_CHECKING:
    import lightgbm as lgb

# where tuning starts, and what an untuned booster has: shallow, slow and heavily shrunk, as leads are few and noisy
DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "max_depth": 5,
    "min_child_samples": 40,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    "extra_trees": False,
    "rounds": 150,
}
# feature_pre_filter is fixed at construction: asked for fewer rows per leaf later, LightGBM would free the data set and
# build it anew, under the hands of the other thread
DATASET: Mapping[str, Any] = {"verbosity": -1, "max_bin": 127, "feature_pre_filter": False}
_MAX_CATEGORIES = 200  # levels of a category; bounds codes and the sets of categories in the trees
_PARALLEL_ROWS = 1024  # rows from which sharing them out among threads pays for the threads
_WALKED_ROWS = 8_192  # rows from which reading the trees pays for walking them block by block; the sums are the same
_FALLBACK_THREAD_ROWS = 64  # the same for LightGBM's own contributions, which cost far more a row
_MANY_ROWS = 200_000  # from here on at most two are averaged, one a core: a third gains less than .0002
_SEED_STEP = 1000  # between the seeds of boosters, so that those of neighbouring runs never coincide
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TreeColumns:
    """Columns as the trees see them: numbers as they are, categories as codes; rare and unseen share a code."""

    numbers: tuple[str, ...]
    categories: Mapping[str, CategoryCode]

    @classmethod
    def fit(cls, values: pd.DataFrame, catalog: Catalog) -> Self:
        """The catalog's columns, with the levels that are frequent enough."""
        categories = {name: _frequent(CategoryCode.fit(values[name]), values[name]) for name in catalog.categories}
        return cls(catalog.numbers, categories)

    @property
    def names(self) -> tuple[str, ...]:
        """Features in column order: numbers, then categories."""
        return (*self.numbers, *self.categories)

    def transform(self, values: Values) -> Floats:
        """Shape (n, len(names)), float64; missing categories have a code of their own, missing numbers are NaN."""
        codes = category_codes(values, self.categories).astype(np.float64)
        return np.ascontiguousarray(np.hstack([number_block(values, self.numbers), codes]))

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {
            "numbers": list(self.numbers),
            "categories": [[name, list(code.levels)] for name, code in self.categories.items()],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The columns of a :meth:`state`."""
        categories = {name: CategoryCode(tuple(levels)) for name, levels in state["categories"]}
        return cls(tuple(state["numbers"]), categories)


def _frequent(code: CategoryCode, values: pd.Series) -> CategoryCode:
    """At most ``_MAX_CATEGORIES`` levels, the most frequent ones."""
    if len(code.levels) - 2 <= _MAX_CATEGORIES:
        return code
    kept = set(values.value_counts().index[:_MAX_CATEGORIES].astype("str"))
    return CategoryCode((*(level for level in code.levels[:-2] if level in kept), *code.levels[-2:]))


def parameters_for(parameters: Mapping[str, Any], directions: list[int], threads: int, seed: int) -> dict[str, Any]:
    """LightGBM's parameters for one deterministic booster."""
    kept = {key: value for key, value in parameters.items() if key != "rounds"}
    return {
        **kept,
        "objective": "binary",
        "monotone_constraints": directions,
        "monotone_constraints_method": "intermediate",
        "boost_from_average": True,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        **DATASET,
    }


class BoosterCandidate:
    """Mean log-odds of several boosters that differ in their seed only; of two where rows are very many.

    Explaining needs the boosters' texts alone; LightGBM is loaded only to learn and to predict.
    """

    name = "booster"

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        columns: TreeColumns | None = None,
        texts: tuple[str, ...] = (),
        *,
        boosters: int = 3,
        threads: int = 1,
        base: float = 0.0,
    ) -> None:
        self.parameters = dict(DEFAULTS if parameters is None else parameters)
        self.columns = columns or TreeColumns((), {})
        self.texts = texts
        self.boosters = boosters
        self.threads = threads
        self.base = base
        self.predicting_texts = texts  # of a restored candidate: the part that was read strictly, and no more

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
        """The candidate with its boosters trained, each with its own seed; declared directions are constraints."""
        import lightgbm as lgb

        seen = learned_catalog(catalog)
        columns = TreeColumns.fit(values, seen)
        base = logit(float(np.average(won, weights=weight)))
        directions = [seen[name].direction for name in columns.names]

        data = lgb.Dataset(
            columns.transform(values),
            won,
            weight=weight,
            feature_name=[f"f{k}" for k in range(len(columns.names))],
            categorical_feature=list(range(len(columns.numbers), len(columns.names))),
            free_raw_data=False,
            params=dict(DATASET),
        )
        data.construct()
        rounds = int(self.parameters["rounds"])

        def train(k: int) -> str:
            settings = parameters_for(self.parameters, directions, self.threads, seed + _SEED_STEP * k)
            return lgb.train(settings, data, rounds).model_to_string()

        # side by side rather than threads inside: the same trees, and no spinning where cores are shared
        with ThreadPoolExecutor(max_workers=2) as pool:
            texts = tuple(pool.map(train, range(self.boosters if len(won) < _MANY_ROWS else min(self.boosters, 2))))
        return type(self)(self.parameters, columns, texts, boosters=self.boosters, threads=self.threads, base=base)

    @cached_property
    def models(self) -> "tuple[lgb.Booster, ...]":
        """The boosters, read from their texts on first use."""
        import lightgbm as lgb

        return tuple(lgb.Booster(model_str=text) for text in self.predicting_texts)

    def log_odds(self, values: Values) -> Floats:
        """Mean log-odds over the seeds, shape (n,)."""
        if not self.texts or not len(values):
            return np.full(len(values), self.base)
        return self._log_odds(self.columns.transform(values))

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`, walking the trees once where the explainer can."""
        if not self.texts or not len(values):
            return self.log_odds(values), self.contributions(values)
        design = self.columns.transform(values)
        parts = self._contributions(design)
        # trees are walked once: the parts are exact, so their sum is the prediction (LightGBM's differs by 1e-15)
        return (self._log_odds(design) if self.explainer is None else parts.log_odds), parts

    def _log_odds(self, design: Floats) -> Floats:
        """Mean over the seeds, shape (n,); many rows are shared out, one thread per part."""
        parts = 1 if len(design) < _PARALLEL_ROWS else os.cpu_count() or 1
        edges = [len(design) * k // parts for k in range(parts + 1)]

        walked = self.leaf_sums if len(design) >= _WALKED_ROWS else None

        def part(k: int) -> Floats:
            rows = design[edges[k] : edges[k + 1]]
            if walked is not None:
                return np.asarray(np.mean(list(walked.predict(rows)), axis=0), dtype=np.float64)
            raw = [model.predict(rows, raw_score=True, num_threads=1) for model in self.models]
            return np.asarray(np.mean(raw, axis=0), dtype=np.float64)

        if parts == 1:
            return part(0)
        with ThreadPoolExecutor(parts) as pool:
            return np.concatenate(list(pool.map(part, range(parts))))

    def spread(self, values: pd.DataFrame) -> Floats:
        """Standard deviation of log-odds between the seeds, shape (n,)."""
        if len(self.texts) < 2 or not len(values):
            return np.zeros(len(values))
        design = self.columns.transform(values)
        raw = [model.predict(design, raw_score=True, num_threads=self.threads) for model in self.models]
        return np.asarray(np.std(raw, axis=0, ddof=1), dtype=np.float64)

    def contributions(self, values: Values) -> Contributions:
        """Exact path-dependent Shapley values of the mean of the boosters."""
        if not self.texts:
            return Contributions((), np.zeros((len(values), 0)), self.base)
        return self._contributions(self.columns.transform(values))

    def _contributions(self, design: Floats) -> Contributions:
        explainer = self.explainer
        if explainer is not None:
            threads = 1 if len(design) < _PARALLEL_ROWS else os.cpu_count() or 1
            return Contributions(self.columns.names, explainer.values(design, threads), explainer.base)
        total = tree_contributions(self.models, design, self.threads)
        return Contributions(self.columns.names, total[:, :-1], float(total[0, -1]) if len(total) else 0.0)

    @cached_property
    def explainer(self) -> TreeShap | None:
        """Explainer of the boosters, made on first use; None for a model it cannot read, as with linear leaves."""
        try:
            return TreeShap.of(self.texts)
        except UnsupportedError as problem:
            _LOG.warning("explaining with LightGBM's own contributions, far slower: %s", problem)
            return None

    @cached_property
    def leaf_sums(self) -> LeafSums | None:
        """The boosters' trees for predictions of many rows, read on first use; None for those it cannot read."""
        return LeafSums.of(self.predicting_texts)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle; the boosters themselves are text files."""
        return {
            "parameters": self.parameters,
            "columns": self.columns.state(),
            "files": list(self.files()),
            "base": self.base,
        }

    def files(self) -> Mapping[str, str]:
        """Each booster in LightGBM's text format, by file name."""
        return {f"booster_{k}.txt": text for k, text in enumerate(self.texts)}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state` and its text files; BundleError for a text that training does not write."""
        texts = tuple(files[name] for name in state["files"])
        columns = TreeColumns.restore(state["columns"])
        features = TreeFeatures(len(columns.numbers), tuple(len(code.levels) for code in columns.categories.values()))
        restored = cls(state["parameters"], columns, texts, boosters=len(texts), base=float(state["base"]))
        restored.predicting_texts = tuple(checked_model_text(text, features) for text in texts)
        return restored


def tree_contributions(models: "tuple[lgb.Booster, ...]", design: Floats, threads: int) -> Floats:
    """Mean path-dependent TreeSHAP values by LightGBM itself, shape (n, features + 1); the last column is the base.

    Lundberg, Erion, Lee 2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2.
    """
    if not len(design):  # LightGBM divides by the number of rows
        return np.zeros((0, design.shape[1] + 1))
    threads = 1 if len(design) < _FALLBACK_THREAD_ROWS else threads
    parts = [model.predict(design, pred_contrib=True, num_threads=threads) for model in models]
    return np.asarray(np.mean(parts, axis=0), dtype=np.float64)
