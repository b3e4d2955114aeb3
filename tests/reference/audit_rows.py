"""Rows for the audit's tests: an honest market in time order, and columns added to it."""

import numpy as np
import pandas as pd

from models.judging.leakage.audit_rows import AuditRows, blocks_of


def honest(n: int = 2000, seed: int = 0, base: float = 0.2) -> tuple[pd.DataFrame, np.ndarray]:
    """Honest columns of different strength (synthetic) and the outcome."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    won = rng.random(n) < 1 / (1 + np.exp(-(np.log(base / (1 - base)) + quality)))
    frame = pd.DataFrame(
        {
            "h1": quality + rng.normal(size=n),
            "h2": pd.Series(rng.choice(["a", "b", "c"], n), dtype="str"),
            "h3": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
        }
    )
    return frame, won.astype(np.float64)


def rows(frame: pd.DataFrame, won: np.ndarray, *, ordered: bool = True, verified: tuple[str, ...] = ()) -> AuditRows:
    """Audit rows in file order."""
    order = np.arange(len(won))
    block = blocks_of(order, won, ordered=ordered)
    return AuditRows(columns=frame, label=won, block=block, ordered=ordered, verified=frozenset(verified))
