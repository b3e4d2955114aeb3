"""AUD04: an identifier or row number that orders the outcome."""

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import Finding

CODE = "AUD04"
UNIQUE = 0.9  # share of rows with a value of their own, that makes a column an identifier
SURE, HIGH = 0.70, 0.60  # AUC of its order, three standard errors down: leak, suspect
DOUBT = 3.0  # standard errors taken off the AUC before it is compared
FEWEST = 50  # filled rows


def check_identifier_order(rows: AuditRows) -> list[Finding]:
    """Columns that are (nearly) different on every row and whose order follows the outcome."""
    found = []
    for name in rows.names:
        if name in rows.verified:
            continue
        numbers = _numbers(rows.columns[name])
        if numbers is None:
            continue
        known = np.isfinite(numbers)
        label, block = rows.label[known], rows.block[known]
        auc = auc_within(numbers[known], label, block)
        if not np.isfinite(auc):
            continue
        auc = 0.5 + abs(auc - 0.5)
        low = auc - DOUBT * auc_error(auc, int(label.sum()), int(len(label) - label.sum()))
        if low >= HIGH and _whole(numbers[known]):
            found.append(
                Finding(
                    name,
                    CODE,
                    "leak" if low >= SURE else "suspect",
                    f"'{name}' numbers the rows and its order follows the outcome (AUC {auc:.2f} {rows.where}): "
                    "the file was written or numbered by outcome. Declare it 'type: id' or 'role: ignore'.",
                )
            )
    return found


def _numbers(column: pd.Series) -> Floats | None:
    """The column as numbers if nearly every row has its own: itself, or the digits of its text."""
    known = column.notna()
    if known.sum() < FEWEST or column[known].nunique() < UNIQUE * known.sum():
        return None
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64)
    digits = column.str.extract(r"(?<!\d)(\d+)\D*$", expand=False)
    numbers = pd.to_numeric(digits, errors="coerce").to_numpy(dtype=np.float64)
    return numbers if np.isfinite(numbers).mean() > UNIQUE * float(known.mean()) else None


def _whole(numbers: Floats) -> bool:
    return bool(np.all(numbers == np.round(numbers)))
