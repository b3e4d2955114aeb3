"""A rule in words: what it reads, when it gives points, and what limits them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from features.rubric.draft import Path
from features.schema.source import Source
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from serving.pages.written_values import form_of, write_decimal

Content = Mapping[str, Any]
_WORDS_OF_A_TITLE = re.compile(r"^/\\b\(?([\w| -]+)\)?\\b/$")
_PER = {"occurrence": "each time", "asset": "each different one", "once": "once"}
GROUP_NAMES = {
    "fit": "Fit",
    "interest": "Reads and watches",
    "intent": "Acts like a buyer",
    "usage": "Uses the product",
}


def plain_name(name: str) -> str:
    """An id as words, the first letter large.

    >>> plain_name("job_title")
    'Job title'
    """
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def rule_name(rule: Content, source: Source, language: Language) -> str:
    """How a rule is called: its label, else what it reads."""
    label = str(rule.get("label") or "")
    return capitalise(translate_label(language, label)) if label else subject_name(rule, source, language)


def subject_of(rule: Content) -> tuple[str, str]:
    """What a rule reads: ``lead``, ``account``, ``answer`` or ``activity``, and its name."""
    for subject in ("lead", "account", "answer"):
        if rule.get(subject):
            return subject, str(rule[subject])
    kinds = rule.get("activity") or ()
    return "activity", kinds if isinstance(kinds, str) else ", ".join(kinds)


def subject_name(rule: Content, source: Source, language: Language) -> str:
    """What a rule reads, in the words of the source."""
    subject, name = subject_of(rule)
    names = [name] if subject != "activity" else name.split(", ")
    labels = [declared_label(source, subject, one) or plain_name(one) for one in names]
    return ", ".join(capitalise(translate_label(language, text)) for text in labels if text)


def declared_label(source: Source, subject: str, name: str) -> str:
    """The label the source declares for what a rule may read; empty where it declares none."""
    if subject == "answer":
        return source.questions[name].label if name in source.questions else ""
    if subject == "activity":
        return source.activity_kinds[name].label if name in source.activity_kinds else ""
    table = source.tables.get("leads" if subject == "lead" else "accounts")
    return table.columns[name].label if table is not None and name in table.columns else ""


def group_name(name: str, group: Content, language: Language) -> str:
    """How a group is called."""
    return language.text(str(group.get("label") or GROUP_NAMES.get(str(group.get("dimension")), plain_name(name))))


def condition_words(rule: Content, path: Path, language: Language) -> str:
    """When a rule gives the points at a path."""
    say, key = language.text, str(path[0])
    match key:
        case "values":
            return translate_value(language, str(path[1])) or say("empty text")
        case "patterns":
            return pattern_words(str(path[1]), language)
        case "ranges":
            part = rule["ranges"][int(path[1])]
            return range_words(part.get("from"), part.get("below"), language)
        case "steps":
            return _step_words(rule["steps"][int(path[1])], language)
        case "points":
            return _count_words(rule, language)
        case "filled":
            return say("anything on record")
        case "missing":
            return say("nothing on record")
        case "otherwise":
            return say("anything else")
        case _:
            return say("it did not happen")


def pattern_words(pattern: str, language: Language) -> str:
    r"""A pattern as people would say it.

    >>> from models.explaining.language import ENGLISH
    >>> pattern_words("*manager*", ENGLISH), pattern_words(r"/\b(vp|head)\b/", ENGLISH)
    ('contains manager', 'vp, head')
    """
    words = _WORDS_OF_A_TITLE.match(pattern)
    if words:
        return ", ".join(words.group(1).split("|"))
    if pattern.startswith("/"):
        return language.text("matches {pattern}", pattern=pattern)
    bare = pattern.strip("*")
    if "*" in bare or "?" in bare:
        return language.text("looks like {pattern}", pattern=pattern)
    if pattern.startswith("*") and pattern.endswith("*"):
        return language.text("contains {text}", text=bare)
    if pattern.endswith("*"):
        return language.text("starts with {text}", text=bare)
    return language.text("ends with {text}", text=bare) if pattern.startswith("*") else bare


def range_words(low: float | None, below: float | None, language: Language) -> str:
    """A range of numbers.

    >>> from models.explaining.language import ENGLISH
    >>> range_words(None, 10, ENGLISH), range_words(50, 1000, ENGLISH), range_words(1000, None, ENGLISH)
    ('below 10', '50 to below 1,000', '1,000 or more')
    """
    say, number = language.text, language.number
    if low is None:
        return say("below {number}", number=number(below or 0.0))
    if below is None:
        return say("{number} or more", number=number(low))
    return say("{low} to below {high}", low=number(low), high=number(below))


def _step_words(step: Content, language: Language) -> str:
    count = int(step.get("at_least", 1))
    often = language.plural("at least {n} time", "at least {n} times", count, n=count)
    return f"{often}, {_within(step['within_days'], language)}" if step.get("within_days") else often


def _count_words(rule: Content, language: Language) -> str:
    count = int(rule.get("at_least", 1))
    if count > 1:
        return language.plural("at least {n} time", "at least {n} times", count, n=count)
    return language.text(_PER[str(rule.get("per", "once"))])


def _within(days: float, language: Language) -> str:
    return language.plural("within {n} day", "within {n} days", int(days), n=language.number(days))


def limits_in_words(rule: Content, language: Language) -> list[str]:
    """What else a rule asks for: its count where it gives points once, its age, its cap, how its points fade."""
    say = language.text
    found: list[str] = []
    if rule.get("points") is not None:
        found.append(_count_words(rule, language))
    if rule.get("assets"):
        assets = [rule["assets"]] if isinstance(rule["assets"], str) else rule["assets"]
        found.append(say("only {names}", names=", ".join(assets)))
    if rule.get("within_days"):
        found.append(_within(rule["within_days"], language))
    if rule.get("cap") is not None:
        found.append(cap_words(rule["cap"], language))
    if rule.get("decay"):
        found.append(decay_words(rule["decay"], language))
    if rule.get("take") == "sum":
        found.append(say("steps add up"))
    if rule.get("scope") == "account":
        found.append(say("by anybody at the company"))
    if rule.get("only_in"):
        found.append(say("only in stage {names}", names=", ".join(str(name).upper() for name in rule["only_in"])))
    return found


def cap_words(cap: Any, language: Language) -> str:
    """Bounds of a sum of points."""
    low, high = cap_ends(cap)
    say = language.text
    if low is None:
        return say("at most {points}", points=write_decimal(language, high, 0))
    if high is None:
        return say("at least {points}", points=write_decimal(language, low, 0))
    return say("between {low} and {high}", low=write_decimal(language, low, 0), high=write_decimal(language, high, 0))


def cap_ends(cap: Any) -> tuple[float | None, float | None]:
    """The lowest and the highest points of a cap as it stands in a draft."""
    if cap is None:
        return None, None
    if isinstance(cap, int | float):
        return None, float(cap)
    return cap.get("minimum"), cap.get("maximum")


def decay_words(decay: Content, language: Language) -> str:
    """How points fade."""
    number = language.number
    if decay.get("half_life_days"):
        days = decay["half_life_days"]
        one, many = "half is left after {days} day", "half is left after {days} days"
        return language.plural(one, many, form_of(days), days=number(days))
    if decay.get("lifespan_days"):
        days = decay["lifespan_days"]
        one, many = "fades to nothing in {days} day", "fades to nothing in {days} days"
        return language.plural(one, many, form_of(days), days=number(days))
    return language.text(
        "loses {percent}% every {days} days", percent=number(decay["percent"]), days=number(decay["every_days"])
    )


def join_words(parts: Sequence[str]) -> str:
    """Parts of a rule in one line, the first letter large."""
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]
