"""Which features a bundle's model reads, of all that its catalog holds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog, FeatureType
from features.rubric.terms import plan_rules
from models.bundle import Bundle
from models.candidates.boosting import BoosterCandidate
from models.candidates.prior import PriorCandidate
from models.candidates.rubric import RubricCandidate
from models.candidates.segmented import SegmentedModel
from models.explaining.treeshap.model_trees import read_ensemble
from models.interfaces import Candidate


def features_read(bundle: Bundle) -> tuple[str, ...]:
    """Names, in the catalog's order, of the features without which a score may be another.

    Features of rules and evidence are in the catalog for the rubric and the cards; boosters split on some columns only.
    Of a prior model they are the mapped ones.
    """
    catalog, found = bundle.catalog, set[str]()
    for name in bundle.weights:
        found |= _read_by(bundle.components[name], catalog)
    return tuple(name for name in catalog.names if name in found)


def without_the_rest(values: pd.DataFrame, read: tuple[str, ...], catalog: Catalog) -> pd.DataFrame:
    """The catalog's columns with nothing in those that are not read or not given."""
    rows = pd.RangeIndex(len(values))
    texts, numbers = pd.Series([None] * len(rows), dtype="str"), pd.Series(np.full(len(rows), np.nan))
    columns: Mapping[str, pd.Series] = {
        feature.name: values[feature.name].set_axis(rows)
        if feature.name in read and feature.name in values
        else (texts if feature.type is FeatureType.CATEGORY else numbers)
        for feature in catalog
    }
    return pd.DataFrame(columns)


def middle_values(values: pd.DataFrame) -> dict[str, Any]:
    """A made-up lead: the median of each number, the most frequent of texts; NaN or empty where nothing is on record.

    >>> middle_values(pd.DataFrame({"visits": [1.0, 2.0, 9.0], "job": ["boss", "clerk", "clerk"]}))
    {'visits': 2.0, 'job': 'clerk'}
    """
    return {str(name): _middle(values[name]) for name in values}


def _middle(column: pd.Series) -> Any:
    if pd.api.types.is_numeric_dtype(column):
        return float(column.median()) if column.notna().any() else float("nan")
    known = column.dropna()
    return str(known.mode().iloc[0]) if len(known) else ""


def _read_by(component: Candidate, catalog: Catalog) -> set[str]:
    if isinstance(component, BoosterCandidate):
        names = component.columns.names
        return {names[k] for text in component.texts for tree in read_ensemble(text).trees for k in tree.feature}
    if isinstance(component, SegmentedModel):
        several = (component.components, *(own.components for own in component.own.values()))
        return {component.feature}.union(*(_read_by(one, catalog) for parts in several for one in parts.values()))
    if isinstance(component, PriorCandidate):
        return set(component.model.mapping.values())
    if isinstance(component, RubricCandidate):
        plans = plan_rules(component.rubric)
        return {term.feature for plan in plans for term in plan.terms} | {name for p in plans for name, _ in p.gates}
    empty = without_the_rest(pd.DataFrame(index=range(1)), (), catalog)
    return set(component.contributions(empty).names)
