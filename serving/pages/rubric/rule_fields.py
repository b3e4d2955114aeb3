"""What a rule may read, in the words of the source: fields with their values and how often they occur."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.schema.source import Column, Source
from features.schema.vocabulary import ColumnType, Dimension, Role, WhenKnown
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from serving.pages.rubric.words import declared_label, plain_name
from serving.state.app_state import AppState

Reading = Literal["values", "texts", "numbers", "activity"]
MOST_VALUES = 24  # of a field that are listed; others can be typed
_READ_AS: Mapping[ColumnType, Reading] = {
    ColumnType.CATEGORY: "values",
    ColumnType.BOOLEAN: "values",
    ColumnType.TEXT: "texts",
    ColumnType.NUMBER: "numbers",
}
_NO_ATTRIBUTES = ("lead_id", "account_id", "created_at", "known_at", "owner")  # keys, clocks, and who works the lead
_TABLES = (("lead", "leads"), ("account", "accounts"))
_SUBJECTS = ("lead", "account", "answer", "activity")


@dataclass(frozen=True, kw_only=True)
class FieldChoice:
    """One field, question or kind of activity.

    Parameters
    ----------
    values : the most frequent ones with how many leads, companies or activities have them
    edges : of numbers, round values that part them in four
    leads : who has anything on record; ``of`` how many there are
    dimension : what kind of evidence it is
    """

    subject: str
    name: str
    label: str
    reading: Reading
    leads: int
    of: int
    values: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    dimension: str = "fit"
    topic: str = "context"

    @property
    def key(self) -> str:
        """Its name in addresses and forms."""
        return f"{self.subject}.{self.name}"

    def title(self, language: Language) -> str:
        """Its label in a language, the first letter large."""
        return capitalise(translate_label(language, self.label))

    def value_words(self, language: Language, value: str) -> str:
        """A value in a language; texts that people typed stay as they are.

        >>> from models.explaining.language import ENGLISH
        >>> one = FieldChoice(subject="lead", name="x", label="x", reading="values", leads=1, of=1)
        >>> [one.value_words(ENGLISH, text) for text in ("true", "false", "c_level")]
        ['yes', 'no', 'C level']
        """
        if self.reading != "values":
            return value
        if value in ("true", "false"):
            return language.text("yes") if value == "true" else language.text("no")
        return translate_value(language, value)

    def shown(self, language: Language, count: int) -> str:
        """The most frequent values in one line."""
        return ", ".join(self.value_words(language, text) for text, _ in self.values[:count])


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one kind: about the person, about the company, what was answered, what people did."""

    subject: str
    fields: Sequence[FieldChoice]


def list_fields(app_state: AppState) -> list[FieldGroup]:
    """Everything a rule may read, counted once per state of the data."""
    data = app_state.loaded.data
    source = app_state.context.source
    found = app_state.results.get("rubric fields", data.stamp, lambda: list(_fields(source, data.tables)))
    groups = [FieldGroup(subject, [one for one in found if one.subject == subject]) for subject in _SUBJECTS]
    return [group for group in groups if group.fields]


def find_field(app_state: AppState, key: str) -> FieldChoice | None:
    """The field of a key, None where the source declares none."""
    return next((one for group in list_fields(app_state) for one in group.fields if one.key == key), None)


def readable_keys(source: Source) -> set[str]:
    """Keys of everything a rule may read by the declaration, without counting anything."""
    columns = {f"{subject}.{name}" for subject, name, _ in _readable_columns(source)}
    if source.kind == "flat":
        return columns
    answers = {f"answer.{name}" for name, question in source.questions.items() if question.type in _READ_AS}
    return columns | answers | {f"activity.{name}" for name, kind in source.activity_kinds.items() if not kind.send}


def _readable_columns(source: Source) -> Iterator[tuple[str, str, Column]]:
    """Attributes that were known at the time and are no keys, each with the subject it is of."""
    for subject, table in _TABLES[: 1 if source.kind == "flat" else None]:
        declared = source.tables.get(table)
        for name, column in ({} if declared is None else declared.columns).items():
            kind = column.type or ColumnType.CATEGORY
            usable = column.role is Role.FEATURE and column.when_known is not WhenKnown.OVERWRITTEN
            if usable and kind in _READ_AS and name not in _NO_ATTRIBUTES:
                yield subject, name, column


