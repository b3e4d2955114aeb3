"""AUD12: two columns that move together and whose distance reveals the outcome, as two dates of a lead's life do."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from features.array_types import Floats
from models.judging.leakage.audit_rows import AuditRows, auc_error, auc_within
from models.judging.leakage.finding import Finding

CODE = "AUD12"
TOGETHER = 0.9  # correlation of two dates, or of a date and a running number, of one life
SURE, SURE_MARGIN = 0.85, 0.05  # AUC of their distance as for AUD01, and how far its lower end may stay below
BEYOND = 0.15  # how far that is above what either reaches alone; less is a column of power beside another
FEWEST, SPREAD = 50, 0.2  # filled rows, and different values as a share of them, that make a date or running number


def check_date_difference(rows: AuditRows) -> list[Finding]:
    """Unverified numbers and dates of which one is another plus what the outcome decides.

    Where rows have no order, a date of the close looks like nothing alone: deals close at all times. Its distance
    from any column that tells when the lead began (a date, a running number) gives it away.
    """
    numbers = {n: _numbers(rows, n) for n in rows.names if n not in rows.verified and rows.columns[n].dtype.kind == "f"}
    spread = {name: values for name, values in numbers.items() if _is_spread(values)}

    found: dict[str, Finding] = {}
    for one, other in combinations(spread, 2):
        both = np.isfinite(spread[one]) & np.isfinite(spread[other])
        if both.sum() < FEWEST or abs(_correlation(spread[one][both], spread[other][both])) < TOGETHER:
            continue
        name, beside = sorted((one, other), key=lambda n: (-rows.powers[n].auc, n))
        auc, low = _power(_residual(spread[name], spread[beside], both), rows, both)
        alone = max(rows.powers[name].auc, rows.powers[beside].auc)
        if auc >= SURE and low >= SURE - SURE_MARGIN and auc >= alone + BEYOND and name not in found:
            found[name] = Finding(
                name,
                CODE,
                "leak",
                f"'{name}' moves with '{beside}', and how far the two lie apart separates won from lost with AUC "
                f"{auc:.2f} {rows.where}, though neither does alone ({alone:.2f}): one of them is written when the "
                "outcome is known. Declare that one 'role: ignore'.",
            )
    return list(found.values())


def _numbers(rows: AuditRows, name: str) -> Floats:
    return rows.columns[name].to_numpy(dtype=np.float64)


def _is_spread(values: Floats) -> bool:
    """Whether a column takes so many values that it can be a moment or a running number."""
    known = values[np.isfinite(values)]
    return len(known) >= FEWEST and len(np.unique(known)) >= SPREAD * len(known)


def _correlation(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0


def _residual(values: Floats, beside: Floats, rows: npt.NDArray[np.bool_]) -> Floats:
    """What a straight line through the other column leaves of the values."""
    slope, start = np.polyfit(beside[rows] - beside[rows].mean(), values[rows], 1)
    return np.asarray(values[rows] - start - slope * (beside[rows] - beside[rows].mean()), dtype=np.float64)


def _power(values: Floats, rows: AuditRows, taken: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """AUC within blocks, whichever way it points, and its lower end."""
    label = rows.label[taken]
    auc = auc_within(values, label, rows.block[taken])
    if not np.isfinite(auc):
        return 0.5, 0.5
    auc = 0.5 + abs(auc - 0.5)
    return auc, auc - 2 * auc_error(auc, int(label.sum()), int(len(label) - label.sum()))
