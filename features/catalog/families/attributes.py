"""Attributes of leads and accounts, job titles included: known at creation, with a clock, or as history."""

import re
from dataclasses import replace
from typing import Any, ClassVar, Literal

from features.catalog.feature import Feature, FeatureType, Wording
from features.errors import ContractError
from features.schema.canonical_tables import TABLES
from features.schema.operations import AnswerValue, ColumnValue, ReadAs
from features.schema.readable_names import distinct_name, readable_name
from features.schema.snapshots import is_read_from_answers
from features.schema.source import Column, Source
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic, WhenKnown

FAMILY = "attributes"
TITLES = "titles"
_STAGE_LIKE = re.compile(
    r"^((lead|deal|pipeline|lifecycle|sales|current|opportunity)_?)?(stage|status)$|^(is_)?(won|lost|converted|closed)$"
)


_NEVER_EDITED = (
    "when_known: at_creation if it is never edited, or say in accepted_because why today's value is used all the same "
    "(a caution then stands with every list)"
)
_ACCEPTED = "say why it is harmless in accepted_because (the bundle keeps the reason)"


class OverwrittenColumnError(ContractError):
    """A column whose past values are unknown was declared as a feature."""

    code: ClassVar[str] = "LS021"

    def __init__(self, table: str, column: str, why: str, otherwise: str) -> None:
        super().__init__(
            f"column '{table}.{column}' is declared as a feature, but {why}; its value on a past date is unknown, and "
            "today's value tells the outcome. Map its history to 'answers' (when_known: history) or to 'stages', "
            "keep dated exports (when_known: snapshots; see docs/snapshots.md), "
            f"declare role: ignore, or {otherwise}."
        )


class AccountWithoutClockError(ContractError):
    """Account features were declared, but not since when a lead belongs to its account."""

    code: ClassVar[str] = "LS022"

    def __init__(self) -> None:
        super().__init__(
            "account features are declared, but 'leads.account_id' does not say when it is known; it is often set at "
            "conversion and then tells the outcome. Add 'when_known: at_creation' to leads.account_id if it is set "
            "when the lead is created, or declare leads.account_id 'role: ignore': account columns, and what the other "
            "leads of an account did, are then left out (out of a qualification policy's profile, too)."
        )


def attribute_features(source: Source) -> list[Feature]:
    """Features of the declared columns of leads and accounts, in the order of the declaration.

    Accounts give none where a lead's account is declared out.

    Raises
    ------
    OverwrittenColumnError
        for a column that is overwritten, or, in a source with clocks, named like a stage, and not accepted with a
        reason.
    AccountWithoutClockError
        if accounts have features and leads.account_id does not say when it is known.
    """
    features: list[Feature] = []
    tables: tuple[Literal["leads", "accounts"], ...] = ("leads", "accounts")
    for table in tables:
        if table == "accounts" and is_account_ignored(source):
            continue
        for name, column in usable_columns(source, table):
            features += _column_features(table, name, column, source)
    if any(f.params.table == "accounts" for f in features):
        check_account_clock(source)
    return features


def is_account_ignored(source: Source) -> bool:
    """Whether the account of a lead is declared out, and with it all that is known by it."""
    account = source.tables["leads"].columns.get("account_id")
    return account is not None and account.role is Role.IGNORE


def check_account_clock(source: Source) -> None:
    """Refuse account features where a lead's account may have been set later than the lead."""
    account = source.tables["leads"].columns.get("account_id")
    if account is None or "when_known" not in account.model_fields_set or account.when_known is WhenKnown.OVERWRITTEN:
        raise AccountWithoutClockError


def usable_columns(source: Source, table: str) -> list[tuple[str, Column]]:
    """Declared attribute columns that may be learned from, checked for clocks."""
    if table not in source.tables:
        return []
    kept = []
    for name, column in source.tables[table].columns.items():
        accepted = column.role is Role.SENSITIVE and bool(column.accepted_because)
        if name in TABLES[table].names or not (column.role is Role.FEATURE or accepted):
            continue
        if column.type is ColumnType.ID:
            continue
        if source.flat is not None and name in _flat_columns(source):
            continue
        _check_clock(table, name, column, clocks=source.kind == "relational")
        kept.append((name, column))
    return kept


def _flat_columns(source: Source) -> set[str | None]:
    flat = source.flat
    return set() if flat is None else {flat.target.column, flat.order, flat.group, flat.lead_id}


def _check_clock(table: str, name: str, column: Column, *, clocks: bool) -> None:
    """Refuse what is overwritten, and, where a stage's history could be mapped, what is named like today's stage.

    One file without clocks has no history to map: there the audit judges the column by what it tells.
    """
    if column.when_known is WhenKnown.OVERWRITTEN and not column.accepted_because:
        raise OverwrittenColumnError(table, name, "the CRM overwrites it (when_known: overwritten)", _NEVER_EDITED)
    said = column.accepted_because or column.when_known in (WhenKnown.HISTORY, WhenKnown.SNAPSHOTS)
    if clocks and _STAGE_LIKE.match(name.lower()) and not said:
        raise OverwrittenColumnError(table, name, "by its name it holds today's stage or result", _ACCEPTED)


