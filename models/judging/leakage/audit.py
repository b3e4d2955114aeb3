"""The leak audit: every column is checked for knowledge of the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Tables
from features.catalog.feature import Catalog
from features.cohort.splits import Chop
from features.errors import LeakError
from features.matrix import Matrix
from features.schema.operations import AnswerValue, ColumnValue
from features.schema.snapshots import is_read_from_answers
from features.schema.source import Source
from features.schema.vocabulary import Role, WhenKnown
from models.judging.columns_of_people import CODE as OF_PEOPLE
from models.judging.columns_of_people import columns_of_people
from models.judging.leakage.aud01_single_column_auc import check_single_column_auc
from models.judging.leakage.aud02_missingness import check_missingness
from models.judging.leakage.aud03_pure_values import check_pure_values
from models.judging.leakage.aud04_identifier_order import check_identifier_order
from models.judging.leakage.aud05_suspicious_names import check_suspicious_names
from models.judging.leakage.aud06_written_at_close import check_written_at_close
from models.judging.leakage.aud07_account_linkage import check_account_linkage, find_account_rows, find_joins
from models.judging.leakage.aud08_overwritten_columns import check_overwritten_columns
from models.judging.leakage.aud09_train_test_duplicates import check_train_test_duplicates
from models.judging.leakage.aud10_random_split_gap import check_random_split_gap
from models.judging.leakage.aud11_date_as_category import check_date_as_category
from models.judging.leakage.aud12_date_difference import check_date_difference
from models.judging.leakage.aud13_declared_direction import check_declared_direction
from models.judging.leakage.audit_rows import AuditRows, blocks_of
from models.judging.leakage.finding import ORDER, Finding

UNLEARNED = ("rules", "evidence")  # families no candidate learns from
UNVERIFIED = ("attributes", "titles")  # families whose values carry no clock
_CLOCKED = (WhenKnown.KNOWN_AT, WhenKnown.SNAPSHOTS)
CHECKS = (
    check_single_column_auc,
    check_missingness,
    check_pure_values,
    check_identifier_order,
    check_date_difference,
    check_suspicious_names,
    check_date_as_category,
)
FEWEST = 20  # won and lost leads each; below that no check can tell a leak from luck


def audit(matrix: Matrix, source: Source, tables: Tables | None = None, chop: Chop | None = None) -> list[Finding]:
    """Findings on the development rows, most severe first.

    The final test block is never looked at (``chop`` says which rows it holds). Of every lead one row is taken.
    A leak whose column is declared ``accepted_because`` is reported with that reason and does not stop training.
    """
    rows, positions = _development_rows(matrix, source, chop)
    if min(rows.label.sum(), len(rows.label) - rows.label.sum()) < FEWEST:
        message = f"Too few won or lost leads to audit columns; at least {FEWEST} of each are needed."
        return [Finding("(rows)", "AUD00", "note", message)]

    keys = matrix.keys.iloc[positions]
    if source.kind == "relational":
        has_row = find_account_rows(keys, tables)
        read = feature_origins(matrix.catalog, source).items()
        rows = replace(rows, joined={name: has_row for name, (table, _) in read if table == "accounts"})

    found = [finding for check in CHECKS for finding in check(rows)]
    found += [Finding(name, OF_PEOPLE, "suspect", told) for name, told in columns_of_people(rows.columns)]
    found += check_declared_direction(rows, _declared_directions(matrix.catalog, source))
    if source.kind == "relational":
        found += check_account_linkage(rows, find_joins(keys, source, tables))
    if tables is not None and source.kind == "relational":
        columns = attributes_of(tables, source)
        columns = columns[columns.index.isin(keys["lead_id"])]
        found += check_overwritten_columns(columns, tables) + check_written_at_close(columns, tables)

    if chop is not None:
        found += check_train_test_duplicates(
            matrix, chop, [f.name for f in matrix.catalog if f.family not in UNLEARNED], kind=source.kind
        )
    return rank_findings([*found, *check_random_split_gap(rows)], source, feature_origins(matrix.catalog, source))


def audit_columns(
    frame: pd.DataFrame, label: Floats, *, order: npt.NDArray[np.int64] | None = None, source: Source | None = None
) -> list[Finding]:
    """Findings on raw columns against the label, before any feature exists; ``order`` gives time, if there is one.

    Used for starter declarations and on demand for columns that are declared out.
    """
    place = np.arange(len(frame)) if order is None else order
    ordered = order is not None
    block = blocks_of(place, label, ordered=ordered)
    rows = AuditRows(columns=as_audited(frame), label=label, block=block, ordered=ordered)
    if min(label.sum(), len(label) - label.sum()) < FEWEST:
        return []
    return rank_findings([finding for check in CHECKS for finding in check(rows)], source)


def _declared_directions(catalog: Catalog, source: Source) -> dict[str, int]:
    """Directions of features that read one declared column; what is made of a kind has signs of its own."""
    read = feature_origins(catalog, source)
    return {feature.name: feature.direction for feature in catalog if feature.name in read}


def require_clean(findings: Sequence[Finding]) -> None:
    """Raise a LeakError that lists every leak nobody has accepted."""
    blocking = [finding for finding in findings if finding.blocking]
    if blocking:
        listed = "\n".join(f"  {finding.code} {finding.message}" for finding in blocking)
        columns = len({finding.column for finding in blocking})
        words = "1 column carries" if columns == 1 else f"{columns} columns carry"
        raise LeakError(f"{words} the outcome; training stops.\n{listed}")


def accepted_leaks(findings: Sequence[Finding]) -> dict[str, str]:
    """Column to declared reason of every accepted leak, for the bundle's record."""
    return {finding.column: finding.accepted for finding in findings if finding.severity == "leak" and finding.accepted}