def _fields(source: Source, tables: Tables) -> Iterator[FieldChoice]:
    tables_of = dict(_TABLES)
    for subject, name, column in _readable_columns(source):
        rows = tables.get(tables_of[subject])
        if rows is None or name not in rows:
            continue
        if subject == "account" and "account_id" in rows:
            rows = rows.drop_duplicates("account_id", keep="last")
        label = declared_label(source, subject, name) or plain_name(name)
        reading = _READ_AS[column.type or ColumnType.CATEGORY]
        yield _choice(subject, name, label, reading, rows[name], str(column.dimension), str(column.topic))
    if source.kind != "flat":
        yield from _answers(source, tables)
        yield from _activities(source, tables)


def _answers(source: Source, tables: Tables) -> Iterator[FieldChoice]:
    answers = tables.get("answers")
    for name, question in source.questions.items():
        if answers is None or question.type not in _READ_AS:
            continue
        said = answers[answers["question"].astype("str") == name].drop_duplicates("lead_id", keep="last")["value"]
        label, reading = question.label or plain_name(name), _READ_AS[question.type]
        found = _choice("answer", name, label, reading, said, str(question.dimension), str(question.topic))
        listed = {text for text, _ in found.values}
        more = tuple((value, 0) for value in question.values if value not in listed)
        yield _with_leads(found, len(tables["leads"]), more if reading == "values" else ())


def _activities(source: Source, tables: Tables) -> Iterator[FieldChoice]:
    acts = tables.get("activities")
    if acts is None:
        return
    shown = [name for name in ("lead_id", "asset") if name in acts]
    by_kind = {str(name): rows for name, rows in acts[shown].groupby(acts["kind"].astype("str"), sort=False)}
    nothing = acts[shown].iloc[:0]
    for name, kind in source.activity_kinds.items():
        if kind.send:
            continue
        rows = by_kind.get(name, nothing)
        yield FieldChoice(
            subject="activity",
            name=name,
            label=kind.label or plain_name(name),
            reading="activity",
            leads=int(rows["lead_id"].nunique()),
            of=len(tables["leads"]),
            values=_counted(rows["asset"]) if "asset" in rows else (),
            dimension=str(kind.dimension),
            topic=str(kind.topic),
        )


def _with_leads(found: FieldChoice, leads: int, more: tuple[tuple[str, int], ...]) -> FieldChoice:
    return FieldChoice(**{**found.__dict__, "of": leads, "values": found.values + more})


def _choice(
    subject: str, name: str, label: str, reading: Reading, column: pd.Series, dimension: str, topic: str
) -> FieldChoice:
    numbers = pd.to_numeric(column, errors="coerce") if reading == "numbers" else None
    return FieldChoice(
        subject=subject,
        name=name,
        label=label,
        reading=reading,
        leads=int(column.notna().sum()),
        of=len(column),
        values=_counted(column) if numbers is None else (),
        edges=() if numbers is None else _round_edges(numbers.dropna().to_numpy(dtype=np.float64)),
        dimension=dimension if dimension in tuple(Dimension) else str(Dimension.FIT),
        topic=topic,
    )


def _counted(column: pd.Series) -> tuple[tuple[str, int], ...]:
    known = column.dropna().astype("str")
    if not len(known):
        return ()
    known = known.str.lower() if set(known.str.lower().unique()) <= {"true", "false"} else known
    counts = known.value_counts().head(MOST_VALUES)
    return tuple((str(text), int(count)) for text, count in counts.items())


def _round_edges(numbers: np.ndarray) -> tuple[float, ...]:
    """Quartiles as people would write them.

    >>> _round_edges(np.array([1.0, 12.0, 48.0, 260.0, 1_870.0]))
    (12.0, 48.0, 260.0)
    """
    if not len(numbers):
        return ()
    found = []
    for edge in np.quantile(numbers, [0.25, 0.5, 0.75], method="nearest").tolist():
        size = 10.0 ** (np.floor(np.log10(abs(edge))) - 1) if edge else 1.0
        found.append(float(np.round(edge / size) * size))
    return tuple(edge for edge in dict.fromkeys(found) if edge > float(numbers.min()))
