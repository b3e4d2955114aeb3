"""AUD03: a value, or any but the default, that comes with one outcome only; a column that is the target renamed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.judging.leakage.aud02_missingness import is_code
from models.judging.leakage.audit_rows import AuditRows, wilson
from models.judging.leakage.finding import ORDER, Finding, Severity
from models.judging.leakage.one_outcome_rows import Mask, count_provable, grade_loss_only

CODE = "AUD03"
FEWEST_WON = FEWEST_ROWS = 15  # of a value, before it is judged on its own
FEWEST_OF_SEVERAL = 5  # of each of several values that come with the loss, judged together
ODDS_TIMES, PURE = (
    25.0,
    0.8,
)  # comes with the win: 99% lower end of its odds over the base's, of its share won
COVERS = 0.05  # share of all wins it must hold; a rare value that is always won carries little
MANY = 60  # values looked at; more are an identifier or a number
WRONG = 0.03  # of the rarer outcome, that a renamed target may miss (typos, late corrections)
USUAL = 0.2  # share of rows from which the most frequent value counts as a default


@dataclass(frozen=True)
class Part:
    """Rows of a column that hold one value or one of several.

    ``lowest`` says whether a number's lowest value is among them, ``choices`` among how many sets the outcome chose.
    """

    words: str
    mask: Mask
    lowest: bool = False
    choices: float = 1.0


def check_pure_values(rows: AuditRows) -> list[Finding]:
    """Columns with a value that is as good as the outcome itself."""
    found = []
    asked = [n for n in rows.names if n not in rows.verified and not rows.columns[n].isna().all()]
    parts = {name: _parts(rows.columns[name], rows.label) for name in asked}
    looked_at = count_provable(rows, (part.mask for several in parts.values() for part in several))
    for name in asked:
        whole = _find_renamed_target(name, rows.columns[name], rows.label) or _find_won_only(name, parts[name], rows)
        graded: tuple[Severity, str] | None = (
            ("leak", whole) if whole else _grade_lost_only(name, parts[name], rows, looked_at)
        )
        if graded is not None:
            found.append(Finding(name, CODE, *graded))
    return found


def _find_renamed_target(name: str, column: pd.Series, label: Floats) -> str | None:
    """Few values, each with one outcome only: the target under another name."""
    cells = pd.factorize(column, use_na_sentinel=False)[0]
    count = int(cells.max()) + 1
    if count < 2 or count > min(MANY, len(label) // 4):
        return None
    wins = np.bincount(cells, weights=label, minlength=count)
    rows = np.bincount(cells, minlength=count)
    wrong = float(np.minimum(wins, rows - wins).sum())
    rarer = min(label.sum(), len(label) - label.sum())
    if rarer < FEWEST_WON or wrong > WRONG * rarer:
        return None
    return (
        f"'{name}' gives the outcome away: its {count} values predict {1 - wrong / len(label):.1%} of rows. "
        "It is the target under another name; declare it 'role: ignore'."
    )


def _find_won_only(name: str, parts: list[Part], rows: AuditRows) -> str | None:
    for part in parts:
        wins, n = float(rows.label[part.mask].sum()), float(part.mask.sum())
        if wins < max(FEWEST_WON, COVERS * rows.label.sum()):
            continue
        low = wilson(wins, n)[0]
        if _odds(low) >= ODDS_TIMES * _odds(rows.base) and low >= PURE:
            return (
                f"'{name}' {part.words} on {n:.0f} rows, {wins / n:.1%} of them won against {rows.base:.1%} overall: "
                "a value that comes with the win. Declare the column 'role: ignore', or read it from its history."
            )
    return None


def _grade_lost_only(name: str, parts: list[Part], rows: AuditRows, looked_at: int) -> tuple[Severity, str] | None:
    """The most severe of the parts that come with the loss."""
    graded: dict[Severity, str] = {}
    for part in parts:
        severity = grade_loss_only(rows, part.mask, looked_at * part.choices)
        if severity is None:
            continue
        if part.lowest:
            severity = "suspect"  # no visit, no employee: such leads may truly never buy
        wins, n = int(rows.label[part.mask].sum()), int(part.mask.sum())
        graded.setdefault(
            severity,
            f"'{name}' {part.words} on {n:,} rows, {wins or 'none'} of them won against {rows.base:.1%} overall: "
            "a value that comes with the loss. If it is written when a lead is lost, declare the column 'role: ignore' "
            "or read it from its history; if it really is known beforehand, say so under 'accepted_because'.",
        )
    return next(((severity, graded[severity]) for severity in ORDER if severity in graded), None)


def _parts(column: pd.Series, label: Floats) -> list[Part]:
    """Rows with one frequent value, with those of one outcome only, and with any value but the most frequent."""
    counts = column.value_counts()
    counted = counts[counts >= FEWEST_OF_SEVERAL].head(MANY)
    lowest = column.min() if pd.api.types.is_numeric_dtype(column) and not is_code(column) else None
    single = {value: (column == value).to_numpy(dtype=bool) for value in counted.index}
    parts = [
        Part(f"is '{value}'", mask, value == lowest) for value, mask in single.items() if mask.sum() >= FEWEST_ROWS
    ]

    for outcome in (1.0, 0.0):
        fewest = FEWEST_ROWS if outcome else FEWEST_OF_SEVERAL  # no chance is asked for wins
        pure = [value for value, mask in single.items() if mask.sum() >= fewest and (label[mask] == outcome).all()]
        if len(pure) > 1:
            words = "is one of " + ", ".join(f"'{value}'" for value in pure[:5])
            parts.append(Part(words, column.isin(pure).to_numpy(dtype=bool), lowest in pure, 2.0 ** len(single)))

    if len(counts) > 1 and counts.iloc[0] >= USUAL * len(column):
        usual = counts.index[0]
        other = (column != usual).to_numpy(dtype=bool) & column.notna().to_numpy()
        above = other if lowest is None else other & (column != lowest).to_numpy(dtype=bool)
        has_lowest = bool((other & ~above).any())
        parts.append(Part(f"differs from its usual '{usual}'", other, has_lowest))
        if has_lowest and above.any():
            parts.append(Part(f"is neither its usual '{usual}' nor its lowest '{lowest}'", above))
    return parts


def _odds(share: float) -> float:
    return share / max(1 - share, 1e-9)
