"""A matrix as a bundle reads it: built beside one version of the rubric, scored by a bundle of another."""

from dataclasses import replace

import numpy as np

from features.assembly.rule_values import read_rule_values
from features.catalog.families.rules import RULES
from features.catalog.feature import Catalog
from features.errors import BundleError
from features.matrix import Matrix
from models.bundle import Bundle
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def is_same_but_for_rules(first: Catalog, second: Catalog) -> bool:
    """Whether two catalogs have the same features, rules of the rubric left out: no model learns from these."""
    return first.hash == second.hash or _learned(first) == _learned(second)


def _learned(catalog: Catalog) -> list[object]:
    return [feature.record() for feature in catalog if feature.family != RULES]


def matrix_for(context: Context, bundle: Bundle, matrix: Matrix) -> Matrix:
    """The matrix with the rules of the bundle's own rubric, where another version was in force when it was built.

    Parameters
    ----------
    matrix : whole, as a stage left it: all learned rows, or all open ones

    Raises
    ------
    BundleError : they differ in more than the rules
    """
    if matrix.catalog.hash == bundle.catalog.hash:
        return matrix
    own = bundle.rubric
    if own is None or not is_same_but_for_rules(matrix.catalog, bundle.catalog):
        raise BundleError(
            f"the matrix follows catalog {matrix.catalog.hash[:12]}, the bundle {bundle.catalog.hash[:12]}: the source "
            "declaration changed since training. Train again, or score with the declaration used in training."
        )
    rules = read_rule_values(
        context.source, load_tables(context.paths), own.rubric, matrix, np.arange(len(matrix), dtype=np.int64)
    )
    learned = [feature.name for feature in bundle.catalog if feature.family != RULES]
    mine = [feature.name for feature in bundle.catalog if feature.family == RULES]
    values = matrix.values[learned].assign(**{name: rules[name].to_numpy() for name in mine})
    return replace(matrix, catalog=bundle.catalog, values=values.loc[:, list(bundle.catalog.names)])
