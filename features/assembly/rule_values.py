"""What the rules of any rubric read of rows, each as of its own moment: as the matrix would hold it."""

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.assembly.values_again import flat_values_again
from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import RULES, rule_features
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.rubric.schema import Rubric
from features.schema.source import Source


def read_rule_values(source: Source, tables: Tables, rubric: Rubric, past: Matrix) -> pd.DataFrame:
    """What the rules of a rubric read of rows of the matrix.

    Raises
    ------
    DataError : a source without clocks, whose table no longer holds a lead of the matrix
    """
    if source.flat is not None:
        return flat_values_again(source, source.flat, tables["leads"], build_catalog(source, rubric), past)
    ids = past.keys["lead_id"].astype("str").tolist()
    return rule_values_at(source, tables, rubric, ids, past.keys["as_of"].reset_index(drop=True))


def rule_values_at(
    source: Source, tables: Tables, rubric: Rubric, lead_ids: list[str], as_of: pd.Timestamp | pd.Series
) -> pd.DataFrame:
    """What the rules read of leads of a source with clocks; ``as_of`` is one moment, or one per lead."""
    return features_at(tables, source, rules_catalog(source, rubric), lead_ids, as_of).values


def rules_catalog(source: Source, rubric: Rubric) -> Catalog:
    """The features that a rubric's rules read; of a flat source with its attributes, which are read in one go."""
    return build_catalog(source, rubric) if source.kind == "flat" else Catalog(tuple(rule_features(rubric, source)))


def rule_values_on(source: Source, tables: Tables, rubric: Rubric, past: Matrix) -> pd.DataFrame:
    """What a rubric's rules read of rows: of the matrix where it was built with them, else computed now."""
    built = {feature.name: feature for feature in past.catalog}
    asked = [feature for feature in rules_catalog(source, rubric) if feature.family == RULES]
    if all(built.get(feature.name) == feature for feature in asked):
        return past.values
    return read_rule_values(source, tables, rubric, past)
