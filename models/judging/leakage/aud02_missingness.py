"""AUD02: whether a column is filled in reveals the outcome, be it by what is filled or by what is empty."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import ORDER, Finding, Severity
from models.judging.leakage.one_outcome_rows import Mask, count_provable, describe_rows, grade_one_outcome

CODE = "AUD02"
SURE, HIGH = 0.78, 0.68  # AUC of being filled in, two standard errors down: leak, suspect
SURE_MARGIN = 0.06  # by how much the lower end of a sure AUC may stay below SURE
# texts that forms and exports write where nothing is known
DEFAULTS = frozenset(
    (
        "unknown", "n/a", "na", "n.a.", "none", "null", "nan", "?", "-", "--", "missing", "blank", "(blank)", "(none)",
        "select", "undefined", "unspecified", "not specified", "not provided", "not available", "not set", "no data",
    )
)  # fmt: skip
ADVICE = (
    "If the field is written or cleared when a deal closes, declare it 'role: ignore'; if that really is known "
    "beforehand, say so under 'accepted_because'."
)


@dataclass(frozen=True)
class Gap:
    """Rows on which a column says something or nothing, and the words for either."""

    column: str
    filled: str
    empty: str
    has: Mask
    lacks: Mask

    @property
    def sides(self) -> tuple[tuple[str, Mask], tuple[str, Mask]]:
        """Both sets of rows with their words."""
        return (self.filled, self.has), (self.empty, self.lacks)


def check_missingness(rows: AuditRows) -> list[Finding]:
    """Columns that are filled, or empty, for leads of one outcome only; a default counts as empty.

    Where values carry a clock, absence is a fact of that moment and proves nothing. Columns of a joined table are
    asked of leads that have a row there: to have none is one finding (AUD07), not one of each column.
    """
    gaps = [gap for name in rows.names if name not in rows.verified for gap in _gaps(name, rows)]
    looked_at = count_provable(rows, (mask for gap in gaps for _, mask in gap.sides))

    found: dict[str, Finding] = {}
    for gap in gaps:
        finding, before = _judge(rows, gap, looked_at), found.get(gap.column)
        if finding and (before is None or ORDER.index(finding.severity) <= ORDER.index(before.severity)):
            found[gap.column] = finding  # as grave with a default as without: the words that tell more
    return list(found.values())


def _gaps(name: str, rows: AuditRows) -> list[Gap]:
    """Rows without a value, and, where the column has a default, those without a value or with the default."""
    column = rows.columns[name]
    asked = rows.joined.get(name, np.ones(len(column), dtype=bool))
    empty = column.isna().to_numpy(dtype=bool)
    found = [Gap(name, "is filled in", "is empty", asked & ~empty, asked & empty)]
    defaults = _defaults(column)
    if defaults:
        listed = " or ".join(f"'{value}'" for value in defaults[:3])
        words = f"empty or {listed}" if (asked & empty).any() else listed
        blank = empty | column.isin(defaults).to_numpy(dtype=bool)
        found.append(Gap(name, f"is not {words}", f"is {words}", asked & ~blank, asked & blank))
    return [gap for gap in found if gap.has.any() and gap.lacks.any()]


def _defaults(column: pd.Series) -> list[object]:
    """Values that stand for nothing: "Unknown" and the like, or a negative number below counts or amounts."""
    if not pd.api.types.is_numeric_dtype(column):
        return [value for value in column.dropna().unique() if str(value).strip().lower() in DEFAULTS]
    return [column.min()] if is_code(column) else []


def is_code(column: pd.Series) -> bool:
    """Whether a number's lowest value is a code, such as -1 where all others are 0 or more."""
    lowest = column.min()
    return bool(lowest < 0 and (column[column > lowest] >= 0).all() and (column > lowest).any())


def _judge(rows: AuditRows, gap: Gap, looked_at: int) -> Finding | None:
    """What the two sides and their AUC say; the words are those of the gravest."""
    graded: dict[Severity, str] = {}
    for words, mask in gap.sides:
        severity = grade_one_outcome(rows, mask, looked_at)
        if severity is not None:
            graded.setdefault(severity, f"{words} on {describe_rows(rows, mask)}, which reveals the outcome")

    by_auc = _grade_auc(rows, gap)
    if by_auc is not None:
        asked = gap.has | gap.lacks
        shares = [f"{gap.has[asked & (rows.label == outcome)].mean():.0%}" for outcome in (1.0, 0.0)]
        told = f"{gap.filled} for {shares[0]} of won and {shares[1]} of lost leads, which reveals the outcome"
        graded.setdefault(by_auc, told)

    worst = next((severity for severity in ORDER if severity in graded), None)
    return None if worst is None else Finding(gap.column, CODE, worst, f"'{gap.column}' {graded[worst]}. {ADVICE}")


def _grade_auc(rows: AuditRows, gap: Gap) -> Severity | None:
    asked = gap.has | gap.lacks
    label = rows.label[asked]
    auc = auc_within(gap.has[asked].astype(np.float64), label, rows.block[asked])
    auc = 0.5 + abs(auc - 0.5) if np.isfinite(auc) else 0.5
    low = auc - 2 * auc_error(auc, int(label.sum()), int((1 - label).sum()))
    if auc >= SURE and low >= SURE - SURE_MARGIN:
        return "leak"
    return "suspect" if low >= HIGH else None
