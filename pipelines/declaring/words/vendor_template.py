"""What the exports of a CRM, marketing or product tool call things: a vendor's headings, words and typical traps."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from features.errors import SourceError
from features.regular_files import read_regular_text
from features.schema.columns import Declared
from features.schema.vocabulary import Actor, ColumnType, Dimension, Stage, Topic
from features.schema.yaml_lines import YamlTextError, problems_of, read_yaml
from pipelines.declaring.words.plain_letters import plain_letters
from pipelines.workspace.find_declarations import declaration_names, find_template

TableKind = Literal["opportunities", "leads", "accounts", "activities", "answers", "stages", "outcomes"]
HeaderRole = Literal["display", "personal", "overwritten", "afterwards", "ignored"]

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060\ufeff\u00ad]")
_BLANKS = re.compile(r"[\s_]+")


class KnownColumn(Declared):
    """A column whose meaning is known from the vendor: under which headings it comes, and what it speaks of."""

    headers: tuple[str, ...] = Field(min_length=1, description="headings it may have")
    type: ColumnType = Field(description="how its values are read")
    dimension: Dimension = Field(default=Dimension.FIT, description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of")
    label: str = Field(description="plain-words noun phrase for reps")
    unit: str = Field(default="", description="unit of numbers")
    title: bool = Field(default=False, description="a job title")
    overwritten: bool = Field(default=False, description="holds today's value")


class VendorTable(Declared):
    """One table of a vendor's exports, and the contract table it becomes."""

    table: TableKind = Field(description="table of the contract, or 'opportunities' for leads and outcomes in one")
    title: str = Field(description="what the vendor calls it")
    recognised_by: tuple[str, ...] = Field(min_length=1, description="fields that must be found")
    needs_any: tuple[str, ...] = Field(default=(), description="headings of which one must be there")
    never_with: tuple[str, ...] = Field(default=(), description="headings that speak for another table")
    fields: dict[str, tuple[str, ...]] = Field(description="column of the contract to headings, best first")
    attributes: dict[str, KnownColumn] = Field(default_factory=dict, description="name to what is known of a column")
    stage_dates: dict[Stage, tuple[str, ...]] = Field(
        default_factory=dict, description="stage to headings of the dates of its entry"
    )
    display: tuple[str, ...] = Field(default=(), description="headings shown, never learned from")
    personal: tuple[str, ...] = Field(default=(), description="headings that identify a person")
    overwritten: tuple[str, ...] = Field(default=(), description="headings that hold today's value")
    afterwards: tuple[str, ...] = Field(default=(), description="headings filled only after the outcome")
    ignored: tuple[str, ...] = Field(default=(), description="headings without meaning for a lead")

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        unknown = set(self.recognised_by) - set(self.fields)
        if unknown:
            raise ValueError(f"recognised_by names {', '.join(sorted(unknown))}, which 'fields' does not have")
        return self


class VendorStatus(Declared):
    """Words of a status or stage column, by what became of the lead."""

    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    disqualified: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


