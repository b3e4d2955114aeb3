"""A matrix as a bundle reads it: built beside one version of the rubric, scored by a bundle of another."""

from dataclasses import replace

import pandas as pd

from features.assembly.rule_values import rule_values_on, rules_catalog
from features.catalog.families.rules import EVIDENCE, RULES
from features.catalog.feature import Catalog
from features.errors import BundleError
from features.matrix import Matrix
from features.rubric.schema import Rubric
from models.bundle import Bundle
from pipelines.own_code.own_functions import require_same_code
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
    BundleError : they differ in more than the rules, or code of one's own changed since the training
    """
    if context.own_code:
        require_same_code(bundle.hash, bundle.meta, bundle.catalog)
    if matrix.catalog.hash == bundle.catalog.hash:
        return matrix
    own = bundle.rubric
    if own is None or not is_same_but_for_rules(matrix.catalog, bundle.catalog):
        raise BundleError(
            f"the matrix follows catalog {matrix.catalog.hash[:12]}, the bundle {bundle.catalog.hash[:12]}: the source "
            "declaration changed since training. Train again, or score with the declaration used in training."
        )
    found = with_rules(context, own.rubric, matrix)
    return replace(found, catalog=bundle.catalog, values=found.values.loc[:, list(bundle.catalog.names)])


def with_rules(context: Context, rubric: Rubric, matrix: Matrix) -> Matrix:
    """A whole matrix with the rules of another rubric in place of those it was built with."""
    source = context.source
    learned = [feature for feature in matrix.catalog if feature.family not in (RULES, EVIDENCE)]
    evidence = [feature for feature in matrix.catalog if feature.family == EVIDENCE]
    rules = [feature for feature in rules_catalog(source, rubric) if feature.family == RULES]
    catalog = Catalog.of(learned, rules, evidence)
    values = rule_values_on(source, load_tables(context.paths), rubric, matrix)
    kept = [feature.name for feature in (*learned, *evidence)]
    asked = values[[rule.name for rule in rules]].set_axis(matrix.values.index)
    frame = pd.concat([matrix.values[kept], asked], axis=1)
    return replace(matrix, catalog=catalog, values=frame.loc[:, list(catalog.names)])
