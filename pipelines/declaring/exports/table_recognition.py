"""What the tables of an export are (leads, accounts, deals, activities, answers, stages), each guess with reasons."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_values import ColumnValues
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.key_overlap import key_of
from pipelines.declaring.value_types import find_type
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, subjects_of, words_of
from pipelines.declaring.words.money_words import is_planned
from pipelines.declaring.words.status_words import place_statuses, stage_of, standing_of
from pipelines.declaring.words.vendor_words import spoken
from pipelines.ingest.values.type_casting import decimal_of

BY_NAME = 4.0  # a table called Lead is one, unless its columns say nothing of the kind
LEAST = 3.0  # merit below which a table is not placed: a name alone, or columns alone, must reach it
_CERTAIN = 100.0  # merit of what a vendor's template knows, above all that words and values can speak for
_FLAG_VALUES = 3  # yes, no and a typing error
_STATUSES = 60  # distinct values of a column that may be a status: more are free text

_OF_FIELDS = ("field", "new value", "old value")  # signs of which a history of fields has one
_ENTERED = re.compile(r"^(new|to|next|after|neu\w*|nach|nouve\w*|nuev\w*|now\w*)\b|이후|후|後")

Sign = tuple[float, str, Callable[[ExportTable], str]]


@dataclass(frozen=True)
class Guess:
    """What a table seems to be, how much speaks for it, and what."""

    subject: Subject
    merit: float
    reasons: tuple[str, ...]


def recognise(table: ExportTable) -> tuple[Guess, ...]:
    """What a table may be, the likeliest first; nothing that less than :data:`LEAST` speaks for."""
    vendor = _recognise_vendor(table)
    if vendor is not None:
        return (vendor,)
    named = subjects_of(table.name)
    found = []
    for subject, signs in _SIGNS.items():
        merit, reasons = 0.0, []
        called = subject if subject is not Subject.STAGES or Subject.HISTORY not in named else Subject.HISTORY
        if called in named and (called is subject or _stage_values(table)):  # a history of stages, whatever it is of
            merit += BY_NAME / (1 + named.index(called))
            reasons.append(f"its name '{table.name}'")
        for weight, what, sign in signs:
            header = sign(table)
            if header:
                merit += weight
                reasons.append(f"{what} '{header}'" if what else header)
        if subject is Subject.HISTORY and not any(reason.startswith(_OF_FIELDS) for reason in reasons):
            continue  # a history of what? of stages, most likely
        if merit >= LEAST and len(reasons) > 1:
            found.append(Guess(subject, merit, tuple(reasons)))
    return tuple(sorted(found, key=lambda guess: -guess.merit))


_VENDORS = {
    "leads": Subject.LEADS,
    "accounts": Subject.ACCOUNTS,
    "activities": Subject.ACTIVITIES,
    "answers": Subject.ANSWERS,
    "stages": Subject.STAGES,
    "outcomes": Subject.DEALS,
}


def _recognise_vendor(table: ExportTable) -> Guess | None:
    """What the vendor's template says a table is; None without a template, or for a table that it does not know."""
    words = spoken()
    read = None if words is None else words.recognise(table.frame.columns)
    if words is None or read is None:
        return None
    reason = f"the {read.vendor.title} of {words.template.title}, {read.known} of its headings known"
    if read.vendor.table == "opportunities":  # without values for won and lost its rows are leads with today's status
        subject = Subject.DEALS if status_column(table) else Subject.LEADS
    elif read.vendor.table == "answers" and table.headers(Meaning.OLD_VALUE):
        subject = Subject.HISTORY
    else:
        subject = _VENDORS[read.vendor.table]
    return Guess(subject, _CERTAIN + read.known, (reason,))


def status_column(table: ExportTable) -> str:
    """The column whose values mean won and lost, or "" if there is none; the one with most rows that say so."""
    best, merit = "", 0.0
    for header in map(str, table.frame.columns):
        values = table.frame[header].dropna()
        counts = values.value_counts()
        if not 2 <= len(counts) <= _STATUSES or header in table.times:
            continue
        placed = place_statuses(str(value) for value in counts.index)
        if placed["won"] and (placed["lost"] or placed["disqualified"]):
            said = float(counts[[*placed["won"], *placed["lost"], *placed["disqualified"]]].sum())
            if said > merit:
                best, merit = header, said
    return best


def first_time(table: ExportTable, *meanings: Meaning, but: Sequence[Meaning] = ()) -> str:
    """The first column of times that says one of these things, the earlier meaning first; "" if none does."""
    out = {header for meaning in but for header in table.headers(meaning)}
    for meaning in meanings:
        for header in table.headers(meaning):
            if header in table.times and header not in out:
                return header
    return ""


def first_column(table: ExportTable, *meanings: Meaning, filled: float = 0.0) -> str:
    """The first column that says one of these things and is no time, a planned one last; "" if none does."""
    for meaning in meanings:
        for header in sorted(table.headers(meaning), key=is_planned):
            named_id = Meaning.ID in meanings_of(header) and Meaning.ID not in meanings
            if header not in table.times and not named_id and table.filled(header) > filled:
                return header
    return ""


