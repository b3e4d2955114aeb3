"""AUD03 fires on values that come with the win only, and stays silent on merely good ones."""

import numpy as np
import pandas as pd
import pytest

from models.judging.checks.purity import purity
from tests.reference.audit_rows import honest, rows


def planted(name: str, won: np.ndarray) -> pd.Series:
    rng = np.random.default_rng(1)
    early = rng.choice(["a", "b"], len(won))
    if name == "target":
        return pd.Series(np.where(won == 1, "k", "m"), dtype="str")
    if name == "two values":
        return pd.Series(np.where((won == 1) & (rng.random(len(won)) < 0.5), rng.choice(["y", "z"], len(won)), early))
    if name == "zero unless won":
        return pd.Series(np.where(won == 1, rng.gamma(2, 100, len(won)), 0.0))
    return pd.Series(np.where(won == 1, early, "lost " + pd.Series(early)), dtype="str")


@pytest.mark.parametrize("name", ["target", "two values", "zero unless won", "split target"])
@pytest.mark.parametrize("base", [0.08, 0.5])
def test_fires(name: str, base: float) -> None:
    frame, won = honest(base=base)
    frame["v"] = planted(name, won)
    assert [(f.column, f.severity) for f in purity(rows(frame, won))] == [("v", "leak")]


def test_silent_on_a_good_value_a_rare_one_and_a_clocked_one() -> None:
    frame, won = honest(base=0.2)
    rng = np.random.default_rng(2)
    frame["good"] = pd.Series(np.where(rng.random(len(won)) < np.where(won == 1, 0.4, 0.05), "referral", "other"))
    rare = np.flatnonzero(won == 1)[:8]
    frame["rare"] = 0.0
    frame.loc[rare, "rare"] = 1.0
    frame["clocked"] = won
    assert purity(rows(frame, won, verified=("clocked",))) == []
