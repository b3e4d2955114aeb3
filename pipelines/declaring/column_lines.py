"""One column of a declaration as YAML: what it is used for, and why, in comments."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from features.catalog.families.job_titles import seniority
from features.schema.people.people_texts import PeopleIn, holds_contact, speaks_of_people
from features.schema.readable_names import distinct_name
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from pipelines.declaring.column_inference import Guess
from pipelines.declaring.column_names import label_header
from pipelines.declaring.corrections.file_corrections import Use
from pipelines.declaring.words.header_words import (
    Meaning,
    is_surely_of_a_person,
    meanings_of,
    names_deals,
    words_of,
)
from pipelines.declaring.words.money_words import money_scale
from pipelines.declaring.words.todays_words import todays_words
from pipelines.declaring.yaml_text import column_line, quote_yaml, wrap_comment

# Share of different values that are read as a seniority: job titles reach 0.6, other columns next to none. Where the
# header says that they are titles, a few are enough: lists of them in other languages are short.
_TITLES, _SOME_TITLES = 0.4, 0.1
_FLAG = 3  # values of a flag: yes, no and a typing error
_MANY = 50  # values of a category from which names are shown, not learned from
_ID = re.compile(r"\b(ids?|guid|uuid|\w*nummer|\w*nr)$")
_NAME = re.compile(r"\b(names?|nom|nombre|nome|nazwa)\b|이름$|명$|名$")
# names of what a few are chosen from, however many they are
_OF_A_CHOICE = re.compile(
    r"\b(campa\w+|kampan\w+|produ\w+|source|channel|ad|plan|form|event|list|site)\b|캠페인|제품|製品"
)
_AT_CONVERSION = "by its name it is set when a lead is converted, so it tells the outcome"
# 08/2023-10/2023, 2024.10~2025.01, 2023-04-01 - 2024-03-31
_DAY = r"(?:(?:\d\d?[./-])?\d\d?[./-](?:19|20)\d\d|(?:19|20)\d\d[./-]\d\d?(?:[./-]\d\d?)?)"
_SPAN, _SPANS = rf"\s*{_DAY}\s*[~\u301c\uff5e\u2013\u2014-]\s*{_DAY}\s*", 0.8  # share of rows that are spans of time
_COUNTED = "a count of what the lead did is counted until the export, not until the lead was looked at"
_IS_OVER = "by its name it says whether a deal is over, which is so of every one with an outcome"
_EDITED = "by its name it says when the row was last changed, which is after the outcome for those that have one"
WHY_SHOWN = {
    Role.PERSONAL: "identifies a person: shown to the owner, never learned from",
    Role.SENSITIVE: "sensitive: left out unless accepted_because says why",
    Role.DISPLAY: "differs in nearly every row: shown, not learned from",
}
ACCEPTED = "a person said that it is known when a lead comes in"
TO_USE_TODAYS = (
    "# To use such a column: keep dated exports (leadscore snapshot add, when_known: snapshots) or map its history.",
    "# If it never changes after the lead came in, replace role, when_known and excluded_because by accepted_because: "
    "why.",
    "# To use today's value as it is, replace role and excluded_because by accepted_because: a caution stands with "
    "every list.",
)


@dataclass(frozen=True, kw_only=True)
class ColumnPlace:
    """Where the lines of a table's columns stand, and what is known of its rows.

    Parameters
    ----------
    indent : blanks before each line
    people : whether the rows are people, so that a name is a person's; None where nobody can tell
    clock : ``when_known`` of features, "" for the usual
    times : headers that hold times, beside those whose guessed type says so
    names : names that are taken, so that a column made from another gets one of its own
    dates : by header ``time_format``, where a person had to say how its dates are read
    """

    indent: int
    people: bool | None = None
    clock: str = ""
    times: Collection[str] = ()
    names: set[str] = field(default_factory=set)
    dates: Mapping[str, str] = field(default_factory=dict)


def column_lines(name: str, guess: Guess, texts: pd.Series, place: ColumnPlace) -> list[str]:
    """Lines of one column, comments first; an address also gives its domain and whether it is of a free-mail host.

    Parameters
    ----------
    texts : values as in the file, missing where empty
    """
    header, facts, keys = guess.header, show_facts(guess), source_key(name, guess)
    means, is_time = meanings_of(header), guess.type is ColumnType.TIMESTAMP or header in place.times
    kind: dict[str, object] = {"type": str(ColumnType.TIMESTAMP if is_time else guess.type)}
    if header in place.dates:
        kind["time_format"] = place.dates[header]

    def line(more: dict[str, object], comment: str) -> str:
        return column_line(name, keys | more, comment, indent=place.indent)

    if "convert" in words_of(header):
        return left_out(name, keys | kind, _AT_CONVERSION, guess, place)
    if _is_sensitive(guess):
        return [line(kind | {"role": "sensitive"}, f"{WHY_SHOWN[Role.SENSITIVE]}; {facts}")]
    if guess.role is Role.PERSONAL or _is_personal(guess, place):
        shown = f"{WHY_SHOWN[Role.PERSONAL]}; {show_facts(guess, hidden=True)}"
        return [line(kind | {"role": "personal"}, shown), *_address_lines(name, guess, place)]
    if guess.people and (guess.people is not PeopleIn.NAMES or Meaning.OWNER not in means):
        shown = f"{guess.people}: shown to the owner, never learned from; {facts}"
        return [line(kind | {"role": "personal"}, shown)]
    if _is_title(guess, texts):
        titles = {"title": True} | _evidence(guess, Topic.AUTHORITY)
        return [line(titles, f"job titles: read as seniority and function; {facts}")]
    if Meaning.STATUS in means and guess.type is not ColumnType.NUMBER and guess.suspicious:
        shown_only = kind | {"role": "display", "when_known": "overwritten"}
        return [line(shown_only, f"today's status: shown, never learned from; {facts}")]

    today = todays_words(header)
    if today and not (guess.suspicious and not guess.today):
        because = f"by its name ('{today}') it holds today's value, not the value at that time"
        return _todays_lines(name, keys | kind, because, guess, place)
    if is_time and Meaning.MODIFIED in means:
        return left_out(name, keys | kind, _EDITED, guess, place, today=True)
    if Meaning.IS_CLOSED in means and guess.type is not ColumnType.TIMESTAMP and guess.distinct <= _FLAG:
        return left_out(name, keys | kind, _IS_OVER, guess, place, today=True)
    if guess.suspicious and Meaning.AMOUNT not in means:
        return left_out(name, keys | kind, guess.suspicious, guess, place, today=guess.today)
    counted = guess.type is ColumnType.NUMBER and guess.dimension is not Dimension.FIT and place.people
    if counted:
        return left_out(name, keys | kind, _COUNTED, guess, place, today=True)

    many = guess.distinct > _MANY or guess.distinct > len(texts) / 10
    if _ID.search(words_of(header)) and (many or place.people is not None):
        return [line({"type": "id", "role": "display"}, f"an id: shown, not learned from; {facts}")]
    why = _why_shown(guess, texts, place, many=many)
    if why:
        scale = money_scale(header) if guess.type is ColumnType.NUMBER else None
        scaled = {} if scale is None else {"scale": scale[0]}
        return [line(kind | {"role": "display"} | scaled, f"{why}; {facts}")]
    clock = {"when_known": place.clock} if place.clock else {}
    scale = money_scale(header) if guess.type is ColumnType.NUMBER else None
    unit = {} if scale is None else {"unit": scale[1]}
    return [line(kind | _evidence(guess, guess.topic) | unit | clock, facts)]


def said_lines(name: str, guess: Guess, use: Use, place: ColumnPlace) -> list[str]:
    """Lines of a column whose use a person chose."""
    keys, kind = source_key(name, guess), {"type": str(guess.type)}
    if use == "leave_out":
        why = {"role": "ignore", "excluded_because": "left out by hand"}
        return [column_line(name, keys | why, show_facts(guess, hidden=True), indent=place.indent)]
    if use == "show":
        return [column_line(name, keys | kind | {"role": "display"}, show_facts(guess), indent=place.indent)]
    learned = kind | _evidence(guess, guess.topic) | {"accepted_because": ACCEPTED}
    return [column_line(name, keys | learned, show_facts(guess), indent=place.indent)]


def amount_keys(header: str) -> dict[str, object]:
    """The key of a deal's value: its header, and what its numbers are multiplied by to be whole units of money."""
    scale = money_scale(header)
    return {"from": header} | ({} if scale is None else {"scale": scale[0]})


