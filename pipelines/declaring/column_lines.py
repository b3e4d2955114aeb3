"""One column of a starter declaration as YAML: what it is used for, and why, in a comment behind it."""

import json
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from features.catalog.families.job_titles import seniority
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from pipelines.declaring.column_inference import Guess, are_addresses
from pipelines.declaring.column_values import ColumnValues
from pipelines.declaring.words.header_words import PERSONAL, Meaning, meanings_of
from pipelines.declaring.words.todays_words import todays_words

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_ /.&+-]*[A-Za-z0-9_.+]$|^[A-Za-z_]$")
_YAML_WORDS = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n"})
_TITLES = (
    0.4  # share of different values that are read as a seniority: job titles reach 0.6, other columns next to none
)
_MANY = 50  # values of a category from which names are shown, not learned from
TO_USE_TODAYS = (
    "# To use such a column: keep dated exports (leadscore snapshot add, when_known: snapshots) or map its history. If "
    "it never changes after the lead came in, replace role, when_known and excluded_because by accepted_because: why. "
    "To use today's value as it is, replace role and excluded_because by accepted_because: a caution stands with every "
    "list."
)


def column_lines(name: str, guess: Guess, texts: pd.Series, *, indent: int) -> list[str]:
    """Lines of one column, comments first; an address also gives its domain and whether it is of a free-mail host.

    Parameters
    ----------
    texts : values as in the file, missing where empty
    """
    pad, facts, keys = " " * indent, show_facts(guess), source_key(name, guess)
    if Meaning.SENSITIVE in meanings_of(guess.header) and guess.role is not Role.PERSONAL:
        keys |= {"type": str(guess.type), "role": "sensitive"}
        return [f"{pad}{name}: {flow_map(keys)} # sensitive: left out unless accepted_because says why; {facts}"]
    if guess.role is Role.PERSONAL or _is_personal(guess):
        keys |= {"type": str(guess.type), "role": "personal"}
        line = f"{pad}{name}: {flow_map(keys)} # identifies a person: shown to the owner, never learned from; {facts}"
        return [_hide(line, guess), *_address_lines(name, guess, texts, pad)]
    if _is_title(guess, texts):
        keys |= {"title": "true"} | _evidence(guess, Topic.AUTHORITY)
        return [f"{pad}{name}: {flow_map(keys)} # job titles: read as seniority and function; {facts}"]

    today = todays_words(guess.header)
    if today and not (guess.suspicious and not guess.today):
        return _todays_lines(name, guess, today, keys, pad)
    if guess.suspicious and Meaning.AMOUNT not in meanings_of(guess.header):
        keys |= {"type": str(guess.type), "role": "ignore", "excluded_because": quote_yaml(guess.suspicious)}
        told = _todays_comment(pad) if guess.today else []
        return [f"{pad}# SUSPICIOUS, left out until you know when it is filled. {facts}", *told, _line(pad, name, keys)]

    shown = _why_shown(guess, texts)
    if shown:
        kind = ColumnType.ID if name.endswith("_id") or name == "id" else guess.type
        keys |= {"type": str(kind), "role": "display"}
        return [f"{pad}{name}: {flow_map(keys)} # {shown}; {facts}"]
    keys |= {"type": str(guess.type)} | _evidence(guess, guess.topic)
    return [f"{pad}{name}: {flow_map(keys)} # {facts}"]


def _line(pad: str, name: str, keys: Mapping[str, str]) -> str:
    return f"{pad}{name}: {flow_map(keys)}"


def explain_once(lines: Sequence[str]) -> list[str]:
    """The lines, with how to use today's values said where the first such column stands and not again."""
    said = [place for place, line in enumerate(lines) if line.strip() == TO_USE_TODAYS]
    return [line for place, line in enumerate(lines) if place not in said[1:]]


def _is_personal(guess: Guess) -> bool:
    means = meanings_of(guess.header)
    return (
        Meaning.OWNER not in means
        and bool(PERSONAL & means)
        and guess.type not in (ColumnType.NUMBER, ColumnType.TIMESTAMP)
    )


def _hide(line: str, guess: Guess) -> str:
    """The line without examples: they would name people."""
    return line.replace(f", e.g. {' '.join(', '.join(guess.examples).split())}", "") if guess.examples else line


