"""Levels and slopes of segments, each shrunk to the common one as far as the segments do not differ beyond noise.

A segment's leads may win more or less often than a model says that has learned from all leads together. How much of
the difference between segments is noise is told by out-of-fold predictions: the variance between segments against that
within, which grows with few rows, with rows of one account, and where a segment's level wanders from block to block.
What is left is the prior of each segment's own line (empirical Bayes; docs/adr/0041).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from models.calibration.affine import variance_between
from models.logistic import sigmoid

NO_SEGMENT = ""  # of rows whose segment is not on record: they follow the common line
_PASSES = 4  # of block levels, then segments; the second moves nothing in the third decimal
_NEWTON_STEPS = 12  # of a penalised line, which converges in five
_MOST = 200  # segments with a line of their own, the largest; the others follow the common one
_FEWEST_LEADS = 5  # of a named segment: a name that few leads share may name somebody, and tells next to nothing
_SLOPE_DEVIATION = 0.5  # the most that slopes differ: half to one and a half, as for the common one (affine.py)
_LEAST_FACTOR = 0.2  # of the common slope: a segment never turns the order of its leads
_LEAST_CURVATURE = 1e-9  # of a sum of p * (1 - p): a segment whose outcome is sure has none


@dataclass(frozen=True, kw_only=True)
class SegmentRows:
    """Out-of-fold rows, all shape (n,).

    Parameters
    ----------
    log_odds : of the common model, before calibration
    won : 1 or 0
    block : code of the block a row was judged in; each block has a level of its own
    group : codes; rows of one group belong together
    lead : codes; a lead that is looked at every week has many rows
    segment : text, :data:`NO_SEGMENT` where not on record
    """

    log_odds: Floats
    won: Floats
    block: Ints
    group: Ints
    lead: Ints
    segment: npt.NDArray[np.object_]

    def take(self, rows: Ints) -> "SegmentRows":
        """The rows at the given positions."""
        return SegmentRows(
            log_odds=self.log_odds[rows],
            won=self.won[rows],
            block=self.block[rows],
            group=self.group[rows],
            lead=self.lead[rows],
            segment=self.segment[rows],
        )


def named_segments(rows: SegmentRows) -> list[str]:
    """The segments that may be named, most rows first: of five leads or more, and of more than one account."""
    names, code = _codes(rows.segment)
    known = np.flatnonzero(code >= 0)
    leads, groups = (_count_distinct(code[known], of[known], len(names)) for of in (rows.lead, rows.group))
    size = np.bincount(code[known], minlength=len(names))
    largest = np.argsort(-size, kind="stable")
    return [str(names[k]) for k in largest if leads[k] >= _FEWEST_LEADS and groups[k] > 1]


def _count_distinct(code: Ints, of: Ints, segments: int) -> Ints:
    """Per segment code, how many different values ``of`` has, shape (segments,)."""
    values, place = np.unique(of, return_inverse=True)
    pairs = np.unique(code * max(len(values), 1) + place)
    return np.bincount(pairs // max(len(values), 1), minlength=segments).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class SegmentLine:
    """One segment's line on log-odds before calibration: ``z + shift + (factor - 1) * (z - middle)``.

    Parameters
    ----------
    shift : of the level [log-odds before calibration]
    factor : of the common slope, over 0
    middle : mean log-odds of the segment, around which the slope turns
    variance : of the shift, as far as it is not known [log-odds before calibration, squared]
    """

    shift: float
    factor: float
    middle: float
    variance: float


@dataclass(frozen=True, kw_only=True)
class SegmentLevels:
    """Lines by segment; segments without one follow the common line.

    Parameters
    ----------
    lines : by segment
    between : variance of segments' shifts, which is what is not known of a segment never seen
    """

    lines: Mapping[str, SegmentLine]
    between: float

    def terms(self, segment: npt.NDArray[np.object_]) -> tuple[Floats, Floats]:
        """Per row what is added and by what the log-odds are multiplied: ``factor * z + added``, each shape (n,)."""
        found = [self.lines.get(text) for text in segment.tolist()]
        factor = np.array([1.0 if one is None else one.factor for one in found])
        added = np.array([0.0 if one is None else one.shift - (one.factor - 1.0) * one.middle for one in found])
        return added, factor

    def apply(self, log_odds: Floats, segment: npt.NDArray[np.object_]) -> Floats:
        """Log-odds before calibration with each row's line, shape (n,)."""
        added, factor = self.terms(segment)
        return np.asarray(factor * log_odds + added, dtype=np.float64)

    def variance(self, segment: npt.NDArray[np.object_]) -> Floats:
        """What is not known of each row's shift [log-odds before calibration, squared], shape (n,)."""
        found = [self.lines.get(text) for text in segment.tolist()]
        return np.array([self.between if one is None else one.variance for one in found])

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        lines = {
            name: {"shift": one.shift, "factor": one.factor, "middle": one.middle, "variance": one.variance}
            for name, one in self.lines.items()
        }
        return {"lines": lines, "between": self.between}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The levels of a :meth:`state`."""
        lines = {name: SegmentLine(**line) for name, line in state["lines"].items()}
        return cls(lines=lines, between=float(state["between"]))


COMMON = SegmentLevels(lines={}, between=0.0)


def fit_segment_levels(rows: SegmentRows, slope: float) -> SegmentLevels:
    """Lines of all segments, around the common line of ``slope``; :data:`COMMON` where segments do not differ.

    Parameters
    ----------
    slope : of the common calibration
    """
    names, code = _codes(rows.segment)
    if len(names) < 2:
        return COMMON

    work = _Work.of(rows, slope, code, len(names))
    shift, tilt = np.zeros(len(names)), np.zeros(len(names))
    levels = slopes = _Spread(0.0, np.ones(len(names)))
    for _ in range(_PASSES):
        offset = work.level_blocks(shift, tilt)
        levels = work.spread(offset, shift, tilt, of_level=True)
        slopes = work.spread(offset, shift, tilt, of_level=False)
        shift, tilt = work.fit(offset, levels, slopes)
    if levels.between == 0.0 and slopes.between == 0.0:
        return COMMON

    factor = np.maximum(1.0 + tilt, _LEAST_FACTOR)
    unknown = levels.between * levels.error / (levels.between + levels.error)
    named = set(named_segments(rows)[:_MOST])
    kept = [k for k, name in enumerate(names.tolist()) if name in named]
    lines = {
        str(names[k]): SegmentLine(
            shift=float(shift[k] / slope),
            factor=float(factor[k]),
            middle=float(work.middle[k] / slope),
            variance=float(unknown[k] / slope**2),
        )
        for k in kept
    }
    return SegmentLevels(lines=lines, between=levels.between / slope**2)


@dataclass(frozen=True)
class _Spread:
    """Variance between segments beyond noise, and the variance of each segment's own estimate, shape (S,)."""

    between: float
    error: Floats


