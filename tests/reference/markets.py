"""Simulated markets whose base rate steps, drifts, turns with the season or is read too early; truth is known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.schema.vocabulary import Dimension, Topic
from tests.reference.toy import feature

NUMBERS = ("size", "pain", "visits", "budget", "noise", "distance")
_LEVELS = 30  # of the category with many levels
TEST_FROM = 0.75  # where the test block starts
CENSORED_FROM = 0.88  # of the rows before it: wins not yet on record

CATALOG = Catalog(
    (
        *(feature(name, Topic.NEED, Dimension.FIT) for name in NUMBERS),
        feature("industry", Topic.NEED, Dimension.FIT, category=True),
        feature("campaign", Topic.NEED, Dimension.FIT, category=True),
    )
)


def levels(rows: int) -> Mapping[str, Floats]:
    """Log-odds of the market per row in time order, for every kind of market; no feature tells of it."""
    at = np.arange(rows) / rows
    return {
        "none": np.full(rows, -2.0),
        "step up": np.where(at < 0.25, -4.2, np.where(at < 0.5, -3.2, -1.8)),
        "step down": np.where(at < 0.25, -1.0, np.where(at < 0.5, -2.0, -3.2)),
        "ramp": -3.6 + 2.4 * at,
        "season": -2.2 + 0.8 * np.sin(8 * np.pi * at),
        "thin early block": np.where(at < 0.1, -0.3, -2.4),
        "recently censored wins": np.full(rows, -2.0),
    }


def market(kind: str, rows: int = 4000, *, seed: int = 0) -> tuple[Matrix, Floats]:
    """A flat matrix in time order and the true probability of every row."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(NUMBERS)))
    industry = rng.choice(list("abcd"), rows)
    effect = rng.normal(0, 0.5, _LEVELS)
    campaign = rng.integers(0, _LEVELS, rows)

    score = 0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.4 * x[:, 2] * (x[:, 3] > 0) + 0.5 * (industry == "a") + effect[campaign]
    truth = 1 / (1 + np.exp(-(levels(rows)[kind] + score)))
    won = (rng.random(rows) < truth).astype(np.float64)
    if kind == "recently censored wins":
        place, end = np.arange(rows), int(rows * TEST_FROM)
        late = (place >= int(end * CENSORED_FROM)) & (place < end)
        won = np.where(late & (rng.random(rows) < 0.5), 0.0, won)

    values = pd.DataFrame({name: x[:, k] for k, name in enumerate(NUMBERS)})
    values["industry"] = pd.Series(industry, dtype="str")
    values["campaign"] = pd.Series([f"c{k}" for k in campaign], dtype="str")
    return _matrix(values, won), truth


def _matrix(values: pd.DataFrame, won: Floats) -> Matrix:
    rows = len(values)
    names = pd.Series([f"L{k}" for k in range(rows)], dtype="str")
    nothing = pd.Series([None] * rows, dtype="str")
    never = pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us]")
    keys = pd.DataFrame(
        {
            "lead_id": names,
            "as_of": never,
            "account_id": nothing,
            "group": names,
            "episode": np.zeros(rows, dtype=np.int64),
            "order": np.arange(rows),
            "age_days": np.zeros(rows),
            "segment": nothing,
        }
    )
    return Matrix(
        catalog=CATALOG,
        values=values,
        keys=keys,
        label=won,
        matured=np.ones(rows, dtype=np.bool_),
        label_known_at=never,
        weight=np.ones(rows),
        ordered=True,
        amount=np.full(rows, np.nan),
    )
