"""Parts of a declaration as YAML: values in flow style, comments behind them."""

import re
from collections.abc import Iterable, Mapping, Sequence

from anyascii import anyascii

from pipelines.declaring.starter_declaration import quote_yaml
from pipelines.declaring.words.header_words import words_of

LONGEST_NAME = 56  # characters of a name made from a header, a number to tell it apart left out


def flow(value: object) -> str:
    """A value in YAML's flow style.

    >>> flow({"from": "Deal Stage", "won": ["Closed Won", "yes"], "title": True})
    '{from: Deal Stage, won: [Closed Won, "yes"], title: true}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quote_yaml(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else quote_yaml(str(value))


def column_line(name: str, keys: Mapping[str, object], comment: str = "") -> str:
    """One column of a table."""
    return f"      {quote_yaml(name)}: {flow(keys)}" + (f" # {comment}" if comment else "")


def location_lines(location: Mapping[str, object]) -> list[str]:
    """Where a table is."""
    return ["    location:", *(f"      {key}: {flow(value)}" for key, value in location.items())]


def wrap_comment(text: str, *, indent: int = 0, first: str = "") -> list[str]:
    """A comment of several lines; the further ones are indented below the first."""
    lines, line = [], f"{' ' * indent}# {first}"
    for word in text.split():
        if len(line) + len(word) > 118 and not line.endswith("# "):
            lines.append(line.rstrip())
            line = f"{' ' * indent}#   "
        line += f"{word} "
    return [*lines, line.rstrip()]


def name_columns(headers: Iterable[str], taken: Sequence[str]) -> dict[str, str]:
    """Names of the product for headers: lower case in Latin letters, none twice, none that is taken.

    >>> name_columns(["Job Title", "업종", "job_title"], ["owner"])
    {'Job Title': 'job_title', '업종': 'eobjong', 'job_title': 'job_title_2'}
    """
    used = set(taken)
    names = {}
    for header in headers:
        plain = re.sub(r"[^a-z0-9]+", "_", anyascii(words_of(header)).lower()).strip("_")[:LONGEST_NAME] or "column"
        plain = plain if plain[0].isalpha() else f"c_{plain}"
        name, count = plain, 2
        while name in used:
            name, count = f"{plain}_{count}", count + 1
        used.add(name)
        names[header] = name
    return names