def _address_lines(name: str, guess: Guess, texts: pd.Series, pad: str) -> list[str]:
    if not are_addresses(ColumnValues.of(texts)):
        return []
    header = quote_yaml(guess.header)
    return [
        f"{pad}{name}_domain: {{from: {header}, derive: domain, role: display}} # the company behind the address",
        f"{pad}{name}_free: {{from: {header}, derive: free_mail, label: free mail provider}} # gmail.com and the like",
    ]


def _is_title(guess: Guess, texts: pd.Series) -> bool:
    """Whether the values are job titles, by how many say how far up a person decides."""
    if guess.type not in (ColumnType.CATEGORY, ColumnType.TEXT) or guess.distinct < 2:
        return False
    values = [str(value) for value in texts.dropna().drop_duplicates().head(500) if str(value) not in guess.missing]
    return sum(seniority(value) is not None for value in values) >= _TITLES * max(len(values), 1)


def _todays_lines(name: str, guess: Guess, words: str, keys: Mapping[str, str], pad: str) -> list[str]:
    because = f"by its name ('{words}') it holds today's value, not the value at that time"
    marks = {"type": str(guess.type), "role": "ignore", "when_known": "overwritten"}
    told = f"{pad}# TODAY'S VALUE, left out: a closed lead shows what it came to. {show_facts(guess)}"
    return [
        told,
        *_todays_comment(pad),
        _line(pad, name, {**keys, **marks, "excluded_because": quote_yaml(because)}),
    ]


def _todays_comment(pad: str) -> list[str]:
    return [f"{pad}{TO_USE_TODAYS}"]


def _why_shown(guess: Guess, texts: pd.Series) -> str:
    """Why a column is shown and not learned from; empty if it may be learned from."""
    if guess.role is Role.DISPLAY:
        return "differs in nearly every row: shown, not learned from"
    if guess.type is ColumnType.TIMESTAMP:
        return "a time; as a feature it needs a clock"
    if len(texts.dropna()) and texts.dropna().str.match(r"https?://|www\.").mean() > 0.5:
        return "links: shown, not learned from"
    named = Meaning.COMPANY in meanings_of(guess.header) or Meaning.OWNER in meanings_of(guess.header)
    if named and guess.type is ColumnType.CATEGORY and (guess.distinct > _MANY or guess.distinct > len(texts) / 10):
        return "names: shown, not learned from"
    if Meaning.OWNER in meanings_of(guess.header):
        return "who works the lead: shown, not learned from"
    if Meaning.AMOUNT in meanings_of(guess.header):
        return "often set or changed on the way to the close: shown, not learned from"
    return ""


def show_facts(guess: Guess) -> str:
    """What the column's values are like, for a comment; those of people stay hidden."""
    facts = f"{guess.filled:.0%} filled, {guess.distinct:,} distinct"
    hidden = guess.role in (Role.PERSONAL, Role.SENSITIVE) or Meaning.SENSITIVE in meanings_of(guess.header)
    if not hidden and guess.examples:
        facts += f", e.g. {', '.join(guess.examples)}"
    if guess.sentinel:
        facts += f"; does {guess.sentinel} mean missing? then add missing: [{quote_yaml(guess.sentinel)}]"
    return " ".join(facts.split())


def source_key(name: str, guess: Guess) -> dict[str, str]:
    """``from:`` where the header is not the name."""
    return {} if name == guess.header else {"from": quote_yaml(guess.header)}


def _evidence(guess: Guess, topic: Topic) -> dict[str, str]:
    keys = {}
    if guess.dimension is not Dimension.FIT:
        keys["dimension"] = str(guess.dimension)
    if topic is not Topic.CONTEXT:
        keys["topic"] = str(topic)
    keys["label"] = quote_yaml(re.sub(r"[_.\s]+", " ", guess.header).strip().lower())
    if guess.missing:
        keys["missing"] = flow_list(guess.missing)
    return keys


def quote_yaml(text: str) -> str:
    """A YAML scalar that reads back as this text.

    >>> quote_yaml("company size"), quote_yaml("yes"), quote_yaml("a: b")
    ('company size', '"yes"', '"a: b"')
    """
    if _PLAIN.match(text) and text.lower() not in _YAML_WORDS and " #" not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def flow_list(values: Sequence[str]) -> str:
    """A list of texts in YAML's flow style."""
    return f"[{', '.join(quote_yaml(v) for v in values)}]"


def flow_map(keys: Mapping[str, str]) -> str:
    """A map in YAML's flow style; the values are written as they are."""
    return f"{{{', '.join(f'{k}: {v}' for k, v in keys.items())}}}"
