"""AUD13: a declared direction that the rows contradict, so that models can learn nothing from the column."""

from collections.abc import Mapping

import numpy as np

from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import Finding

CODE = "AUD13"
AGAINST, DOUBT = 0.03, 3.0  # at least so far below one half, and so many standard errors
_SAID = {1: "more can only help", -1: "more can only hurt"}


def check_declared_direction(rows: AuditRows, declared: Mapping[str, int]) -> list[Finding]:
    """Numbers that alone point the other way within blocks; ``declared`` holds features with a direction, +1 or -1."""
    found = []
    for name in rows.names:
        sign, column = declared.get(name, 0), rows.columns[name]
        known = column.notna().to_numpy()
        if not sign or column.dtype.kind != "f" or not known.any():
            continue
        label = rows.label[known]
        auc = auc_within(column.to_numpy(dtype=np.float64)[known], label, rows.block[known])
        against = -sign * (auc - 0.5)
        error = auc_error(0.5 + abs(auc - 0.5), int(label.sum()), int(len(label) - label.sum()))
        if np.isfinite(against) and against >= max(AGAINST, DOUBT * error):
            found.append(
                Finding(
                    name,
                    CODE,
                    "note",
                    f"'{name}' is declared 'direction: {sign}' ({_SAID[sign]}), but alone it points the other way "
                    f"{rows.where} (AUC {auc:.2f} for more): held to the declaration, models can use little or nothing "
                    "of it. Reverse the direction, or leave it out if more can both help and hurt.",
                )
            )
    return found
