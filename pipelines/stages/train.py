"""Train: the evaluated twin (rows before the test block) and the bundle (all matured rows)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from features.cohort.unequal_horizons import keep_all_segments
from features.matrix import Matrix
from features.rubric.schema import Rubric
from features.schema.vocabulary import TRAINED, Verdict
from models.bundle import Bundle, load_bundle, save_bundle
from models.explaining.facts import build_facts
from models.explaining.questions import asked_features, build_answer_tables
from models.interfaces import Scale
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.prior_shift import measure_prior_shift
from models.judging.evaluation.backtest import Backtest, subsample
from models.training.fit_bundle import fit_bundle, fit_scorecard
from models.training.points_bundle import fit_points_bundle
from models.training.recipe import Recipe
from models.training.verdict import Decision
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.artifacts.train_record import ScorecardRecord, TrainRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.own_code.own_candidates import own_candidates
from pipelines.own_code.own_functions import OWN_CODE, require_code_built
from pipelines.registry.champion import read_champion
from pipelines.registry.prior_bundle import prior_in_use
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.stages.backtest import load_backtest
from pipelines.stages.learned_scorecard import scorecard_record
from pipelines.workspace.atomic_files import read_json, stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog, load_matrix, mark_of_split
from pipelines.workspace.people.objecting import LearnedRows, without_objecting


def run_train(context: Context) -> TrainRecord:
    """Write ``bundle/`` and ``twin/``; neither where there is a leak, no signal or too little data."""
    before = StageVerdict.read(context.paths, "backtest")
    result: dict[str, Any] = before.content()
    bundles: dict[str, Bundle] = {}
    card: ScorecardRecord | None = None
    if before.verdict in TRAINED:
        learned = LearnedRows.of(context)
        matrix, split = learned.matrix, learned.split
        found, decision = load_backtest(context.paths)
        if learned.left_out:
            found = _take_kept(found, learned)

        matured = np.flatnonzero(matrix.matured)
        scale = frozen_scale(context)
        bundles["twin"] = _fit(context, matrix, split.final.train, found, decision, scale, "twin")
        bundles["bundle"] = _fit(
            context, matrix, matured, found, decision, scale or bundles["twin"].scale, "refit on all matured rows"
        )

        result |= {
            "hash": bundles["bundle"].hash,
            "twin_hash": bundles["twin"].hash,
            "left_out": learned.left_out,
            "split": mark_of_split(context.paths.matrix),
            "winner": decision.winner,
            "shift": _shift(matrix, split.final.test, bundles),
            "prior_shift": bundles["bundle"].meta["prior_shift"],
        }
        fitted = fit_scorecard(matrix, matured, context.settings)
        calibration = decision.calibrations.get(fitted.name)
        card = ScorecardRecord.of(scorecard_record(fitted, matrix.catalog, calibration))

    if context.rubric is not None and by_points(context, before.verdict):
        bundles["points"] = _fit_points(context, context.rubric, before)

    record, reading = TrainRecord.of(result), ReadingRecord.find(context.paths)
    with stage_dir(context.paths.train) as folder:
        for name, bundle in bundles.items():
            save_bundle(bundle, folder / name)
            reading.write(folder / name)
        if card is not None:
            card.write(folder)
        record.write(folder)
        before.write(folder)
    return record


def _take_kept(found: Backtest, learned: LearnedRows) -> Backtest:
    """The backtest's predictions for the rows that are learned from: it may have been made before somebody objected."""
    rolling, shuffled = found.rolling.map_rows(learned.places_of, learned.kept), found.random
    if shuffled is not None:
        shuffled = shuffled.map_rows(learned.places_of, learned.kept)
    return replace(found, rolling=rolling, random=shuffled)


def by_points(context: Context, verdict: str) -> bool:
    """Whether the rubric is to score alone: by choice, or as no model could be trained; never after a leak."""
    untrained = verdict in (Verdict.TOO_LITTLE_DATA, Verdict.NO_SIGNAL)
    return untrained or (context.source.mode == "points" and verdict in TRAINED)


