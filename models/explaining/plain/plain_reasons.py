"""Reasons as people say them: what is known first, then whether such leads win more or less often; no gender."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from features.catalog.feature import Catalog, Feature, Wording
from features.schema.operations import AnswerValue
from features.schema.source import Question, Source
from features.schema.vocabulary import Topic
from models.explaining.language import Language
from models.explaining.reasons import SHOWN_DIGITS, Reason, describe_fact, sign_of
from models.explaining.wording.labels import capitalise, translate_label, translate_value

_LEAST_DIFFERENCE = 0.01  # of two rates: closer ones would print as the same per cent
_SMALL_RATE = 0.1  # below it a tenth of a per cent still tells rates apart
_FLAGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {  # what a flag says where it is not set, and where it is
        "economic_buyer_missing": ("Somebody who signs is known", "Nobody who signs is known"),
        "champion_missing": ("Somebody inside speaks for it", "Nobody inside speaks for it"),
        "existing_customer": ("Is not a customer yet", "Is a customer already"),
        "free_mailbox": ("Writes from a company address", "Writes from a private mailbox"),
    }
)
_ANSWERS: Mapping[tuple[Topic, str], str] = MappingProxyType(
    {
        (Topic.AUTHORITY, "decides"): "Takes the decision",
        (Topic.AUTHORITY, "recommends"): "Recommends, does not decide",
        (Topic.AUTHORITY, "uses"): "Would use it, does not decide",
        (Topic.TIMELINE, "no plan"): "Has no plan to start",
        (Topic.TIMELINE, "this year"): "Wants to start this year",
        (Topic.TIMELINE, "this quarter"): "Wants to start this quarter",
        (Topic.BUDGET, "none"): "Says there is no budget",
    }
)


@dataclass(frozen=True, kw_only=True)
class PlainReason:
    """A reason for people.

    Parameters
    ----------
    says : what is known, a sentence without its full stop
    compares : whether leads like this win more or less often, with both rates; empty where they hardly differ
    figures : the same with the counts behind it
    helps : whether it speaks for the lead
    points : what it moves the score by
    """

    feature: str
    says: str
    compares: str
    figures: str
    helps: bool
    points: float

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "feature": self.feature,
            "says": self.says,
            "compares": self.compares,
            "figures": self.figures,
            "sign": sign_of(self.points),
            "points": round(self.points, SHOWN_DIGITS),
        }


def plain_reason(reason: Reason, source: Source | None, unit: float) -> PlainReason:
    """A reason in plain words; ``unit`` is points per log-odds."""
    return PlainReason(
        feature=reason.feature,
        says=say_fact(reason, source),
        compares=compare_rates(reason),
        figures=capitalise(reason.text),
        helps=reason.contribution > 0,
        points=reason.contribution * unit,
    )


def choose_reasons(
    reasons: Iterable[Reason], source: Source | None, unit: float, *, helps: bool, count: int
) -> list[PlainReason]:
    """The largest reasons of one side, one of a topic, those first that tell apart who wins.

    What moves the score by less than is printed is no reason. Features of the rubric and of evidence repeat what
    answers and activities say, so they stand back.
    """
    clear: list[PlainReason] = []
    other: list[PlainReason] = []
    topics: set[Topic | str] = set()
    for reason in reasons:
        feature = reason.writer.features.get(reason.feature)
        side = "+" if helps else "-"
        if sign_of(reason.contribution * unit) != side or feature is None or feature.family in ("rules", "evidence"):
            continue
        topic = reason.feature if feature.topic is Topic.CONTEXT else feature.topic
        if topic in topics:
            continue
        found = plain_reason(reason, source, unit)
        if found.compares:
            topics.add(topic)
            clear.append(found)
        else:
            other.append(found)
        if len(clear) == count:
            break
    return (clear + other)[:count]


def say_fact(reason: Reason, source: Source | None) -> str:
    """What is known, as a sentence without its full stop."""
    language, value = reason.writer.language, reason.value
    feature = reason.writer.features.get(reason.feature)
    if feature is not None and not _is_missing(value):
        if feature.name in _FLAGS:
            return language.text(_FLAGS[feature.name][float(value) > 0])
        question = _question_of(feature, source)
        if question is not None:
            return say_answer(language, question, feature.label, value)
        if feature.family == "rules" and feature.wording is Wording.FLAG:
            met = "Meets the rubric's rule: {label}" if float(value) > 0 else "Does not meet the rubric's rule: {label}"
            return language.text(met, label=translate_label(language, feature.label))
    known = None if _is_missing(value) else value
    return capitalise(describe_fact(feature, reason.feature, known, reason.writer.language))


def unmet_answers(row: Mapping[str, Any], source: Source | None, catalog: Catalog, language: Language) -> list[str]:
    """What was said that keeps a criterion from being met, each a sentence without its full stop, the youngest first.

    Answers that are too old to count, and questions of which no answer is declared to meet them, are left out.
    """
    found: list[tuple[float, str]] = []
    for feature in catalog.of_family("answers"):
        question, value = _question_of(feature, source), row.get(feature.name)
        if question is None or _is_missing(value):
            continue
        age = row.get(f"{feature.name}_age")
        days = 0.0 if _is_missing(age) else float(age)  # type: ignore[arg-type]
        expired = question.valid_for_days is not None and days > question.valid_for_days
        if not expired and _is_unmet(question, value):
            found.append((days, say_answer(language, question, feature.label, value)))
    return [text for _, text in sorted(found)]


def _is_unmet(question: Question, value: Any) -> bool:
    if isinstance(value, str):
        return bool(question.met) and value not in question.met
    return question.met_minimum is not None and float(value) < question.met_minimum


def say_answer(language: Language, question: Question, label: str, value: Any) -> str:
    """What somebody answered, as a sentence without its full stop and without a guess of who they are."""
    if isinstance(value, str):
        known = _ANSWERS.get((question.topic, value.replace("_", " ")))
        if known is not None:
            return language.text(known)
        if question.topic is Topic.BUDGET:
            return language.text("Says the budget is {value}", value=translate_value(language, value))
        return language.text(
            "Says about {label}: {value}",
            label=translate_label(language, label),
            value=translate_value(language, value),
        )
    number = language.number(float(value))
    if question.maximum is None:
        return language.text("Says about {label}: {value}", label=translate_label(language, label), value=number)
    most = language.number(question.maximum)
    if question.topic is Topic.NEED:
        return language.text("Says the pain is {value} of {most}", value=number, most=most)
    return language.text(
        "Says about {label}: {value} of {most}", label=translate_label(language, label), value=number, most=most
    )


def compare_rates(reason: Reason) -> str:
    """How often leads like this win and all do, where that goes with the reason's sign; else the empty text."""
    writer = reason.writer
    feature = writer.features.get(reason.feature)
    rates = None if feature is None else _rates(feature, reason.value, writer.facts.get(reason.feature, {}))
    if rates is None:
        return ""
    rate, base = rates
    if (rate > base) != (reason.contribution > 0) or abs(rate - base) < _LEAST_DIFFERENCE:
        return ""
    language = writer.language
    shown = {name: write_rate(language, share) for name, share in (("rate", rate), ("base", base))}
    if rate > base:
        return language.text("Leads like this win more often ({rate} against {base}).", **shown)
    return language.text("Leads like this win less often ({rate} against {base}).", **shown)


