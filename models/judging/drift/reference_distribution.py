"""What a bundle was trained on, kept in the bundle: bins and shares of every feature and of the scores."""

import hashlib
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Ints
from features.catalog.feature import FeatureType
from features.matrix import Matrix
from features.schema.people.people_texts import nameable_levels
from models.encoding.bins import NumberBins
from models.encoding.round_edges import edge_words
from models.judging.drift.psi import independent_units, psi

_DECILES = np.arange(1, 10) / 10
_LEVELS = 20  # with a bin of their own, the most frequent ones; rarer ones may name somebody (docs/adr/0021)
_FINGERPRINTS = 2_000  # of all levels seen, so that an unseen one is told from a rare one; bounds the bundle's size
_USUAL_WEEKS = 26  # newest moments that say how far off single moments usually are (docs/adr/0021)
_FEWEST = 50  # rows a moment needs to be one of them


def build_reference_distribution(matrix: Matrix, rows: Ints, newest: Ints, newest_log_odds: Floats) -> dict[str, Any]:
    """JSON-ready record of the training rows, each counted once, as in a worklist.

    Parameters
    ----------
    rows : matured rows learned from
    newest : rows open at the newest moment, which the bundle had not learned from; their scores are the reference
    newest_log_odds : calibrated, of ``newest``
    """
    part = matrix.take(rows)
    group = part.keys["group"].to_numpy(dtype="str")
    moments = _newest_moments(part)
    return {
        "rows": len(part),
        "units": independent_units(group),
        "features": {
            feature.name: _with_usual(
                describe_category(part.values[feature.name], matrix.of_people.get(feature.name, ()))
                if feature.type is FeatureType.CATEGORY
                else describe_number(part.values[feature.name].to_numpy(dtype=np.float64)),
                part.values[feature.name],
                moments,
            )
            for feature in matrix.catalog
        },
        "scores": describe_number(newest_log_odds)
        | {"rows": len(newest), "units": independent_units(matrix.keys["group"].to_numpy(dtype="str")[newest])},
        "leads_per_moment": _volumes(part),
    }


def _newest_moments(part: Matrix) -> list[Ints]:
    """Rows of each of the newest moments, in the newer half of all and with enough rows; none without clocks."""
    as_of = part.keys["as_of"]
    if as_of.isna().all():
        return []
    moments = np.unique(as_of.to_numpy())
    rows = (np.flatnonzero((as_of == at).to_numpy()) for at in moments[len(moments) // 2 :][-_USUAL_WEEKS:])
    return [found.astype(np.int64) for found in rows if len(found) >= _FEWEST]


def _with_usual(profile: dict[str, Any], values: pd.Series, moments: list[Ints]) -> dict[str, Any]:
    """The profile with ``usual``: the largest index a single moment of the training had against the whole of it.

    Calendars and campaigns move all leads of a week together, which no number of leads evens out.
    """
    codes, size = codes_of(profile, values), len(profile["shares"])
    whole = np.array(profile["shares"])
    found = [psi(whole, np.array(shares(codes[rows], size)), len(codes), len(rows)) for rows in moments]
    return profile | {"usual": max(found, default=0.0)}


def describe_number(values: Floats) -> dict[str, Any]:
    """Bins at the deciles; a bin for missing values behind them."""
    known = values[~np.isnan(values)]
    edges: tuple[float, ...] = ()
    if len(known):
        cuts = np.unique(np.quantile(known, _DECILES, method="inverted_cdf"))
        edges = tuple(float(cut) for cut in cuts if cut < known.max())
    median = float(np.quantile(known, 0.5, method="inverted_cdf")) if len(known) else None
    codes = NumberBins(edges).places(values)
    return {"kind": "number", "edges": list(edges), "shares": shares(codes, len(edges) + 2), "median": median}


def describe_category(values: pd.Series, told: Collection[str] = ()) -> dict[str, Any]:
    """A bin per frequent level that tells of nobody, one for all others, one for missing values.

    Parameters
    ----------
    told : levels that tell of people by a column of which these values are a part
    """
    counts = values.dropna().astype("str").value_counts()
    order = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    named = nameable_levels(values.name, [str(level) for level, _ in order])
    levels = [level for level in named if level not in told][:_LEVELS]
    seen = sorted(fingerprint(str(level)) for level, _ in order) if len(order) <= _FINGERPRINTS else None
    codes = category_codes(values, levels)
    return {"kind": "category", "levels": levels, "shares": shares(codes, len(levels) + 2), "seen": seen}


def codes_of(profile: Mapping[str, Any], values: pd.Series) -> Ints:
    """The bin of each value, by the bins of a record."""
    if profile["kind"] == "category":
        return category_codes(values, profile["levels"])
    return NumberBins(tuple(profile["edges"])).places(values.to_numpy(dtype=np.float64))


def bin_labels(profile: Mapping[str, Any]) -> list[str]:
    """The bins of a record in words, in order."""
    if profile["kind"] == "category":
        return [*profile["levels"], "other values", "missing"]
    cuts = edge_words(profile["edges"])
    if not cuts:
        return ["any value", "missing"]
    inner = [f"{a} to {b}" for a, b in pairwise(cuts)]
    return [f"up to {cuts[0]}", *inner, f"over {cuts[-1]}", "missing"]


def category_codes(values: pd.Series, levels: list[str]) -> Ints:
    """Position of each level; then one for all others, one for missing."""
    found = pd.Index(levels, dtype="str").get_indexer(pd.Index(values.astype("str")))
    codes = np.where(found < 0, len(levels), found)
    return np.where(values.isna().to_numpy(), len(levels) + 1, codes).astype(np.int64)


def unseen(profile: Mapping[str, Any], values: pd.Series) -> npt.NDArray[np.bool_] | None:
    """Which rows hold a level that was nowhere in training; None where there were too many levels to keep."""
    if profile["kind"] != "category" or profile["seen"] is None:
        return None
    known = set(profile["seen"])
    names = values.dropna().astype("str")
    new = {name for name in names.unique() if fingerprint(name) not in known}
    return np.asarray(values.astype("str").isin(new) & values.notna(), dtype=np.bool_)


def fingerprint(level: str) -> str:
    """A level without its text: rare ones may name somebody."""
    return hashlib.blake2b(level.encode(), digest_size=6).hexdigest()


def shares(codes: Ints, size: int) -> list[float]:
    """Share of rows per bin."""
    return [float(n) / max(len(codes), 1) for n in np.bincount(codes, minlength=size)]


def _volumes(part: Matrix) -> list[float] | None:
    """Fewest, median and most leads per moment over the newest moments; None without clocks."""
    if part.keys["as_of"].isna().all():
        return None
    counts = part.keys["as_of"].value_counts().sort_index().iloc[-_USUAL_WEEKS:]
    return [float(counts.min()), float(counts.median()), float(counts.max())]