def _fit_points(context: Context, rubric: Rubric, before: StageVerdict) -> Bundle:
    """The rubric in force as a bundle of its own."""
    matrix = without_objecting(context, load_matrix(context.paths.matrix))
    why = before.verdict_text if before.verdict not in TRAINED else "The source declares 'mode: points'."
    meta = _meta(context, "scores by points") | {"verdict": str(before.verdict), "verdict_text": why, "why": why}
    return fit_points_bundle(matrix, rubric, context.settings, meta, on_grid=context.source.cohort.on_grid)


def frozen_scale(context: Context) -> Scale | None:
    """The champion's scale, so that a retrained model does not move everybody's score."""
    champion = read_champion(context.paths)
    if champion is None:
        return None
    bundle = load_bundle(champion.folder, champion.hash)
    return None if bundle.by_points else bundle.scale


def _fit(
    context: Context,
    matrix: Matrix,
    rows: Any,
    found: Backtest,
    decision: Decision,
    scale: Scale | None,
    purpose: str,
) -> Bundle:
    meta = {**_meta(context, purpose), "prior_shift": _prior_shift(context, matrix, rows)}

    part = matrix.hide_people(subsample(matrix, rows, context.settings))
    prior = prior_in_use(context, matrix, decision)
    recipe = Recipe(
        backtest=found,
        decision=decision,
        settings=context.settings,
        rubric=rubric_candidate(context),
        prior=prior,
        own=own_candidates(context.source, context.source_path.parent),
    )
    fitted = fit_bundle(
        matrix, rows, recipe, scale=scale, meta=meta, facts=build_facts(part), on_grid=context.source.cohort.on_grid
    )
    if not asked_features(matrix.catalog):  # every row would be explained for tables of nothing
        return fitted
    tables = build_answer_tables(matrix.catalog, part.values, part.weight, fitted.contributions(part.values))
    return replace(fitted, questions=tables)


def _meta(context: Context, purpose: str) -> dict[str, Any]:
    """What every bundle of the source says of where it comes from."""
    source = context.source
    return {
        "source": source.name,
        "source_kind": source.kind,
        "synthetic": source.synthetic,
        "framework": source.framework,
        "horizon_days": source.label.horizon_days,
        **({"horizon_by_segment": by_segment} if (by_segment := dict(source.label.horizon_by_segment)) else {}),
        "outcome": source.label.outcome,
        "purpose": purpose,
        "declaration": context.declaration_hash,
        "accepted_leaks": AuditRecord.read(context.paths).accepted,
        "prior_correction": source.prior_correction,
        **({OWN_CODE: _own_code(context)} if source.features else {}),
    }


def _own_code(context: Context) -> dict[str, str]:
    """What code the values of the matrix came from; ContractError where it is another one now."""
    folder = context.paths.matrix
    file = folder / f"{OWN_CODE}.json"
    return require_code_built(read_json(file) if file.exists() else {}, load_catalog(folder))


def _prior_shift(context: Context, matrix: Matrix, rows: Any) -> dict[str, Any] | None:
    """Base rate of the newest rows against those before."""
    in_blocks = context.source.split.by == "time"
    certain = keep_all_segments(matrix, rows)  # the newest rows of short horizons alone are another mixture of leads
    found = measure_prior_shift(matrix, certain, Resampling.of(context.settings), in_blocks=in_blocks)
    return None if found is None else found.record()


def _shift(matrix: Matrix, rows: Any, bundles: Mapping[str, Bundle]) -> dict[str, float]:
    """How far the refit moved from the evaluated twin on the test rows [log-odds]."""
    values = matrix.values.iloc[rows]
    moved = bundles["bundle"].log_odds(values) - bundles["twin"].log_odds(values)
    return {"mean": float(moved.mean()), "mean_absolute": float(np.abs(moved).mean())}