class VendorKind(Declared):
    """One kind of activity: the vendor's names of it (globs allowed) and what it is evidence of."""

    match: tuple[str, ...] = Field(min_length=1, description="names in the export, exact or glob")
    dimension: Dimension = Field(description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of")
    label: str = Field(description="plain-words noun phrase for reps")
    actors: tuple[Actor, ...] = Field(default=(Actor.LEAD,), description="who acts")
    send: bool = Field(default=False, description="an e-mail sent by us")
    bot_prone: bool = Field(default=False, description="e-mail scanners may cause it")


class VendorTemplate(Declared):
    """What is known about one vendor's exports (the schema of data/templates/*.yaml)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="name on the command line")
    title: str = Field(description="name of the product")
    notes: tuple[str, ...] = Field(default=(), description="what its users stumble over")
    tables: tuple[VendorTable, ...] = Field(min_length=1, description="tables of its exports")
    status: VendorStatus = Field(default=VendorStatus(), description="words of its status columns")
    kinds: dict[str, VendorKind] = Field(default_factory=dict, description="kinds of activities")


@dataclass(frozen=True, kw_only=True)
class RecognisedTable:
    """A file of a vendor's export, its headings understood.

    Parameters
    ----------
    vendor : the vendor's table it is
    fields : column of the contract to the headings found for it, best first
    attributes : heading to the name and meaning of a known attribute
    roles : heading to why it is no feature
    stage_dates : stage to the heading of the date of its entry
    unknown : headings the template does not know, in the file's order
    """

    vendor: VendorTable
    fields: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, tuple[str, KnownColumn]]
    roles: Mapping[str, HeaderRole]
    stage_dates: Mapping[Stage, str]
    unknown: tuple[str, ...]

    @property
    def known(self) -> int:
        """Number of headings that were understood."""
        used = {header for headers in self.fields.values() for header in headers}
        return len(used | set(self.attributes) | set(self.roles) | set(self.stage_dates.values()))


def fold_header(header: str) -> str:
    r"""A heading without what differs between exports of one column: case, accents, blanks, invisible characters.

    >>> fold_header(" Fecha  de creación\u200b"), fold_header("Created_Time"), fold_header("Źródło")
    ('fecha de creacion', 'created time', 'zrodlo')
    """
    return _BLANKS.sub(" ", plain_letters(_INVISIBLE.sub("", header))).strip()


def load_template(name: str) -> VendorTemplate:
    """The template of a vendor.

    Raises
    ------
    SourceError : there is none of this name, or its YAML cannot be used
    """
    path = find_template(name)
    return parse_template(read_regular_text(path), where=path.name)


def parse_template(text: str, *, where: str = "template") -> VendorTemplate:
    """The template of a YAML text; SourceError names every problem with its line."""
    try:
        document = read_yaml(text)
        return VendorTemplate.model_validate(document.data)
    except YamlTextError as problem:
        raise SourceError(f"{where}: {problem}") from problem
    except ValidationError as error:
        problems = "\n".join(f"  {problem}" for problem in problems_of(error, document))
        raise SourceError(f"{where} cannot be used:\n{problems}") from error


def template_names() -> list[str]:
    """Names of all templates."""
    return declaration_names("templates")


def recognise_table(template: VendorTemplate, headers: Sequence[str]) -> RecognisedTable | None:
    """Which of the vendor's tables has these headings; None if it is none of them.

    Of several that fit, the one that understands the most headings.
    """
    fits = [read for table in template.tables if (read := _read_headers(table, headers)) is not None]
    return max(fits, key=lambda read: read.known, default=None)


def _read_headers(table: VendorTable, headers: Sequence[str]) -> RecognisedTable | None:
    by_fold = {fold_header(header): header for header in reversed(headers)}

    def find(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(by_fold[fold] for name in names if (fold := fold_header(name)) in by_fold))

    fields = {field: found for field, names in table.fields.items() if (found := find(names))}
    if not set(table.recognised_by) <= set(fields):
        return None
    if find(table.never_with) or (table.needs_any and not find(table.needs_any)):
        return None

    stage_dates = {stage: found[0] for stage, names in table.stage_dates.items() if (found := find(names))}
    taken = {header for found in fields.values() for header in found}
    attributes: dict[str, tuple[str, KnownColumn]] = {}
    for name, column in table.attributes.items():
        attributes |= {header: (name, column) for header in find(column.headers)[:1] if header not in taken}

    roles: dict[str, HeaderRole] = {}
    listed: tuple[tuple[HeaderRole, tuple[str, ...]], ...] = (
        ("personal", table.personal),
        ("display", table.display),
        ("overwritten", table.overwritten),
        ("afterwards", table.afterwards),
        ("ignored", table.ignored),
    )
    for role, names in listed:
        roles |= {h: role for h in find(names) if h not in taken and h not in attributes and h not in roles}

    dated = set(stage_dates.values())
    unknown = tuple(h for h in headers if h not in taken | dated and h not in attributes and h not in roles)
    return RecognisedTable(
        vendor=table, fields=fields, attributes=attributes, roles=roles, stage_dates=stage_dates, unknown=unknown
    )
