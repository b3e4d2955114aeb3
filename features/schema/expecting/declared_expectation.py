"""One expectation of a declaration, and what can be wrong with it, told before any row is read."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from features.schema.columns import Declared
from features.schema.expecting import known_expectations as known

_CODE = ("row_condition", "condition_parser")  # evaluated as an expression of Python
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")  # of JSON Schema: jsonschema fetches addresses, reads files

Rows = Literal["raw", "kept"]


def snake_case(name: Any) -> Any:
    """The library's name of an expectation, which is also written as its class.

    >>> snake_case("ExpectColumnPairValuesAToBeGreaterThanB"), snake_case("ExpectColumnKLDivergenceToBeLessThan")
    ('expect_column_pair_values_a_to_be_greater_than_b', 'expect_column_kl_divergence_to_be_less_than')
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]+", name):
        return name
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def class_name(name: str) -> str:
    """The library's class of an expectation.

    >>> class_name("expect_column_pair_values_a_to_be_greater_than_b")
    'ExpectColumnPairValuesAToBeGreaterThanB'
    """
    return "".join(word.capitalize() for word in name.split("_")).replace("ColumnKl", "ColumnKL")


def _as_rows(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Expect(Declared):
    """One expectation of Great Expectations on a table, written as the library stores it: type, kwargs, severity."""

    type: Annotated[str, BeforeValidator(snake_case)] = Field(
        description="the library's name, e.g. expect_column_values_to_match_regex (or its class)"
    )
    kwargs: dict[str, Any] = Field(
        default_factory=dict, description="its arguments, e.g. {column: website, regex: '^https://', mostly: 0.9}"
    )
    severity: Literal["warn", "fail"] = Field(
        default="fail", description="fail: where it does not hold, nothing is learned from the rows; warn: it is told"
    )
    rows: Annotated[tuple[Rows, ...], BeforeValidator(_as_rows), Field(min_length=1)] = Field(
        default=("raw", "kept"),
        description="raw: rows as read, those of the quarantine included; kept: what everything is learned from",
    )
    notes: str = Field(default="", description="why it is expected; shown wherever it does not hold")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it speaks of."""
        named = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return (*named, *self.kwargs.get("column_list", ()), *self.kwargs.get("column_set", ()))

    @property
    def sentence(self) -> str:
        """It in words, as the library writes it: name and arguments."""
        told = ", ".join(f"{key}: {_short(value)}" for key, value in self.kwargs.items())
        return f"{self.type} ({told})" if told else self.type

    @model_validator(mode="after")
    def _as_the_library_takes_it(self) -> "Expect":
        problem = next(_problems(self.type, self.kwargs), None)
        if problem is not None:
            raise ValueError(problem)
        return self


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # a line of a console


def _problems(name: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    if name in known.OF_DATABASES:
        yield f"'{name}' runs on SQL databases only; tables are checked as data frames here. Choose another expectation"
    elif name not in known.KNOWN:
        yield f"Great Expectations knows no '{name}'{_near(name, known.KNOWN)}; docs/validation.md lists those that run"
    else:
        yield from _wrong_arguments(name, kwargs)


def _wrong_arguments(name: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    takes = known.KNOWN[name]
    for key, value in kwargs.items():
        if key in _CODE:
            yield (
                f"'{key}' is evaluated as code, which no declaration may hold. Expect it of whole columns ('mostly' "
                "leaves room), or add that expectation to the project itself (docs/validation.md)"
            )
        elif key not in takes:
            yield f"'{name}' takes no '{key}'{_near(key, takes)}; it takes {', '.join(takes)}"
        elif not _is(known.KINDS[key], value):
            yield f"'{key}' of '{name}' is {known.KINDS[key]}; found {value!r}"
    lacking = [key for key, required in takes.items() if required and key not in kwargs]
    if lacking:
        yield f"'{name}' needs {', '.join(lacking)} under 'kwargs'"
    for key in ("regex", "regex_list"):
        yield from _wrong_patterns(kwargs.get(key, []))
    for reference in _references(kwargs.get("json_schema")):
        if not reference.startswith("#"):
            yield (
                f"'{reference}' in 'json_schema' is fetched from elsewhere, which no check does. Write what it says "
                "into the schema, under '$defs', and refer to '#/$defs/NAME'"
            )


def _references(schema: Any) -> Iterator[str]:
    """References of a JSON schema, in any depth."""
    if isinstance(schema, dict):
        yield from (schema[key] for key in _REFERENCES if isinstance(schema.get(key), str))
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _references(part)


def _wrong_patterns(patterns: str | list[str]) -> Iterator[str]:
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        try:
            re.compile(pattern)
        except re.error as problem:
            yield f"the pattern {pattern!r} cannot be read: {problem}"


def _is(kind: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        known.COLUMN: isinstance(value, str),
        known.COLUMNS: isinstance(value, list) and all(isinstance(one, str) for one in value),
        known.TEXT: isinstance(value, str),
        known.TEXTS: isinstance(value, list) and all(isinstance(one, str) for one in value),
        known.VALUES: isinstance(value, list),
        known.NUMBER: number,
        known.BOUND: number or isinstance(value, str),
        known.SHARE: number and 0 <= value <= 1,
        known.FLAG: isinstance(value, bool),
        known.MAP: isinstance(value, dict),
    }[kind]


def _near(word: str, words: Collection[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def unknown_columns(expect: Expect, columns: Collection[str]) -> Iterator[tuple[str, str]]:
    """Columns that an expectation names and its table does not have, each with a hint."""
    if expect.type == "expect_column_to_exist":
        return
    for name in expect.columns:
        if name not in columns:
            yield name, _near(name, columns)
