"""Small matrices of weekly rows with known truth, for the tests of the gate and of the monitor."""

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.schema.vocabulary import Dimension, Topic
from tests.reference.toy import feature

CATALOG = Catalog(
    (
        feature("truth", Topic.NEED, Dimension.FIT),
        feature("plan", Topic.TIMELINE, Dimension.INTENT, category=True),
    )
)
START = pd.Timestamp("2026-01-05")
LAG = pd.Timedelta(days=28)


def weekly_matrix(
    leads: int = 400, weeks: int = 12, *, seed: int = 0, base: float = -1.5, matured_weeks: int | None = None
) -> Matrix:
    """Every lead on up to six weekly rows from its first week on; ``truth`` is the log-odds of its rows to be won."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, weeks, leads)
    truth = base + rng.normal(0, 1.2, leads)
    won = rng.random(leads) < 1 / (1 + np.exp(-truth))
    lead = np.repeat(np.arange(leads), 6)
    week = first[lead] + np.tile(np.arange(6), leads)
    kept = week < weeks
    lead, week = lead[kept], week[kept]
    as_of = pd.Series(START + pd.to_timedelta(7 * week, unit="D")).astype("datetime64[us]")
    matured = week < (weeks if matured_weeks is None else matured_weeks)
    plan = rng.choice(["soon", "later"], leads)
    return Matrix(
        catalog=CATALOG,
        values=pd.DataFrame({"truth": truth[lead], "plan": pd.Series(plan[lead], dtype="str")}),
        keys=pd.DataFrame(
            {
                "lead_id": pd.Series([f"L{k:04d}" for k in lead], dtype="str"),
                "as_of": as_of,
                "account_id": pd.Series([f"A{k // 2}" for k in lead], dtype="str"),
                "group": pd.Series([f"A{k // 2}" for k in lead], dtype="str"),
                "episode": np.zeros(len(lead), dtype=np.int64),
                "order": week.astype(np.int64),
                "age_days": 7.0 * (week - first[lead]),
                "segment": pd.Series([None] * len(lead), dtype="str"),
            }
        ),
        label=np.where(matured, won[lead].astype(np.float64), np.nan),
        matured=matured,
        label_known_at=(as_of + LAG).astype("datetime64[us]"),
        weight=np.ones(len(lead)),
        ordered=True,
        amount=np.full(len(lead), np.nan),
    )