def write_rate(language: Language, share: float) -> str:
    """A rate in whole per cent, small ones with a tenth."""
    return language.chance(share, 1 if share < _SMALL_RATE else 0)


def _rates(feature: Feature, value: Any, fact: Mapping[str, Any]) -> tuple[float, float] | None:
    """Share of won leads among those like this one, and among all, by the training rows; None where not known."""
    if "levels" in fact:
        level = "" if _is_missing(value) else str(value)
        return (float(fact["levels"][level][0]), float(fact["base"])) if level in fact["levels"] else None
    if "won_leads" not in fact or "lost_leads" not in fact:
        return None
    won, lost = float(fact["won_leads"]), float(fact["lost_leads"])
    if _is_missing(value):
        shares = fact.get("won_missing"), fact.get("lost_missing")
    elif "threshold" in fact and feature.wording is not Wording.CATEGORY:
        above = float(value) >= fact["threshold"]
        known = tuple(1 - (fact.get(f"{side}_missing") or 0.0) for side in ("won", "lost"))
        share = tuple(fact[f"{side}_share"] if above else 1 - fact[f"{side}_share"] for side in ("won", "lost"))
        shares = known[0] * share[0], known[1] * share[1]
    else:
        return None
    if shares[0] is None or shares[1] is None or won + lost == 0:
        return None
    such = won * shares[0] + lost * shares[1]
    return None if such <= 0 else (won * shares[0] / such, won / (won + lost))


def _question_of(feature: Feature, source: Source | None) -> Question | None:
    if source is None or not isinstance(feature.params, AnswerValue) or feature.params.read_as is not None:
        return None
    return source.questions.get(feature.params.question)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)
