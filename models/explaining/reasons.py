"""Reasons in plain words: the fact, its number, and how won and other leads compare; never against its sign."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.assembly.frameless_rows import Values, column_names, number_block, objects
from features.catalog.feature import Catalog, Feature, FeatureType, Wording
from models.explaining.language import ENGLISH, Language
from models.explaining.model_bars import UNMAPPED, feature_of_segment, is_segment_contribution
from models.explaining.wording.labels import translate_label, translate_value
from models.interfaces import Contributions

TOP = 3  # reasons of a lead in a scored file: columns reason_1 to reason_3
SHOWN_DIGITS = 1  # of the points of one fact
_SENTENCES = 5_000  # sentences a writer keeps; bounds its memory, as numbers take many values
_NAME_LISTS = 64  # lists of features whose ages are kept: one a set of components, so a few are in use
_LEAST_DIFFERENCE = 0.005  # of two shares that are compared: closer ones would print as the same per cent
_UNITLESS = ("as given", "as answered", "score", "count")
_SO_FOR = " (so for {won} of {won_leads} won and {lost} of {lost_leads} other leads)"
_BOUND_FOR = " ({bound} for {won} of {won_leads} won and {lost} of {lost_leads} other leads)"
_MISSING_FOR = " (missing for {won} of {won_leads} won and {lost} of {lost_leads} other leads)"
_LEVEL = " ({rate} of {leads} such leads won, {base} of all)"
_LEVEL_NONE = " (none of {leads} such leads won, {base} of all)"
_LEVEL_ALL = " (all of {leads} such leads won, {base} of all)"


class Reason(NamedTuple):
    """The feature a sentence speaks of, its contribution in log-odds, its value, and the writer of the sentence."""

    feature: str
    contribution: float
    value: Any
    writer: "ReasonWriter"

    @property
    def text(self) -> str:
        """The sentence; written when it is asked for, as most are never read."""
        return self.writer.text(self.feature, self.value, self.contribution)

    @property
    def label(self) -> str:
        """The feature in a few words."""
        feature = self.writer.features.get(self.feature)
        label = (feature.label if feature is not None else "") or self.feature.replace("_", " ")
        return translate_label(self.writer.language, label.removeprefix("days since "))


def sign_of(points: float) -> str:
    """``+`` where a fact speaks for the lead, ``-`` against it, ``=`` for neither: points that print as 0.0.

    >>> [sign_of(points) for points in (0.05001, 0.04, -0.04, -3)]
    ['+', '=', '=', '-']
    """
    shown = round(points, SHOWN_DIGITS)
    return "+" if shown > 0 else "-" if shown < 0 else "="


class ReasonWriter:
    """Writes the sentence of (feature, value, sign) in one language, and keeps it, as leads share most sentences."""

    def __init__(self, catalog: Catalog, facts: Mapping[str, Any], language: Language = ENGLISH) -> None:
        self.language = language
        self.features = catalog.by_name
        self.facts = facts

    def text(self, name: str, value: Any, contribution: float) -> str:
        """The sentence of a feature's value."""
        return self._kept_sentence(name, None if _is_missing(value) else value, contribution > 0)

    @cached_property
    def _kept_sentence(self) -> Callable[[str, Any, bool], str]:
        return lru_cache(maxsize=_SENTENCES)(self._write)

    def _write(self, name: str, value: Any, helps: bool) -> str:
        context = _FactContext(self.facts.get(name, {}), helps, self.language)
        if is_segment_contribution(name):
            return _describe_segment(self.features.get(feature_of_segment(name)), name, context)
        return _write_sentence(self.features.get(name), name, value, context)

    @cached_property
    def ages(self) -> frozenset[str]:
        """Features that tell how old something is."""
        return frozenset(name for name, feature in self.features.items() if feature.wording is Wording.AGE)

    def is_silent(self, name: str, value: Any) -> bool:
        """Whether a value says nothing of its own: the missing age of an answer repeats that there is none."""
        return name in self.ages and _is_missing(value)

    def reasons(self, row: Mapping[str, Any], names: tuple[str, ...], contributions: Floats) -> list[Reason]:
        """All reasons of one row, largest first; contributions of exactly 0 give none."""
        order = np.argsort(-np.abs(contributions), kind="stable").tolist()
        parts = contributions.tolist()
        silent = {name for name in self.ages if _is_missing(row.get(name))}
        return [
            Reason(names[k], parts[k], row.get(names[k]), self)
            for k in order
            if parts[k] != 0.0 and names[k] not in silent
        ]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def top_reasons(
    writer: ReasonWriter, contributions: Contributions, values: Values, count: int = TOP
) -> list[list[str]]:
    """Per row the ``count`` largest reasons as text, marked + or -, empty where there are fewer."""
    size = np.abs(contributions.values)
    ages = _ages_among(contributions.names, writer.ages)
    if ages:
        missing = np.isnan(number_block(values, [contributions.names[k] for k in ages]))
        size[:, ages] = np.where(missing, 0.0, size[:, ages])

    width = min(count, size.shape[1])
    if width == 0:
        return [[""] * count for _ in range(len(values))]
    top = np.argpartition(-size, width - 1, axis=1)[:, :width]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(size, top, axis=1), axis=1, kind="stable"), axis=1)

    named = [contributions.names[k] for k in np.unique(top)]
    known = column_names(values)
    columns = {n: objects(values, n) for n in named if n in known}

    texts = []
    for i, picks in enumerate(top):
        row = []
        for k in picks:
            part = float(contributions.values[i, k])
            name = contributions.names[k]
            value = columns[name][i] if name in columns else None
            silent = part == 0.0 or writer.is_silent(name, value)
            row.append("" if silent else f"{'+' if part > 0 else '-'} {writer.text(name, value, part)}")
        texts.append(row + [""] * (count - width))
    return texts


