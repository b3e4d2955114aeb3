"""Points of a rubric on the rows of a matrix: arithmetic on its rule features, nothing else."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Floats, Texts
from features.errors import ContractError
from features.rubric.rule import Cap, Decay
from features.rubric.schema import Rubric, Threshold
from features.rubric.terms import RulePlan, Term, plan_rules, steps_left
from features.schema.vocabulary import Stage

LETTERS, NUMBERS = ("A", "B", "C", "D"), ("1", "2", "3", "4")


@dataclass(frozen=True)
class Ledger:
    """What every rule gave and every cap took, row by row; the points are their sum.

    Parameters
    ----------
    rubric : the rubric
    rules : shape (n, len(rubric.rules)), points each rule gave before any cap
    caps : one column per cap (``rule <id>``, ``group <name>``, ``total``): points it added or took
    features : points per rule feature before any cap; the columns of one rule sum to the rule's points
    """

    rubric: Rubric
    rules: pd.DataFrame
    caps: pd.DataFrame
    features: pd.DataFrame

    @cached_property
    def points(self) -> Floats:
        """Points per row: start + rules + caps."""
        return np.asarray(self.rubric.start + self.rules.sum(axis=1) + self.caps.sum(axis=1), dtype=np.float64)

    def group_points(self, group: str) -> Floats:
        """Points of one group per row, its caps included and the total's not."""
        ids = [rule.id for rule in self.rubric.rules if rule.group == group]
        caps = [name for name in [*(f"rule {i}" for i in ids), f"group {group}"] if name in self.caps]
        return np.asarray(self.rules[ids].sum(axis=1) + self.caps[caps].sum(axis=1), dtype=np.float64)

    def reaches(self, threshold: Threshold) -> Bools:
        """Whether a row has the threshold's points and its required actions: rules that gave points, not took them."""
        points = self.points if threshold.group is None else self.group_points(threshold.group)
        hit = points >= threshold.points - 1e-9
        for rule_id in threshold.requires:
            hit &= (self.rules[rule_id] > 0.0).to_numpy()
        if threshold.any_of:
            hit &= (self.rules[list(threshold.any_of)].to_numpy() > 0.0).any(axis=1)
        return hit

    @cached_property
    def stages(self) -> Texts:
        """The highest stage each row reaches, ``lead`` where none; shape (n,)."""
        found = np.full(len(self.rules), str(Stage.LEAD), dtype=object)
        for threshold in sorted(self.rubric.thresholds, key=lambda line: line.points):
            found[self.reaches(threshold)] = str(threshold.stage)
        return found

    @cached_property
    def cells(self) -> npt.NDArray[np.str_]:
        """Letter and number per row, e.g. ``B2``; empty text without a matrix."""
        matrix = self.rubric.matrix
        if matrix is None:
            return np.full(len(self.rules), "", dtype="U2")
        letter = _grade(self.group_points(matrix.letter.group), matrix.letter.from_points)
        number = _grade(self.group_points(matrix.number.group), matrix.number.from_points)
        return np.char.add(np.asarray(LETTERS)[letter], np.asarray(NUMBERS)[number])

    @cached_property
    def handed_off(self) -> Bools:
        """Whether the rubric would hand the row to sales."""
        threshold = self.rubric.handoff_threshold
        if threshold is not None:
            return self.reaches(threshold)
        return np.isin(self.cells, self.rubric.handoff.cells)


def ledger(rubric: Rubric, values: pd.DataFrame) -> Ledger:
    """The rubric's ledger on matrix rows; ``values`` holds the rubric's rule features (family ``rules``)."""
    plans = plan_rules(rubric)
    missing = sorted({t.feature for p in plans for t in p.terms} - set(values.columns))
    if missing:
        raise ContractError(
            f"the matrix lacks {len(missing)} features of rubric '{rubric.name}', first '{missing[0]}'; "
            "build the matrix again with this rubric."
        )

    parts: dict[str, Floats] = {}
    given: dict[str, Floats] = {}
    for rule_plan in plans:
        terms = _rule_terms(rule_plan, values)
        given[rule_plan.rule.id] = terms.sum(axis=1)
        for k, term in enumerate(rule_plan.terms):
            parts[term.feature] = terms[:, k]

    rules = pd.DataFrame(given, index=values.index)
    return Ledger(rubric, rules, _caps(rubric, rules), pd.DataFrame(parts, index=values.index))


