"""The reasons of a quarantine: broken rules by table and column, most rows first, each with its cause if one shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import fold_value
from features.schema.opportunities import STATUS
from features.schema.source import Source
from features.schema.vocabulary import ColumnType
from pipelines.artifacts.counts_record import QuarantineReason
from pipelines.ingest.diagnosis.cause import Cause
from pipelines.ingest.diagnosis.id_causes import SAMPLE, explain_repeated, explain_unmatched
from pipelines.ingest.diagnosis.row_causes import explain_after_cutoff, explain_clock_order, explain_field_count
from pipelines.ingest.diagnosis.value_causes import (
    explain_booleans,
    explain_bound,
    explain_not_allowed,
    explain_numbers,
    explain_times,
)
from pipelines.ingest.expectations import Expectation, Rule
from pipelines.ingest.quarantine import CheckedTable, hidden_columns, shape_of_text
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.ingest.shaping.declared_columns import read_columns, type_of

KEPT = 10  # reasons per table; the quarantine itself holds every row
_FEWEST_UNMATCHED = 0.5  # share of references to a table that is not obligatory, from which the mismatch is told


@dataclass(frozen=True, kw_only=True)
class TableInTrouble:
    """A table whose rows were checked, with all that helps to say why some were lost."""

    name: str
    source: Source
    raw: RawTable
    shaped: ShapedTable
    rules: Sequence[Expectation]
    raws: Mapping[str, RawTable]
    checked: Mapping[str, CheckedTable]

    def header(self, column: str, table: str | None = None) -> str:
        """Header that a column is read from; of several, the first."""
        declared = read_columns(self.source, table or self.name).get(column)
        return column if declared is None else next(iter(declared.headers(column)), column)

    def expectation(self, rule: Rule, column: str) -> Expectation | None:
        """The rule that rows broke."""
        return next((e for e in self.rules if e.rule is rule and e.columns[-1] == column), None)

    def texts(self, header: str, numbers: npt.NDArray[np.int64]) -> list[str]:
        """Texts of the file in rows of some numbers, those that are there."""
        if header not in self.raw.frame:
            return []
        return self.raw.frame[header][np.isin(self.raw.rows, numbers)].dropna().astype("str").str.strip().tolist()


def find_reasons(
    source: Source,
    raws: Mapping[str, RawTable],
    shapes: Mapping[str, ShapedTable],
    checked: Mapping[str, CheckedTable],
    rules: Sequence[Expectation],
) -> dict[str, tuple[QuarantineReason, ...]]:
    """Reasons by table; tables without quarantined rows are left out."""
    found = {}
    for name, result in checked.items():
        table = TableInTrouble(
            name=name,
            source=source,
            raw=raws[name],
            shaped=shapes[name],
            rules=[rule for rule in rules if rule.table == name],
            raws=raws,
            checked=checked,
        )
        reasons = _reasons_of(table, result.quarantine, result.read)
        reasons += [
            reason
            for reason in _reasons_of(table, result.warnings, result.read, kept=True)
            if reason.rows > _FEWEST_UNMATCHED * result.read
        ]
        if reasons:
            found[name] = tuple(reasons)
    return found


def _reasons_of(table: TableInTrouble, rows: pd.DataFrame, read: int, *, kept: bool = False) -> list[QuarantineReason]:
    groups = [(str(rule), str(column), part) for (rule, column), part in rows.groupby(["rule", "column"], sort=False)]
    groups.sort(key=lambda group: (-group[2]["row"].nunique(), group[0], group[1]))
    return [
        _reason(table, Rule(rule), column, part, read, kept=kept, explained=n < KEPT)
        for n, (rule, column, part) in enumerate(groups)
    ]


def _reason(
    table: TableInTrouble, rule: Rule, column: str, part: pd.DataFrame, read: int, *, kept: bool, explained: bool
) -> QuarantineReason:
    cause = _explain(table, rule, column, part) if explained else None
    first = part.iloc[0]
    return QuarantineReason(
        table=table.name,
        rule=str(rule),
        column=column,
        rows=int(part["row"].nunique()),
        read=read,
        row=int(first["row"]),
        example=str(first["value"])[:100],
        cause="" if cause is None else cause.sentence,
        advice="" if cause is None else cause.advice,
        kept=kept,
    )


def _explain(table: TableInTrouble, rule: Rule, column: str, part: pd.DataFrame) -> Cause | None:
    """The cause behind a group of broken rows, None where the rule says it all."""
    numbers = part["row"].to_numpy(dtype=np.int64)
    at = np.flatnonzero(np.isin(table.shaped.rows, numbers))
    frame = table.shaped.frame

    if rule in (Rule.FIELD_COUNT, Rule.OPEN_QUOTE):
        form, quote = table.raw.form, _quote(table)
        lines = [broken.raw for broken in table.raw.broken if broken.rule == rule]
        if rule is Rule.OPEN_QUOTE:
            return Cause(
                "a quote is opened and never closed in the line", "write a quote inside a value twice, or export again"
            )
        return explain_field_count(lines, table.raw.frame.shape[1], str(form.get("delimiter") or ","), quote)

    if rule is Rule.PARENT:
        owner = table.expectation(Rule.REFERENCE, column)
        parent = owner.refers_to[0] if owner is not None and owner.refers_to is not None else "leads"
        return Cause(f"they belong to rows of '{parent}' that are in quarantine", f"look at '{parent}' first")

    if rule is Rule.CLOSE:
        return Cause(
            "the date of their close, or another value of their outcome, cannot be used", "look at 'outcomes' first"
        )

    if rule is Rule.KNOWN_ORDER:
        happened = TABLES[table.name].happened or "created_at"
        return explain_clock_order(frame[happened].iloc[at], frame[column].iloc[at], (happened, column))
    if rule is Rule.CUTOFF:
        found = table.expectation(rule, column)
        if found is None or not isinstance(found.bound, pd.Timestamp):
            return None
        return explain_after_cutoff(frame[column].iloc[at], found.bound, declared=bool(table.source.data_cutoff))
    if column in hidden_columns(table.source, table.name) and rule is not Rule.TYPE:
        return None
    return _explain_values(table, rule, column, numbers)


def _place_of_statuses(source: Source, table: str, column: str) -> str:
    """Where the declaration says what the column's values mean; empty unless it is a status."""
    if table != "leads":
        return ""
    if source.flat is not None:
        return "flat.target" if column == source.flat.target.column else ""
    return "opportunities.status" if source.opportunities is not None and column == STATUS else ""


