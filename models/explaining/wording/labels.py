"""Labels of features and values of columns in the reader's language; parts that no catalog knows stay as declared."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from models.explaining.language import Language

# labels that are built from the label of a kind or a question; whole labels are looked up first
_BUILT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<thing>.+) about (?P<topic>.+) in (?P<days>\d+) days"), "{thing} about {topic} in {days} days"),
    (re.compile(r"(?P<thing>.+) of (?P<topic>.+) in (?P<days>\d+) days"), "{thing} of {topic} in {days} days"),
    (re.compile(r"(?P<thing>.+) in (?P<days>\d+) days"), "{thing} in {days} days"),
    (re.compile(r"(?P<thing>.+) lately"), "{thing} lately"),
    (re.compile(r"days since (?P<thing>.+)"), "days since {thing}"),
    (re.compile(r"age of the answer(?: on|:) (?P<thing>.+)"), "age of the answer on {thing}"),
    (re.compile(r"answer that meets it: (?P<thing>.+)"), "answer that meets it: {thing}"),
    (re.compile(r"account deals (?P<topic>.+)"), "deals of the company about {topic}"),
    (re.compile(r"account wins (?P<topic>.+)"), "purchases of the company of {topic}"),
)
_CONDITIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"score of (?P<n>\S+)"), "a score of {n}"),
    (re.compile(r"(?P<n>\S+) points of (?P<thing>.+)"), "{n} points of {thing}"),
    (re.compile(r"(?P<thing>.+) on record as met"), "{thing} on record as met"),
    (re.compile(r"(?P<n>\d+) criteria met"), "{n} criteria met"),
    (
        re.compile(r"(?P<thing>.+) is (?P<value>.+); the ideal customer has (?P<wanted>.+)"),
        "{thing} is {value}; the ideal customer has {wanted}",
    ),
)
_UNDER = re.compile(r"<\s*(\S.*)")
_OVER = re.compile(r">\s*(\S.*)")
_SAID_BETWEEN = re.compile(r"(\S+) to (\S+)")
_SAID_FROM = re.compile(r"(\S+) or more")
_BETWEEN = re.compile(r"(\d+)-(\d+)([kKmM]?)")
_LONGEST = 300  # characters; no label or condition of a source is as long, and what people wrote may repeat its words
_AS_WRITTEN: Mapping[str, str] = MappingProxyType({"c level": "C level", "vp": "VP", "it": "IT", "hr": "HR"})


def translate_label(language: Language, label: str) -> str:
    """The label of a feature in a language.

    >>> from models.explaining.language import load_language
    >>> translate_label(load_language("en"), "downloads in 90 days")
    'downloads in 90 days'
    """
    told = language.text(label)
    if told != label:
        return told
    if len(label) > _LONGEST:
        return label
    fitting = [(template, found) for pattern, template in _BUILT if (found := pattern.fullmatch(label)) is not None]
    for known in (True, False):  # "uses of the ROI calculator in 90 days" is no "uses" of a topic
        for template, found in fitting:
            parts = {name: language.text(text) for name, text in found.groupdict().items()}
            if not known or all(part != found[name] for name, part in parts.items() if name != "days"):
                return language.text(template, **parts)
    return label


def translate_condition(language: Language, text: str) -> str:
    """A condition of a rule, or how a lead differs from the ideal customer, in a language.

    >>> from models.explaining.language import load_language
    >>> translate_condition(load_language("en"), "score of 60")
    'a score of 60'
    """
    for pattern, template in _CONDITIONS if len(text) <= _LONGEST else ():
        found = pattern.fullmatch(text)
        if found is not None:
            parts = found.groupdict()
            shown = {name: translate_label(language, part) for name, part in parts.items() if name == "thing"}
            for name in ("value", "wanted"):
                if name in parts:
                    words = parts[name].split(" or ")
                    shown[name] = " / ".join(translate_value(language, word) for word in words)
            return language.text(template, **{**parts, **shown})
    return language.text(text)


def translate_value(language: Language, value: str) -> str:
    """A value of a column or an option of a question in a language; limits are said, not drawn.

    >>> from models.explaining.language import load_language
    >>> english = load_language("en")
    >>> [translate_value(english, text) for text in ("<10k", "10-50M", ">50k", "c_level", "recommends")]
    ['under 10k', '10M to 50M', 'over 50k', 'C level', 'recommends']
    """
    text = value.replace("_", " ")
    told = language.text(text)
    if told != text:
        return told
    if found := _UNDER.fullmatch(text):
        return language.text("under {n}", n=found[1])
    if found := _OVER.fullmatch(text):
        return language.text("over {n}", n=found[1])
    if found := _BETWEEN.fullmatch(text):
        return language.text("{low} to {high}", low=found[1] + found[3], high=found[2] + found[3])
    if found := _SAID_BETWEEN.fullmatch(text):
        return language.text("{low} to {high}", low=found[1], high=found[2])
    if found := _SAID_FROM.fullmatch(text):
        return language.text("{n} or more", n=found[1])
    return _AS_WRITTEN.get(text.lower(), text)


def capitalise(text: str) -> str:
    """The text with a capital first letter; the others stay.

    >>> capitalise("C level"), capitalise("éclair")
    ('C level', 'Éclair')
    """
    return text[:1].upper() + text[1:]