def ledger_of_rules(rubric: Rubric, rules: pd.DataFrame) -> Ledger:
    """The ledger of a rubric whose rules gave these points, one column per rule in the rubric's order.

    It knows no points per feature: it answers what would be handed off, not what a model explains.
    """
    return Ledger(rubric, rules, _caps(rubric, rules), pd.DataFrame(index=rules.index))


def _rule_terms(rule_plan: RulePlan, values: pd.DataFrame) -> Floats:
    """Points of each term after ``take`` and the gates; shape (n, terms)."""
    terms = np.column_stack([_term(t, rule_plan, values) for t in rule_plan.terms])
    fired = terms != 0.0
    if rule_plan.take == "first":
        holds = np.column_stack([_holds(t, values) for t in rule_plan.terms])
        fired = holds & (np.cumsum(holds, axis=1) == 1)
    elif rule_plan.take == "best":
        best = np.argmax(np.abs(terms), axis=1)
        fired = fired & (np.arange(terms.shape[1])[None, :] == best[:, None])
    terms = np.where(fired, terms, 0.0)
    for name, _ in rule_plan.gates:
        skip = [t.feature for t in rule_plan.terms if t.kind == "below_one" and name.endswith("__fresh")]
        closed = _column(values, name) != 1.0
        keep = np.array([t.feature in skip for t in rule_plan.terms])
        terms = np.where(closed[:, None] & ~keep[None, :], 0.0, terms)
    return terms


def _column(values: pd.DataFrame, name: str) -> Floats:
    return values[name].to_numpy(dtype=np.float64)


def _holds(term: Term, values: pd.DataFrame) -> Bools:
    x = _column(values, term.feature)
    if term.kind == "below_one":
        return np.asarray(~(x >= 1.0))
    return np.asarray(x >= term.least)


def _term(term: Term, rule_plan: RulePlan, values: pd.DataFrame) -> Floats:
    x = _column(values, term.feature)
    if term.kind == "times":
        return term.points * np.nan_to_num(x, nan=0.0)
    if term.kind == "fade":
        return np.where(np.isnan(x), 0.0, term.points * left_at(rule_plan.rule.decay, np.nan_to_num(x, nan=0.0)))
    return np.where(_holds(term, values), term.points, 0.0)


def left_at(decay: Decay | None, age_days: Floats) -> Floats:
    """Share of the points left at an age.

    >>> left_at(Decay(lifespan_days=10), np.array([0.0, 5.0, 12.0])).tolist()
    [1.0, 0.5, 0.0]
    """
    if decay is None:
        return np.ones_like(age_days)
    if decay.half_life_days is not None:
        return np.asarray(0.5 ** (age_days / decay.half_life_days))
    if decay.lifespan_days is not None:
        return np.maximum(0.0, 1.0 - age_days / decay.lifespan_days)
    left = np.array([*steps_left(decay), 0.0])
    period = np.ceil(age_days / float(decay.every_days or 1)) - 1
    return np.asarray(left[np.clip(period, 0, len(left) - 1).astype(np.int64)])


def _caps(rubric: Rubric, rules: pd.DataFrame) -> pd.DataFrame:
    taken: dict[str, Floats] = {}
    sums = {group: np.zeros(len(rules)) for group in rubric.groups}
    for rule in rubric.rules:
        points = rules[rule.id].to_numpy(dtype=np.float64)
        if rule.cap is not None:
            taken[f"rule {rule.id}"] = _clip(points, rule.cap) - points
            points = _clip(points, rule.cap)
        sums[rule.group] = sums[rule.group] + points

    total = np.full(len(rules), rubric.start)
    for name, group in rubric.groups.items():
        if group.cap is not None:
            taken[f"group {name}"] = _clip(sums[name], group.cap) - sums[name]
            sums[name] = _clip(sums[name], group.cap)
        total = total + sums[name]

    if rubric.total is not None:
        taken["total"] = _clip(total, rubric.total) - total

    return pd.DataFrame(taken, index=rules.index)


def _clip(points: Floats, cap: Cap) -> Floats:
    return np.clip(points, cap.minimum, cap.maximum)


def _grade(points: Floats, from_points: tuple[float, float, float]) -> npt.NDArray[np.int64]:
    return np.asarray(3 - (points[:, None] >= np.array(from_points)[None, :] - 1e-9).sum(axis=1))
