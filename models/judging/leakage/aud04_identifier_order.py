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
MOST_STEPS = 0.9  # of the steps from one number to the next; the rest may lead to another series, or over a gap
DENSE = 8  # times the common step, that most steps of a running number keep to; amounts so dense would repeat
EVEN = 2.0  # times the middle step, as with a check digit at the end; steps at random go to 3.3 times
_EXACT = 2.0**53  # below, floats hold every whole number


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
        if low >= HIGH and _numbers_rows(rows.columns[name], numbers[known]):
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


def _numbers_rows(column: pd.Series, numbers: Floats) -> bool:
    """Whether whole numbers were given out one after the other, as amounts are not; digits of a text are taken so."""
    if not np.all(numbers == np.round(numbers)):
        return False
    if not pd.api.types.is_numeric_dtype(column):
        return True
    steps = np.diff(np.unique(numbers))
    common = float(np.gcd.reduce(steps.astype(np.int64))) if steps.max() < _EXACT else 1.0
    return bool(np.quantile(steps, MOST_STEPS) <= max(DENSE * common, EVEN * float(np.median(steps))))
