"""A toy matrix with a known relation between features and outcome, for the tests of models and explanations."""

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog, Feature, FeatureType, Wording
from features.cohort.splits import Block, Chop
from features.matrix import Matrix
from features.schema.operations import ColumnValue
from features.schema.vocabulary import Dimension, Topic


def feature(name: str, topic: Topic, dimension: Dimension, *, category: bool = False, **changes: object) -> Feature:
    """A feature with the dull parts filled in."""
    return Feature(
        **{
            "name": name,
            "family": "attributes",
            "dimension": dimension,
            "topic": topic,
            "type": FeatureType.CATEGORY if category else FeatureType.NUMBER,
            "when_empty": None,
            "doc": f"{name}.",
            "unit": "count",
            "known_when": "at creation",
            "wording": Wording.CATEGORY if category else Wording.COUNT,
            "label": name.replace("_", " "),
            "params": ColumnValue(table="leads", column=name),
            **changes,
        }
    )


CATALOG = Catalog(
    (
        feature("visits", Topic.INTEREST, Dimension.INTEREST, direction=1),
        feature("budget", Topic.BUDGET, Dimension.FIT),
        feature("pain", Topic.NEED, Dimension.FIT),
        feature("noise", Topic.CONTEXT, Dimension.FIT),
        feature("title", Topic.AUTHORITY, Dimension.FIT, category=True),
        feature("plan", Topic.TIMELINE, Dimension.INTENT, category=True),
    )
)


def toy_matrix(rows: int = 1200, *, seed: int = 0, strength: float = 1.0, per_lead: int = 1) -> Matrix:
    """Rows in time order; ``strength`` scales the true log-odds, 0 leaves nothing to learn."""
    rng = np.random.default_rng(seed)
    visits = rng.poisson(2.0, rows).astype(np.float64)
    budget, pain = rng.normal(size=rows), rng.normal(size=rows)
    budget[rng.random(rows) < 0.3] = np.nan
    title = rng.choice(["boss", "clerk", "student"], rows, p=[0.3, 0.5, 0.2])
    plan = pd.Series(rng.choice(["soon", "later"], rows), dtype="str").where(rng.random(rows) < 0.6)
    truth = 0.5 * (visits - 2) + 0.8 * np.nan_to_num(budget) + 0.7 * pain + 0.9 * (title == "boss")
    won = (rng.random(rows) < 1 / (1 + np.exp(1.2 - strength * truth))).astype(np.float64)
    values = pd.DataFrame(
        {
            "visits": visits,
            "budget": budget,
            "pain": pain,
            "noise": rng.normal(size=rows),
            "title": pd.Series(title, dtype="str"),
            "plan": plan,
        }
    )
    lead = np.arange(rows) // per_lead
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series([f"L{k}" for k in lead], dtype="str"),
            "as_of": pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us]"),
            "account_id": pd.Series([None] * rows, dtype="str"),
            "group": pd.Series([f"A{k // 2}" for k in lead], dtype="str"),
            "episode": np.zeros(rows, dtype=np.int64),
            "order": np.arange(rows),
            "age_days": np.zeros(rows),
            "segment": pd.Series([None] * rows, dtype="str"),
        }
    )
    return Matrix(
        catalog=CATALOG,
        values=values,
        keys=keys,
        label=won,
        matured=np.ones(rows, dtype=np.bool_),
        label_known_at=pd.Series(pd.NaT, index=range(rows), dtype="datetime64[us]"),
        weight=np.full(rows, 1.0 / per_lead),
        ordered=True,
        amount=np.full(rows, np.nan),
    )


def toy_chop(rows: int, blocks: int = 3) -> Chop:
    """Expanding blocks over the first three quarters, the rest is the test."""
    cut = int(rows * 0.75)
    edges = np.linspace(cut * 0.4, cut, blocks + 1).astype(int)
    made = tuple(
        Block(name=f"b{k}", train=np.arange(edges[k]), test=np.arange(edges[k], edges[k + 1])) for k in range(blocks)
    )
    return Chop("ordered", made, Block(name="final", train=np.arange(cut), test=np.arange(cut, rows)), "toy")
