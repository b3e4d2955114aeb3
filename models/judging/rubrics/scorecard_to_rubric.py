"""The learned scorecard as a proposed rubric that marketing can read, change and adopt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.catalog.feature import Catalog, Feature
from features.rubric.schema import Rubric
from features.rubric.yaml_format import rubric_yaml
from features.schema.operations import (
    ActivityCount,
    ActivityRecency,
    ActivityRows,
    AnswerAge,
    AnswerValue,
    ColumnValue,
    CurrentStage,
    Params,
)
from features.schema.vocabulary import Stage
from models.candidates.scorecard import ScorecardCandidate
from models.encoding.bins import CategoryBins, NumberBins
from models.encoding.linear_encoder import MISSING, RARE

_LONGEST_ID = 64  # of a rule's id (features/schema/source.py, Name)


@dataclass(frozen=True)
class Proposal:
    """A rubric made from a scorecard; ``left_out`` names features no rule of the grammar can express."""

    rubric: Rubric
    left_out: tuple[str, ...]
    card: ScorecardCandidate

    def points(self, values: pd.DataFrame) -> Floats:
        """The proposed rubric's points on rows with the scorecard's features, without building its rules' own."""
        total = self.card.points(values)
        for name in self.left_out:
            total = total - self.card.points_by_bin[name][self.card.bins[name].bins.codes(values[name])]
        return total

    def to_yaml(self) -> str:
        """The rubric as YAML, with what was left out in a comment."""
        missing = f"# Not expressible as rules and left out: {', '.join(self.left_out)}\n" if self.left_out else ""
        head = f"# Proposed from the learned scorecard. Read it, change it, agree on it.\n{missing}"
        return head + rubric_yaml(self.rubric)


def has_rules(card: ScorecardCandidate, catalog: Catalog) -> bool:
    """Whether any feature of the card can be a rule; of lists, decayed sums and the like alone no rubric is made."""
    return any(
        made is not None and made[0]
        for name, binned in card.bins.items()
        for made in [rules_of_feature(catalog[name], binned.bins, card.points_by_bin[name], None)]
    )


def propose_rubric(card: ScorecardCandidate, catalog: Catalog, name: str, handoff_points: float) -> Proposal:
    """Rules with the scorecard's points, for every feature that rules can read.

    Attributes and answers become points per value or range; counts and days since become steps whose points add up to
    the bin's; the age of an answer becomes rules that expire, the current stage rules that hold in a stage only.
    Decayed sums, trends, derived attributes and the like cannot be rules: see ``left_out``.
    """
    rules: list[dict[str, Any]] = []
    left_out, start = [], 0.0
    always = next((found for feature in catalog if "lead" in (found := _read_subject(feature.params) or {})), None)
    for feature_name, binned in card.bins.items():
        feature = catalog[feature_name]
        made = rules_of_feature(feature, binned.bins, card.points_by_bin[feature_name], always)
        if made is None:
            left_out.append(feature_name)
            continue
        parts, base = made
        start += base
        for k, (more, rule) in enumerate(parts):
            end = f"_{k + 1}" if len(parts) > 1 else ""
            name_of = _unused_id(f"learned_{feature_name}", end, rules)
            head = {"id": name_of, "group": str(feature.dimension), "topic": str(feature.topic)}
            rules.append({**head, "label": (feature.label or feature_name.replace("_", " ")) + more, **rule})

    used = dict.fromkeys(rule["group"] for rule in rules)
    rubric = Rubric.model_validate(
        {
            "name": name,
            "title": "Proposed from the learned scorecard",
            "start": start,
            "groups": {group: {"dimension": group} for group in used},
            "rules": rules,
            "thresholds": [{"stage": "mql", "points": handoff_points}],
            "handoff": {"stage": "mql"},
        }
    )
    return Proposal(rubric, tuple(left_out), card)