def attributes_of(tables: Tables, source: Source) -> pd.DataFrame:
    """Declared attributes of the leads table, one row per lead, index lead_id.

    Columns whose history is read from answers are left out: their cell in the leads table is today's, and nothing
    reads it.
    """
    leads = tables["leads"].drop_duplicates("lead_id").set_index("lead_id")
    keys = ("created_at", "known_at", "account_id", "owner")
    declared = {n: c for n, c in source.tables["leads"].columns.items() if not is_read_from_answers("leads", c)}
    kept = [n for n in leads if n in declared and n not in keys and declared[n].role in (Role.FEATURE, Role.SENSITIVE)]
    frame = leads[kept]
    dates = frame.select_dtypes("datetime")
    return as_audited(frame.drop(columns=dates.columns)).join(dates)


def as_audited(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns as float64 or text: moments and booleans become numbers, texts that all read as numbers too."""
    columns: dict[str, pd.Series] = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            seconds = column.to_numpy(dtype="datetime64[s]")
            columns[name] = pd.Series(np.where(np.isnat(seconds), np.nan, seconds.astype("float64")), frame.index)
        elif pd.api.types.is_numeric_dtype(column):
            columns[name] = (
                column.astype("float64") if column.dtype != "boolean" else column.astype("Float64").astype("float64")
            )
        else:
            text = column.astype("str")
            numbers = pd.to_numeric(text, errors="coerce")
            columns[name] = numbers.astype("float64") if numbers.notna().sum() == text.notna().sum() > 0 else text
    return pd.DataFrame(columns, index=frame.index)


def feature_origins(catalog: Catalog, source: Source) -> dict[str, tuple[str, str]]:
    """Table and declared column of every feature that reads one column."""
    found: dict[str, tuple[str, str]] = {}
    for feature in catalog:
        if not isinstance(feature.params, ColumnValue):
            continue
        table, column = feature.params.table, feature.params.column
        if table in source.tables and column in source.tables[table].columns:
            found[feature.name] = (table, column)
    return found


def rank_findings(
    findings: Sequence[Finding], source: Source | None, read_from: Mapping[str, tuple[str, str]] | None = None
) -> list[Finding]:
    """Most severe first, with declared reasons; weaker findings of the same column and check are dropped.

    ``read_from`` says which table and column a feature was made from: a reason declared there holds for the feature,
    and a finding on a feature of another name says what to declare.
    """
    best: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.column, finding.code)
        if key not in best or ORDER.index(finding.severity) < ORDER.index(best[key].severity):
            best[key] = finding
    named = [_with_declared_reason(finding, source, read_from or {}) for finding in best.values()]
    return sorted(named, key=lambda f: (ORDER.index(f.severity), f.column, f.code))


def _with_declared_reason(finding: Finding, source: Source | None, read_from: Mapping[str, tuple[str, str]]) -> Finding:
    """The finding with the reason declared where its values come from, and the place named."""
    if source is None:
        return finding
    if finding.column not in read_from:
        held = (t.columns[finding.column] for t in source.tables.values() if finding.column in t.columns)
        return replace(finding, accepted=next((c.accepted_because for c in held if c.accepted_because), ""))
    table, column = read_from[finding.column]
    place = "" if column == finding.column else f" It is made from column '{column}' of {table}."
    return replace(
        finding,
        accepted=source.tables[table].columns[column].accepted_because,
        message=finding.message + place,
    )


def _development_rows(matrix: Matrix, source: Source, chop: Chop | None) -> tuple[AuditRows, npt.NDArray[np.int64]]:
    """One matured row per lead outside the final test block, in blocks."""
    usable = matrix.matured & ~np.isnan(matrix.label)
    if chop is not None:
        usable[chop.final.test] = False
    positions = np.flatnonzero(usable)

    shuffled = np.random.default_rng(0).permutation(positions)
    _, first = np.unique(matrix.keys["lead_id"].to_numpy()[shuffled], return_index=True)
    positions = np.sort(shuffled[first])

    learned = [f for f in matrix.catalog if f.family not in UNLEARNED]
    values = matrix.values.iloc[positions][[f.name for f in learned]]
    given = [f.name for f in learned if f.family in UNVERIFIED and getattr(f.params, "read_as", None) == "filled"]
    values = values.assign(**{name: values[name].where(values[name] != 0) for name in given})  # as empty as the text

    declared = {
        name: source.tables[table].columns[column]
        for name, (table, column) in feature_origins(matrix.catalog, source).items()
    }
    label = matrix.label[positions]
    order = matrix.keys["order"].to_numpy(dtype=np.int64)[positions]
    rows = AuditRows(
        columns=as_audited(values).reset_index(drop=True),
        label=label,
        block=blocks_of(order, label, ordered=matrix.ordered),
        ordered=matrix.ordered,
        verified=frozenset(f.name for f in learned if f.family not in UNVERIFIED or isinstance(f.params, AnswerValue)),
        clocked=frozenset(name for name, column in declared.items() if column.when_known in _CLOCKED),
        headers={name: " / ".join(column.headers(name)) for name, column in declared.items() if column.source},
    )
    return rows, positions
