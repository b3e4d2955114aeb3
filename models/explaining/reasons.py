"""Reasons in plain words: the fact, its number, and how won and other leads compare; never against its sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.catalog import Catalog, Feature, FeatureType, Wording
from models.scorer import Contributions, Floats

TOP = 3


@dataclass(frozen=True)
class Reason:
    """One sentence, the feature it speaks of and its contribution in log-odds."""

    feature: str
    contribution: float
    text: str

    @property
    def sign(self) -> str:
        return "+" if self.contribution > 0 else "-"


class Wordsmith:
    """Words for (feature, value, sign); sentences are kept, as leads share most of them."""

    def __init__(self, catalog: Catalog, facts: Mapping[str, Any]) -> None:
        self.features = {feature.name: feature for feature in catalog}
        self.facts = facts
        self._kept: dict[tuple[str, Any, bool], str] = {}

    def text(self, name: str, value: Any, contribution: float) -> str:
        """The sentence of a feature's value."""
        missing = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
        key = (name, None if missing else value, contribution > 0)
        if key not in self._kept:
            feature = self.features.get(name)
            self._kept[key] = _sentence(feature, name, key[1], contribution > 0, self.facts.get(name, {}))
        return self._kept[key]

    def is_silent(self, name: str, value: Any) -> bool:
        """Whether a value says nothing of its own: the missing age of an answer repeats that there is none."""
        feature = self.features.get(name)
        missing = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
        return missing and feature is not None and feature.wording is Wording.AGE

    def reasons(self, row: Mapping[str, Any], names: tuple[str, ...], contributions: Floats) -> list[Reason]:
        """All reasons of one row, largest first; contributions of exactly 0 give none."""
        by_size = np.argsort(-np.abs(contributions), kind="stable")
        order = [int(k) for k in by_size if not self.is_silent(names[k], row.get(names[k]))]
        return [
            Reason(names[k], float(contributions[k]), self.text(names[k], row.get(names[k]), float(contributions[k])))
            for k in order
            if contributions[k] != 0.0
        ]


def top_reasons(
    words: Wordsmith, contributions: Contributions, values: pd.DataFrame, count: int = TOP
) -> list[list[str]]:
    """Per row the ``count`` largest reasons as text, marked + or -, empty where there are fewer."""
    size = np.abs(contributions.values)
    for k, name in enumerate(contributions.names):
        feature = words.features.get(name)
        if feature is not None and feature.wording is Wording.AGE:
            size[values[name].isna().to_numpy(), k] = 0.0
    width = min(count, size.shape[1])
    if width == 0:
        return [[""] * count for _ in range(len(values))]
    top = np.argpartition(-size, width - 1, axis=1)[:, :width]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(size, top, axis=1), axis=1, kind="stable"), axis=1)
    named = [contributions.names[k] for k in np.unique(top)]
    columns = {n: values[n].to_numpy(dtype=object) for n in named if n in values.columns}
    texts = []
    for i, picks in enumerate(top):
        row = []
        for k in picks:
            part = float(contributions.values[i, k])
            name = contributions.names[k]
            value = columns[name][i] if name in columns else None
            silent = part == 0.0 or words.is_silent(name, value)
            row.append("" if silent else f"{'+' if part > 0 else '-'} {words.text(name, value, part)}")
        texts.append(row + [""] * (count - width))
    return texts


def _sentence(feature: Feature | None, name: str, value: Any, helps: bool, fact: Mapping[str, Any]) -> str:
    if feature is None:
        return f"{name.replace('_', ' ')}"
    label = feature.label or name.replace("_", " ")
    if value is None:
        known = label.removeprefix("days since ").removeprefix("an ")
        return f"no {known} on record{_missing_note(fact, helps)}"
    if feature.type is FeatureType.CATEGORY:
        return f"{label}: {str(value).replace('_', ' ')}{_level_note(fact, str(value), helps)}"
    return f"{_stated(feature, label, float(value))}{_threshold_note(feature, fact, float(value), helps)}"


def _stated(feature: Feature, label: str, value: float) -> str:
    match feature.wording:
        case Wording.COUNT:
            if value == 1:
                return f"{label}: 1"  # labels are plural
            return f"no {label}" if value == 0 else f"{_shown(value)} {label}"
        case Wording.DECAYED:
            return f"{label}, recent ones counting most: {value:.1f}"
        case Wording.FLAG:
            return f"{label}: {'yes' if value > 0 else 'no'}"
        case Wording.RECENCY:
            return f"{label.removeprefix('days since ')}: last {_days(value)} ago"
        case Wording.AGE:
            return f"{label}: {_days(value)}"
        case Wording.SHARE:
            return f"{label}: {value:.0%}"
        case _:
            unit = (
                f" {feature.unit}"
                if feature.unit and feature.unit not in ("as given", "as answered", "score", "count")
                else ""
            )
            return f"{label}: {_shown(value)}{unit}"


def _shown(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _days(value: float) -> str:
    if value < 1:
        return "less than a day"
    whole = round(value)
    return f"{whole} day{'' if whole == 1 else 's'}"


def _threshold_note(feature: Feature, fact: Mapping[str, Any], value: float, helps: bool) -> str:
    """Comparison of the side of the threshold the value is on, only where it agrees with the sign."""
    if "threshold" not in fact:
        return ""
    above = value >= fact["threshold"]
    won, lost = fact["won_share"], fact["lost_share"]
    if not above:
        won, lost = 1 - won, 1 - lost
    if (won > lost) != helps or abs(won - lost) < 0.005:
        return ""
    if feature.wording is Wording.FLAG:
        return f" (so for {won:.0%} of won and {lost:.0%} of other leads)"
    if feature.wording in (Wording.RECENCY, Wording.AGE):
        bound = f"{_shown(fact['threshold'])} days or more" if above else f"under {_shown(fact['threshold'])} days"
    else:
        bound = f"{_shown(fact['threshold'])} or more" if above else f"under {_shown(fact['threshold'])}"
    return f" ({bound} for {won:.0%} of won and {lost:.0%} of other leads)"


def _level_note(fact: Mapping[str, Any], level: str, helps: bool) -> str:
    if level not in fact.get("levels", {}):
        return ""
    rate, leads = fact["levels"][level]
    if (rate > fact["base"]) != helps:
        return ""
    return f" ({rate:.1%} of {leads:,.0f} such leads won, {fact['base']:.1%} of all)"


def _missing_note(fact: Mapping[str, Any], helps: bool) -> str:
    if "levels" in fact:
        return _level_note(fact, "", helps)
    won, lost = fact.get("won_missing"), fact.get("lost_missing")
    if won is None or lost is None or (won > lost) != helps:
        return ""
    return f" (missing for {won:.0%} of won and {lost:.0%} of other leads)"