@lru_cache(maxsize=_NAME_LISTS)
def _ages_among(names: tuple[str, ...], ages: frozenset[str]) -> list[int]:
    """Positions of the features that are ages."""
    return [k for k, name in enumerate(names) if name in ages]


@dataclass(frozen=True)
class _FactContext:
    """What the training rows say of a feature, the sign a sentence must agree with, and its language."""

    fact: Mapping[str, Any]
    helps: bool
    language: Language

    def compare(self, template: str, won: float, lost: float, **values: Any) -> str:
        """A comparison of won and other leads, with how many there were of each."""
        counts = {f"{side}_leads": self.language.number(round(self.fact[f"{side}_leads"])) for side in ("won", "lost")}
        shares = {"won": self.language.chance(won, 0), "lost": self.language.chance(lost, 0)}
        return self.language.text(template, **counts, **shares, **values)


def _describe_segment(feature: Feature | None, name: str, context: _FactContext) -> str:
    """What the level of a lead's segment says, beside what its facts do."""
    label = (feature.label if feature else "") or feature_of_segment(name).replace("_", " ")
    label, say = translate_label(context.language, label), context.language.text
    if context.helps:
        return say("leads of this {label} win more often than their other facts say", label=label)
    return say("leads of this {label} win less often than their other facts say", label=label)


def _write_sentence(feature: Feature | None, name: str, value: Any, context: _FactContext) -> str:
    """The value in words, and how won and other leads compare."""
    said = describe_fact(feature, name, value, context.language)
    if feature is None:
        return said
    if value is None:
        return said + _missing_note(context)
    if feature.type is FeatureType.CATEGORY:
        return said + _level_note(context, str(value))
    return said + _threshold_note(feature, float(value), context)


