"""A matrix as a bundle reads it: built beside one version of the rubric and with what its own rows taught, scored by a
bundle of another.
"""

from dataclasses import replace

import pandas as pd

from features.assembly.rule_values import rule_values_on, rules_catalog
from features.assembly.values_again import values_again
from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import EVIDENCE, RULES
from features.catalog.feature import Catalog
from features.errors import BundleError
from features.matrix import Matrix
from features.rubric.schema import Rubric
from models.bundle import Bundle
from pipelines.own_code.own_functions import require_same_code
from pipelines.registry.champion import as_trained
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def is_same_but_for_rules(first: Catalog, second: Catalog) -> bool:
    """Whether two catalogs have the same features, rules of the rubric left out: no model learns from these."""
    return first.hash == second.hash or _learned(first) == _learned(second)


def _learned(catalog: Catalog) -> list[object]:
    return [feature.record() for feature in catalog if feature.family != RULES]


def is_same_but_for_learned(context: Context, bundle: Catalog, matrix: Catalog) -> bool:
    """Whether a bundle of one catalog can score a matrix of another: the same features, but for rules and what was
    learned of the rows: which values of lists are features, and half-lives where the declaration asks for them.

    A matrix learns these anew; a bundle keeps its own, and today's declaration gives each catalog once they are back.
    """
    return is_same_but_for_rules(bundle, matrix) or all(_is_declared(context, one) for one in (bundle, matrix))


def _is_declared(context: Context, catalog: Catalog) -> bool:
    """Whether today's declaration gives a catalog, what that one learned restored and rules of the rubric left out."""
    return is_same_but_for_rules(catalog, build_catalog(as_trained(context.source, catalog)))


def matrix_for(context: Context, bundle: Bundle, matrix: Matrix) -> Matrix:
    """The matrix with the rules of the bundle's own rubric, where another version was in force when it was built, and
    with the list values and half-lives that the bundle was trained with.

    Parameters
    ----------
    matrix : whole, as a stage left it: all learned rows, or all open ones; without people who object since, whose rows
        are computed no more

    Raises
    ------
    BundleError : they differ in more than that, or code of one's own changed since the training
    DataError : the tables no longer hold a lead of the matrix, and its values under the bundle's features are asked for
    """
    if context.own_code:
        require_same_code(bundle.hash, bundle.meta, bundle.catalog)
    if matrix.catalog.hash == bundle.catalog.hash:
        return matrix
    if not is_same_but_for_learned(context, bundle.catalog, matrix.catalog):
        raise BundleError(
            f"the matrix follows catalog {matrix.catalog.hash[:12]}, the bundle {bundle.catalog.hash[:12]}: the source "
            "declaration changed since training. Train again, or score with the declaration used in training."
        )
    found = matrix if bundle.rubric is None else with_rules(context, bundle.rubric.rubric, matrix)
    found = _with_learned(context, bundle.catalog, found)
    return replace(found, catalog=bundle.catalog, values=found.values.loc[:, list(bundle.catalog.names)])


def _with_learned(context: Context, catalog: Catalog, matrix: Matrix) -> Matrix:
    """A matrix with the features of a catalog that it lacks, or has under another half-life, in place of its own."""
    built = matrix.catalog.by_name
    lacking = Catalog(tuple(feature for feature in catalog if built.get(feature.name) != feature))
    if not len(lacking):
        return matrix
    values = values_again(context.source, load_tables(context.paths), lacking, matrix).set_axis(matrix.values.index)
    kept = [feature for feature in matrix.catalog if feature.name not in lacking.by_name]
    frame = pd.concat([matrix.values[[feature.name for feature in kept]], values], axis=1)
    whole = Catalog.of(kept, lacking)
    return replace(matrix, catalog=whole, values=frame.loc[:, list(whole.names)])


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