def amount_column(table: ExportTable, *meanings: Meaning) -> str:
    """The first column of numbers that says one of these things, a planned one last; "" if none does."""
    decimal = decimal_of([table.frame[header] for header in table.frame], table.form.get("delimiter"))
    for meaning in meanings:
        for header in sorted(table.headers(meaning), key=is_planned):
            present = ColumnValues.of(table.frame[header])
            if header not in table.times and find_type(header, present, decimal) is ColumnType.NUMBER:
                return header
    return ""


def owner_column(table: ExportTable) -> str:
    """The column of who works a row; "" if there is none. One that differs in nearly every row is the row's contact."""
    named = first_column(table, Meaning.OWNER)
    found = [named] if named else table.headers(Meaning.OWNER)
    return next((header for header in found if not ColumnValues.of(table.frame[header]).differ), "")


def _column(*meanings: Meaning) -> Callable[[ExportTable], str]:
    return lambda table: first_column(table, *meanings)


def _time(*meanings: Meaning) -> Callable[[ExportTable], str]:
    return lambda table: first_time(table, *meanings)


def _key(table: ExportTable) -> str:
    return key_of(table) or ""


def _no_mail(table: ExportTable) -> str:
    return "" if table.headers(Meaning.EMAIL) or table.headers(Meaning.CLOSED) else "no mail address"


def _won_flag(table: ExportTable) -> str:
    for header in table.headers(Meaning.WON):
        if header not in table.times and table.frame[header].dropna().nunique() <= _FLAG_VALUES:
            return header
    return status_column(table)


def _stage_values(table: ExportTable) -> str:
    """A column most of whose values are stages of a lifecycle, in a table with several rows per lead."""
    for header in table.headers(Meaning.STATUS):
        values = table.frame[header].dropna()
        counts = values.value_counts()
        if header in table.times or not 2 <= len(counts) <= _STATUSES:
            continue
        if key_of(table) is not None and not (_named_history(table) or _ENTERED.search(words_of(header))):
            continue  # one row per lead, with today's status
        known = sum(int(rows) for value, rows in counts.items() if stage_of(str(value)) or standing_of(str(value)))
        if known > 0.5 * len(values):
            return header
    return ""


def _named_history(table: ExportTable) -> bool:
    """Whether a table with an id for each of its rows is called a history, or stages."""
    return bool({Subject.STAGES, Subject.HISTORY} & set(subjects_of(table.name)))


def _old_value(table: ExportTable) -> str:
    return first_column(table, Meaning.OLD_VALUE)


_PEOPLE: tuple[Sign, ...] = (
    (1.0, "mail address", _column(Meaning.EMAIL)),
    (1.0, "person", _column(Meaning.PERSON)),
    (1.0, "job title", _column(Meaning.TITLE)),
    (1.0, "creation date", _time(Meaning.CREATED)),
    (0.5, "key", _key),
)
_SIGNS: Mapping[Subject, tuple[Sign, ...]] = {
    Subject.LEADS: _PEOPLE,
    Subject.CONTACTS: _PEOPLE,
    Subject.ACCOUNTS: (
        (1.0, "company", _column(Meaning.COMPANY)),
        (1.0, "industry", _column(Meaning.INDUSTRY)),
        (1.0, "size", _column(Meaning.SIZE)),
        (0.5, "web address", _column(Meaning.DOMAIN)),
        (1.0, "", _no_mail),
        (0.5, "key", _key),
    ),
    Subject.DEALS: (
        (2.5, "values that mean won and lost under", _won_flag),
        (1.5, "closing date", _time(Meaning.CLOSED)),
        (1.0, "amount", _column(Meaning.AMOUNT, Meaning.REVENUE)),
        (0.5, "key", _key),
    ),
    Subject.ACTIVITIES: (
        (1.0, "date", _time(Meaning.HAPPENED, Meaning.CREATED)),
        (1.0, "kind", _column(Meaning.KIND)),
        (0.5, "subject", _column(Meaning.SUBJECT)),
        (1.0, "actor", _column(Meaning.ACTOR)),
        (0.5, "channel or asset", _column(Meaning.CHANNEL, Meaning.ASSET)),
    ),
    Subject.ANSWERS: (
        (2.0, "question", _column(Meaning.QUESTION)),
        (1.5, "answer", _column(Meaning.VALUE)),
        (0.5, "date", _time(Meaning.LOGGED, Meaning.CREATED, Meaning.HAPPENED)),
    ),
    Subject.HISTORY: (
        (1.5, "field", _column(Meaning.QUESTION)),
        (1.0, "new value", _column(Meaning.VALUE)),
        (2.0, "old value", _old_value),
        (0.5, "date", _time(Meaning.CREATED, Meaning.ENTERED, Meaning.HAPPENED)),
    ),
    Subject.STAGES: (
        (3.0, "several stages per lead under", _stage_values),
        (1.0, "date", _time(Meaning.ENTERED, Meaning.CREATED, Meaning.HAPPENED)),
    ),
}
