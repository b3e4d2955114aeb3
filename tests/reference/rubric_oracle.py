"""A rubric's points in slow, plain Python: event by event, answer by answer, without features."""

import fnmatch
import math
import re
from typing import Any

from features.kernel.column_reader import number_of
from features.rubric.rule import Cap, Decay, Rule
from features.rubric.schema import Rubric
from tests.reference.features_oracle import Oracle
from tests.reference.worlds import DAY, Record


class RubricOracle:
    """Points of one lead at one moment, read straight from the tables."""

    def __init__(self, rubric: Rubric, oracle: Oracle) -> None:
        self.rubric, self.oracle = rubric, oracle

    def points(self, lead_id: str, as_of: int) -> float:
        total = self.rubric.start
        for name, group in self.rubric.groups.items():
            rules = [rule for rule in self.rubric.rules if rule.group == name]
            total += capped(sum(capped(self.rule(r, lead_id, as_of), r.cap) for r in rules), group.cap)
        return capped(total, self.rubric.total)

    def rule(self, rule: Rule, lead_id: str, as_of: int) -> float:
        if rule.only_in and self.stage(lead_id, as_of) not in {str(s) for s in rule.only_in}:
            return 0.0
        if rule.activity:
            return self.of_activity(rule, lead_id, as_of)
        return self.of_value(rule, self.value(rule, lead_id, as_of))

    def stage(self, lead_id: str, as_of: int) -> str | None:
        rows = self.rows("stages", lead_id, as_of)
        latest = min((r["age"] for r in rows), default=None)
        return str([r for r in rows if r["age"] == latest][-1]["stage"]) if rows else None

    def rows(self, table: str, lead_id: str, as_of: int, scope: str = "lead") -> list[Record]:
        account = self.oracle._account_of(lead_id)
        if scope == "account" and account is None:
            return []
        found = self.oracle._visible(table, lead_id, account, scope == "account", as_of)
        bots = self.oracle._bots(found) if table == "activities" else set()
        return [{**r, "bot": id(r) in bots} for r in found if r["age"] > 0]

    def value(self, rule: Rule, lead_id: str, as_of: int) -> Any:
        if rule.lead is not None and rule.lead != "website":
            row = self.oracle._lead(lead_id)
            return row.get(rule.lead) if row["known_at"] < as_of else None
        if rule.account is not None:
            return self.snapshot(rule.account, lead_id, as_of)
        question = rule.answer or rule.lead
        said = [r for r in self.rows("answers", lead_id, as_of) if r["question"] == question]
        latest = min((r["age"] for r in said), default=0)
        last = next((r for r in reversed(said) if r["age"] == latest), None)
        if last is None or not last["value"]:
            return None
        expired = rule.within_days is not None and last["age"] >= rule.within_days * DAY
        return None if expired else last["value"]

    def snapshot(self, column: str, lead_id: str, as_of: int) -> Any:
        account = self.oracle._account_of(lead_id)
        rows = [r for r in self.oracle.world["accounts"] if r["account_id"] == account and account is not None]
        known = sorted((r for r in rows if (r["known_at"] or -1) < as_of), key=lambda r: r["known_at"] or -1)
        return known[-1].get(column) if known else None

    def of_value(self, rule: Rule, value: Any) -> float:
        if value is None:
            return rule.missing or 0.0
        for text, points in rule.values.items():
            if plain(value) == text.strip().casefold():
                return points
        for pattern, points in rule.patterns.items():
            if matches(str(value), pattern):
                return points
        for span in rule.ranges:
            low = -math.inf if span.from_ is None else span.from_
            high = math.inf if span.below is None else span.below
            if low <= number_of(value) < high:
                return span.points
        return rule.filled if rule.filled is not None else rule.otherwise or 0.0

    def of_activity(self, rule: Rule, lead_id: str, as_of: int) -> float:
        rows = [r for r in self.rows("activities", lead_id, as_of, rule.scope) if self.fits(rule, r)]
        within = [r for r in rows if rule.within_days is None or r["age"] <= rule.within_days * DAY]
        given = rule.none if rule.none is not None and not within else 0.0
        if rule.steps:
            counted = [
                (step, [r for r in rows if step.within_days is None or r["age"] <= step.within_days * DAY])
                for step in rule.steps
            ]
            reached = [s.points for s, seen in counted if self.count(rule, seen) >= s.at_least]
            return given + (max(reached, key=abs, default=0.0) if rule.take == "best" else sum(reached))
        if rule.points is None:
            return given
        if rule.per == "occurrence":
            return given + sum(rule.points * left(rule.decay, r["age"] / DAY) for r in within)
        if rule.per == "asset":
            return given + rule.points * self.count(rule, within)
        if len(within) < rule.at_least:
            return given
        return given + rule.points * left(rule.decay, min(r["age"] for r in within) / DAY)

    def count(self, rule: Rule, rows: list[Record]) -> int:
        if rule.per == "asset":
            return len({r["asset"] for r in rows if r["asset"] is not None})
        return len(rows)

    def fits(self, rule: Rule, row: Record) -> bool:
        actor = row.get("actor") or "lead"
        if row["kind"] not in rule.activity or actor not in {str(a) for a in rule.actors}:
            return False
        if row["bot"] and not rule.bots:
            return False
        asset = row.get("asset")
        return not rule.assets or (asset is not None and any(fnmatch.fnmatchcase(asset, a) for a in rule.assets))


def left(decay: Decay | None, age: float) -> float:
    """Share of the points left at an age in days."""
    if decay is None:
        return 1.0
    if decay.half_life_days is not None:
        return float(0.5 ** (age / decay.half_life_days))
    if decay.lifespan_days is not None:
        return max(0.0, 1 - age / decay.lifespan_days)
    assert decay.percent is not None and decay.every_days is not None
    periods = math.ceil(age / decay.every_days) - 1
    if decay.of == "original":
        return max(0.0, 1 - periods * decay.percent / 100)
    share = float((1 - decay.percent / 100) ** periods)
    return share if share >= 0.01 - 1e-12 else 0.0


def capped(points: float, cap: Cap | None) -> float:
    if cap is None:
        return points
    low = -math.inf if cap.minimum is None else cap.minimum
    high = math.inf if cap.maximum is None else cap.maximum
    return min(max(points, low), high)


def plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().casefold()


def matches(text: str, pattern: str) -> bool:
    if pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())
