"""The rows an audit looks at: one per lead, in time blocks, and a column's power within them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats

BLOCKS = 20  # at most (docs/audit.md)
SMALLEST_CLASS_PER_BLOCK = 8  # rows of the rarer outcome, for a block to be made
RANK_BINS = 12  # cells of a number, by rank within its block
_SHRINK = 5.0  # rows at the block's own rate added to each cell, so that a rare value says little


@dataclass(frozen=True, kw_only=True)
class AuditRows:
    """Columns and outcomes to audit.

    Parameters
    ----------
    columns : shape (n, columns); float64 with NaN, or ``str`` with NA
    label : shape (n,), 0 or 1
    block : shape (n,), time block of a row (fold of it where rows have no order)
    ordered : whether blocks follow time
    verified : columns whose every value carries a clock (known before as_of by construction)
    clocked : columns that are read with their row's own clock, as declared (``when_known: known_at``)
    headers : headers in the file of columns that have another name there
    joined : of columns read from a joined table, which rows have a row there; shape (n,), bool
    """

    columns: pd.DataFrame
    label: Floats
    block: npt.NDArray[np.int64]
    ordered: bool
    verified: frozenset[str] = field(default_factory=frozenset)
    clocked: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(str(name) for name in self.columns)

    @property
    def base(self) -> float:
        """Base rate: the share of rows that were won."""
        return float(self.label.mean())

    @property
    def where(self) -> str:
        """Words for the blocks."""
        count = int(self.block.max()) + 1
        return f"within {count} time blocks" if self.ordered else f"over {count} folds"

    @cached_property
    def powers(self) -> dict[str, "Power"]:
        """Power of each column within blocks."""
        return {name: power_of(self.columns[name], self.label, self.block) for name in self.names}


@dataclass(frozen=True)
class Power:
    """Area under the ROC curve of one column alone, averaged over blocks, and its standard error."""

    auc: float
    error: float

    @property
    def excess(self) -> float:
        """How far the AUC lies above a coin's."""
        return self.auc - 0.5

    @property
    def low(self) -> float:
        """Lower end, two standard errors down."""
        return self.auc - 2 * self.error

    @property
    def high(self) -> float:
        """Upper end, two standard errors up."""
        return self.auc + 2 * self.error


def blocks_of(order: npt.NDArray[np.int64], label: Floats, *, ordered: bool, seed: int = 0) -> npt.NDArray[np.int64]:
    """Blocks of equal length in order (or random folds), at most 20, each with a few of both outcomes."""
    fewest = int(min(label.sum(), len(label) - label.sum()))
    count = int(np.clip(fewest // SMALLEST_CLASS_PER_BLOCK, 2, BLOCKS))
    rank = order.argsort(kind="stable").argsort() if ordered else np.random.default_rng(seed).permutation(len(label))
    return np.asarray(rank * count // max(len(label), 1), dtype=np.int64)


def power_of(column: pd.Series, label: Floats, block: npt.NDArray[np.int64]) -> Power:
    """Power of the better of two readings: the number itself, and the win rate its value had in *other* blocks."""
    readings = [auc_within(other_blocks_rate(cells_of(column, block), label, block), label, block)]
    if pd.api.types.is_numeric_dtype(column):
        known = column.notna().to_numpy()
        if known.sum() > len(column) // 2:
            plain = auc_within(column.to_numpy(dtype=np.float64)[known], label[known], block[known])
            readings.append(0.5 + abs(plain - 0.5))

    auc = max((r for r in readings if np.isfinite(r)), default=0.5)
    return Power(auc, auc_error(auc, int(label.sum()), int(len(label) - label.sum())))


def cells_of(column: pd.Series, block: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Values as cells: categories as they are, numbers by their rank within the block; missing is a cell."""
    if not pd.api.types.is_numeric_dtype(column):
        return np.asarray(pd.factorize(column)[0], dtype=np.int64)
    rank = column.groupby(block).rank(pct=True, method="average").to_numpy()
    cells = np.minimum(np.nan_to_num(rank, nan=0.0) * RANK_BINS, RANK_BINS - 1).astype(np.int64)
    return np.where(np.isnan(rank), -1, cells)


def other_blocks_rate(cells: npt.NDArray[np.int64], label: Floats, block: npt.NDArray[np.int64]) -> Floats:
    """Per row: how far its cell's win rate lay above its block's, in all blocks but its own."""
    blocks = int(block.max()) + 1
    wins, rows = np.bincount(block, weights=label, minlength=blocks), np.bincount(block, minlength=blocks)
    residual = label - (wins / np.maximum(rows, 1))[block]
    cells = cells - cells.min()
    count = int(cells.max()) + 1
    both = cells * blocks + block
    cell_sum, cell_n = np.bincount(cells, weights=residual, minlength=count), np.bincount(cells, minlength=count)
    own_sum = np.bincount(both, weights=residual, minlength=count * blocks)
    own_n = np.bincount(both, minlength=count * blocks)
    return np.asarray((cell_sum[cells] - own_sum[both]) / (cell_n[cells] - own_n[both] + _SHRINK), dtype=np.float64)


def auc_within(score: Floats, label: Floats, block: npt.NDArray[np.int64]) -> float:
    """AUC in each block, averaged with the weight of its rarer outcome; NaN without both outcomes anywhere."""
    frame = pd.DataFrame({"s": score, "b": block})
    rank = frame.groupby("b")["s"].rank(method="average").to_numpy()
    blocks = int(block.max()) + 1 if len(block) else 0
    won = np.bincount(block, weights=label, minlength=blocks)
    lost = np.bincount(block, minlength=blocks) - won
    above = np.bincount(block, weights=rank * label, minlength=blocks) - won * (won + 1) / 2
    use = (won >= 2) & (lost >= 2)
    if not use.any():
        return float("nan")
    auc = above[use] / (won[use] * lost[use])
    weight = won[use] * lost[use] / (won[use] + lost[use])
    return float(np.average(auc, weights=weight))


def auc_error(auc: float, won: int, lost: int) -> float:
    """Standard error of an AUC (Hanley and McNeil 1982), the larger of the formula and its mirror.

    The formula takes the classes' spreads for unequal and is too small where the lost are few; which class spreads more
    is not known here.
    """
    if won < 1 or lost < 1:
        return float("nan")
    q1, q2 = auc / (2 - auc) - auc * auc, 2 * auc * auc / (1 + auc) - auc * auc
    spread = auc * (1 - auc) + max((won - 1) * q1 + (lost - 1) * q2, (lost - 1) * q1 + (won - 1) * q2)
    return float(np.sqrt(max(spread, 0.0) / (won * lost)))


def wilson(wins: float, n: float, z: float = 2.58) -> tuple[float, float]:
    """99% interval of a share (Wilson 1927).

    >>> tuple(round(end, 2) for end in wilson(30, 30))
    (0.82, 1.0)
    """
    if n <= 0:
        return 0.0, 1.0
    share = wins / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)
