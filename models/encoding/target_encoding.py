"""A category of many levels as one number: the evidence of each level, shrunk where it is rare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.schema.people.people_texts import nameable
from models.grouped_folds import grouped_folds

MANY = 30  # levels from which one column per level costs more than it tells (docs/adr/0015)
_FOLDS = 5  # a row's own evidence comes from the four fifths of leads it is not among
_SHRINKAGE = (4.0, 400.0)  # pseudo-leads at the base rate, least and most: bounds a spread estimated from few levels


@dataclass(frozen=True)
class TargetCode:
    """Log-odds of each level against the base rate; missing has its own, unseen levels count as 0."""

    levels: Mapping[str, float]
    missing: float

    width = 1

    @classmethod
    def fit(cls, values: pd.Series, won: Floats, weight: Floats) -> Self:
        """Evidence by level, shrunk by as many pseudo-leads as the spread between levels calls for.

        Levels that tell of a person have none.

        The shrinkage is base * (1 - base) / variance between levels, by the method of moments.
        """
        codes, levels = pd.factorize(values, use_na_sentinel=True)
        place = np.where(codes < 0, len(levels), codes)
        total = np.bincount(place, weights=weight, minlength=len(levels) + 1)
        wins = np.bincount(place, weights=weight * won, minlength=len(levels) + 1)

        base = float(np.clip((weight * won).sum() / weight.sum(), 1e-6, 1 - 1e-6))
        noise = base * (1 - base)
        some = total > 0
        spread = float((total[some] * (wins[some] / total[some] - base) ** 2).sum() - noise * some.sum())
        strength = float(np.clip(noise * total.sum() / max(spread, 1e-9), *_SHRINKAGE))
        rate = (wins + strength * base) / (total + strength)
        evidence = np.log(rate / (1 - rate)) - np.log(base / (1 - base))
        texts = [str(level) for level in levels]
        named = nameable(str(values.name), texts)
        kept = {text: float(e) for text, e, may in zip(texts, evidence[:-1], named, strict=True) if may}
        return cls(kept, float(evidence[-1]))

    def column(self, texts: Sequence[Any]) -> Floats:
        """Evidence per row, shape (n,) [log-odds]; whatever is not a text is missing."""
        found = (self.levels.get(text, 0.0) if isinstance(text, str) else self.missing for text in texts)
        return np.fromiter(found, dtype=np.float64, count=len(texts))


def has_many_levels(values: pd.Series) -> bool:
    """Whether a category is better encoded as one number than as a column per level."""
    return int(values.nunique()) > MANY


def cross_fit_column(values: pd.Series, won: Floats, weight: Floats, group: Ints | None, seed: int) -> Floats:
    """The learning rows' own column, each fold encoded by the others, so that no row sees its own outcome."""
    codes = np.arange(len(values)) if group is None else group
    column = np.zeros(len(values))
    for train, test in grouped_folds(codes, min(_FOLDS, len(np.unique(codes))), seed):
        if len(train):
            column[test] = TargetCode.fit(values.iloc[train], won[train], weight[train]).column(
                values.iloc[test].tolist()
            )
    return column