def describe_fact(feature: Feature | None, name: str, value: Any, language: Language) -> str:
    """A feature's value in words, None for one that is missing; an unknown feature by its name."""
    say = language.text
    if feature is None:
        if name == UNMAPPED:
            return say("what the other model makes of facts that are not known here")
        return f"{name.replace('_', ' ')}"
    label = feature.label or name.replace("_", " ")
    if value is None:
        known = label.removeprefix("days since ").removeprefix("an ")
        return say("no {thing} on record", thing=translate_label(language, known))
    if feature.type is FeatureType.CATEGORY:
        shown = translate_value(language, str(value))
        return say("{label}: {value}", label=translate_label(language, label), value=shown)
    return _describe_value(feature, label, float(value), language)


def _describe_value(feature: Feature, label: str, value: float, language: Language) -> str:
    """A known number in words, by the wording its feature declares."""
    say, raw, label = language.text, label, translate_label(language, label)
    match feature.wording:
        case Wording.COUNT:
            if value == 1:
                return say("{label}: {value}", label=label, value="1")  # labels are plural
            if value == 0:
                return say("no {label}", label=label)
            return say("{count} {label}", label=label, count=language.number(value))
        case Wording.DECAYED:
            return say("{label}, recent ones counting most: {value}", label=label, value=language.decimal(value, 1))
        case Wording.FLAG:
            return say("{label}: yes" if value > 0 else "{label}: no", label=label)
        case Wording.RECENCY:
            since = translate_label(language, raw.removeprefix("days since "))
            return say("{label}: last {days} ago", label=since, days=_days(value, language))
        case Wording.AGE:
            return say("{label}: {value}", label=label, value=_days(value, language))
        case Wording.SHARE:
            return say("{label}: {value}", label=label, value=language.share(value))
        case _:
            unit = "" if feature.unit in ("", *_UNITLESS) else f" {feature.unit}"
            return say("{label}: {value}", label=label, value=language.number(value) + unit)


def _days(value: float, language: Language) -> str:
    """A time span in whole days."""
    if value < 1:
        return language.text("less than a day")
    whole = round(value)
    return language.plural("{n} day", "{n} days", whole, n=language.number(whole))


def _threshold_note(feature: Feature, value: float, context: _FactContext) -> str:
    """Comparison of the side of the threshold the value is on, only where it agrees with the sign."""
    fact, say = context.fact, context.language.text
    if "threshold" not in fact:
        return ""
    above = value >= fact["threshold"]
    won, lost = fact["won_share"], fact["lost_share"]
    if not above:
        won, lost = 1 - won, 1 - lost
    if (won > lost) != context.helps or abs(won - lost) < _LEAST_DIFFERENCE:
        return ""

    if feature.wording is Wording.FLAG:
        return context.compare(_SO_FOR, won, lost)

    border = context.language.number(fact["threshold"])
    if feature.wording in (Wording.RECENCY, Wording.AGE):
        digits = 0 if fact["threshold"] >= 10 else 1  # below ten days a tenth of a day still tells leads apart
        border = context.language.decimal(fact["threshold"], digits)
        bound = say("{n} days or more" if above else "under {n} days", n=border)
    else:
        bound = say("{n} or more" if above else "under {n}", n=border)
    return context.compare(_BOUND_FOR, won, lost, bound=bound)


def _level_note(context: _FactContext, level: str) -> str:
    """How often leads of a level won, only where it agrees with the sign."""
    fact, language = context.fact, context.language
    if level not in fact.get("levels", {}):
        return ""
    rate, leads = fact["levels"][level]
    if (rate > fact["base"]) != context.helps:
        return ""
    template = _LEVEL_NONE if rate == 0 else _LEVEL_ALL if rate == 1 else _LEVEL
    shown = {"rate": language.chance(rate, 1), "base": language.chance(fact["base"], 1)}
    return language.text(template, leads=language.number(round(leads)), **shown)


def _missing_note(context: _FactContext) -> str:
    """How often the value is missing among won and other leads, only where it agrees with the sign."""
    fact = context.fact
    if "levels" in fact:
        return _level_note(context, "")
    won, lost = fact.get("won_missing"), fact.get("lost_missing")
    if won is None or lost is None or (won > lost) != context.helps:
        return ""
    return context.compare(_MISSING_FOR, won, lost)
