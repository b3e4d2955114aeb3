"""AUD03: a value, or any but the default, that comes with the win only; a column that is a function of the target."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.judging.checks.finding import Finding
from models.judging.checks.rows import AuditRows, wilson
from models.scorer import Floats

CODE = "AUD03"
FEWEST_WON = 15
ODDS_TIMES = 25.0
COVERS = 0.05
MANY = 60


def purity(rows: AuditRows) -> list[Finding]:
    """Columns with a value that is as good as the outcome itself."""
    found = []
    for name in rows.names:
        column = rows.columns[name]
        if name in rows.verified or column.isna().all():
            continue
        text = _function(name, column, rows.label) or _pure_value(name, column, rows)
        if text is not None:
            found.append(Finding(name, CODE, "leak", text))
    return found


def _function(name: str, column: pd.Series, label: Floats) -> str | None:
    """Few values, each with one outcome only: the target under another name."""
    cells = pd.factorize(column, use_na_sentinel=False)[0]
    count = int(cells.max()) + 1
    if count < 2 or count > min(MANY, len(label) // 4):
        return None
    wins = np.bincount(cells, weights=label, minlength=count)
    rows = np.bincount(cells, minlength=count)
    wrong = float(np.minimum(wins, rows - wins).sum())
    rarer = min(label.sum(), len(label) - label.sum())
    if rarer < FEWEST_WON or wrong > 0.03 * rarer:
        return None
    return (
        f"'{name}' says the outcome: its {count} values predict {1 - wrong / len(label):.1%} of rows. "
        "It is the target under another name; declare it 'role: ignore'."
    )


def _pure_value(name: str, column: pd.Series, rows: AuditRows) -> str | None:
    for words, mask in _parts(column, rows.label):
        wins, n = float(rows.label[mask].sum()), float(mask.sum())
        if wins < max(FEWEST_WON, COVERS * rows.label.sum()):
            continue
        low = wilson(wins, n)[0]
        if _odds(low) >= ODDS_TIMES * _odds(rows.base) and low >= 0.8:
            return (
                f"'{name}' {words} on {n:.0f} rows, {wins / n:.1%} of them won against {rows.base:.1%} overall: "
                "a value that comes with the win. Declare the column 'role: ignore', or read it from its history."
            )
    return None


def _parts(column: pd.Series, label: Floats) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Rows with one frequent value, with those that only won leads have, and with any value but the most frequent."""
    counts = column.value_counts()
    frequent = counts[counts >= FEWEST_WON].head(MANY)
    parts = [(f"is '{value}'", (column == value).to_numpy(dtype=bool)) for value in frequent.index]
    won_only = [value for value in frequent.index if (label[(column == value).to_numpy(dtype=bool)] == 1.0).all()]
    if len(won_only) > 1:
        words = "is one of " + ", ".join(f"'{value}'" for value in won_only[:5])
        parts.append((words, column.isin(won_only).to_numpy(dtype=bool)))
    if len(counts) > 1 and counts.iloc[0] >= 0.2 * len(column):
        other = (column != counts.index[0]).to_numpy(dtype=bool) & column.notna().to_numpy()
        parts.append((f"differs from its usual '{counts.index[0]}'", other))
    return parts


def _odds(share: float) -> float:
    return share / max(1 - share, 1e-9)
