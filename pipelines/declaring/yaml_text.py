"""Parts of a declaration as YAML: values in flow style, comments behind them."""

import json
import re
from collections.abc import Mapping, Sequence

from models.explaining.framework import framework_names

DEFAULT_FRAMEWORK = "bant"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ /.&+-]*[A-Za-z0-9_.+]|[A-Za-z_]")
_YAML_WORDS = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n"})
_BREAKS = re.compile("[\n\r\x85\u2028\u2029]")  # where YAML ends a line, and with it a comment
# control characters of a damaged file, shown as examples of its values
_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def framework_line() -> str:
    """The framework of the cards, and behind it the others that ship."""
    others = ", ".join(name for name in framework_names() if name != DEFAULT_FRAMEWORK)
    return f"framework: {DEFAULT_FRAMEWORK} # or {others}"


def quote_yaml(text: str) -> str:
    """A YAML scalar that reads back as this text.

    >>> quote_yaml("company size"), quote_yaml("yes"), quote_yaml("a: b")
    ('company size', '"yes"', '"a: b"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS and " #" not in text:
        return text
    return _BREAKS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(text, ensure_ascii=False))


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


def column_line(name: str, keys: Mapping[str, object], comment: str = "", *, indent: int = 6) -> str:
    """One column of a table."""
    return f"{' ' * indent}{quote_yaml(name)}: {flow(keys)}" + (f" # {comment}" if comment else "")


def location_lines(location: Mapping[str, object], *, indent: int = 4) -> list[str]:
    """Where a table is."""
    pad = " " * indent
    return [f"{pad}location:", *(f"{pad}  {key}: {flow(value)}" for key, value in location.items())]


def one_or_list(values: Sequence[str]) -> object:
    """A single value as itself, several as a list."""
    return values[0] if len(values) == 1 else list(values)


def join_lines(lines: Sequence[str]) -> str:
    """The text of a declaration, each entry on a line of its own, whatever names and values of files are told in it.

    What YAML does not allow even in a comment is replaced.
    """
    return _UNWRITABLE.sub("\ufffd", "".join(f"{_BREAKS.sub(' ', line)}\n" for line in lines))


def wrap_comment(text: str, *, indent: int = 0, first: str = "") -> list[str]:
    """A comment of several lines; the further ones are indented below the first."""
    lines, line = [], f"{' ' * indent}# {first}"
    for word in text.split():
        if len(line) + len(word) > 118 and not line.endswith("# "):
            lines.append(line.rstrip())
            line = f"{' ' * indent}#   "
        line += f"{word} "
    return [*lines, line.rstrip()]
