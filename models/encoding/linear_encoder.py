"""Columns of a matrix as numbers a linear model can use; the encoder is JSON and treats the unseen on purpose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import PlainRows, Values, number_block, texts_of
from features.catalog.feature import Catalog
from features.schema.people.people_texts import nameable
from models.encoding.target_encoding import TargetCode, cross_fit_column, has_many_levels

RARE = "(rare)"
MISSING = "(missing)"
RARE_COUNT = 20  # rows below which a level is rare, for trees and scorecard bins (docs/adr/0017)
_LOOKED_UP = 2_000  # texts up to which a look-up each is faster than an index
_RARE_PENALISED = 5  # where a penalty shrinks what is seen seldom, fewer rows suffice (docs/adr/0017)
_WINSOR = 0.005  # share cut off at either end before the range, centre and spread are taken
_LONG_TAIL = 20  # a number without negatives whose high end is this many medians goes on a logarithm
_LEAST_SPREAD = 1e-12  # below it a column counts as constant
_REACH = 0.25  # of the training range: beyond it a value counts less and less, on a logarithm of this scale


def weighted_quantiles(values: Floats, weight: Floats, at: Floats) -> Floats:
    """Quantiles of weighted values; ``values`` holds no NaN and is not empty."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    places = np.searchsorted(cumulative, np.asarray(at) * cumulative[-1], side="left")
    return np.asarray(values[order][np.minimum(places, len(values) - 1)], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class NumberCode:
    """A number as a standardised column and, if it was ever missing, an indicator.

    Values beyond the training range go on as a logarithm: where a market drifts, the line must be able to follow and
    keep the order, but one odd value must not decide a score (docs/adr/0014).

    Parameters
    ----------
    low, high : the training range
    centre, spread : mean and standard deviation within it, on the logarithm if ``log``
    fill : what stands for a missing value
    has_missing : whether there is an indicator column
    reach : scale of the logarithm beyond the range, as a share of it; 0 stops at the range, as older bundles do
    """

    low: float
    high: float
    centre: float
    spread: float
    fill: float
    has_missing: bool
    log: bool
    reach: float = 0.0

    @classmethod
    def fit(cls, values: Floats, weight: Floats) -> Self | None:
        """Code of a column; None if it tells nothing (constant and never missing)."""
        known = ~np.isnan(values)
        if not known.any():
            return None

        low, high = weighted_quantiles(values[known], weight[known], np.array([_WINSOR, 1 - _WINSOR]))
        log = bool(low >= 0 and high > _LONG_TAIL * max(float(np.median(values[known])), 1e-9))
        shown = _to_log(np.clip(values[known], low, high), log)
        centre = float(np.average(shown, weights=weight[known]))
        spread = float(np.sqrt(np.average((shown - centre) ** 2, weights=weight[known])))
        if spread < _LEAST_SPREAD and known.all():
            return None

        fill = float(np.median(values[known]))
        return cls(
            low=float(low),
            high=float(high),
            centre=centre,
            spread=max(spread, _LEAST_SPREAD),
            fill=fill,
            has_missing=not bool(known.all()),
            log=log,
            reach=_REACH,
        )

    def columns(self, values: Floats) -> Floats:
        """The design columns, shape (n, width)."""
        missing = np.isnan(values)
        low, high = (_to_log(np.array([edge]), self.log) for edge in (self.low, self.high))
        filled = _to_log(np.where(missing, self.fill, values), self.log)
        scaled = (_compress_tails(filled, low, high, np.array([self.reach])) - self.centre) / self.spread
        return np.column_stack([scaled, missing.astype(np.float64)]) if self.has_missing else scaled[:, None]

    @property
    def width(self) -> int:
        """Design columns: two with an indicator of missing values, else one."""
        return 2 if self.has_missing else 1


def _to_log(values: Floats, log: bool) -> Floats:
    """log(1 + value), negatives as 0, if ``log``; else the values as they are."""
    return np.log1p(np.maximum(values, 0.0)) if log else values


def _compress_tails(values: Floats, low: Floats, high: Floats, reach: Floats) -> Floats:
    """Values inside [low, high] as they are; beyond it on a logarithm that starts with slope 1."""
    inside = np.clip(values, low, high)
    scale = np.broadcast_to(reach * (high - low), values.shape)
    beyond = values - inside
    at = np.nonzero(beyond)  # few are: a logarithm of all would take most of the time of a fit
    unit = np.where(scale[at] > 0, scale[at], 1.0)
    inside[at] += scale[at] * np.sign(beyond[at]) * np.log1p(np.abs(beyond[at]) / unit)
    return np.asarray(inside, dtype=np.float64)


@dataclass(frozen=True)
class CategoryCode:
    """A category as one column per kept level; rare and unseen levels share one, missing has its own."""

    levels: tuple[str, ...]

    @classmethod
    def fit(cls, values: pd.Series, rare: int = RARE_COUNT) -> Self:
        """Levels seen at least ``rare`` times, but for those that tell of a person."""
        counts = values.value_counts()
        levels = [str(level) for level in counts.index]
        named = nameable(str(values.name), levels)
        kept = sorted(level for level, n, may in zip(levels, counts, named, strict=True) if may and n >= rare)
        return cls((*kept, RARE, MISSING))

    def codes(self, values: pd.Series) -> npt.NDArray[np.int64]:
        """Position of each value's level."""
        rare, missing = len(self.levels) - 2, len(self.levels) - 1
        if len(values) <= _LOOKED_UP:
            texts = (value if isinstance(value, str) else None for value in values.tolist())
            return np.array(self.places(texts), dtype=np.int64)
        found = pd.Index(self.levels, dtype="str").get_indexer(pd.Index(values)).astype(np.int64)
        found[found < 0] = rare
        found[values.isna().to_numpy()] = missing
        return found

    @cached_property
    def _place(self) -> dict[str | None, int]:
        place: dict[str | None, int] = {level: i for i, level in enumerate(self.levels)}
        place[None] = len(self.levels) - 1
        return place

    def places(self, texts: Iterable[str | None]) -> list[int]:
        """Position of each text's level; None is missing."""
        place, rare = self._place, len(self.levels) - 2
        return [place.get(text, rare) for text in texts]

    def columns(self, values: pd.Series) -> Floats:
        """One column per level, shape (n, width), 1 where a value has it."""
        return np.asarray(np.eye(len(self.levels))[self.codes(values)], dtype=np.float64)

    @property
    def width(self) -> int:
        """Design columns, one per level."""
        return len(self.levels)


Code = NumberCode | CategoryCode | TargetCode


def category_codes(values: Values, codes: Mapping[str, CategoryCode]) -> npt.NDArray[np.int64]:
    """Positions of levels, shape (n, len(codes))."""
    if not codes:
        return np.zeros((len(values), 0), dtype=np.int64)
    if isinstance(values, PlainRows):
        found = [code.places(values.categories[name]) for name, code in codes.items()]
        return np.array(found, dtype=np.int64).T
    return np.column_stack([code.codes(values[name]) for name, code in codes.items()])


@dataclass(frozen=True)
class Encoder:
    """Codes by feature; :meth:`transform` gives the design matrix and :attr:`owner` each column's feature."""

    codes: Mapping[str, Code]

    @classmethod
    def fit(cls, values: pd.DataFrame, weight: Floats, catalog: Catalog, won: Floats | None = None) -> Self:
        """Codes of the catalog's columns; with outcomes, categories of many levels become one number each."""
        codes: dict[str, Code] = {}
        for name in catalog.numbers:
            code = NumberCode.fit(values[name].to_numpy(dtype=np.float64), weight)
            if code is not None:
                codes[name] = code
        for name in catalog.categories:
            if won is not None and has_many_levels(values[name]):
                codes[name] = TargetCode.fit(values[name], won, weight)
            else:
                codes[name] = CategoryCode.fit(values[name], _RARE_PENALISED)
        return cls(codes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The encoded features, in design order."""
        return tuple(self.codes)

    @cached_property
    def starts(self) -> Mapping[str, int]:
        """The first design column of each feature."""
        ends = np.cumsum([code.width for code in self.codes.values()]).tolist()
        return dict(zip(self.codes, [0, *ends], strict=False))

    @cached_property
    def width(self) -> int:
        """Columns of the design matrix."""
        return sum(code.width for code in self.codes.values())

    @cached_property
    def _category_codes(self) -> Mapping[str, CategoryCode]:
        return {name: code for name, code in self.codes.items() if isinstance(code, CategoryCode)}

    @cached_property
    def _target_codes(self) -> Mapping[str, TargetCode]:
        return {name: code for name, code in self.codes.items() if isinstance(code, TargetCode)}

    @cached_property
    def owner(self) -> npt.NDArray[np.int64]:
        """For each design column the position of its feature in :attr:`names`."""
        return np.repeat(np.arange(len(self.codes)), [code.width for code in self.codes.values()])

    def signs(self, directions: Mapping[str, int]) -> npt.NDArray[np.int64]:
        """For each design column the declared direction of its number; 0 for indicators and categories."""
        found = np.zeros(len(self.owner), dtype=np.int64)
        places = dict(zip(self._numbers.names, self._numbers.places, strict=True))
        for name, place in places.items():
            found[place] = directions[name]
        return found

    @cached_property
    def _numbers(self) -> "_Numbers":
        return _Numbers.of(self.codes)

    def transform(self, values: Values) -> Floats:
        """The design matrix: all numbers at once, categories one by one."""
        numbers = self._numbers
        design = np.zeros((len(values), self.width))
        if numbers.names:
            design[:, numbers.places], missing = numbers.standardise(number_block(values, numbers.names))
            design[:, numbers.missing_places] = missing[:, numbers.has_missing]

        every = np.arange(len(values))
        for name, found in zip(self._category_codes, category_codes(values, self._category_codes).T, strict=True):
            design[every, self.starts[name] + found] = 1.0
        for name, code in self._target_codes.items():
            design[:, self.starts[name]] = code.column(texts_of(values, name))
        return design

    def learning_design(
        self, values: pd.DataFrame, won: Floats, weight: Floats, group: Ints | None, seed: int
    ) -> Floats:
        """The design matrix of the learning rows: where a column holds outcomes, a row's own is held out."""
        design = self.transform(values)
        place = 0
        for name, code in self.codes.items():
            if isinstance(code, TargetCode):
                design[:, place] = cross_fit_column(values[name], won, weight, group, seed)
            place += code.width
        return design

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {"codes": [[name, _code_state(code)] for name, code in self.codes.items()]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The encoder of a :meth:`state`."""
        return cls({name: _restore_code(code) for name, code in state["codes"]})


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """The number codes of an encoder as arrays, edges already bent; ``places`` are their columns in the design."""

    names: tuple[str, ...]
    places: npt.NDArray[np.int64]
    missing_places: npt.NDArray[np.int64]
    has_missing: npt.NDArray[np.bool_]
    log: npt.NDArray[np.bool_]
    low: Floats
    high: Floats
    centre: Floats
    spread: Floats
    fill: Floats
    reach: Floats

    @classmethod
    def of(cls, codes: Mapping[str, Code]) -> Self:
        starts = np.cumsum([0, *(code.width for code in codes.values())])[:-1]
        kept = [(name, code, at) for (name, code), at in zip(codes.items(), starts, strict=True)]
        numbers = [(name, code, at) for name, code, at in kept if isinstance(code, NumberCode)]
        places = np.array([at for _, _, at in numbers], dtype=np.int64)
        has_missing = np.array([code.has_missing for _, code, _ in numbers], dtype=np.bool_)

        def array(name: str) -> Floats:
            return np.array([getattr(code, name) for _, code, _ in numbers], dtype=np.float64)

        log = np.array([code.log for _, code, _ in numbers], dtype=np.bool_)
        low, high = (np.where(log, _to_log(edge, True), edge) for edge in (array("low"), array("high")))
        return cls(
            names=tuple(name for name, _, _ in numbers),
            places=places,
            missing_places=places[has_missing] + 1,
            has_missing=has_missing,
            log=log,
            low=low,
            high=high,
            reach=array("reach"),
            centre=array("centre"),
            spread=array("spread"),
            fill=array("fill"),
        )

    def standardise(self, block: Floats) -> tuple[Floats, Floats]:
        """Standardised columns and their indicators of missing values, both shape (n, len(names))."""
        missing = np.isnan(block)
        shown = np.where(missing, self.fill, block)
        shown[:, self.log] = _to_log(shown[:, self.log], True)
        shown = _compress_tails(shown, self.low, self.high, self.reach)
        return (shown - self.centre) / self.spread, missing.astype(np.float64)


def _code_state(code: Code) -> dict[str, Any]:
    if isinstance(code, NumberCode):
        # a list, not an object: bundles hold one for each number, in the order of NumberCode's fields
        edges = [code.low, code.high, code.centre, code.spread, code.fill, code.has_missing, code.log, code.reach]
        return {"number": edges}
    if isinstance(code, TargetCode):
        return {"evidence": [[level, value] for level, value in code.levels.items()], "missing": code.missing}
    return {"levels": list(code.levels)}


def _restore_code(state: Mapping[str, Any]) -> Code:
    if "number" in state:
        names = [item.name for item in fields(NumberCode)]  # in the order of _code_state; older bundles have no reach
        return NumberCode(**dict(zip(names, state["number"], strict=False)))
    if "evidence" in state:
        return TargetCode(dict(state["evidence"]), float(state["missing"]))
    return CategoryCode(tuple(state["levels"]))
