"""AUD07: whether a lead has an account reveals the outcome."""

import numpy as np
import numpy.typing as npt

from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import Finding

CODE = "AUD07"
HIGH, SURE = 0.58, 0.70  # AUC of having an account, two standard errors down: suspect, leak


def check_account_linkage(rows: AuditRows, missing: npt.NDArray[np.bool_]) -> list[Finding]:
    """An account that is set at conversion is missing for leads that never converted."""
    if missing.all() or not missing.any():
        return []
    auc = auc_within((~missing).astype(np.float64), rows.label, rows.block)
    if not np.isfinite(auc):
        return []
    low = auc - 2 * auc_error(auc, int(rows.label.sum()), int((1 - rows.label).sum()))
    if low < HIGH:
        return []

    shares = [f"{(~missing)[rows.label == outcome].mean():.0%}" for outcome in (1.0, 0.0)]
    return [
        Finding(
            "account_id",
            CODE,
            "leak" if low >= SURE else "suspect",
            f"account_id is set for {shares[0]} of won and {shares[1]} of lost leads: it seems to be set when a lead "
            "converts. Give it a clock, or leave the account features out.",
        )
    ]
