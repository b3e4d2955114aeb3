"""AUD01: one column alone separates won from lost far better than the others."""

import numpy as np

from models.judging.leakage.audit_rows import AuditRows, Power
from models.judging.leakage.finding import Finding, Severity

CODE = "AUD01"
SURE = 0.85  # within blocks; the known leak of the bank file reaches .89, its next best column .54 (docs/audit.md)
SURE_MARGIN = 0.05  # by how much the lower end of a sure AUC may stay below SURE
# standard errors down: of 200 honest tables of 82 leads (true AUC .84) 43 were stopped with 2, 6 with 4 (docs/audit.md)
DOUBT = 4.0
HIGH, TIMES = 0.72, 3.0  # suspect: this AUC, and this many times the usual excess over one half
AHEAD = 0.78  # suspect: beyond this and clear of every other column, however strong the others are
RIVALS = 5  # the best others, whose median excess counts as usual
LEAST_USUAL = 0.02  # columns that are all near chance make no honest one stand out
ALONE_USUAL = 0.1  # usual excess assumed where there is no other column


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
    out_of_line = own.excess >= TIMES * max(_typical(rivals), LEAST_USUAL)
    far_ahead = own.low >= AHEAD and all(own.low > rival.high for rival in rivals)
    if own.auc >= SURE and own.low >= SURE - SURE_MARGIN:
        sure = own.auc - DOUBT * own.error >= SURE - SURE_MARGIN
        return "leak" if sure and not verified else "suspect"
    if ((own.low >= HIGH and out_of_line) or far_ahead) and not verified:
        return "suspect"
    return None


def _typical(rivals: list[Power]) -> float:
    """Median excess of the best few others."""
    return float(np.median(sorted((r.excess for r in rivals), reverse=True)[:RIVALS])) if rivals else ALONE_USUAL


def _message(name: str, own: Power, rivals: list[Power], rows: AuditRows) -> str:
    best = (
        f"the next best column reaches {max(rival.auc for rival in rivals):.2f}"
        if rivals
        else "there is no other column"
    )
    return (
        f"'{name}' alone separates won from lost with AUC {own.auc:.2f} {rows.where}; {best}. "
        "If it is filled in or updated after the outcome, declare it 'role: ignore'; "
        "if it really is known beforehand, say so under 'accepted_because'."
    )
