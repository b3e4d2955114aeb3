"""A draft studied on the past: what each of its rules is worth, beside the model, and against the rubric in force."""

from typing import Any

import numpy as np

from features.catalog.feature import Catalog
from features.errors import DataError
from features.rubric.schema import Rubric
from features.schema.vocabulary import TRAINED
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.population import population_of
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.beside_model import replay_beside_model
from models.judging.rubrics.rubric_pair import ACTIVE, DRAFT
from models.judging.rubrics.rule_diagnostics import diagnose_rules
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.rubrics.compared_leads import load_compared_block
from pipelines.rubrics.rubric_history import ledger_on
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables


def judge_rules(context: Context, rubric: Rubric) -> list[dict[str, Any]]:
    """What each rule of any rubric is worth on all matured rows of those compared, as the run judges the one in force.

    Raises
    ------
    DataError : before the first run, or where no outcome is certain or all outcomes are alike
    """
    source = context.source
    if not (context.paths.matrix / "matrix.json").exists():
        raise DataError(f"source '{source.name}' has no matrix; run 'leadscore run --source {source.name}' first.")
    matrix, tables = without_objecting(context, load_matrix(context.paths.matrix)), load_tables(context.paths)
    rows = np.flatnonzero(matrix.matured).astype(np.int64)
    matured = matrix.take(rows)
    rows = rows[population_of(source, tables, matured.keys, matured.label).kept] if len(rows) else rows
    past = matrix.take(rows)
    if not len(rows) or past.label.min() == past.label.max():
        raise DataError("no leads are known to be won and others not, so no rule can be judged by outcomes yet.")
    order = past.keys["order"].to_numpy(dtype=np.int64) if matrix.ordered else None
    book = ledger_on(source, tables, rubric, past)
    found = diagnose_rules(book, past.values, Catalog(()), past.label, past.weight, past.group_codes, order)
    return [rule.record() for rule in found.worth]


def compare_with_model(context: Context, draft: Rubric, resampling: Resampling | None = None) -> dict[str, Any] | None:
    """Rubric in force, draft and evaluated twin on the test block, at one workload; None where no model was judged."""
    verdict = StageVerdict.read(context.paths, "evaluate") if StageVerdict.exists(context.paths, "evaluate") else None
    if verdict is None or verdict.verdict not in TRAINED:
        return None
    source, tables = context.source, load_tables(context.paths)
    compared = load_compared_block(context)
    block = compared.block
    named = {ACTIVE: context.rubric, DRAFT: draft}
    books = {
        name: ledger_on(source, tables, rubric, block.matrix) for name, rubric in named.items() if rubric is not None
    }
    return replay_beside_model(
        books,
        block.log_odds,
        JudgedRows.of(block.matrix, compared.population.noun),
        capacity=SnapshotCapacity.of(source),
        resampling=resampling or Resampling.of(context.settings),
    ).record()
