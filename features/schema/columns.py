"""Declarations of columns: what is written in each, and what it may be used for."""

import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from features.schema.vocabulary import ColumnType, Dimension, Role, Topic, WhenKnown


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Headers = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]


_NUMBERS = {int, float, NoneType}


class TypedNumbers(BaseModel):
    """Base of what people write: true and false are no numbers, which would be read as 1 and 0."""

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, given: Any) -> Any:
        for name, field in cls.model_fields.items() if isinstance(given, dict) else ():
            written = name if name in given else field.alias
            for where, truth in _truths(field.annotation, given.get(written), str(written)):
                raise ValueError(f"{where}: {str(truth).lower()} is no number")
        return given


def _truths(annotation: Any, value: Any, where: str) -> Iterator[tuple[str, bool]]:
    """Each true or false where a number alone may stand: in the value itself, in a mapping, in a sequence."""
    origin, inner = get_origin(annotation), get_args(annotation)
    kinds: Iterable[Any] = inner if origin in (Union, UnionType) else (annotation,)
    if origin is Annotated:
        yield from _truths(inner[0], value, where)
    elif isinstance(value, bool):
        if {get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds} <= _NUMBERS:
            yield where, value
    elif origin in (Union, UnionType):
        for kind in kinds:
            yield from _truths(kind, value, where)
    elif origin is dict and isinstance(value, dict):
        for key, one in value.items():
            yield from _truths(inner[1], one, f"{where}.{key}")
    elif origin is tuple and isinstance(value, list | tuple):
        kinds = repeat(inner[0]) if inner[-1] is Ellipsis else inner
        for place, (kind, one) in enumerate(zip(kinds, value, strict=False)):
            yield from _truths(kind, one, f"{where}.{place}")


class Declared(TypedNumbers):
    """Base of all declarations: frozen, unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )


def fold_value(text: str) -> str:
    """A declared value or one of a file, as the two are compared: no case, blanks, dashes or underscores; -1 is not 1.

    >>> fold_value("Closed-Won "), fold_value("closed won"), fold_value(" - "), fold_value(" -1")
    ('closedwon', 'closedwon', '-', '-1')
    """
    minus = "-" if re.match(r"[\s_]*-[\s_-]*\d", text) else ""
    return minus + re.sub(r"[\s_-]+", "", text).casefold() or text.strip()


def _as_values(value: Any) -> Any:
    """One value or several, as texts; YAML's true and false as they are written."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(one).lower() if isinstance(one, bool) else one for one in values]


Values = Annotated[tuple[str, ...], BeforeValidator(_as_values)]


