"""What stands under a criterion: what was stated first, with its own points, then what else moves the score."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.catalog.feature import Catalog
from features.schema.operations import AnswerValue
from features.schema.source import Source
from features.schema.vocabulary import EvidenceStatus
from models.explaining.framework import Framework
from models.explaining.language import Language
from models.explaining.reasons import SHOWN_DIGITS, Reason, sign_of
from models.explaining.wording.labels import translate_label, translate_value

SHOWN = 2  # facts of a criterion: "the one or two facts behind it" of the rep's card
CLEAR_POINTS = 1  # shown points from which they say another thing than the status
_TELLING = 0.5  # points from which a fact is named among those that outweigh an answer
_NAMED = 2  # facts that a sentence names


@dataclass(frozen=True, kw_only=True)
class StatedAnswer:
    """An answer on record: its question and label, what was said, its own points, whether it has expired, and whether
    its question says which answers meet the criterion.
    """

    question: str
    feature: str
    label: str
    value: str
    points: float
    age_days: float | None
    expired: bool
    has_rule: bool


def stated_answers(
    row: Mapping[str, Any], source: Source | None, catalog: Catalog, points: Mapping[str, float], language: Language
) -> list[StatedAnswer]:
    """Answers in force of one row, the youngest first.

    Parameters
    ----------
    row : feature values
    points : points of every feature the model uses
    """
    found = []
    for feature in catalog.of_family("answers"):
        if not isinstance(feature.params, AnswerValue) or source is None:
            continue
        question, value = source.questions.get(feature.params.question), row.get(feature.name)
        if question is None or feature.params.read_as is not None or _is_missing(value):
            continue
        age = _number(row.get(f"{feature.name}_age"))
        found.append(
            StatedAnswer(
                question=feature.params.question,
                feature=feature.name,
                label=translate_label(language, question.label or feature.params.question.replace("_", " ")),
                value=_in_words(value, language),
                points=points.get(feature.name, 0.0),
                age_days=age,
                expired=age is not None and question.valid_for_days is not None and age > question.valid_for_days,
                has_rule=bool(question.met) or question.met_minimum is not None,
            )
        )
    return sorted(found, key=lambda answer: math.inf if answer.age_days is None else answer.age_days)


def list_facts(
    stated: Sequence[StatedAnswer], reasons: Sequence[Reason], unit: float, language: Language
) -> list[dict[str, Any]]:
    """Facts of one criterion: every stated answer first, then the largest others, one of them at least.

    What moves the score by less than is printed speaks neither for nor against the lead: its ``sign`` is ``=``.

    Parameters
    ----------
    stated, reasons : of this criterion; reasons largest first
    unit : points per log-odds
    """
    facts: list[dict[str, Any]] = []
    by_feature = {reason.feature: reason for reason in reasons}
    for answer in stated:
        reason = by_feature.get(answer.feature)
        text = language.text("{label}: {value}", label=answer.label, value=answer.value)
        if answer.expired:
            text += language.text(" (too old to count as known)")
        points = round(answer.points, SHOWN_DIGITS)
        facts.append(
            {
                "text": text if reason is None or answer.expired else reason.text,
                "sign": sign_of(points),
                "points": points,
                "stated": True,
                "question": answer.question,
            }
        )

    told = {answer.feature for answer in stated}
    others = [reason for reason in reasons if reason.feature not in told]
    for reason in others[: max(SHOWN - len(facts), 1)]:
        points = round(reason.contribution * unit, SHOWN_DIGITS)
        facts.append({"text": reason.text, "sign": sign_of(points), "points": points, "stated": False})
    return facts


def explain_difference(
    status: str,
    points: int,
    stated: Sequence[StatedAnswer],
    reasons: Sequence[Reason],
    unit: float,
    language: Language,
) -> str:
    """One sentence where a criterion's status and its points say different things, else the empty text.

    Points are of the model and weigh everything on record that bears on a criterion, by what became of such leads;
    the status is the last valid answer alone, of those to questions that say what meets the criterion.
    """
    met, not_met = status == str(EvidenceStatus.MET), status == str(EvidenceStatus.NOT_MET)
    if not (met and points <= -CLEAR_POINTS) and not (not_met and points >= CLEAR_POINTS):
        return ""

    answer = next((one for one in stated if one.has_rule and not one.expired), None)
    against_status = 1 if not_met else -1  # sign of the points that outweigh the status
    chosen = None if answer is None else answer.feature
    other = [
        reason
        for reason in reasons
        if reason.feature != chosen and reason.contribution * unit * against_status >= _TELLING
    ]
    names = _join([reason.label for reason in other[:_NAMED]], language)
    said = "" if answer is None else f"{answer.label}: {answer.value}"
    own = 0.0 if answer is None else answer.points * against_status

    say = language.text
    if not_met:
        if names and own < _TELLING:
            return say("What was said speaks against it ({said}); {facts} speak for it.", said=said, facts=names)
        if names:
            return say(
                "What was said does not meet it ({said}), yet such leads win more often than the others; {facts} speak "
                "for it too.",
                said=said,
                facts=names,
            )
        if own < _TELLING:
            return say("What was said does not meet it ({said}); other facts together outweigh it.", said=said)
        return say(
            "What was said does not meet it ({said}), yet leads who answer so win more often than the others.",
            said=said,
        )
    if names and own < _TELLING:
        return say("What was said meets it ({said}); {facts} speak against it.", said=said, facts=names)
    if names:
        return say(
            "What was said meets it ({said}), yet such leads win less often than the others; {facts} speak against it "
            "too.",
            said=said,
            facts=names,
        )
    if own < _TELLING:
        return say("What was said meets it ({said}); other facts together outweigh it.", said=said)
    return say(
        "What was said meets it ({said}), yet leads who answer so win less often than the others.",
        said=said,
    )


def group_by_criterion(
    stated: Sequence[StatedAnswer], source: Source | None, framework: Framework
) -> dict[str, list[StatedAnswer]]:
    """Stated answers by the criterion their question speaks of."""
    found: dict[str, list[StatedAnswer]] = {}
    for answer in stated:
        if source is not None:
            home = framework.criterion_of(source.questions[answer.question].topic)
            found.setdefault(home, []).append(answer)
    return found


def _in_words(value: Any, language: Language) -> str:
    return translate_value(language, value) if isinstance(value, str) else language.number(float(value))


def _join(names: Sequence[str], language: Language) -> str:
    return language.text("{one} and {two}", one=names[0], two=names[1]) if len(names) == 2 else "".join(names)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> float | None:
    return None if _is_missing(value) else float(value)
