"""AUD10: a random split is optimistic: the gap between random and temporal folds."""

import numpy as np

from features.array_types import Floats
from models.judging.leakage.audit_rows import AuditRows, auc_within, cells_of
from models.judging.leakage.finding import Finding

CODE = "AUD10"
WIDE = 0.05  # AUC, from which the gap is worth a note
FEWEST = 20  # won and lost rows in either half
PRIOR_ROWS = 20  # rows at the base rate added to each value's, so that rare values weigh little


def check_random_split_gap(rows: AuditRows, seed: int = 0) -> list[Finding]:
    """AUC of a simple sum of per-value win rates, learned at random against learned from the past only."""
    if not rows.ordered or len(rows.names) < 2:
        return []
    half = np.median(rows.block)
    later = rows.block > half
    if min(rows.label[later].sum(), rows.label[~later].sum()) < FEWEST:
        return []

    random = np.random.default_rng(seed).random(len(rows.label)) < 0.5
    past = auc_within(_sum_log_odds(rows, ~later)[later], rows.label[later], np.zeros(int(later.sum()), dtype=np.int64))
    mixed = auc_within(
        _sum_log_odds(rows, random)[~random], rows.label[~random], np.zeros(int((~random).sum()), dtype=np.int64)
    )

    if mixed - past < WIDE:
        return []
    return [
        Finding(
            "(rows)",
            CODE,
            "note",
            f"A simple model reaches AUC {mixed:.2f} when rows are split at random but {past:.2f} on later rows: "
            "the market moves, and only figures on later rows are honest.",
        )
    ]


def _sum_log_odds(rows: AuditRows, learn: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Floats:
    total = np.zeros(len(rows.label))
    whole = np.zeros(len(rows.label), dtype=np.int64)
    base = float(rows.label[learn].mean())
    for name in rows.names:
        cells = cells_of(rows.columns[name], whole)
        cells = cells - cells.min()
        size = int(cells.max()) + 1
        wins = np.bincount(cells[learn], weights=rows.label[learn], minlength=size)
        seen = np.bincount(cells[learn], minlength=size)
        rate = (wins + PRIOR_ROWS * base) / (seen + PRIOR_ROWS)
        total += np.log(rate / (1 - rate))[cells]
    return total
