"""AUD07: whether a lead has rows in a joined table reveals the outcome: an account, its row, activities, answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.point_in_time.visibility import is_known
from features.schema.source import Source
from features.schema.vocabulary import Role
from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import ORDER, Finding, Severity
from models.judging.leakage.one_outcome_rows import Mask, count_provable, describe_rows, grade_one_outcome

CODE = "AUD07"
HIGH, SURE = 0.58, 0.70  # AUC of having an account, two standard errors down: suspect, leak
ACCOUNT = "account_id"
_LEAVE_OUT = (
    "Declare leads.account_id 'role: ignore' (account columns and what the account's other leads did are then left "
    "out; take them out of a qualification policy's profile too), or, if {known}, say so under its 'accepted_because'."
)
_ROWS_KEPT = (
    "Such leads may truly never buy; but check that rows of lost leads are neither deleted nor only written for deals "
    "that live."
)


@dataclass(frozen=True, kw_only=True)
class Join:
    """Leads with and without something in a joined table.

    ``clocked`` tells that what a lead has was known before as_of: then one side may honestly come with one outcome, so
    it is suspect at most, and how well having it ranks leads is no matter.
    """

    column: str
    having: str
    lacking: str
    has: Mask
    lacks: Mask
    advice: str
    clocked: bool = False

    @property
    def sides(self) -> tuple[tuple[str, Mask], tuple[str, Mask]]:
        """Both sets of leads with their words."""
        return (self.having, self.has), (self.lacking, self.lacks)


def find_joins(keys: pd.DataFrame, source: Source, tables: Tables | None) -> list[Join]:
    """What the rows' leads may have in other tables; ``keys`` are the matrix's, a row per lead."""
    return [*_account_joins(keys, source, tables or {}), *_history_joins(keys, source, tables or {})]


def find_account_rows(keys: pd.DataFrame, tables: Tables | None) -> Mask:
    """Which of the rows' leads have an account with a row in accounts."""
    has = keys[ACCOUNT].notna()
    accounts = (tables or {}).get("accounts")
    return (has & keys[ACCOUNT].isin(accounts[ACCOUNT]) if accounts is not None else has).to_numpy(dtype=bool)


def check_account_linkage(rows: AuditRows, joins: Sequence[Join]) -> list[Finding]:
    """An account that is set at conversion is missing for leads that never converted; so are rows of a joined table."""
    asked = [join for join in joins if join.has.any() and join.lacks.any()]
    looked_at = count_provable(rows, (mask for join in asked for _, mask in join.sides))

    found: dict[str, Finding] = {}
    for join in asked:
        finding = _judge(rows, join, looked_at)
        if finding is not None:
            found[join.column] = _add(found.get(join.column), finding)
    return list(found.values())


def _account_joins(keys: pd.DataFrame, source: Source, tables: Tables) -> Iterator[Join]:
    """The account itself, and its row in accounts; nothing where the account is declared out."""
    declared = source.tables["leads"].columns.get(ACCOUNT)
    if declared is None or declared.role is Role.IGNORE:
        return
    has = keys[ACCOUNT].notna().to_numpy(dtype=bool)
    yield Join(
        column=ACCOUNT,
        having="have an account_id",
        lacking="have no account_id",
        has=has,
        lacks=~has,
        advice=_LEAVE_OUT.format(known="it really is set before anything is decided"),
    )

    if len(tables.get("accounts", ())):
        row = find_account_rows(keys, tables)
        words = "belong to an account {} row in 'accounts'"
        yield Join(
            column=ACCOUNT,
            having=words.format("with a"),
            lacking=words.format("without any"),
            has=row,
            lacks=has & ~row,
            advice=_LEAVE_OUT.format(known="accounts really get their row before anything is decided"),
        )


def _history_joins(keys: pd.DataFrame, source: Source, tables: Tables) -> Iterator[Join]:
    """Any activity, and any answer, known before the moment a lead is looked at."""
    for table in ("activities", "answers"):
        if table not in source.tables or not len(tables.get(table, ())):
            continue
        first = tables[table].groupby("lead_id")["known_at"].min()
        known_at = keys["lead_id"].map(first).astype("datetime64[us]")
        as_of = keys["as_of"].astype("datetime64[us]").to_numpy().astype(np.int64)
        has = is_known(known_at.to_numpy().astype(np.int64), as_of) & known_at.notna().to_numpy(dtype=bool)
        words = f"row in '{table}' known by then"
        yield Join(
            column=f"({table})",
            having=f"have a {words}",
            lacking=f"have no {words}",
            has=has,
            lacks=~has,
            advice=_ROWS_KEPT,
            clocked=True,
        )


def _judge(rows: AuditRows, join: Join, looked_at: int) -> Finding | None:
    """What the two sides and, without clocks, the AUC of having it say; the words are those of the gravest."""
    graded: dict[Severity, str] = {}
    for words, mask in join.sides:
        severity = grade_one_outcome(rows, mask, looked_at)
        if severity is not None:
            graded.setdefault("suspect" if join.clocked else severity, describe_rows(rows, mask, f"leads {words}"))

    by_auc = None if join.clocked else _grade_auc(rows, join)
    if by_auc is not None:
        shares = [f"{join.has[rows.label == outcome].mean():.0%}" for outcome in (1.0, 0.0)]
        graded.setdefault(by_auc, f"{shares[0]} of won and {shares[1]} of lost leads {join.having}")

    worst = next((severity for severity in ORDER if severity in graded), None)
    return None if worst is None else Finding(join.column, CODE, worst, f"{graded[worst]}. {join.advice}")


def _grade_auc(rows: AuditRows, join: Join) -> Severity | None:
    """Only among leads that could have it: an account without a row is asked of leads with an account."""
    asked = join.has | join.lacks
    label = rows.label[asked]
    auc = auc_within(join.has[asked].astype(np.float64), label, rows.block[asked])
    if not np.isfinite(auc):
        return None
    low = auc - 2 * auc_error(auc, int(label.sum()), int((1 - label).sum()))
    return "leak" if low >= SURE else "suspect" if low >= HIGH else None


def _add(before: Finding | None, finding: Finding) -> Finding:
    """One finding a column: the graver one, and what the other saw."""
    if before is None:
        return finding
    grave, other = sorted((before, finding), key=lambda f: ORDER.index(f.severity))
    return replace(grave, message=f"{grave.message} And {other.message[0].lower()}{other.message[1:]}")
