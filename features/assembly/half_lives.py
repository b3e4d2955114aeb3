"""Half-lives estimated from data: how fast activities of a kind stop telling who will be won."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Tables
from features.assembly.build_matrix import build_matrix
from features.catalog.families.engagement import learned_kinds, rows_of_kind
from features.catalog.feature import Catalog, Feature, FeatureType, Wording
from features.schema.operations import DecayedSum
from features.schema.source import Source
from features.schema.vocabulary import Topic

# From a day to most of a year, each about twice the one before.
GRID_DAYS = (1.0, 2.0, 4.0, 7.0, 14.0, 28.0, 56.0, 112.0, 224.0)
DRAWS = 100  # resamples behind a 90% interval: five lie beyond each end
_SEPARATOR = "__"


@dataclass(frozen=True, kw_only=True)
class HalfLife:
    """Estimated half-life of a kind in days, its 90% interval, and the leads it rests on.

    ``flat`` says that the data do not tell half-lives apart: the interval spans half the grid or more.
    """

    kind: str
    days: float
    low: float
    high: float
    leads: int
    flat: bool


def estimate_half_lives(
    tables: Tables,
    source: Source,
    keys: pd.DataFrame,
    label: Floats,
    *,
    kinds: Sequence[str] | None = None,
    seed: int = 0,
) -> list[HalfLife]:
    """Per kind the half-life whose decayed sum separates won from other rows best, over a grid.

    Each candidate is judged by the log-likelihood of a logistic regression on log(1 + decayed sum); the
    interval comes from resampling groups (Poisson weights), so that rows of one account count as one.

    Parameters
    ----------
    keys, label : matured rows of a training period, as in a matrix
    kinds : default: every learned kind
    """
    names = list(kinds if kinds is not None else learned_kinds(source))
    catalog = Catalog(tuple(_decayed_sum_feature(name, days, source) for name in names for days in GRID_DAYS))
    values = build_matrix(tables, keys, catalog, source)
    group = pd.factorize(keys["group"])[0]
    draws = np.random.default_rng(seed).poisson(1.0, (DRAWS, group.max() + 1 if group.size else 0))
    found = []
    for name in names:
        columns = np.log1p(values[[f"{name}{_SEPARATOR}{days:g}" for days in GRID_DAYS]].to_numpy())
        active = columns[:, -1] > 0
        leads = int(keys.loc[active, "lead_id"].nunique())
        if active.any() and 0 < label.sum() < label.size:
            found.append(_estimate_one(name, columns, label, group, draws, leads))
    return found


def adopt_half_lives(source: Source, found: Sequence[HalfLife]) -> Source:
    """The source with learned half-lives for the kinds that ask for them; where data do not tell, the declared stay."""
    return _with_days(source, {h.kind: h.days for h in found if not h.flat})


def restore_half_lives(source: Source, catalog: Catalog) -> Source:
    """The source with the half-lives a catalog was made with, for the kinds that learn theirs."""
    days = {
        f.params.rows.kinds[0]: f.params.half_life_days
        for f in catalog.of_family("engagement")
        if isinstance(f.params, DecayedSum) and f.params.half_life_days is not None and f.params.rows.kinds
    }
    return _with_days(source, days)


def _with_days(source: Source, days: Mapping[str, float]) -> Source:
    kinds = {
        name: kind.model_copy(update={"half_life_days": days[name]})
        if kind.estimate_half_life and name in days
        else kind
        for name, kind in source.activity_kinds.items()
    }
    return source.model_copy(update={"activity_kinds": kinds}) if kinds != source.activity_kinds else source


def _estimate_one(
    name: str, columns: Floats, label: Floats, group: npt.NDArray[np.intp], draws: npt.NDArray[np.int64], leads: int
) -> HalfLife:
    gains = np.stack([_row_gain(columns[:, k], label) for k in range(columns.shape[1])], axis=1)
    by_group = np.zeros((draws.shape[1], gains.shape[1]))
    np.add.at(by_group, group, gains)
    best = int(np.argmax(by_group.sum(axis=0)))
    drawn = np.argmax(draws @ by_group, axis=1)
    low, high = (int(q) for q in np.quantile(drawn, [0.05, 0.95], method="nearest"))
    flat = high - low >= len(GRID_DAYS) // 2
    return HalfLife(kind=name, days=GRID_DAYS[best], low=GRID_DAYS[low], high=GRID_DAYS[high], leads=leads, flat=flat)


def _row_gain(x: Floats, label: Floats) -> Floats:
    """Log-likelihood of each row under a logistic regression on one feature (Newton's method)."""
    design = np.column_stack([np.ones_like(x), x])
    beta = np.zeros(2)
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-(design @ beta)))
        curvature = design.T @ (design * (p * (1 - p))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (label - p) - 1e-6 * beta)
        beta = beta + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-8:
            break
    z = design @ beta
    return np.asarray(label * z - np.logaddexp(0.0, z))


def _decayed_sum_feature(name: str, days: float, source: Source) -> Feature:
    kind = source.activity_kinds[name]
    return Feature(
        name=f"{name}{_SEPARATOR}{days:g}",
        family="engagement",
        dimension=kind.dimension,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER,
        when_empty=0.0,
        doc=f"{name}, halving every {days:g} days.",
        unit="count",
        known_when="when the activity was known",
        wording=Wording.DECAYED,
        params=DecayedSum(rows=rows_of_kind(name, kind), half_life_days=days),
    )
