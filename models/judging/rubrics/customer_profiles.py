"""Who the customers are: every attribute won against the rest, and the declared ideal customer judged by outcomes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.schema.people.people_texts import nameable_levels
from models.encoding.round_edges import edge_words
from models.explaining.profile import Profile, label_of
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, merge_many, ratio, resample_totals

FEWEST = 20  # leads with a value; rarer values are not shown
BINS = 4  # parts of a number, of about equal size
VALUES = 12  # most frequent values of a category
FAMILIES = ("attributes", "titles")


@dataclass(frozen=True)
class Profiles:
    """Tables of who the customers are.

    ``attributes``: attribute, value, leads, won, rate with 90% interval over accounts, share of the won and of the
    rest that have it, and a verdict against all other leads. ``declared``: the same for what the profile asks for.
    """

    attributes: pd.DataFrame
    declared: pd.DataFrame
    leads: int
    won: int

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        found: dict[str, Any] = {"leads": self.leads, "won": self.won}
        for name in ("attributes", "declared"):
            frame: pd.DataFrame = getattr(self, name)
            found[name] = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
        return found


def judge_profiles(matrix: Matrix, cluster: Ints, profile: Profile, resampling: Resampling) -> Profiles:
    """Judge attributes on matured leads, each once: as it was first seen, won if any of its rows was.

    Associations: a value may be common among customers because such companies were called more.
    """
    rows = np.flatnonzero(matrix.matured)
    keys = matrix.keys.iloc[rows]
    names = keys["lead_id"].astype("str") + "\x1f" + keys["episode"].astype("str")
    code, _ = pd.factorize(names)
    first = pd.Series(np.arange(len(rows))).groupby(code).first().to_numpy(dtype=np.int64)
    won = np.asarray(pd.Series(matrix.label[rows]).groupby(code).max(), dtype=np.float64)

    values = matrix.values.iloc[rows[first]].reset_index(drop=True)
    groups = pd.factorize(cluster[rows[first]])[0].astype(np.int64)
    attributes = _judge_masks(list(_attribute_masks(values, matrix.catalog)), won, groups, resampling)
    declared = _judge_masks(list(_profile_masks(values, matrix.catalog, profile)), won, groups, resampling)
    return Profiles(attributes, declared, len(won), int(won.sum()))


Masks = tuple[str, str, Bools]


def _attribute_masks(values: pd.DataFrame, catalog: Catalog) -> Iterator[Masks]:
    for feature in catalog:
        if feature.family not in FAMILIES or feature.name not in values:
            continue
        column, label = values[feature.name], label_of(feature.name, catalog)
        if column.isna().any():
            yield label, "(unknown)", column.isna().to_numpy()
        if not pd.api.types.is_numeric_dtype(column):
            for value in nameable_levels(feature.name, column.value_counts().index.tolist())[:VALUES]:
                yield label, str(value), (column == value).to_numpy(dtype=bool, na_value=False)
            continue
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        yield from _bins(numbers, label)


def _bins(numbers: Floats, label: str) -> Iterator[Masks]:
    """A number as yes and no, or in four parts of about equal size."""
    known = numbers[np.isfinite(numbers)]
    if set(np.unique(known)) <= {0.0, 1.0}:
        yield from ((label, word, numbers == value) for word, value in (("yes", 1.0), ("no", 0.0)))
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1), method="higher")) if len(known) else known
    words = edge_words(edges.tolist())
    for k, (low, high) in enumerate(pairwise(edges)):
        last, start, end = k == len(edges) - 2, words[k], words[k + 1]
        mask = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
        yield label, f"{start} to {end}" if last else f"{start} to below {end}", mask


def _profile_masks(values: pd.DataFrame, catalog: Catalog, profile: Profile) -> Iterator[Masks]:
    for trait in profile.ideal:
        fits, known = trait.holds(values[trait.attribute])
        name = f"ideal {label_of(trait.attribute, catalog)}"
        yield name, trait.words, fits
        yield name, "anything else", known & ~fits
    if len(profile.ideal) > 1:
        every = np.logical_and.reduce([trait.holds(values[trait.attribute])[0] for trait in profile.ideal])
        yield "ideal customer", "all of it", every
        yield "ideal customer", "not all of it", ~every
    for item in profile.exclusions:
        yield f"excluded: {item.reason.replace('_', ' ')}", item.words, item.holds(values[item.attribute])[0]
    if profile.personas:
        person = profile.persona(values, catalog)
        for name in [*dict.fromkeys(one.name for one in profile.personas), ""]:
            yield "persona", name or "(none)", person == name


def _judge_masks(masks: Sequence[Masks], won: Floats, groups: Ints, resampling: Resampling) -> pd.DataFrame:
    names = ["attribute", "value", "leads", "won", "rate", "low", "high", "share_of_won", "share_of_rest", "verdict"]
    kept = [part for part in masks if int(part[2].sum()) >= FEWEST]
    if not kept:
        return pd.DataFrame(columns=names)
    groups = merge_many(groups, resampling.seed)
    clusters = int(groups.max()) + 1
    every = {"n": cluster_sums(groups, np.ones(len(won)), clusters), "w": cluster_sums(groups, won, clusters)}
    for k, (_, _, mask) in enumerate(kept):
        every[f"n{k}"] = cluster_sums(groups, mask.astype(np.float64), clusters)
        every[f"w{k}"] = cluster_sums(groups, mask * won, clusters)

    total = resample_totals(every, resampling)
    wins, rest = float(won.sum()), float(len(won) - won.sum())
    rows = []
    for k, (attribute, value, mask) in enumerate(kept):
        mine = ratio(total[f"w{k}"], total[f"n{k}"])
        others = ratio(total["w"] - total[f"w{k}"], total["n"] - total[f"n{k}"])
        span, gap = interval(mine), interval(mine - others)
        verdict = "more often won" if gap.low > 0 else "less often won" if gap.high < 0 else ""
        n, w = int(mask.sum()), int(won[mask].sum())
        shares = (w / wins if wins else np.nan, (n - w) / rest if rest else np.nan)
        rows.append((attribute, value, n, w, w / n, span.low, span.high, *shares, verdict))
    return pd.DataFrame(rows, columns=names)
