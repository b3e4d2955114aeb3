"""Diagnosis of a rubric: what each rule is worth, which are out of line with outcomes, and which are missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.array_types import Bools, Floats, Ints
from features.catalog.feature import Catalog, Feature
from features.rubric.ledger import Ledger
from features.schema.people.people_texts import nameable_levels
from models.candidates.rubric import fit_line
from models.judging.cluster_bootstrap import cluster_sums
from models.logistic import fit_logistic, sigmoid

RuleVerdict = Literal[
    "in line", "too many points", "too few points", "wrong way", "worth nothing", "cannot tell", "too rare"
]
FEWEST_LEADS = 20  # on which a rule fires, and for a missing rule that meet its condition or do not
_RIDGE = 0.5  # penalty of an effect: a rule that separates perfectly still gets a finite one
_Z90 = 1.645  # standard errors of a 90% interval
_NEGLIGIBLE = 0.25  # share of its points a rule must earn to be worth something
_TOO_MANY, _TOO_FEW = 0.8, 1.25  # of its points, that the interval's nearer end must pass; a fifth off is in line
_WINS_PER_PERIOD, _PERIODS = 50, 8  # won (or lost) leads that a period's own level takes, and periods at most
_MISSED_CHANCE = 0.025  # of calling any of the conditions tried a missing rule by luck, on either side
_MISSED_SHOWN = 10  # strongest missing rules; a rubric has room for few


@dataclass(frozen=True, kw_only=True)
class RuleWorth:
    """One rule: the points it gives where it fires, and the points its leads' outcomes would justify.

    ``log_odds`` is the rule's part at its typical points, other rules held equal, with a 90% interval that respects
    accounts; ``deserved`` is the same on the rubric's own scale (points).
    """

    rule: str
    label: str
    leads: float
    points: float
    log_odds: float
    low: float
    high: float
    deserved: float
    deserved_low: float
    deserved_high: float
    verdict: RuleVerdict
    sentence: str

    def record(self) -> dict[str, Any]:
        """JSON-ready, NaN as None."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {n: None if isinstance(v, float) and not np.isfinite(v) else v for n, v in values.items()}


@dataclass(frozen=True, kw_only=True)
class MissingRule:
    """A feature value whose leads do better or worse than the rubric says."""

    feature: str
    label: str
    condition: str
    leads: float
    log_odds: float
    low: float
    high: float
    points: float

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class RuleDiagnostics:
    """Findings on a rubric; ``points_per_log_odds`` is the scale on which points were translated."""

    worth: tuple[RuleWorth, ...]
    missing: tuple[MissingRule, ...]
    points_per_log_odds: float

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "worth": [rule.record() for rule in self.worth],
            "missing": [rule.record() for rule in self.missing],
            "points_per_log_odds": self.points_per_log_odds,
        }


def diagnose_rules(
    book: Ledger,
    values: pd.DataFrame,
    catalog: Catalog,
    label: Floats,
    weight: Floats,
    cluster: Ints,
    order: Ints | None = None,
) -> RuleDiagnostics:
    """Judge every rule of a ledger on matured rows, and look for what the rubric misses.

    ``values`` holds the features that ``catalog`` names; rubric and evidence features among them are passed over.
    ``weight`` lets the rows of one lead weigh one together; ``cluster`` codes accounts. With ``order`` every period
    has a level of its own, so that a moving market is not mistaken for a rule. All effects are associations.
    """
    levels = _levels(label, order)
    typical, fired = _typical(book)
    enough = np.array([float(weight[mask].sum()) >= FEWEST_LEADS for mask in fired.T])
    design = np.column_stack([levels, book.rules.to_numpy(dtype=np.float64)[:, enough] / typical[enough]])
    penalty = np.r_[np.zeros(levels.shape[1]), np.full(int(enough.sum()), _RIDGE)]
    theta = fit_logistic(design, label, weight, penalty)
    error = _sandwich(design, label, weight, penalty, design @ theta, cluster)

    effect, spread = np.full(len(typical), np.nan), np.full(len(typical), np.nan)
    effect[enough], spread[enough] = theta[levels.shape[1] :], error[levels.shape[1] :]
    scale = _scale(typical[enough], effect[enough], spread[enough], book.points, label, weight)
    worth = tuple(
        _worth(rule.id, rule.label, float(weight[fired[:, k]].sum()), typical[k], effect[k], spread[k], scale)
        for k, rule in enumerate(book.rubric.rules)
    )

    explained = _Explained(
        label=label, weight=weight, cluster=cluster, levels=levels, offset=design @ theta, scale=scale
    )
    return RuleDiagnostics(worth, tuple(_missing(values, catalog, explained)), scale)


