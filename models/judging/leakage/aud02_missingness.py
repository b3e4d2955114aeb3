"""AUD02: whether a column is filled in reveals the outcome."""

import numpy as np

from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within, wilson
from models.judging.leakage.finding import Finding, Severity
from models.judging.leakage.loss_only_rows import Mask, count_provable, grade_loss_only

CODE = "AUD02"
SURE, HIGH = 0.78, 0.68  # AUC of being filled in, two standard errors down: leak, suspect
SURE_MARGIN = 0.06  # by how much the lower end of a sure AUC may stay below SURE
# being filled in comes with the win: at least 12 wins, and a share won whose 99 % lower end reaches 85 %, or 1.6 times
# the base rate if that is more, but never asked to exceed 97 %
PURE, LIFT, FEWEST, CEILING = 0.85, 1.6, 12, 0.97


def check_missingness(rows: AuditRows) -> list[Finding]:
    """Columns that are filled for won leads and empty for lost ones (or the other way round)."""
    found, gaps = [], {}
    for name in rows.names:
        present = rows.columns[name].notna().to_numpy()
        if name not in rows.verified and present.any() and not present.all():  # else absence is a fact of that moment
            gaps[name] = present

    looked_at = count_provable(rows, gaps.values())
    for name, present in gaps.items():
        severity = _severity(rows, present, looked_at)
        if severity is not None:
            shares = [f"{present[rows.label == outcome].mean():.0%}" for outcome in (1.0, 0.0)]
            found.append(
                Finding(
                    name,
                    CODE,
                    severity,
                    f"'{name}' is filled in for {shares[0]} of won and {shares[1]} of lost leads, which reveals the "
                    "outcome. A field completed when a deal closes must be declared 'role: ignore'.",
                )
            )
    return found


def _severity(rows: AuditRows, present: Mask, looked_at: int) -> Severity | None:
    auc = auc_within(present.astype(np.float64), rows.label, rows.block)
    auc = 0.5 + abs(auc - 0.5) if np.isfinite(auc) else 0.5
    error = auc_error(auc, int(rows.label.sum()), int((1 - rows.label).sum()))
    wins = float(rows.label[present].sum())
    pure = wilson(wins, float(present.sum()))[0] >= max(PURE, min(LIFT * rows.base, CEILING)) and wins >= FEWEST
    lost = grade_loss_only(rows, present, looked_at)
    if pure or lost == "leak" or (auc >= SURE and auc - 2 * error >= SURE - SURE_MARGIN):
        return "leak"
    return "suspect" if lost or auc - 2 * error >= HIGH else None
