"""Source declarations: how one export maps to the canonical tables (the schema of data/sources/*.yaml)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column, Declared
from features.schema.evidence import ActivityKind, BotFilter, EngagementWindows, Question
from features.schema.expecting.declared_expectation import Expect
from features.schema.learning import (
    Capacity,
    Cohort,
    Compared,
    Flat,
    FlatTarget,
    Identity,
    Label,
    Modelling,
    Split,
    iso_time,
)
from features.schema.opportunities import Opportunities, check_apart
from features.schema.own.own_code import OURS, OwnCandidate, OwnFeature
from features.schema.people.privacy import Privacy
from features.schema.table_source import CsvFormat, Location, PackageMember, TableSource
from features.schema.vocabulary import ColumnType, Role, Stage, WhenKnown

__all__ = [
    "ActivityKind",
    "BotFilter",
    "Capacity",
    "Cohort",
    "Column",
    "Compared",
    "CsvFormat",
    "Declared",
    "EngagementWindows",
    "Expect",
    "Flat",
    "FlatTarget",
    "Generator",
    "Identity",
    "Label",
    "Location",
    "Modelling",
    "Opportunities",
    "OwnCandidate",
    "OwnFeature",
    "PackageMember",
    "Privacy",
    "Question",
    "Source",
    "Split",
    "TableSource",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class Generator(Declared):
    """A built-in generator of synthetic data."""

    name: str = Field(description="which generator: demo, leadforge or cdnow")
    parameters: dict[str, Any] = Field(default_factory=dict, description="handed to the generator as they are")


SLICED: Mapping[str, str] = {"leads": "lead_id", "accounts": "account_id"}  # tables of slices, and their keys


class Source(Declared):
    """One source of leads. See docs/sources.md for every key."""

    name: Name = Field(description="lower-case name; also the folder below the data directory")
    kind: Literal["relational", "flat"] = Field(
        description="relational: several tables with clocks; flat: one file without clocks"
    )
    title: str = Field(default="", description="headline of the report")
    synthetic: bool = Field(default=False, description="made-up data, labelled as such wherever it is shown")
    licence: str = Field(default="", description="licence of the data")
    citation: str = Field(default="", description="where the data come from")
    timezone: str = Field(default="UTC", description="zone of timestamps written without one")
    data_cutoff: str | None = Field(default=None, description="ISO time; default: just after the latest known_at")
    generator: Generator | None = Field(default=None, description="writes the files, where they are synthetic")
    tables: dict[str, TableSource] = Field(default_factory=dict, description="canonical table to its file and columns")
    opportunities: Opportunities | None = Field(
        default=None, description="shorthand for one table of deals: writes leads, outcomes, accounts and stages"
    )
    activity_kinds: dict[str, ActivityKind] = Field(default_factory=dict, description="kind to what it is evidence of")
    questions: dict[str, Question] = Field(default_factory=dict, description="question of 'answers' to what it means")
    answer_channels: tuple[str, ...] = Field(default=(), description="channels whose answers are counted apart")
    identity: Identity | None = Field(default=None, description="how duplicate leads and accounts are recognised")
    privacy: Privacy | None = Field(
        default=None,
        exclude_if=lambda declared: declared is None,  # a source without it keeps its hash, and so its bundle's
        description="objection, consent by channel, and how long rows are kept",
    )
    windows: EngagementWindows = Field(default=EngagementWindows(), description="windows of engagement features")
    bots: BotFilter = Field(default=BotFilter(), description="what counts as a scanner's click")
    label: Label = Field(default=Label(), description="what counts as a win, and when it is known")
    cohort: Cohort = Field(default=Cohort(), description="when leads are scored for training")
    split: Split = Field(default=Split(), description="how rows are kept apart for judging")
    flat: Flat | None = Field(default=None, description="target, order and groups of a flat source")
    rubric: str | None = Field(default=None, description="rubric YAML, by name or path")
    mode: Literal["model", "points"] = Field(
        default="model",
        exclude_if=lambda declared: declared == "model",  # a source without it keeps its hash, and so its bundle's
        description="points: the rubric alone scores, whatever a model could do; a model is judged beside it",
    )
    framework: str = Field(
        default="bant",
        description="qualification framework of the cards: a name, or a YAML file beside the declaration",
    )
    qualification: str | tuple[str, ...] | None = Field(
        default=None,
        description="qualification policy YAML, by name or path; several: versions, each with effective_from",
    )
    lifecycle: str | None = Field(default=None, description="lifecycle policy YAML, by name or path")
    accounts: str | None = Field(
        default=None,
        exclude=True,  # it bears on no score: sources that name one keep their hash, and so their bundle's
        description="accounts policy YAML (seats of the buying committee, products), by name or path",
    )
    recorded_score: str | None = Field(default=None, description="leads column with a score recorded at the time")
    actual_handoff: Stage | None = Field(default=None, description="stage whose entry is a handoff that happened")
    capacity: Capacity = Field(default=Capacity(), description="what sales can work")
    comparison: Compared | None = Field(
        default=None,
        exclude_if=lambda declared: declared is None,  # as with 'model'
        description="of whom rubric and model are compared",
    )
    slices: tuple[str, ...] = Field(
        default=(),
        exclude=True,  # as with 'accounts'
        description="columns, as leads.language, by whose values the model is judged apart besides its own attributes",
    )
    expect: dict[str, tuple[Expect, ...]] = Field(
        default_factory=dict,
        exclude=True,  # as with 'accounts'
        description="table to what is expected of its rows, as in a suite of Great Expectations (docs/validation.md)",
    )
    model: Modelling | None = Field(
        default=None,
        exclude_if=lambda declared: declared is None,  # a source without it keeps its hash, and so its bundle's
        description="what the model leans on beside its features",
    )
    candidates: tuple[OwnCandidate, ...] = Field(
        default=(),
        max_length=8,
        exclude_if=lambda declared: not declared,  # as with 'model'
        description="estimators of one's own that are judged beside the product's candidates (docs/own_code.md)",
    )
    features: tuple[OwnFeature, ...] = Field(
        default=(),
        max_length=64,
        exclude_if=lambda declared: not declared,  # as with 'model'
        description="features that functions of one's own compute (docs/own_code.md)",
    )
    prior_correction: Literal["none", "newest"] = Field(
        default="none", description="newest: the level of probabilities follows the newest matured rows alone"
    )
    recency_half_life: float | None = Field(
        default=None,
        ge=0.02,
        le=10,
        description="for markets that move: rows older by this share of the learning time count half",
    )

    _path: Path | None = PrivateAttr(default=None)
    _lines: Mapping[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    def with_place(self, path: Path | None, lines: Mapping[tuple[str | int, ...], int]) -> "Source":
        """The source, knowing its file and the line of every key (for messages and files beside it)."""
        self._path, self._lines = path, lines
        return self

    @property
    def path(self) -> Path | None:
        """The declaration's file, if it came from one."""
        return self._path

    def where(self, *keys: str | int) -> str:
        """Place of a key for messages: ``my.yaml line 12``, or the dotted key where no file is known."""
        line = next((self._lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self._lines), None)
        if line is None:
            return f"source '{self.name}', {'.'.join(map(str, keys))}"
        return f"{self._path.name if self._path else self.name} line {line}"

    @field_validator("data_cutoff")
    @classmethod
    def _is_a_time(cls, text: str | None) -> str | None:
        return iso_time(text)

    @field_validator("candidates")
    @classmethod
    def _apart_by_name(cls, found: tuple[OwnCandidate, ...]) -> tuple[OwnCandidate, ...]:
        names = [one.name for one in found]
        for name in names:
            if name in OURS:
                raise ValueError(f"'{name}' is a candidate of the product; give yours another name")
            if names.count(name) > 1:
                raise ValueError(f"two candidates are named '{name}'; give each a name of its own")
        return found

    @model_validator(mode="after")
    def _filter_of_the_cohort(self) -> "Source":
        cohort = self.cohort
        if self.kind == "flat" and (cohort.from_ is not None or cohort.where):
            raise ValueError(
                "'cohort.from' and 'cohort.where' choose the looks of a relational source; a flat one is judged as "
                "its file is, so leave them out and cut the file"
            )
        declared = self.tables["leads"].columns if "leads" in self.tables else {}
        for name in cohort.where:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise ValueError(f"cohort.where names '{name}', which leads do not declare; declared: {known}")
            if declared[name].when_known is not WhenKnown.AT_CREATION or declared[name].role is Role.IGNORE:
                raise ValueError(
                    f"cohort.where names '{name}', which is "
                    f"{'ignored' if declared[name].role is Role.IGNORE else 'edited after creation'}: leads would be "
                    "chosen by what became of them. Name a column that stays as it was at creation"
                )
        return self

    @field_validator("slices")
    @classmethod
    def _name_tables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in names if name.split(".")[0] not in SLICED or name.count(".") != 1]
        if wrong:
            raise ValueError(f"slices: '{wrong[0]}' is no column of {' or '.join(SLICED)}; write it as leads.language")
        return names

    @model_validator(mode="after")
    def _columns_of_slices(self) -> "Source":
        for name in self.slices:
            table, column = name.split(".")
            declared = self.tables[table].columns if table in self.tables else {}
            if column not in declared or declared[column].role is Role.IGNORE:
                known = ", ".join(n for n, c in declared.items() if c.role is not Role.IGNORE) or "none"
                raise ValueError(f"slices names '{name}', which is not declared or ignored; {table} declare: {known}")
        return self

    @model_validator(mode="after")
    def _columns_of_consent(self) -> "Source":
        declared = self.tables["leads"].columns if "leads" in self.tables else {}
        for name in self.privacy.columns if self.privacy is not None else ():
            column = declared.get(name)
            if column is None or column.type is not ColumnType.BOOLEAN or column.role is not Role.DISPLAY:
                raise ValueError(
                    f"privacy names '{name}'; declare it under tables.leads.columns, type: boolean, role: display"
                )
        shown = (Role.DISPLAY, Role.PERSONAL)
        contacts = self.privacy.consent.items() if self.privacy is not None else ()
        for channel, consent in contacts:
            for name in consent.contacts:
                if name not in declared or declared[name].role not in shown:
                    raise ValueError(
                        f"privacy.consent.{channel} hides '{name}', which is no display or personal column of leads"
                    )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        unknown = sorted(set(self.tables) - set(TABLES))
        if unknown:
            raise ValueError(f"unknown table {', '.join(unknown)}; allowed: {', '.join(TABLES)}")
        if "leads" not in self.tables:
            raise ValueError("table 'leads' is required")

        if self.kind == "flat" and self.flat is None:
            raise ValueError("a flat source needs 'flat:' with its target")
        if self.flat is not None:
            target = self.flat.target
            sides = {"won": target.won, "lost": target.lost, "disqualified": target.disqualified, "open": target.open}
            try:
                check_apart(sides)
            except ValueError as problem:
                raise ValueError(f"flat.target: {problem}") from problem
        if self.kind == "flat" and self.opportunities is not None:
            raise ValueError("'opportunities:' is for sources with clocks; leave it out, or declare kind: relational")
        if self.kind == "relational" and self.flat is not None:
            raise ValueError("'flat:' belongs to flat sources only")

        if self.recency_half_life is not None and self.flat is not None and self.flat.order is None:
            raise ValueError(
                "'recency_half_life' gives newer rows more weight, but rows without 'flat.order' have no age"
            )
        if self.kind == "flat" and self.features:
            raise ValueError(
                "'features:' are computed from the rows known at a moment, and a flat source has no clocks; compute "
                "the column into the file, or declare kind: relational"
            )
        if self.kind == "flat" and self.identity is not None:
            raise ValueError(
                "'identity:' merges leads by their timestamps, which a flat source does not have; leave it out"
            )
        if self.kind == "relational" and not {"outcomes", "stages"} & set(self.tables):
            raise ValueError("a relational source needs 'outcomes', or 'stages' to derive them from")

        return self


def title_column(source: Source) -> str | None:
    """The leads' column that holds the job title, if one is declared."""
    leads = source.tables.get("leads")
    return next((name for name, c in leads.columns.items() if c.title), None) if leads else None