def _column_features(table: Literal["leads", "accounts"], name: str, column: Column, source: Source) -> list[Feature]:
    plain = name if table == "leads" else f"account_{name}"
    if is_read_from_answers(table, column):
        if name in source.questions:
            return []  # the answers family reads it
        if column.type is ColumnType.LIST:
            return _list_features(plain, column, AnswerValue(question=name), "when the change was known")
        return [_feature(plain, column, AnswerValue(question=name), "when the change was known")]
    base = ColumnValue(table=table, column=name)
    dated = column.when_known in (WhenKnown.KNOWN_AT, WhenKnown.SNAPSHOTS)
    known = "with the row's own known_at" if dated else "at creation"
    if column.type is ColumnType.LIST:
        return _list_features(plain, column, base, known)
    if column.title:
        return _title_features(plain, column, base, known)
    return [_feature(plain, column, base, known)]


def _list_features(name: str, column: Column, base: ColumnValue | AnswerValue, known: str) -> list[Feature]:
    """How many values a list holds, and a flag per value that is declared or frequent; no list holds none."""
    label = column.label or name.replace("_", " ")
    base = replace(base, read_as="items", separator=column.separator)
    shared: dict[str, Any] = {
        "family": FAMILY,
        "dimension": column.dimension,
        "topic": column.topic,
        "type": FeatureType.NUMBER,
        "when_empty": 0.0,
        "known_when": known,
    }
    count = Feature(
        name=f"{name}_count",
        doc=f"Number of values in {label}.",
        unit="count",
        direction=column.direction,
        wording=Wording.COUNT,
        label=f"values in {label}",
        params=base,
        **shared,
    )
    taken = {count.name}
    flags = [
        Feature(
            name=distinct_name(f"{name}_{readable_name(item, 'item')}", taken),
            doc=f"Whether {label} holds '{item}'.",
            unit="flag",
            wording=Wording.FLAG,
            label=f"{label}: {item}",
            params=replace(base, holds=item),
            **shared,
        )
        for item in column.items
    ]
    return [count, *flags]


def _title_features(name: str, column: Column, base: ColumnValue, known: str) -> list[Feature]:
    label = column.label or name.replace("_", " ")
    shared: dict[str, Any] = {
        "family": TITLES,
        "dimension": Dimension.FIT,
        "type": FeatureType.CATEGORY,
        "when_empty": None,
        "unit": "category",
        "known_when": known,
        "wording": Wording.CATEGORY,
    }
    return [
        Feature(
            name=f"{name}_seniority",
            topic=Topic.AUTHORITY,
            doc=f"Seniority read from {label}; missing where the title does not say.",
            label="seniority",
            params=replace(base, derive="seniority"),
            **shared,
        ),
        Feature(
            name=f"{name}_function",
            topic=column.topic,
            doc=f"Part of the company read from {label}; missing where the title does not say.",
            label="job function",
            params=replace(base, derive="function"),
            **shared,
        ),
    ]


def _feature(name: str, column: Column, base: ColumnValue | AnswerValue, known: str) -> Feature:
    label = column.label or name.replace("_", " ")
    kind, unit, wording, read_as = _reading(column)
    suffix = {"moment": "_age_days", "filled": "_given"}.get(read_as or "", "")
    doc = column.doc or {"_age_days": f"Days since {label}.", "_given": f"Whether {label} is filled."}.get(suffix, "")

    return Feature(
        name=name + suffix,
        family=FAMILY,
        dimension=column.dimension,
        topic=column.topic,
        type=kind,
        when_empty=0.0 if suffix == "_given" else None,
        doc=doc or f"{label[:1].upper()}{label[1:]} as on record.",
        unit=column.unit or unit,
        known_when=known,
        direction=column.direction,
        wording=wording,
        label=label,
        params=replace(base, read_as=read_as),
    )


def _reading(column: Column) -> tuple[FeatureType, str, Wording, ReadAs | None]:
    if column.type is ColumnType.NUMBER:
        return FeatureType.NUMBER, "", Wording.AMOUNT, None
    if column.type is ColumnType.BOOLEAN:
        return FeatureType.NUMBER, "flag", Wording.FLAG, None
    if column.type is ColumnType.TIMESTAMP:
        return FeatureType.NUMBER, "days", Wording.AGE, "moment"
    if column.type is ColumnType.TEXT:
        return FeatureType.NUMBER, "flag", Wording.FLAG, "filled"
    return FeatureType.CATEGORY, "category", Wording.CATEGORY, None
