"""Another source's model as a candidate: its log-odds with a weight and a level shrunk towards it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import FEW, PlainRows, Values, number_block, texts_of
from features.catalog.feature import Catalog
from models.candidates.blend import explain_by, log_odds_of
from models.candidates.kinds import LEARNED, restore_components
from models.candidates.segmented import SegmentedModel
from models.explaining.model_bars import UNMAPPED
from models.interfaces import Calibration, Candidate, Contributions
from models.logistic import fit_logistic

_FILES = "prior_"  # before the names of the other model's files
_WEIGHT_DEVIATION = 0.5  # prior standard deviation of its weight around 1, as of the calibration slope (affine.py)
_LEVEL_DEVIATION = 1.0  # of its level around the other source's [log-odds]: odds nearly three times as high or low
_LEAST_WEIGHT = 0.05  # a slope stays positive, as everywhere; so little says that the other model does not help
_KINDS: Mapping[str, Any] = {**LEARNED, SegmentedModel.name: SegmentedModel}


@dataclass(frozen=True, kw_only=True)
class PriorModel:
    """The other bundle's model, self-contained, and how this source's features are handed to it.

    Parameters
    ----------
    catalog : the other bundle's
    components, weights, calibration : the other bundle's
    mapping : the other's feature to this source's; features without one are missing for it
    origin : source, hash, rows, won and trained_through of the other bundle
    """

    catalog: Catalog
    components: Mapping[str, Candidate]
    weights: Mapping[str, float]
    calibration: Calibration
    mapping: Mapping[str, str]
    origin: Mapping[str, Any]

    def values_of(self, values: Values) -> Values:
        """The rows as the other model reads them; what is not mapped is missing."""
        if isinstance(values, PlainRows) or len(values) <= FEW:
            return self._plain(values)
        columns: dict[str, pd.Series] = {}
        for name in self.catalog.names:
            own = self.mapping.get(name)
            if own is not None:
                columns[name] = values[own]
            elif name in self.catalog.categories:
                columns[name] = pd.Series([None] * len(values), index=values.index, dtype="str")
            else:
                columns[name] = pd.Series(np.full(len(values), np.nan), index=values.index)
        return pd.DataFrame(columns, index=values.index)

    def _plain(self, values: Values) -> PlainRows:
        block = np.full((len(values), len(self.catalog.numbers)), np.nan)
        for k, name in enumerate(self.catalog.numbers):
            if name in self.mapping:
                block[:, k] = number_block(values, (self.mapping[name],))[:, 0]
        empty = (None,) * len(values)
        texts = {
            name: tuple(text if isinstance(text, str) else None for text in texts_of(values, self.mapping[name]))
            if name in self.mapping
            else empty
            for name in self.catalog.categories
        }
        return PlainRows(self.catalog.numbers, block, texts, self.catalog.names)

    def log_odds(self, values: Values) -> Floats:
        """The other bundle's calibrated log-odds of this source's rows, shape (n,)."""
        return self.calibration.apply(log_odds_of(self.components, self.weights, self.values_of(values)))

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and its additive parts, by this source's features."""
        raw, parts = explain_by(self.components, self.weights, self.values_of(values))
        named = self._named(parts)
        places = [k for k, name in enumerate(parts.names) if name in named]
        rest = [k for k in range(len(parts.names)) if k not in set(places)]
        total, base = np.ascontiguousarray(parts.values[:, places]), parts.base
        names = tuple(named[parts.names[k]] for k in places)
        if rest:
            # what is missing for all rows says the same of all of them: that belongs to the base
            constant = self._when_missing
            base += float(constant.sum())
            # laid out row by row: a sum's last bit must not depend on how many rows are scored together
            moved = np.ascontiguousarray(parts.values[:, rest]) - constant
            total, names = np.column_stack([total, moved.sum(axis=1)]), (*names, UNMAPPED)
        return self.calibration.apply(raw), Contributions(names, total, base).rescale(
            self.calibration.slope, self.calibration.intercept
        )

    def _named(self, parts: Contributions) -> dict[str, str]:
        """Name here of each mapped contribution."""
        return {name: self.mapping[name] for name in parts.names if name in self.mapping}

    @cached_property
    def _when_missing(self) -> Floats:
        """Contributions of features that are not mapped where all features are missing."""
        nothing = PlainRows(
            self.catalog.numbers,
            np.full((1, len(self.catalog.numbers)), np.nan),
            dict.fromkeys(self.catalog.categories, (None,)),
            self.catalog.names,
        )
        parts = explain_by(self.components, self.weights, nothing)[1]
        named = self._named(parts)
        return parts.values[0, [k for k, name in enumerate(parts.names) if name not in named]]


class PriorCandidate:
    """``slope * z + intercept`` of the other model's calibrated log-odds ``z``, both shrunk to leaving it as it is."""

    name = "prior"

    def __init__(self, model: PriorModel, *, slope: float = 1.0, intercept: float = 0.0) -> None:
        self.model = model
        self.slope = slope
        self.intercept = intercept

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
        """The candidate with its two figures fitted; the other model itself never changes."""
        z = self.model.log_odds(values)
        middle = float(np.average(z, weights=weight))
        design = np.column_stack([np.ones(len(z)), z - middle])
        penalty = np.array([_LEVEL_DEVIATION**-2, _WEIGHT_DEVIATION**-2])
        level, more = fit_logistic(design, won, weight, penalty, offset=z)
        slope = max(1.0 + float(more), _LEAST_WEIGHT)
        return type(self)(self.model, slope=slope, intercept=float(level) - (slope - 1.0) * middle)

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, shape (n,)."""
        return np.asarray(self.slope * self.model.log_odds(values) + self.intercept, dtype=np.float64)

    def contributions(self, values: Values) -> Contributions:
        """Additive parts of :meth:`log_odds`, by this source's features."""
        return self.explain(values)[1]

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`."""
        z, parts = self.model.explain(values)
        found = np.asarray(self.slope * z + self.intercept, dtype=np.float64)
        return found, parts.rescale(self.slope, self.intercept)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle: a copy of the other model, whole."""
        model = self.model
        return {
            "catalog": model.catalog.records(),
            "components": {name: component.state() for name, component in model.components.items()},
            "weights": dict(model.weights),
            "calibration": {"slope": model.calibration.slope, "intercept": model.calibration.intercept},
            "mapping": dict(model.mapping),
            "origin": dict(model.origin),
            "slope": self.slope,
            "intercept": self.intercept,
            "files": list(self.files()),
        }

    def files(self) -> Mapping[str, str]:
        """Text files of the other model's components."""
        return {
            f"{_FILES}{name}": text
            for component in self.model.components.values()
            for name, text in component.files().items()
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state` and its text files."""
        model = PriorModel(
            catalog=Catalog.from_records(state["catalog"]),
            components=restore_components(state["components"], files, _FILES, _KINDS),
            weights=state["weights"],
            calibration=Calibration(**state["calibration"]),
            mapping=state["mapping"],
            origin=state["origin"],
        )
        return cls(model, slope=float(state["slope"]), intercept=float(state["intercept"]))
