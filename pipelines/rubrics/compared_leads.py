"""The rows of the test block that a comparison speaks of, and what the model does for the leads it leaves out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.array_types import Bools, Floats
from features.matrix import Matrix
from features.schema.source import Capacity
from models.judging.evaluation.population_figures import rank_population
from models.judging.handoff.population import Population, population_of
from models.judging.handoff.win_value import value_of_a_win
from pipelines.artifacts.final_block import FinalBlock, load_test_block
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop
from pipelines.workspace.people.objecting import are_left_out
from pipelines.workspace.table_files import load_tables


@dataclass(frozen=True, kw_only=True)
class ComparedBlock:
    """The whole test block, of whom the comparison speaks, and the block of those alone."""

    whole: FinalBlock
    population: Population
    block: FinalBlock

    def ranking(self, rubric: Floats | None) -> list[dict[str, Any]]:
        """How well model and rubric (points of the whole block) order those compared, those with sales, and all."""
        test, found = self.whole.matrix, self.population
        scores = {"model": self.whole.log_odds} | ({} if rubric is None else {"rubric": rubric})
        groups: dict[str, Bools] = {"all test rows": np.ones(len(test), dtype=np.bool_)}
        if found.with_sales.any():
            groups = {
                "not yet with sales": ~found.with_sales,
                "already with sales": found.with_sales,
                **{f"in stage {name}": found.with_sales & (found.stage == name) for name in _stages(found)},
                **groups,
            }
        return [rank_population(name, test, rows, scores) for name, rows in groups.items()]


def _stages(found: Population) -> list[str]:
    return sorted({str(name) for name in found.stage[found.with_sales]})


def load_compared_block(context: Context, whole: Matrix | None = None) -> ComparedBlock:
    """The test block of the last run without people who object to profiling since, and its rows that are compared.

    The judged rows are found in the ``whole`` matrix, before anybody is left out: see :func:`load_test_block`.
    """
    judged = load_test_block(context.paths, whole)
    test = take_rows(judged, ~are_left_out(context, judged.matrix))
    population = population_of(context.source, load_tables(context.paths), test.matrix.keys, test.matrix.label)
    return ComparedBlock(whole=test, population=population, block=take_rows(test, population.kept))


def capacity_before_block(context: Context, whole: Matrix) -> tuple[Capacity, list[str]]:
    """The declared capacity with a value per win, declared or of wins before the test block; and a note on it.

    One source for every comparison on the block: report, page, API and command name the same revenue.
    """
    return value_of_a_win(context.source.capacity, whole.take(load_chop(context.paths.matrix).final.train))


def take_rows(block: FinalBlock, kept: Bools) -> FinalBlock:
    """Some rows of a test block; the block itself where all are kept."""
    if kept.all():
        return block
    at = np.flatnonzero(kept)
    return replace(block, matrix=block.matrix.take(at), rows=block.rows[at], log_odds=block.log_odds[at])