def _unused_id(name: str, end: str, rules: Sequence[Mapping[str, Any]]) -> str:
    """A rule id that the rubric's grammar takes and no other rule has: lower case, digits and underscores.

    Feature names carry activity kinds and questions as the data spell them (``Page View_30d``); the label keeps that
    spelling.

    >>> _unused_id("learned_Page View_30d", "_1", [])
    'learned_page_view_30d_1'
    >>> _unused_id("learned_Page View_30d", "", [{"id": "learned_page_view_30d"}])
    'learned_page_view_30d_v2'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    used = {rule["id"] for rule in rules}
    ends = (end, *(f"{end}_v{k}" for k in range(2, len(used) + 3)))
    return next(found for e in ends if (found := plain[: _LONGEST_ID - len(e)] + e) not in used)


_Parts = list[tuple[str, dict[str, Any]]]  # per rule: what to add to the feature's label, and the rule's keys


def rules_of_feature(
    feature: Feature, bins: NumberBins | CategoryBins, points: Ints, always: Mapping[str, str] | None
) -> tuple[_Parts, float] | None:
    """Keys of the feature's rules and the points every lead gets; None where the grammar has no such rule.

    ``always`` is a subject that any rule may speak of, for conditions that need none.
    """
    params = feature.params
    subject = _read_subject(params)
    if subject is not None:
        return [("", {**subject, **points_per_value(bins, points)})], 0.0
    if isinstance(bins, CategoryBins):
        staged = isinstance(params, CurrentStage) and params.condition is None
        return _stage_rules(always, bins, points) if staged and always is not None else None
    if isinstance(params, AnswerAge) and params.channel is None:
        return _answer_age_rules(params.question, bins, points)

    made = None
    if isinstance(params, ActivityCount) and not params.distinct_assets:
        made = _count_rule(params, bins, points)
    elif isinstance(params, ActivityRecency):
        made = _recency_rule(params, bins, points)
    if made is None:
        return None
    rule, base = made
    return [("", rule)] if rule else [], base


def _activity_keys(rows: ActivityRows) -> dict[str, Any] | None:
    """Keys of one rule that counts these activities; None where kinds differ in their assets or actors."""
    if rows.scope != "lead" or not rows.kinds:
        return None
    kinds, assets, actors = rows.kinds, rows.assets, rows.actors
    if rows.parts:
        assets, actors = rows.parts[0].assets, rows.parts[0].actors
        if any((part.assets, part.actors) != (assets, actors) for part in rows.parts):
            return None
        kinds = tuple(kind for part in rows.parts for kind in part.kinds)

    keys: dict[str, Any] = {"activity": list(kinds)}
    if assets:
        keys["assets"] = list(assets)
    if actors:
        keys["actors"] = list(actors)
    return {**keys, "bots": not rows.exclude_bots}


def _stage_rules(always: Mapping[str, str], bins: CategoryBins, points: Ints) -> tuple[_Parts, float] | None:
    """Rules that give their points whatever is on record, in some stages only; before any stage it is the base."""
    named = dict(zip(bins.code.levels, (float(p) for p in points), strict=True))
    base, rare = named.pop(MISSING, 0.0), named.pop(RARE, 0.0)
    if not set(named) <= set(Stage):
        return None
    stages: dict[float, list[str]] = {}
    for stage in Stage:
        stages.setdefault(named.get(stage, rare) - base, []).append(str(stage))
    stages.pop(0.0, None)
    return [
        (f": {', '.join(held)}", {**always, "filled": more, "missing": more, "only_in": held})
        for more, held in stages.items()
    ], base


def _answer_age_rules(question: str, bins: NumberBins, points: Ints) -> tuple[_Parts, float] | None:
    """Rules that expire one after the other: so many points more the fresher the answer is."""
    days = [round(edge) for edge in bins.edges]
    if any(edge < 1 for edge in bins.edges) or len(set(days)) < len(days):
        return None
    parts: _Parts = [
        (f": within {day} days", {"answer": question, "within_days": day, "filled": float(points[k] - points[k + 1])})
        for k, day in enumerate(days)
        if points[k] != points[k + 1]
    ]
    if points[-2] != points[-1]:
        parts.append((": ever", {"answer": question, "filled": float(points[-2] - points[-1])}))
    return parts, float(points[-1])


def _read_subject(params: Params) -> dict[str, str] | None:
    """The subject of a rule that reads the plain value; None for what is derived, tested or aggregated."""
    match params:
        case ColumnValue(condition=None, derive=None, read_as=None, table="leads"):
            return {"lead": params.column}
        case ColumnValue(condition=None, derive=None, read_as=None, table="accounts"):
            return {"account": params.column}
        case AnswerValue(condition=None, read_as=None, channel=None):
            return {"answer": params.question}
    return None


def points_per_value(bins: NumberBins | CategoryBins, points: Ints) -> dict[str, Any]:
    """Keys of one rule that gives the bins' points: per value of a category, per range of a number."""
    if isinstance(bins, CategoryBins):
        named = dict(zip(bins.code.levels, (float(p) for p in points), strict=True))
        rest = {"otherwise": named.pop(RARE, 0.0), "missing": named.pop(MISSING, 0.0)}
        return {"values": named, **rest} if named else {"filled": rest["otherwise"], "missing": rest["missing"]}
    whole = all(float(edge).is_integer() for edge in bins.edges)
    ends = [None, *(_above(edge, whole) for edge in bins.edges), None]
    ranges = [
        {key: end for key, end in (("from", low), ("below", high)) if end is not None} | {"points": float(p)}
        for low, high, p in zip(ends[:-1], ends[1:], points[:-1], strict=True)
    ]
    if len(ranges) == 1:
        return {"filled": float(points[0]), "missing": float(points[-1])}
    return {"ranges": ranges, "missing": float(points[-1])}


def _above(edge: float, whole: bool) -> float:
    """Where the next bin starts: one higher if all edges are whole (ages, counts), else the next number there is."""
    return float(edge + 1) if whole else float(np.nextafter(edge, np.inf))


def _count_rule(params: ActivityCount, bins: NumberBins, points: Ints) -> tuple[dict[str, Any], float] | None:
    """Steps that add up: so many points more from each count on."""
    activity = _activity_keys(params.rows)
    if activity is None:
        return None
    window = {} if params.window_days is None else {"within_days": int(params.window_days)}
    steps = [
        {"at_least": int(np.floor(edge)) + 1, **window, "points": float(points[k + 1] - points[k])}
        for k, edge in enumerate(bins.edges)
        if points[k + 1] != points[k] and edge >= 0
    ]
    if not steps:
        return {}, float(points[0])
    return {**activity, "steps": steps, "take": "sum"}, float(points[0])


def _recency_rule(params: ActivityRecency, bins: NumberBins, points: Ints) -> tuple[dict[str, Any], float] | None:
    """Steps that add up: so many points more the more recently it happened."""
    activity = _activity_keys(params.rows)
    if activity is None or any(edge < 1 for edge in bins.edges):
        return None
    steps: list[dict[str, Any]] = [
        {"within_days": round(edge), "points": float(points[k] - points[k + 1])}
        for k, edge in enumerate(bins.edges)
        if points[k] != points[k + 1]
    ]
    if points[-2] != points[-1]:
        steps.append({"points": float(points[-2] - points[-1])})
    if not steps:
        return {}, float(points[-1])
    return {**activity, "steps": steps, "take": "sum"}, float(points[-1])