def missing_key(guess: Guess) -> dict[str, object]:
    """The key ``missing`` of a column some of whose texts mean that there is no value; else nothing."""
    return {"missing": list(guess.missing)} if guess.missing else {}


def left_out(
    name: str, keys: Mapping[str, object], why: str, guess: Guess, place: ColumnPlace, *, today: bool = False
) -> list[str]:
    """A column that is not used until somebody says when it is filled; ``today`` if it may hold today's value."""
    said = f"SUSPICIOUS, left out until you know when it is filled. {show_facts(guess)}"
    return [
        *wrap_comment(said, indent=place.indent),
        *(_to_use_todays(place) if today else []),
        column_line(name, {**keys, "role": "ignore", "excluded_because": why}, indent=place.indent),
    ]


def explain_once(lines: Sequence[str]) -> list[str]:
    """The lines, with how to use today's values said where the first such column stands and not again."""
    first = {text: next((at for at, line in enumerate(lines) if line.strip() == text), -1) for text in TO_USE_TODAYS}
    return [line for at, line in enumerate(lines) if first.get(line.strip(), at) == at]


def show_facts(guess: Guess, *, hidden: bool = False) -> str:
    """What the column's values are like, for a comment; those of people stay hidden."""
    facts = f"{guess.filled:.0%} filled, {guess.distinct:,} distinct"
    if guess.examples and not (hidden or guess.role is Role.PERSONAL or _is_sensitive(guess)):
        facts += f", e.g. {_tell_examples(guess)}"
    if guess.sentinel:
        facts += f"; does {guess.sentinel} mean missing? then add missing: [{quote_yaml(guess.sentinel)}]"
    return " ".join(facts.split())


