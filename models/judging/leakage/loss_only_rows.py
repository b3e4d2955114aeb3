"""Whether rows come with the loss only: so few wins, against what the base rate of their blocks would give."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from models.judging.leakage.audit_rows import AuditRows
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


def grade_loss_only(rows: AuditRows, mask: Mask, looked_at: float) -> Severity | None:
    """Whether rows come with the loss as those of no honest value do.

    An honest value may have poor odds. Rows are a leak if their odds are seen 25 times below the base rate's and wins
    are too few even for an eighth of the odds of their blocks; suspect if there is no win at all and too few even for
    a quarter. So none of 16 lost leads proves nothing where half are won, and none of 300 does where 5 % are.
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

    Only for those the level has to be divided (Tarone 1990).
    """
    return sum(_chance(rows, mask, 0.0, SUSPECT) < LEVEL for mask in masks if mask.any())


def _chance(rows: AuditRows, mask: Mask, wins: float, times: float) -> float:
    """Largest chance of so few wins if the odds lie ``times`` below those of each row's block.

    The binomial at the mean chance bounds the tail of a sum of unequal ones (Hoeffding 1956).
    """
    blocks = int(rows.block.max()) + 1
    won = np.bincount(rows.block, weights=rows.label, minlength=blocks)
    lost = np.bincount(rows.block, minlength=blocks) - won
    rate = won / np.maximum(won + times * lost, 1e-9)
    return float(bdtr(wins, int(mask.sum()), float(rate[rows.block[mask]].mean())))
