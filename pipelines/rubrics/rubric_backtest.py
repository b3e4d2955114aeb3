"""What a rubric would have done in the past: on the test block beside the evaluated twin, or on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.assembly.rule_values import read_rule_values
from features.errors import DataError
from features.matrix import Matrix
from features.rubric.schema import Rubric
from features.schema.vocabulary import TRAINED
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.comparison import Comparison
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.population import population_of
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.rubric_only import replay_rubric_only
from models.judging.handoff.win_value import value_of_a_win
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.leakage.audit import feature_origins
from models.logistic import sigmoid
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.final_block import FinalBlock
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.rubrics.compared_leads import capacity_before_block, load_compared_block
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables


def score_by_rubric(rubric: Rubric, values: pd.DataFrame) -> ScoredPolicy:
    """What a rubric says of rows, by the values its rules read."""
    book = RubricCandidate(rubric).ledger(values)
    line = rubric.handoff_threshold
    return ScoredPolicy(
        "rubric", book.points, handed_off=book.handed_off, threshold=None if line is None else line.points
    )


def backtest_rubric(
    block: FinalBlock,
    rubric: ScoredPolicy | None,
    capacity: SnapshotCapacity,
    resampling: Resampling,
    *,
    others: Sequence[ScoredPolicy] = (),
    segments: Mapping[str, pd.Series] | None = None,
    noun: str = "leads",
) -> Comparison:
    """Rubric and evaluated twin side by side on the test block; the twin alone where there is no rubric.

    ``noun`` says whose rows the block has, where it has not all.
    """
    return compare_policies(
        ScoredPolicy("model", block.log_odds, probability=sigmoid(block.log_odds)),
        rubric,
        JudgedRows.of(block.matrix, noun),
        capacity=capacity,
        resampling=resampling,
        others=others,
        segments=segments,
    )


def try_rubric(context: Context, rubric: Rubric) -> dict[str, Any]:
    """The rubric on the past, on matured rows only, without people who object to profiling; nothing is written.

    Beside the evaluated twin on the test rows where the last run trained a model; else on its own on every matured
    row, with the verdict and the reason why no model stands beside it.

    Raises
    ------
    DataError
        before the first run, and where no row is matured.
    """
    paths, source = context.paths, context.source
    if not (paths.matrix / "matrix.json").exists():
        raise DataError(
            f"source '{source.name}' has no matrix in {paths.matrix}; run 'leadscore run --source {source.name}' first."
        )
    matrix = load_matrix(paths.matrix)
    before = StageVerdict.read(paths, "evaluate") if StageVerdict.exists(paths, "evaluate") else None
    if before is None or before.verdict not in TRAINED:
        return _try_alone(context, rubric, without_objecting(context, matrix), before)

    compared = load_compared_block(context, matrix)
    block, population = compared.block, compared.population
    values = read_rule_values(source, load_tables(paths), rubric, block.matrix)
    capacity, notes = capacity_before_block(context, matrix)
    at, resampling = SnapshotCapacity.of(source, capacity), Resampling.of(context.settings)
    found = backtest_rubric(block, score_by_rubric(rubric, values), at, resampling, noun=population.noun).record()
    return found | {"notes": [*found["notes"], *notes], "population": population.record()}


def _try_alone(context: Context, rubric: Rubric, matrix: Matrix, before: StageVerdict | None) -> dict[str, Any]:
    source, rows = context.source, np.flatnonzero(matrix.matured)
    if not len(rows):
        raise DataError(
            f"source '{source.name}' has {len(matrix):,} rows and none is matured: no outcome is certain yet, "
            "so no rubric can be tried on the past. Come back once leads are older than the horizon of "
            f"{source.label.horizon_days} days and the reporting lag, or check the declared outcomes."
        )

    matured = matrix.take(rows)
    tables = load_tables(context.paths)
    population = population_of(source, tables, matured.keys, matured.label, by_model=False)
    rows = rows[population.kept]
    past = matrix.take(rows)
    values = read_rule_values(source, tables, rubric, past)
    capacity, notes = value_of_a_win(source.capacity, past, judged=True)
    found = replay_rubric_only(
        score_by_rubric(rubric, values),
        JudgedRows.of(past, population.noun),
        capacity=SnapshotCapacity.of(source, capacity),
        resampling=Resampling.of(context.settings),
    )

    reason = "No run has judged a model yet." if before is None else before.verdict_text
    sentences = (
        "No model stands beside the rubric. " + reason[:1].upper() + reason[1:],
        f"The rubric was tried on all {len(rows):,} matured rows of {found.leads:,} {population.noun}. Rules written "
        "by people learned nothing from them; rules made from these outcomes would look better than they are.",
        *find_hindsight(context, rubric),
        *found.sentences,
    )
    verdict = {"verdict": None if before is None else str(before.verdict), "verdict_text": reason}
    record = replace(found, sentences=sentences).record()
    return verdict | record | {"notes": [*record["notes"], *notes], "population": population.record()}


def find_hindsight(context: Context, rubric: Rubric) -> list[str]:
    """Rules that read what the audit says carries the outcome, in words: their wins prove nothing."""
    found = AuditRecord.read(context.paths).leaks if AuditRecord.exists(context.paths) else ()
    made_of = feature_origins(load_matrix(context.paths.matrix).catalog, context.source)
    leaks = {made_of.get(finding.column, ("leads", finding.column)) for finding in found}
    read = [
        (rule.id, name)
        for rule in rubric.rules
        for place, name in (("leads", rule.lead), ("accounts", rule.account), ("answers", rule.answer))
        if name is not None and (place, name) in leaks
    ]
    return [
        f"Rule '{rule}' reads '{name}', which carries the outcome: what it finds here is hindsight."
        for rule, name in read
    ]
