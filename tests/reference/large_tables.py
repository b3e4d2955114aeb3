"""Simulated large tables with interactions that small samples hide; every row's true probability is known."""

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.schema.vocabulary import Dimension, Topic
from tests.reference.toy import feature

CODE_LEVELS = 5_000
_CODE_SHARES = 1.3  # exponent of the codes' shares (Zipf): a few levels are frequent, most are seen a handful of times
_SMALL = ("region", "channel", "size", "plan")
_CODES = ("campaign", "postcode")


def interactions(rows: int = 40_000, *, seed: int = 1) -> tuple[Matrix, Floats]:
    """Twenty columns: fourteen numbers, four small categories, two of 5,000 levels; interactions of two and three.

    Returns the matrix, in no order of time, and the true probability of every row.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 14))
    small = rng.integers(0, 6, size=(rows, len(_SMALL)))
    codes = rng.zipf(_CODE_SHARES, size=(rows, len(_CODES))) % CODE_LEVELS
    effect = np.random.default_rng(0).normal(0, 0.6, size=(len(_CODES), CODE_LEVELS))

    score = 1.2 * np.sign(x[:, 0] * x[:, 1] * x[:, 2]) + 0.8 * x[:, 3] * x[:, 4] + 0.5 * x[:, 6]
    score += 1.2 * (x[:, 5] > 0) * (small[:, 0] == 0) + 0.5 * (small[:, 1] == small[:, 2])
    score += effect[0, codes[:, 0]] + 0.5 * effect[1, codes[:, 1]]
    truth = 1 / (1 + np.exp(1.2 - score))

    texts = {name: [f"{name[0]}{level}" for level in small[:, k]] for k, name in enumerate(_SMALL)}
    texts |= {name: [f"{name[0]}{level}" for level in codes[:, k]] for k, name in enumerate(_CODES)}
    return _matrix(x, texts, (rng.random(rows) < truth).astype(np.float64)), truth


def one_product(rows: int = 1_000_000, *, seed: int = 1) -> tuple[Matrix, Floats]:
    """Sixteen columns and few wins: plain effects, and one product of two numbers that small samples do not show."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 12))
    small = rng.integers(0, 8, size=(rows, len(_SMALL)))
    score = 0.4 * x[:, 0] + 0.3 * x[:, 1] - 0.25 * x[:, 2] + 0.5 * x[:, 3] * x[:, 4] + 0.4 * (small[:, 0] == 0)
    truth = 1 / (1 + np.exp(3.0 - score))
    texts = {name: [f"{name[0]}{level}" for level in small[:, k]] for k, name in enumerate(_SMALL)}
    return _matrix(x, texts, (rng.random(rows) < truth).astype(np.float64)), truth


def _matrix(numbers: Floats, texts: dict[str, list[str]], won: Floats) -> Matrix:
    """A flat matrix without an order, every row a lead and an account of its own."""
    rows = len(won)
    names = [f"number_{k}" for k in range(numbers.shape[1])]
    values = pd.DataFrame(numbers, columns=names).assign(
        **{name: pd.Series(text, dtype="str") for name, text in texts.items()}
    )
    leads = pd.Series([f"L{k}" for k in range(rows)], dtype="str")
    catalog = Catalog(
        (
            *(feature(name, Topic.NEED, Dimension.FIT) for name in names),
            *(feature(name, Topic.NEED, Dimension.FIT, category=True) for name in texts),
        )
    )
    keys = pd.DataFrame(
        {
            "lead_id": leads,
            "as_of": pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us]"),
            "account_id": pd.Series([None] * rows, dtype="str"),
            "group": leads,
            "episode": np.zeros(rows, dtype=np.int64),
            "order": np.arange(rows),
            "age_days": np.zeros(rows),
            "segment": pd.Series([None] * rows, dtype="str"),
        }
    )
    return Matrix(
        catalog=catalog,
        values=values,
        keys=keys,
        label=won,
        matured=np.ones(rows, dtype=bool),
        label_known_at=pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us]"),
        weight=np.ones(rows),
        ordered=False,
        amount=np.full(rows, np.nan),
    )