def _tell_examples(guess: Guess) -> str:
    """The first values; of a column that tells, or may tell, of people only what they look like."""
    if not may_tell_of_people(guess):
        return ", ".join(guess.examples)
    return ", ".join(dict.fromkeys(_shape(example) for example in guess.examples))


def may_tell_of_people(guess: Guess) -> bool:
    """Whether values of a column are shown nowhere, since they, or those of such a header, may be of people."""
    return bool(guess.people) or speaks_of_people(guess.header) or any(map(holds_contact, guess.examples))


def _shape(text: str) -> str:
    """A text without its words.

    >>> _shape("Anna Meyer"), _shape("ann@corp.com"), _shape("17")
    ('two words', 'an address or number', 'a number')
    """
    if holds_contact(text):
        return "an address or number"
    words = len(text.split())
    if words == 1:
        return "a number" if text.strip("+-.,").isdigit() else "a word"
    return "two words" if words == 2 else "several words"


def source_key(name: str, guess: Guess) -> dict[str, object]:
    """``from:`` where the header is not the name."""
    return {} if name == guess.header else {"from": guess.header}


def _is_sensitive(guess: Guess) -> bool:
    named = Meaning.SENSITIVE in meanings_of(guess.header) and guess.role is not Role.PERSONAL
    return guess.role is Role.SENSITIVE or named


def _is_personal(guess: Guess, place: ColumnPlace) -> bool:
    means = meanings_of(guess.header)
    if Meaning.OWNER in means and guess.role is Role.DISPLAY and not _ID.search(words_of(guess.header)):
        return True  # who works leads works several: one per row is the lead's own contact
    named = bool(means & {Meaning.PERSON, Meaning.ADDRESS}) and Meaning.EMAIL not in means and place.people is not False
    named |= is_surely_of_a_person(guess.header) and Meaning.EMAIL not in means
    alone = words_of(guess.header) == "name" and place.people is True
    plain = guess.type in (ColumnType.NUMBER, ColumnType.TIMESTAMP)
    return (named or alone) and Meaning.OWNER not in means and not plain


