"""YAML that remembers its lines, so that every error of a declaration can name one."""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml
from pydantic import ValidationError

from features.schema.secrets import hide_secrets

Path = tuple[str | int, ...]
_DEEPEST = 50  # levels; bounds the recursion over a document from anywhere
_MOST_NODES = 100_000  # values of a document, aliases counted as often as they stand
_SHOWN = 300  # characters of a wrong value in a message
_MOST_TEXT = 8_000_000  # characters of a document, a hundred times the longest that ships
_KEPT_TEXT = 200_000  # characters of a document that is kept as parsed: a run reads the same few again and again
_MOST_WRITTEN = 60_000  # keys and values as written: 2,048 columns of ten keys each take 41,000


class YamlTextError(ValueError):
    """Text that is not valid YAML, or a key given twice; the message starts with the line."""


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only ``true`` and ``false`` are booleans, and dates and times of day are texts.

    ``yes`` and ``no`` are answers, not truth, the schema reads dates itself, and 1:30 is not 90. What is nested too
    deeply is refused before anything recurses into it.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        deeper = isinstance(event, yaml.CollectionStartEvent)
        self._depth += deeper
        if self._depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise YamlTextError(f"line {line}: nested more than {_DEEPEST} levels deep; no declaration needs that.")
        node = super().compose_node(parent, index)
        self._depth -= deeper
        return node


_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in tuple(f"tag:yaml.org,2002:{name}" for name in ("bool", "timestamp", "int", "float"))
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
# YAML 1.1 without numbers to the base of sixty
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|\.(?:inf|Inf|INF))$"
        r"|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True)
class LinedYaml:
    r"""Parsed YAML and the line (from 1) of every value and key.

    >>> document = read_yaml("name: a\nrules:\n  - id: x\n")
    >>> document.data, document.line(("rules", 0, "id"))
    ({'name': 'a', 'rules': [{'id': 'x'}]}, 3)
    """

    data: Any
    lines: dict[Path, int]

    def line(self, path: Sequence[str | int]) -> int:
        """Line of the value at ``path``, or of the nearest thing around it."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def read_yaml(text: str) -> LinedYaml:
    """Parse ``text``; raises :class:`YamlTextError` with the line on bad syntax or a repeated key."""
    found = _parse_once(text) if len(text) <= _KEPT_TEXT else _parse(text)
    return LinedYaml(deepcopy(found.data), found.lines)


def _parse(text: str) -> LinedYaml:
    _refuse_many(text)
    lines: dict[Path, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            _walk(node, (), lines)
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise YamlTextError(
            f"line {mark.line + 1 if mark else 1}: not valid YAML: {problem.problem or problem}."
        ) from problem
    except yaml.YAMLError as problem:
        raise YamlTextError(f"line 1: not valid YAML: {problem}.") from problem
    return LinedYaml(data, lines)


_parse_once = lru_cache(maxsize=32)(_parse)


def _refuse_many(text: str) -> None:
    """YamlTextError for more keys and values than any declaration has, before Python makes objects of them.

    The scanner in C reads a megabyte in a tenth of a second; the one in Python, which knows the lines, takes seconds.
    """
    if len(text) > _MOST_TEXT:
        raise YamlTextError(
            f"line 1: {len(text):,} characters, more than {_MOST_TEXT:,}; no declaration needs so many. Take the data "
            "out of the YAML file."
        )
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    written = 0
    try:
        for event in yaml.parse(text, Loader=fast):
            written += isinstance(event, yaml.NodeEvent)
            if written > _MOST_WRITTEN:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise YamlTextError(
                    f"line {line}: more than {_MOST_WRITTEN:,} keys and values; no declaration needs so many. Take the "
                    "data out of the YAML file."
                )
    except (yaml.YAMLError, UnicodeEncodeError):
        return  # told with its line by whoever reads it next


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    if len(lines) > _MOST_NODES or len(path) > 2 * _DEEPEST:
        raise YamlTextError(
            f"line {node.start_mark.line + 1}: aliases make this too large; write the values out instead."
        )
    lines.setdefault(path, node.start_mark.line + 1)
    _refuse_zero_bytes(node)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            _refuse_zero_bytes(key)
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise YamlTextError(f"line {line}: key '{name}' appears twice; keep one of the two.")
            seen.add(name)
            lines[(*path, name)] = line
            _walk(value, (*path, name), lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _walk(value, (*path, position), lines)


def _refuse_zero_bytes(node: yaml.Node) -> None:
    """No name of a file, table or column can hold one; in quotes YAML can write it."""
    if isinstance(node, yaml.ScalarNode) and "\0" in node.value:
        raise YamlTextError(f"line {node.start_mark.line + 1}: a text with a zero byte (\\0); write it without.")


def problems_of(error: ValidationError, document: LinedYaml) -> list[str]:
    """One sentence per validation problem, each beginning with its line, in line order."""
    rows = []
    problems = error.errors(include_url=False)
    paths = [tuple(problem["loc"]) for problem in problems]
    for problem, path in zip(problems, paths, strict=True):
        if problem["type"] == "too_short" and any(p[: len(path)] == path and p != path for p in paths):
            continue  # the items are there, but each is named below
        where = ".".join(str(part) for part in path) or "the document"
        line = document.line(path)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "unknown key"
        shown = hide_secrets(repr(problem["input"])[: 2 * _SHOWN])
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        found = "" if isinstance(problem["input"], dict | list) else f" (found {shown})"
        rows.append((line, f"line {line}: {where}: {message}{found}"))
    return [text for _, text in sorted(rows)]