class Column(Declared):
    """One column of the user's file and what it may be used for."""

    source: str | Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None,
        alias="from",
        description="header in the file; default: the same name. A list: of each row the first filled one counts",
    )
    type: ColumnType | None = Field(
        default=None, description="how values are read; default: the contract's, for attributes category"
    )
    role: Role = Field(default=Role.FEATURE, description="what the column may be used for")
    dimension: Dimension = Field(default=Dimension.FIT, description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of; context: of no criterion")
    when_known: WhenKnown = Field(
        default=WhenKnown.AT_CREATION, description="when a value is known; overwritten columns are refused as features"
    )
    enrich: bool = Field(
        default=False,
        description="may be looked up where it is missing, as a lasting fact that is the same whenever it is filled; "
        "columns of accounts with a clock of their own need not say so",
    )
    direction: Literal[-1, 0, 1] = Field(
        default=0,
        description="1: more can only help, -1: it can only hurt, 0: free (monotone constraint); not for categories",
    )
    doc: str = Field(default="", description="one sentence: what it holds")
    label: str = Field(default="", description="plain-words noun phrase for reps")
    unit: str = Field(default="", description="unit of numbers, e.g. EUR")
    values: tuple[str, ...] = Field(default=(), description="allowed values; others go to quarantine")
    map: dict[str, str] = Field(default_factory=dict, description="value in the file to the value meant by it")
    true_values: Values = Field(
        default=(), description="for booleans: values that mean true (upper and lower case alike), others than yes/no"
    )
    false_values: Values = Field(default=(), description="for booleans: values that mean false")
    map_patterns: dict[str, str] = Field(
        default_factory=dict,
        description="as map, for values that match a pattern such as `Email: *` (upper and lower case alike, the first "
        "that fits); what fits none stays as it is",
    )
    through: tuple[str, ...] = Field(
        default=(),
        description="for ids of another table: headers of that table's file whose value stands for the row, where the "
        "id itself is not found, e.g. [ConvertedContactId] or [Email]",
    )
    constant: str | None = Field(default=None, description="value of every row, where the file has no such column")
    minimum: float | None = Field(default=None, description="smallest allowed number; smaller go to quarantine")
    maximum: float | None = Field(default=None, description="largest allowed number; larger go to quarantine")
    decimal: Literal[".", ","] | None = Field(
        default=None, description="decimal sign of the column's numbers; default: the file's, else found out"
    )
    thousands: Literal[".", ",", "'", " "] | None = Field(
        default=None, description="sign between groups of thousands; default: the file's, else found out"
    )
    scale: float | None = Field(
        default=None,
        gt=0,
        le=1e12,
        exclude_if=lambda scale: scale is None,  # a source without it keeps its hash, and so its bundle's
        description="for numbers: what each is multiplied by, e.g. 0.01 where a column is in cents; minimum and "
        "maximum are of the result",
    )
    missing: tuple[str, ...] = Field(default=(), description="texts that mean missing, besides the empty text")
    required: bool = Field(default=False, description="rows without a value go to quarantine")
    timezone: str | None = Field(
        default=None, description="zone of timestamps written without one; default: the source's"
    )
    time_format: str | None = Field(default=None, description="strptime format of timestamps; default: found out")
    excluded_because: str = Field(default="", description="why an ignored column may not be used, e.g. a leak")
    accepted_because: str = Field(default="", description="why a sensitive or suspicious column is used all the same")
    derive: Literal["domain", "free_mail"] | None = Field(
        default=None,
        description="for a column of e-mail or web addresses: its domain (missing for free-mail hosts), or whether a "
        "free-mail host is behind it (boolean). The address itself stays personal, in a column of its own",
    )
    items: tuple[str, ...] = Field(
        default=(),
        description="values of a list (type: list) that are features of their own; default: the frequent ones",
    )
    separator: str | None = Field(
        default=None, min_length=1, description="sign between the values of a list; default: found out (; | , line end)"
    )
    title: bool = Field(default=False, description="a job title: read as seniority and function")

    def headers(self, name: str) -> tuple[str, ...]:
        """Headers the column is read from, ``name`` being its name in the product; none if it is constant."""
        if self.constant is not None:
            return ()
        return self.source if isinstance(self.source, tuple) else (self.source or name,)

    @model_validator(mode="before")
    @classmethod
    def _flag_of_an_address(cls, column: Any) -> Any:
        if isinstance(column, dict) and column.get("derive") == "free_mail":
            return {"type": ColumnType.BOOLEAN, **column}
        return column

    @model_validator(mode="after")
    def _lists_have_items(self) -> Self:
        if self.type is ColumnType.LIST and self.values:
            raise ValueError("a list has no 'values'; name those that are to be features under 'items'")
        if self.type is not ColumnType.LIST and (self.items or self.separator):
            raise ValueError("'items' and 'separator' are of lists; declare 'type: list'")
        return self

    @field_validator("excluded_because", "accepted_because")
    @classmethod
    def _is_a_reason(cls, text: str) -> str:
        if text and not any(letter.isalnum() for letter in text):
            raise ValueError("a reason must contain words; say why in a sentence, or leave the key out")
        return text.strip()