def _levels(label: Floats, order: Ints | None) -> Floats:
    """A column of ones per period of equal length, as many as the won leads allow (at most 8)."""
    periods = (
        int(np.clip(min(label.sum(), len(label) - label.sum()) // _WINS_PER_PERIOD, 1, _PERIODS))
        if order is not None
        else 1
    )
    if order is None or periods == 1:
        return np.ones((len(label), 1))
    period = order.argsort(kind="stable").argsort() * periods // len(label)
    return (period[:, None] == np.arange(periods)[None, :]).astype(np.float64)


def _typical(book: Ledger) -> tuple[Floats, Bools]:
    """Per rule the mean of its points where it gives any (1 where it never does), and where it does."""
    given = book.rules.to_numpy(dtype=np.float64)
    fired = given != 0.0
    count = fired.sum(axis=0)
    mean = np.divide(given.sum(axis=0), count, out=np.ones(given.shape[1]), where=count > 0)
    largest = np.abs(given).max(axis=0, initial=0.0)
    return np.where(np.abs(mean) > 0.1 * largest, mean, np.where(largest > 0, largest, 1.0)), fired


def _sandwich(
    design: Floats, label: Floats, weight: Floats, penalty: Floats, log_odds: Floats, cluster: Ints
) -> Floats:
    """Standard errors that respect clusters (Liang and Zeger 1986)."""
    p = sigmoid(log_odds)
    curvature = (design * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design + np.diag(penalty)
    inverse = np.linalg.pinv(curvature)
    score = design * (weight * (label - p))[:, None]
    clusters = int(cluster.max()) + 1
    sums = np.column_stack([cluster_sums(cluster, score[:, k], clusters) for k in range(design.shape[1])])
    covariance = inverse @ (sums.T @ sums) @ inverse * clusters / max(clusters - 1, 1)
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))


def _scale(typical: Floats, effect: Floats, error: Floats, points: Floats, label: Floats, weight: Floats) -> float:
    """Points per log-odds that most of the rubric agrees on: a weighted median, so that a bad rule bends nothing."""
    ratio = effect / np.abs(typical) * np.sign(typical)
    certain = np.abs(typical) / np.maximum(error, 1e-6)
    order = np.argsort(ratio)
    if len(order):
        middle = np.searchsorted(np.cumsum(certain[order]), certain.sum() / 2)
        slope = float(ratio[order][min(int(middle), len(order) - 1)])
        if slope > 1e-4:
            return 1.0 / slope
    slope = fit_line(points, label, weight)[0]
    return 1.0 / slope if slope > 1e-4 else float("nan")


def _worth(rule: str, label: str, leads: float, points: float, effect: float, error: float, scale: float) -> RuleWorth:
    low, high = effect - _Z90 * error, effect + _Z90 * error
    deserved, from_, to = (end * scale for end in (effect, low, high))
    if np.isnan(effect):
        verdict: RuleVerdict = "too rare"
    elif np.isnan(scale):  # no points to compare, but the direction can be told
        verdict = "wrong way" if np.sign(points) * (high if points > 0 else low) < 0 else "cannot tell"
    else:
        verdict = _verdict(points, from_, to, deserved)
    name = label or rule.replace("_", " ")
    sentence = f"'{name}' gives {points:+.3g} points"
    if not leads:
        sentence = f"'{name}' gave points to no lead in these data."
    elif verdict == "too rare":
        sentence += f" but to only {leads:.0f} leads: too few to judge."
    elif np.isnan(scale):
        against = ", against what outcomes say" if verdict == "wrong way" else ""
        sentence += f"{against}; the rubric as a whole does not follow outcomes, so points cannot be compared."
    else:
        sentence += f"; outcomes would give {deserved:+.3g} (90% interval {from_:+.3g} to {to:+.3g}): {verdict}."

    return RuleWorth(
        rule=rule,
        label=label,
        leads=leads,
        points=points,
        log_odds=effect,
        low=low,
        high=high,
        deserved=deserved,
        deserved_low=from_,
        deserved_high=to,
        verdict=verdict,
        sentence=sentence,
    )


def _verdict(points: float, low: float, high: float, deserved: float) -> RuleVerdict:
    sign = np.sign(points)
    low, high = (low * sign, high * sign) if sign > 0 else (high * sign, low * sign)
    size = abs(points)
    if high < 0:
        return "wrong way"
    if high < _NEGLIGIBLE * size or (low < 0 < high and deserved * sign < _NEGLIGIBLE * size and high < size):
        return "worth nothing"
    if low < 0 and high >= size:
        return "cannot tell"
    if high < _TOO_MANY * size:
        return "too many points"
    return "too few points" if low > _TOO_FEW * size else "in line"


@dataclass(frozen=True, kw_only=True)
class _Explained:
    """What the rubric explains of the rows: log-odds ``offset``, shape (n,); and how its points translate.

    ``levels``, shape (n, periods), has a column of ones per period; ``scale`` is points per log-odds.
    """

    label: Floats
    weight: Floats
    cluster: Ints
    levels: Floats
    offset: Floats
    scale: float


def _missing(values: pd.DataFrame, catalog: Catalog, explained: _Explained) -> Iterator[MissingRule]:
    """The strongest few conditions on features that explain what the rubric leaves unexplained."""
    found: list[tuple[float, MissingRule]] = []
    tried = 0
    for feature in catalog:
        if feature.family in ("rules", "evidence") or feature.name not in values:
            continue
        best: tuple[float, MissingRule] | None = None
        for condition, mask in _conditions(values[feature.name]):
            if min(_leads(explained, mask), _leads(explained, ~mask)) < FEWEST_LEADS:
                continue
            tried += 1
            z, rule = _judge_condition(feature, condition, mask, explained)
            if best is None or z > best[0]:
                best = (z, rule)
        if best is not None:
            found.append(best)

    least = float(norm.ppf(1 - _MISSED_CHANCE / max(tried, 1)))
    strongest = sorted((pair for pair in found if pair[0] >= least), key=lambda pair: -pair[0])
    yield from (rule for _, rule in strongest[:_MISSED_SHOWN])


def _leads(explained: _Explained, mask: Bools) -> float:
    return float(explained.weight[mask].sum())


def _judge_condition(feature: Feature, condition: str, mask: Bools, explained: _Explained) -> tuple[float, MissingRule]:
    """Effect of a condition beyond the rubric's, and how many standard errors it lies from none."""
    label, weight = explained.label, explained.weight
    both = np.column_stack([explained.levels, mask.astype(np.float64)])
    penalty = np.r_[np.zeros(explained.levels.shape[1]), _RIDGE]
    theta = fit_logistic(both, label, weight, penalty, offset=explained.offset)
    error = float(_sandwich(both, label, weight, penalty, both @ theta + explained.offset, explained.cluster)[-1])

    effect = float(theta[-1])
    rule = MissingRule(
        feature=feature.name,
        label=feature.label,
        condition=condition,
        leads=_leads(explained, mask),
        log_odds=effect,
        low=effect - _Z90 * error,
        high=effect + _Z90 * error,
        points=effect * explained.scale,
    )
    return abs(theta[-1]) / max(error, 1e-9), rule


def _conditions(column: pd.Series) -> Iterator[tuple[str, Bools]]:
    """Conditions a person would write: a value, anything at all, at least a round quantile, nothing on record."""
    absent = column.isna().to_numpy()
    if absent.any() and not absent.all():
        yield "nothing on record", absent
    if not pd.api.types.is_numeric_dtype(column):
        for value in nameable_levels(column.name, column.value_counts().index.tolist())[:12]:
            yield f"is '{value}'", (column == value).to_numpy(dtype=bool)
        return
    numbers = column.to_numpy(dtype=np.float64)
    known = numbers[~absent]
    if len(known):
        for edge in np.unique(np.quantile(known, [0.25, 0.5, 0.75, 0.9], method="higher")):
            if edge > known.min():
                yield f"at least {edge:.4g}", np.nan_to_num(numbers, nan=-np.inf) >= edge
