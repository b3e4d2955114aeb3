"""AUD01: one column alone tells the outcome far better than the others."""

import numpy as np

from models.judging.leakage.audit_rows import AuditRows, Power
from models.judging.leakage.finding import Finding, Severity

CODE = "AUD01"
SURE, HIGH, TIMES = 0.85, 0.72, 3.0
DOUBT = 4.0  # standard errors down, an AUC must still be high to be called a leak
AHEAD = 0.78  # beyond this and clear of every other column, however strong the others are
RIVALS = 5


def check_single_column_auc(rows: AuditRows) -> list[Finding]:
    """Columns whose power is out of line with the rest, judged within blocks.

    Pooled over years a column that merely follows the market looks like a leak; within blocks it does not.
    """
    found: list[Finding] = []
    flagged: set[str] = set()
    for name, own in sorted(rows.powers.items(), key=lambda pair: -pair[1].auc):
        rivals = [p for other, p in rows.powers.items() if other != name and other not in flagged]
        severity = _severity(own, rivals, verified=name in rows.verified)
        if severity is not None:
            flagged.add(name)
            found.append(Finding(name, CODE, severity, _message(name, own, rivals, rows)))
    return found


def _severity(own: Power, rivals: list[Power], *, verified: bool) -> Severity | None:
    out_of_line = own.excess >= TIMES * max(_typical(rivals), 0.02)
    far_ahead = own.low >= AHEAD and all(own.low > rival.high for rival in rivals)
    if own.auc >= SURE and own.low >= SURE - 0.05:
        sure = own.auc - DOUBT * own.error >= SURE - 0.05  # on few rows an honest column may look this strong
        return "leak" if sure and not verified else "suspect"
    if ((own.low >= HIGH and out_of_line) or far_ahead) and not verified:
        return "suspect"
    return None


def _typical(rivals: list[Power]) -> float:
    """Median excess of the best few others."""
    return float(np.median(sorted((r.excess for r in rivals), reverse=True)[:RIVALS])) if rivals else 0.1


def _message(name: str, own: Power, rivals: list[Power], rows: AuditRows) -> str:
    best = (
        f"the next best column reaches {max(rival.auc for rival in rivals):.2f}"
        if rivals
        else "there is no other column"
    )
    return (
        f"'{name}' alone separates won from lost with AUC {own.auc:.2f} {rows.where}; {best}. "
        "If it is filled in or updated after the outcome, declare it 'role: ignore'; "
        "if it is truly known before, say so under 'accepted_because'."
    )