def _address_lines(name: str, guess: Guess, place: ColumnPlace) -> list[str]:
    if place.people is False or not guess.addresses:
        return []
    domain = {"from": guess.header, "derive": "domain", "role": "display"}
    free = {"from": guess.header, "derive": "free_mail", "label": "free mail provider"}
    return [
        column_line(
            distinct_name(f"{name}_domain", place.names), domain, "the company behind the address", indent=place.indent
        ),
        column_line(distinct_name(f"{name}_free", place.names), free, "gmail.com and the like", indent=place.indent),
    ]


def _is_title(guess: Guess, texts: pd.Series) -> bool:
    """Whether the values are job titles, by how many say how far up a person decides."""
    if guess.type not in (ColumnType.CATEGORY, ColumnType.TEXT) or guess.distinct < 2:
        return False
    if all(any(sign.isdigit() for sign in example) for example in guess.examples):
        return False  # ids, dates, addresses
    values = [value for value in _first_values(texts) if value not in guess.missing]
    means = meanings_of(guess.header)
    if Meaning.STATUS in means and Meaning.TITLE not in means:
        return False  # "Lead" and "Partner" are stages of a lifecycle here
    least = _SOME_TITLES if Meaning.TITLE in means and Meaning.ID not in means else _TITLES
    return sum(seniority(value) is not None for value in values) >= least * max(len(values), 1)


def _first_values(texts: pd.Series, most: int = 500) -> list[str]:
    """The first different values; the rest of the rows is looked at only where the first hold too few."""
    for rows in (texts.head(10 * most), texts):
        values = rows.dropna().unique()[:most]
        if len(values) == most:
            break
    return [str(value) for value in values]


def _todays_lines(name: str, keys: Mapping[str, object], because: str, guess: Guess, place: ColumnPlace) -> list[str]:
    said = f"TODAY'S VALUE, left out: a closed lead shows what it came to. {show_facts(guess)}"
    marks = {"role": "ignore", "when_known": "overwritten", "excluded_because": because}
    return [
        *wrap_comment(said, indent=place.indent),
        *_to_use_todays(place),
        column_line(name, {**keys, **marks}, indent=place.indent),
    ]


def _to_use_todays(place: ColumnPlace) -> list[str]:
    return [f"{' ' * place.indent}{text}" for text in TO_USE_TODAYS]


def _why_shown(guess: Guess, texts: pd.Series, place: ColumnPlace, *, many: bool) -> str:
    """Why a column is shown and not learned from; empty if it may be learned from."""
    means, present = meanings_of(guess.header), texts.dropna()
    if guess.role is Role.DISPLAY:
        return WHY_SHOWN[Role.DISPLAY]
    if names_deals(guess.header):
        return "what deals are called: shown, not learned from"
    if guess.type is ColumnType.TIMESTAMP or guess.header in place.times:
        return "a time; as a feature it needs a clock"
    names = guess.type in (ColumnType.CATEGORY, ColumnType.TEXT)
    if names and len(present) and present.str.match(r"https?://|www\.").mean() > 0.5:
        return "links: shown, not learned from"
    if names and guess.distinct > 1 and present.str.fullmatch(_SPAN).mean() >= _SPANS:
        return "from when to when, which comes once and may end with the deal: shown, not learned from"
    if guess.type is ColumnType.CATEGORY:
        if Meaning.COMPANY in means and (many or place.people):
            return "names: shown, not learned from"
        words = words_of(guess.header)
        if many and (Meaning.OWNER in means or (_NAME.search(words) and not _OF_A_CHOICE.search(words))):
            return "names: shown, not learned from"
    if Meaning.OWNER in means:
        return "who works the lead: shown, not learned from"
    if Meaning.AMOUNT in means:
        return (
            "today's value, often set or changed on the way to the close: shown, not learned from; if it is asked for "
            "when a lead comes in and stays, replace role by topic: budget"
        )
    return ""


def _evidence(guess: Guess, topic: Topic) -> dict[str, object]:
    keys: dict[str, object] = {}
    if guess.dimension is not Dimension.FIT:
        keys["dimension"] = str(guess.dimension)
    if topic is not Topic.CONTEXT:
        keys["topic"] = str(topic)
    keys["label"] = label_header(guess.header)
    return keys | missing_key(guess)
