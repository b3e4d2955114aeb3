"""Whether rows come with one outcome only, against what the base rate of their blocks would give, and words for it."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from features.array_types import Floats
from models.judging.leakage.audit_rows import AuditRows, wilson
from models.judging.leakage.finding import Severity

Mask = npt.NDArray[np.bool_]

# docs/audit.md: of 15 planted columns that come with the loss 13 are named leak and 2 suspect
LEVEL = 0.01  # of all sets of rows together
SURE, SUSPECT = (
    8.0,
    4.0,
)  # times an honest value's odds may lie below those of its blocks (some kinds of leads hardly ever buy)
LOOKS = 25.0  # times they are seen to lie below
MOST_WON = 0.05  # share won, beyond which rows do not come with the loss
# rows come with the win: at least 12 wins, and a share won whose 99% lower end reaches 85%, or 1.6 times the base
# rate if that is more, but never asked to exceed 97%
PURE, LIFT, FEWEST, CEILING = 0.85, 1.6, 12, 0.97
# times the odds of their blocks that lower end must reach; where half are won, 85% is 5.7 times, so it only bites
# where most of a time's leads won, such as customers brought in from an older system without the column
ABOVE_BLOCKS = 5.5


def grade_one_outcome(rows: AuditRows, mask: Mask, looked_at: float) -> Severity | None:
    """Whether rows come with the win (a leak) or with the loss as those of no honest column do."""
    return "leak" if is_win_only(rows, mask) else grade_loss_only(rows, mask, looked_at)


def is_win_only(rows: AuditRows, mask: Mask) -> bool:
    """Whether nearly all of the rows are won, far beyond the base rate and beyond that of their time blocks."""
    wins, n = float(rows.label[mask].sum()), float(mask.sum())
    if wins < FEWEST:
        return False
    low = wilson(wins, n)[0]
    if low < max(PURE, min(LIFT * rows.base, CEILING)):
        return False
    rate = float(_block_rates(rows)[rows.block[mask]].mean())
    return low * (1 - rate) >= ABOVE_BLOCKS * rate * (1 - low)


def describe_rows(rows: AuditRows, mask: Mask, unit: str = "rows") -> str:
    """How many rows, how many of them were won, and how many overall.

    For example "1,938 rows, none of them won against 64.8% overall".
    """
    wins, n = int(rows.label[mask].sum()), int(mask.sum())
    won = "none" if not wins else "all" if wins == n else f"{wins:,}"
    return f"{n:,} {unit}, {won} of them won against {rows.base:.1%} overall"


def grade_loss_only(rows: AuditRows, mask: Mask, looked_at: float) -> Severity | None:
    """Whether rows come with the loss as those of no honest value do.

    An honest value may have poor odds. Rows are a leak if their odds are seen 25 times below the base rate's and wins
    are too few even for an eighth of the odds of their blocks; suspect if there is no win at all and too few even for
    a quarter. So none of 16 lost leads proves nothing where half are won, and none of 300 does where 5% are.
    ``looked_at`` is the number of sets of rows asked, by which the level is divided.
    """
    wins, n = float(rows.label[mask].sum()), int(mask.sum())
    if not n or wins > MOST_WON * n or LOOKS * wins * (1 - rows.base) > rows.base * (n - wins):
        return None
    level = LEVEL / max(looked_at, 1)
    if _chance(rows, mask, wins, SURE) < level:
        return "leak"
    return "suspect" if wins == 0 and _chance(rows, mask, wins, SUSPECT) < level else None


def count_provable(rows: AuditRows, masks: Iterable[Mask]) -> int:
    """How many sets of rows are large enough to prove anything by holding no win.

    Only for those the level has to be divided (Tarone 1990); the same rows asked about twice, as by two columns that
    are empty together, are one set.
    """
    distinct = {mask.tobytes(): mask for mask in masks if mask.any()}
    return sum(_chance(rows, mask, 0.0, SUSPECT) < LEVEL for mask in distinct.values())


def _chance(rows: AuditRows, mask: Mask, wins: float, times: float) -> float:
    """Largest chance of so few wins if the odds lie ``times`` below those of each row's block.

    The binomial at the mean chance bounds the tail of a sum of unequal ones (Hoeffding 1956).
    """
    rate = _block_rates(rows, times)
    return float(bdtr(wins, int(mask.sum()), float(rate[rows.block[mask]].mean())))


def _block_rates(rows: AuditRows, times: float = 1.0) -> Floats:
    """Share won of each block if its odds lay ``times`` lower."""
    blocks = int(rows.block.max()) + 1
    won = np.bincount(rows.block, weights=rows.label, minlength=blocks)
    lost = np.bincount(rows.block, minlength=blocks) - won
    return np.asarray(won / np.maximum(won + times * lost, 1e-9), dtype=np.float64)
