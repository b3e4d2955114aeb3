"""The learned scorecard as a proposed rubric that marketing can read, change and adopt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from features.catalog import Catalog, Feature
from features.rubric import Rubric
from models.binning import CategoryBins, NumberBins
from models.candidates.scorecard import ScorecardCandidate
from models.encoding import MISSING, RARE
from models.scorer import Floats, Ints


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
        record = self.rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110)
        missing = f"# Not expressible as rules and left out: {', '.join(self.left_out)}\n" if self.left_out else ""
        return f"# Proposed from the learned scorecard. Read it, change it, agree on it.\n{missing}{text}"


def propose(card: ScorecardCandidate, catalog: Catalog, name: str, handoff_points: float) -> Proposal:
    """Rules with the scorecard's points, one per feature that a rule can read.

    Attributes and answers become points per value or range; counts and days since become steps whose points add up to
    the bin's. Decayed sums, trends and the like cannot be rules: see ``left_out``.
    """
    rules, left_out, start = [], [], 0.0
    for feature_name, binned in card.bins.items():
        feature = catalog[feature_name]
        points = card.points_by_bin[feature_name]
        made = _rule(feature, binned.bins, points)
        if made is None:
            left_out.append(feature_name)
            continue
        rule, base = made
        start += base
        if rule:
            head = {"id": f"learned_{feature_name}"[:64], "group": str(feature.dimension), "topic": str(feature.topic)}
            rules.append({**head, "label": feature.label or feature_name.replace("_", " "), **rule})
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


def _rule(feature: Feature, bins: NumberBins | CategoryBins, points: Ints) -> tuple[dict[str, Any], float] | None:
    """Keys of a rule and the points every lead gets; None where the grammar has no such rule."""
    params = feature.params
    subject = _subject(params)
    if subject is not None:
        return {**subject, **_values(bins, points)}, 0.0
    plain = params.get("table") == "activities" and params.get("scope", "lead") == "lead" and params.get("kinds")
    if not plain or isinstance(bins, CategoryBins) or "parts" in params or params.get("half_lives"):
        return None
    if params.get("op") == "count" and not params.get("distinct_assets"):
        return _counted(params, bins, points)
    return _since(params, bins, points) if params.get("op") == "recency" else None


def _subject(params: Mapping[str, Any]) -> dict[str, str] | None:
    if {"test", "derive", "as"} & set(params):
        return None
    if params.get("table") == "leads" and params.get("column"):
        return {"lead": str(params["column"])}
    if params.get("table") == "accounts" and params.get("column"):
        return {"account": str(params["column"])}
    if params.get("table") == "answers" and params.get("op") == "value" and params.get("channel") is None:
        return {"answer": str(params["question"])}
    return None


def _values(bins: NumberBins | CategoryBins, points: Ints) -> dict[str, Any]:
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


def _activity(params: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"activity": list(params["kinds"])}
    if params.get("assets"):
        keys["assets"] = list(params["assets"])
    if params.get("actors"):
        keys["actors"] = list(params["actors"])
    return {**keys, "bots": not params.get("exclude_bots", True)}


def _counted(params: Mapping[str, Any], bins: NumberBins, points: Ints) -> tuple[dict[str, Any], float]:
    """Steps that add up: so many points more from each count on."""
    window = {} if params.get("window_days") is None else {"within_days": int(params["window_days"])}
    steps = [
        {"at_least": int(np.floor(edge)) + 1, **window, "points": float(points[k + 1] - points[k])}
        for k, edge in enumerate(bins.edges)
        if points[k + 1] != points[k] and edge >= 0
    ]
    if not steps:
        return {}, float(points[0])
    return {**_activity(params), "steps": steps, "take": "sum"}, float(points[0])


def _since(params: Mapping[str, Any], bins: NumberBins, points: Ints) -> tuple[dict[str, Any], float] | None:
    """Steps that add up: so many points more the more recently it happened."""
    if params.get("window_days") is not None or any(edge < 1 for edge in bins.edges):
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
    return {**_activity(params), "steps": steps, "take": "sum"}, float(points[-1])