def _quote(table: TableInTrouble) -> str:
    location = table.source.tables[table.name].location
    return '"' if location is None else location.csv.quote


def _explain_values(table: TableInTrouble, rule: Rule, column: str, numbers: npt.NDArray[np.int64]) -> Cause | None:
    """The cause in the values of one column."""
    header, frame = table.header(column), table.shaped.frame
    at = np.flatnonzero(np.isin(table.shaped.rows, numbers))
    texts = table.texts(header, numbers)

    flags = table.source.tables[table.name].flags if table.name in table.source.tables else {}
    if header in flags and rule in (Rule.TYPE, Rule.ALLOWED):
        named = dict.fromkeys(flag for headers in flags[header].values() for flag in headers)
        return Cause(
            f"their flags contradict each other, or hold a word that may mean no ({', '.join(named)})",
            "correct these rows where they come from, or say under 'flags' what the flags mean together",
        )
    if rule is Rule.TYPE and texts:
        if column in hidden_columns(table.source, table.name):
            texts = [shape_of_text(text) for text in texts]
        kind = type_of(table.source, table.name, column)
        if kind is ColumnType.TIMESTAMP:
            declared = read_columns(table.source, table.name).get(column)
            return explain_times(texts, None if declared is None else declared.time_format)
        return explain_booleans(texts) if kind is ColumnType.BOOLEAN else explain_numbers(texts)

    found = table.expectation(rule, column)
    if found is None:
        return None
    values = frame[column].iloc[at]

    if rule is Rule.REFERENCE and found.refers_to is not None:
        return _explain_reference(table, found.refers_to, header, values)
    if rule is Rule.UNIQUE:
        keys = table.header(found.columns[0])
        repeats = int(table.raw.frame.duplicated(keep="first").to_numpy()[np.isin(table.raw.rows, numbers)].sum())
        others = {
            str(name): texts.astype("str").tolist() for name, texts in table.raw.frame.items() if len(texts) < 10**6
        }
        ids = frame[found.columns[0]].iloc[at].dropna().astype("str").tolist()
        return explain_repeated(ids, keys, repeats=repeats, columns=others) if ids else None
    if rule is Rule.ALLOWED and texts:
        others = {str(n): table.texts(str(n), numbers[:SAMPLE]) for n in table.raw.frame.columns if n != header}
        allowed = {fold_value(value) for value in found.values}
        cause = explain_not_allowed(
            values.astype("str").tolist(), found.values, others, lambda text: fold_value(text) in allowed
        )
        place = _place_of_statuses(table.source, table.name, column)
        return replace(cause, advice=f"name each under won, lost, disqualified or open of {place}") if place else cause
    if rule in (Rule.MINIMUM, Rule.MAXIMUM) and isinstance(found.bound, float | int):
        return explain_bound(values.astype("float64").tolist(), float(found.bound), low=rule is Rule.MINIMUM)
    place = _place_of_statuses(table.source, table.name, column)
    if rule is Rule.REQUIRED and place:
        return Cause(f"column '{header}' is empty in them", f'add "" to open of {place}, if that means open')
    if rule is Rule.REQUIRED:
        filled = int(frame[column].notna().sum())
        return Cause(
            f"column '{header}' is empty in them" + ("" if filled else ", as in every row of the file"),
            "check the export, or 'from:'" + ("" if filled else ": another column may hold it"),
        )
    return None


def _explain_reference(
    table: TableInTrouble, refers_to: tuple[str, str], header: str, values: pd.Series
) -> Cause | None:
    parent, key = refers_to
    ids = list(dict.fromkeys(values.dropna().astype("str")))
    if not ids:
        return None
    known = table.checked[parent].seen.get(key) or frozenset(table.checked[parent].frame[key].dropna().astype("str"))
    raw = table.raws[parent].frame
    keys = {table.header(key, parent)}
    others = {
        str(name): frozenset(raw[name].dropna().astype("str").str.strip()) for name in raw.columns if name not in keys
    }
    first = table.raw.rows[:SAMPLE]
    own = {str(name): table.texts(str(name), first) for name in table.raw.frame.columns if name != header}
    return explain_unmatched(ids, known, place=f"{parent}.{key}", own=own, others=others)
