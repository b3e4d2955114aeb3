"""Evaluate: test figures of every candidate's twin on the final block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features.array_types import Floats
from features.assembly.flat_outcomes import are_numbered
from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.bundle import load_bundle
from models.candidates.own import OwnCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Candidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import Backtest, fit_all
from models.judging.evaluation.final_block import rank_figures, wins_at_capacity
from models.judging.evaluation.metrics import auc
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.population import Population, population_of
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.training.fit_bundle import described_candidates
from models.training.recipe import Recipe
from models.training.twin import evaluate_twin, fit_twin
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.final_block import write_test_log_odds
from pipelines.artifacts.train_record import TrainRecord, TwinScorecardRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.diagnostics.explanation_fidelity import fidelity_of
from pipelines.own_code.own_candidates import own_candidate_record, own_candidates
from pipelines.registry.prior_bundle import prior_in_use
from pipelines.rubrics.recorded_baselines import recorded_policies
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.stages.backtest import load_backtest
from pipelines.stages.learned_scorecard import scorecard_record
from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix, mark_of_split
from pipelines.workspace.people.objecting import are_left_out
from pipelines.workspace.table_files import load_tables

JUDGED = (Verdict.OK, Verdict.WEAK_SIGNAL, Verdict.NO_SIGNAL)


def run_evaluate(context: Context) -> EvaluationRecord:
    """Write test figures and calibrated test log-odds, also where there is no signal: the reader may look."""
    before = StageVerdict.read(context.paths, "backtest")
    result: dict[str, Any] = {**before.content(), "figures": {}}
    if TrainRecord.exists(context.paths):
        result["judged"] = TrainRecord.read(context.paths).hash or ""
    log_odds: dict[str, Floats] | None = None
    card: TwinScorecardRecord | None = None
    if before.verdict in JUDGED:
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        learned = split.final.train[~are_left_out(context, matrix)[split.final.train]]
        split = replace(split, final=replace(split.final, train=learned))  # as the twin's; all test rows keep a place
        found, decision = load_backtest(context.paths)
        prior, rubric = prior_in_use(context, matrix, decision), rubric_candidate(context)
        kept = _fitted_before(context, found, split) if prior is None else {}
        own = own_candidates(context.source, context.source_path.parent) if prior is None else ()
        twin = fit_twin(matrix, split, found, context.settings, rubric, prior, kept)
        twin |= fit_all(matrix, split.final.train, lambda: {one.name: one for one in own}, context.settings)
        recipe = Recipe(
            backtest=found, decision=decision, settings=context.settings, rubric=rubric, prior=prior, own=own
        )
        judged = evaluate_twin(twin, matrix, split, recipe, SnapshotCapacity.of(context.source))

        base_train = float(matrix.label[split.final.train].mean())
        result |= {**judged.record(), "winner": decision.winner, "base_rate_train": base_train}
        result["split_kind"] = split.kind
        test = matrix.take(split.final.test)
        population = population_of(context.source, load_tables(context.paths), test.keys, test.label)
        result["population"] = population.record()
        result["recorded"] = _rank_recorded_scores(context, test, population)
        scorers = [ScoredPolicy(name, z) for name, z in judged.log_odds.items()]
        _count_wins_of(context, test, population, scorers, result["figures"])
        result["accounts"] = _judge_seen_and_unseen(matrix, split, judged.log_odds[decision.winner])
        result["own"] = [
            own_candidate_record(one, context.source, matrix, split)
            for one in twin.values()
            if isinstance(one, OwnCandidate)
        ]
        result["fidelity"] = fidelity_of(context, matrix, split, found, decision, twin)

        card = _scorecard_of(twin, matrix)
        log_odds = judged.log_odds

    record = EvaluationRecord.of(result)
    with stage_dir(context.paths.evaluate) as folder:
        if log_odds is not None:
            write_test_log_odds(folder, matrix, split.final.test, log_odds, named=not are_numbered(context.source))
        if card is not None:
            card.write(folder)
        record.write(folder)
        before.write(folder)
    return record


def _fitted_before(context: Context, found: Backtest, split: Chop) -> Mapping[str, Candidate]:
    """The chosen model's members, which training has just fitted on the same rows for the twin; none of another run.

    The figures of the backtest tell runs apart: any other row, column or setting moves their last digits.
    """
    folder = context.paths.train / "twin"
    if not (folder / "bundle.json").exists():
        return {}
    twin = load_bundle(folder)
    same = (
        twin.meta["candidates"] == described_candidates(found)
        and twin.meta["booster_parameters"] == dict(found.parameters)
        and twin.meta["settings"] == context.settings.model_dump()
        and twin.meta["rows"] == len(split.final.train)
        and TrainRecord.read(context.paths).split in (None, mark_of_split(context.paths.matrix))
        and twin.meta["winner"] not in {one.name for one in context.source.candidates}  # kept under another's name
    )
    return twin.components if same else {}


def _count_wins_of(
    context: Context,
    test: Matrix,
    population: Population,
    judges: Sequence[ScoredPolicy],
    figures: dict[str, dict[str, Any]],
) -> None:
    """Wins at capacity of those compared alone: sales' running deals take no place.

    Where nobody is with sales, what is recorded still differs from before: the handoff that came counts.
    """
    if population.name == "all":
        return
    at = np.flatnonzero(population.kept)
    own = [judge.take(at) for judge in judges]
    resampling = Resampling.of(context.settings)
    wins = wins_at_capacity(test.take(at), own, SnapshotCapacity.of(context.source), resampling)
    for name, row in wins.items():
        figures[name] |= row


def _rank_recorded_scores(context: Context, test: Matrix, population: Population) -> dict[str, dict[str, Any]]:
    """Rank figures of what the source recorded at the time; wins at capacity of those compared alone.

    Leads not yet with sales have no handoff behind them, so what counts there is the one that came before the next
    look.
    """
    judges = recorded_policies(context, test)
    if not judges:
        return {}
    found = rank_figures(test, judges, SnapshotCapacity.of(context.source), Resampling.of(context.settings))
    if population.name != "all":
        _count_wins_of(context, test, population, recorded_policies(context, test, coming=True), found)
    return found


def _scorecard_of(twin: Mapping[str, Candidate], matrix: Matrix) -> TwinScorecardRecord | None:
    """The twin's scorecard, kept whoever won: the rubric proposed from it is judged on the test block."""
    card = twin.get("scorecard")
    if not isinstance(card, ScorecardCandidate):
        return None
    return TwinScorecardRecord.of(scorecard_record(card, matrix.catalog))


def _judge_seen_and_unseen(matrix: Matrix, split: Chop, log_odds: Floats) -> dict[str, dict[str, Any]]:
    """AUC apart for accounts (or leads) the training rows had seen, and for new ones; ``log_odds`` of the test rows."""
    group, won = matrix.keys["group"], matrix.label[split.final.test]
    seen = group.iloc[split.final.test].isin(set(group.iloc[split.final.train])).to_numpy()
    found = {}
    for name, rows in (("seen", seen), ("unseen", ~seen)):
        n = int(rows.sum())
        area = auc(won[rows], log_odds[rows], np.ones(n)) if n else None
        found[name] = {"n": n, "won": int(won[rows].sum()), "auc": area}
    return found