@dataclass(frozen=True, kw_only=True)
class _Work:
    """Rows with their codes; unknown segments have the code of an extra last one that is never moved."""

    x: Floats
    centred: Floats
    won: Floats
    block: Ints
    group: Ints
    code: Ints
    middle: Floats
    segments: int

    @classmethod
    def of(cls, rows: SegmentRows, slope: float, code: Ints, segments: int) -> "_Work":
        x = slope * rows.log_odds
        code = np.where(code < 0, segments, code)
        size = np.maximum(np.bincount(code, minlength=segments + 1), 1)
        middle = np.bincount(code, weights=x, minlength=segments + 1) / size
        centred = np.where(code < segments, x - middle[code], 0.0)
        return cls(
            x=x,
            centred=centred,
            won=rows.won,
            block=np.unique(rows.block, return_inverse=True)[1],
            group=np.unique(rows.group, return_inverse=True)[1],
            code=code,
            middle=middle[:segments],
            segments=segments,
        )

    def sums(self, values: Floats) -> Floats:
        """Sums by segment, shape (S,)."""
        summed = np.bincount(self.code, weights=values, minlength=self.segments + 1)
        return np.asarray(summed[: self.segments], dtype=np.float64)

    def moved(self, shift: Floats, tilt: Floats) -> Floats:
        """What the segments' lines add to the common one, shape (n,)."""
        return np.asarray(np.r_[shift, 0.0][self.code] + np.r_[tilt, 0.0][self.code] * self.centred)

    def level_blocks(self, shift: Floats, tilt: Floats) -> Floats:
        """Calibrated log-odds of the common line, each block at its own level."""
        eta, level = self.x + self.moved(shift, tilt), np.zeros(int(self.block.max()) + 1)
        for _ in range(_NEWTON_STEPS):
            p = sigmoid(eta + level[self.block])
            gap = np.bincount(self.block, weights=self.won - p)
            level = level + np.clip(gap / np.maximum(np.bincount(self.block, weights=p * (1 - p)), 0.25), -2, 2)
        return np.asarray(self.x + level[self.block])

    def spread(self, offset: Floats, shift: Floats, tilt: Floats, *, of_level: bool) -> _Spread:
        """How far segments differ in level or in slope, beyond what their rows, accounts and blocks explain.

        Each estimate is one Newton step from where its line stands. Its variance is the expected one times what rows of
        one group have in common, over all segments: a segment without a win has no variance of its own.
        """
        p = sigmoid(offset + self.moved(shift, tilt))
        side = np.ones(len(p)) if of_level else self.centred
        gap, curve = side * (self.won - p), side**2 * p * (1 - p)
        together = np.bincount(self.group, weights=gap)
        clumping = max(float((together**2).sum()) / max(float(curve.sum()), _LEAST_CURVATURE), 1.0)

        information = np.maximum(self.sums(curve), _LEAST_CURVATURE)
        estimate = (shift if of_level else tilt) + self.sums(gap) / information
        error = clumping / information + self._wander(gap, curve, clumping, information)
        between = variance_between(estimate, error)
        return _Spread(between if of_level else min(between, _SLOPE_DEVIATION**2), error)

    def _wander(self, gap: Floats, curve: Floats, clumping: float, information: Floats) -> Floats:
        """Variance of each segment's estimate because segments wander from block to block, shape (S,)."""
        blocks = int(self.block.max()) + 1
        cell = self.code * blocks + self.block
        size = (self.segments + 1) * blocks
        parts = np.bincount(cell, weights=curve, minlength=size).reshape(-1, blocks)[:-1]
        gaps = np.bincount(cell, weights=gap, minlength=size).reshape(-1, blocks)[:-1]
        there = parts > _LEAST_CURVATURE
        free = int(there.sum()) - int(there.any(axis=1).sum())
        if blocks < 2 or free < 1:
            return np.zeros(self.segments)
        gaps = gaps - parts * (gaps.sum(axis=1) / information)[:, None]
        excess = float((gaps[there] ** 2 / parts[there]).sum()) / clumping - free
        between = max(excess, 0.0) / (float(parts[there].sum()) / clumping)
        return np.asarray(between * (parts**2).sum(axis=1) / information**2)

    def fit(self, offset: Floats, levels: _Spread, slopes: _Spread) -> tuple[Floats, Floats]:
        """Shift and tilt of every segment: the penalised lines of the spreads as priors, by Newton's method."""
        shift, tilt = np.zeros(self.segments), np.zeros(self.segments)
        for _ in range(_NEWTON_STEPS):
            p = sigmoid(offset + self.moved(shift, tilt))
            gap, curve = self.won - p, p * (1 - p)
            shift = _step(shift, self.sums(gap), self.sums(curve), levels)
            p = sigmoid(offset + self.moved(shift, tilt))
            gap, curve = self.centred * (self.won - p), self.centred**2 * p * (1 - p)
            tilt = _step(tilt, self.sums(gap), self.sums(curve), slopes)
        return shift, tilt


def _step(now: Floats, gap: Floats, curve: Floats, spread: _Spread) -> Floats:
    """One Newton step of a penalised coefficient; rows weigh so that its variance is the spread's error."""
    if spread.between == 0.0:
        return np.zeros(len(now))
    curve = np.maximum(curve, _LEAST_CURVATURE)
    weight = 1.0 / (spread.error * curve)
    step = (weight * gap - now / spread.between) / (weight * curve + 1.0 / spread.between)
    return np.asarray(now + np.clip(step, -1.0, 1.0))


def _codes(segment: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.str_], Ints]:
    """Names of the segments on record and each row's code, -1 where not on record."""
    texts = segment.astype("str")
    names, code = np.unique(texts, return_inverse=True)
    if len(names) and names[0] == NO_SEGMENT:
        return names[1:], code.astype(np.int64) - 1
    return names, code.astype(np.int64)
