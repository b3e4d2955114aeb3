"""What a missing field could change: every plausible value in its place, and the score after each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values, frame_of_values, missing_in
from features.catalog.feature import Catalog, Feature
from features.schema.columns import Column
from features.schema.operations import AnswerValue, ColumnValue
from features.schema.source import Source
from models.bundle import Bundle
from models.encoding.round_edges import edge_words
from models.explaining.missing_fields import lookup_columns

MOST_VALUES = 5  # tried of a field: its most frequent values, or fifths of a number


@dataclass(frozen=True, kw_only=True)
class MissingField:
    """A field of a lead or its company that could be looked up.

    Parameters
    ----------
    name, feature : the column, and the feature that reads it
    where : places to fill it: card, API and CSV, or only the CRM or the file it comes from
    values : plausible ones, in words
    share : shape (values,), how frequent each was in training
    log_odds : shape (k, values), of each row after each value; rows as in ``rows``
    rows : shape (k,), positions of the leads that lack it
    """

    name: str
    column: Column
    feature: Feature
    where: tuple[str, ...]
    values: tuple[str, ...]
    share: Floats
    rows: Ints
    log_odds: Floats

    @property
    def label(self) -> str:
        """The field in plain words."""
        return self.column.label or self.name.replace("_", " ")


def find_missing_fields(bundle: Bundle, rows: Values, source: Source | None) -> list[MissingField]:
    """Fields that leads or their companies lack, in declared order, with what each plausible value would make of the
    score.

    The value takes the feature's place and the model scores the lead again; features that other rules derive from it
    stay as they are.
    """
    if source is None:
        return []
    found, values, known = [], None, lookup_columns(source)
    for name, feature in field_features(bundle.catalog, source).items():
        missing = np.flatnonzero(missing_in(rows, feature.name))
        plausible = _plausible_values(bundle.trained_on.get("features", {}).get(feature.name))
        if not len(missing) or not plausible.words:
            continue
        values = frame_of_values(rows) if values is None else values
        found.append(
            MissingField(
                name=name,
                column=known[name].column,
                feature=feature,
                where=known[name].where,
                values=plausible.words,
                share=plausible.share,
                rows=missing.astype(np.int64),
                log_odds=_try_values(bundle, values.iloc[missing], feature, plausible.values),
            )
        )
    return found


def field_features(catalog: Catalog, source: Source) -> dict[str, Feature]:
    """The feature that reads each column that may be looked up, by the column's name."""
    known = lookup_columns(source)
    found = {}
    for feature in catalog.of_family("attributes"):
        read = _column_read(feature)
        if read is not None and read[1] in known and known[read[1]].table == read[0]:
            found[read[1]] = feature
    return found


def _column_read(feature: Feature) -> tuple[str, str] | None:
    """Table and column whose value the feature is, as it stands; None of one that derives something from it."""
    params = feature.params
    if isinstance(params, ColumnValue):
        plain = params.derive is None and params.condition is None and params.read_as is None
        return (params.table, params.column) if plain else None
    if isinstance(params, AnswerValue):
        return ("leads", params.question) if params.condition is None and params.read_as is None else None
    return None


@dataclass(frozen=True)
class _Plausible:
    values: Sequence[Any]
    words: tuple[str, ...]
    share: Floats


def _plausible_values(profile: Mapping[str, Any] | None) -> _Plausible:
    """Values that leads had in training, by how frequent each was."""
    if profile is None:
        return _Plausible((), (), np.empty(0))
    shares = np.asarray(profile["shares"], dtype=np.float64)
    if profile["kind"] == "category":
        levels = profile["levels"][:MOST_VALUES]
        return _Plausible(levels, tuple(levels), _to_one(shares[: len(levels)]))
    edges = np.asarray(profile["edges"], dtype=np.float64)
    if not len(edges):
        return _Plausible((), (), np.empty(0))

    groups = np.array_split(np.arange(len(edges) + 1), min(MOST_VALUES, len(edges) + 1))
    ends = np.r_[edges, edges[-1] + (edges[-1] - edges[0]) / len(edges)]  # the last bin has no end of its own
    middles = [float(ends[group[len(group) // 2]]) for group in groups]
    cuts = edge_words([float(edges[group[-1]]) for group in groups[:-1]])
    words = [f"up to {cuts[0]}", *(f"{a} to {b}" for a, b in pairwise(cuts)), f"over {cuts[-1]}"] if cuts else ["any"]
    return _Plausible(middles, tuple(words), _to_one(np.array([shares[group].sum() for group in groups])))


def _to_one(shares: Floats) -> Floats:
    total = shares.sum()
    return shares / total if total else np.full(len(shares), 1 / max(len(shares), 1))


def _try_values(bundle: Bundle, rows: pd.DataFrame, feature: Feature, values: Sequence[Any]) -> Floats:
    """Log-odds of every row with every value in its place, shape (rows, values)."""
    stacked = pd.concat([rows] * len(values), ignore_index=True)
    column = pd.Series(np.repeat(np.asarray(values, dtype=object), len(rows)))
    stacked[feature.name] = column.astype(rows[feature.name].dtype)
    return bundle.log_odds(stacked).reshape(len(values), len(rows)).T
