"""Ask the promotion gate about a kept bundle: on the last matrix and audit of its source; moves nothing."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.errors import BundleError
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.bundle import Bundle, load_bundle
from models.judging.handoff.population import population_of
from models.judging.handoff.replay import snapshot_starts, weeks_covered
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.promotion import gate
from models.judging.promotion.gate import Answer
from models.judging.promotion.paired_checks import CHALLENGER, CHAMPION, paired_checks
from models.judging.promotion.rows_to_come import count_won_leads, enough_at, wins_to_decide
from models.judging.promotion.unseen_rows import UnseenRows, find_unseen_rows, unit_of
from models.settings import GateSettings
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.own_code.own_functions import OWN_CODE, own_of, same_code
from pipelines.registry.champion import read_champion
from pipelines.registry.matrix_for_bundle import is_same_but_for_learned, matrix_for
from pipelines.registry.soundness import load_sound, require_sound
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog, load_matrix
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables

_TIMED, _TRIES = 200, 3  # leads of a batch, and batches, by which a bundle's speed is measured


def ask_gate(context: Context, challenger: str, settings: GateSettings) -> Answer:
    """Whether a kept bundle (by its whole hash) may become the champion; one that was never tried is tried first.

    Raises
    ------
    BundleError : the challenger is damaged, does not score as a bundle must or does not fit the declaration
    DataError : no matrix was built yet
    """
    paths = context.paths
    folder = paths.bundles / challenger
    new = load_bundle(folder, challenger)
    if not fits(context, folder):
        raise BundleError(
            f"bundle {challenger[:12]} was trained under another declaration than the matrix of '{paths.source}' "
            "follows, so it could not score any lead. Train again, or restore the declaration and rebuild the matrix."
        )

    now = read_champion(paths)
    champion = None if now is None else now.hash
    reasons = reasons_not_clean(context, new)
    if reasons:
        return gate.answer_not_clean(challenger, champion, reasons)
    if now is not None and now.hash == challenger:
        return gate.answer_champion_already(challenger)
    require_sound(paths, folder, challenger)
    taken = milliseconds_per_lead(context, new)
    if taken > settings.milliseconds:
        return gate.answer_too_slow(challenger, champion, taken, settings.milliseconds)
    if context.source.mode == "points" and not new.by_points:
        return gate.answer_mode_points(challenger, champion, evidence_of(context, new))
    if now is None:
        return gate.answer_first(challenger)

    if not fits(context, now.folder):
        return gate.answer_unfit_champion(challenger, now.hash)
    if new.by_points:
        return gate.answer_to_points(challenger, now.hash, str(new.meta.get("verdict_text") or ""))
    if load_bundle(now.folder, now.hash).by_points:
        return gate.answer_from_points(challenger, now.hash, evidence_of(context, new))
    return _compare(context, new, load_sound(paths, now.folder, now.hash), settings)


def evidence_of(context: Context, bundle: Bundle) -> list[str]:
    """What was found for and against a model: its verdict and, of the last run's bundle, model beside rubric."""
    found = [str(bundle.meta.get("verdict_text") or "")]
    trained = TrainRecord.read(context.paths).hash if TrainRecord.exists(context.paths) else None
    if trained == bundle.hash and ComparisonRecord.exists(context.paths):
        found += list(ComparisonRecord.read(context.paths).sentences[:2])
    return found


def reasons_not_clean(context: Context, bundle: Bundle) -> list[str]:
    """Why a bundle may not score anybody, by its own verdict and the last audit."""
    audit = AuditRecord.read(context.paths) if AuditRecord.exists(context.paths) else None
    return gate.find_blocking_reasons(bundle.meta, None if audit is None else audit.findings)


def fits(context: Context, folder: Path) -> bool:
    """Whether a bundle can score the matrix that was just built: the same features, whichever rubric is in force.

    Of list values and half-lives that are learned from rows the bundle keeps its own. Features of one's own are the
    same where their code is.
    """
    name = "open" if (context.paths.matrix / "open.json").exists() else "matrix"
    catalog = load_catalog(folder, "bundle")
    if not is_same_but_for_learned(context, catalog, load_catalog(context.paths.matrix, name)):
        return False
    if not own_of(catalog) or not context.own_code:
        return True
    return not same_code(load_bundle(folder).meta.get(OWN_CODE) or {}, catalog)


def scores_untrained(context: Context, verdict: Verdict) -> Bundle | None:
    """The champion where it scores the open leads although the last training made no model; None where nobody does.

    The rubric's points always do, a model while it fits; after a leak none does, as it may read the column.
    """
    champion = read_champion(context.paths)
    if champion is None or not (context.paths.matrix / "open.json").exists():
        return None
    bundle = load_sound(context.paths, champion.folder, champion.hash)
    if bundle.by_points:
        return bundle
    return bundle if verdict != Verdict.LEAK and fits(context, champion.folder) else None


def trained_through(bundle: Bundle) -> pd.Timestamp | None:
    """When the last label a bundle learned from was known; None without clocks."""
    moment = bundle.meta.get("trained_through")
    return None if moment is None else pd.Timestamp(moment)


def _compare(context: Context, new: Bundle, old: Bundle, settings: GateSettings) -> Answer:
    moments = [moment for moment in (trained_through(new), trained_through(old)) if moment is not None]
    if len(moments) < 2:
        return gate.answer_no_clocks(new.hash, old.hash)

    matrix = without_objecting(context, load_matrix(context.paths.matrix))
    later = find_unseen_rows(matrix, max(moments), unit_of(context.source))
    judged = matrix.take(later.rows)
    won = count_won_leads(judged)

    months = gate.months_of(judged.keys["as_of"])
    if won < settings.minimum_won:
        at = enough_at(matrix, later.through, settings.minimum_won, unit_of(context.source))
        return gate.answer_too_few(new.hash, old.hash, later, won, months, settings, at)

    capacity = SnapshotCapacity.of(context.source)
    checks = paired_checks(
        judged,
        {name: _log_odds(context, bundle, matrix, later) for name, bundle in ((CHAMPION, old), (CHALLENGER, new))},
        shares_of(matrix, later, capacity.every_days),
        capacity,
        settings,
        population_of(context.source, load_tables(context.paths), judged.keys, judged.label).kept,
    )

    needed = wins_to_decide(checks, won)
    at = None if needed is None else enough_at(matrix, later.through, needed, unit_of(context.source))
    return gate.answer_paired_checks(new.hash, old.hash, checks, len(judged), won, months, at)


def milliseconds_per_lead(context: Context, bundle: Bundle) -> float:
    """What scoring and explaining one lead takes here, in a batch: processor time, the best of a few tries."""
    held = without_objecting(context, load_matrix(context.paths.matrix))
    if not len(held):
        return 0.0
    matrix = matrix_for(context, bundle, held.take(np.arange(min(len(held), _TIMED))))
    best = np.inf
    for _ in range(_TRIES):
        started = time.process_time()
        bundle.contributions(matrix.values)
        best = min(best, time.process_time() - started)
    return float(1e3 * best / len(matrix))


def _log_odds(context: Context, bundle: Bundle, matrix: Matrix, later: UnseenRows) -> Floats:
    values = matrix_for(context, bundle, matrix).values
    return bundle.log_odds(values.iloc[later.rows].reset_index(drop=True))


def shares_of(matrix: Matrix, later: UnseenRows, every_days: int | None) -> Floats:
    """Per snapshot of the judged rows, in time order: which share of its rows, and of a whole week, they are."""
    as_of = matrix.keys["as_of"]
    starts = snapshot_starts(as_of, every_days)
    every: Any = starts.value_counts().sort_index()
    if every_days is None:
        every = every / weeks_covered(as_of, None)
    judged: Any = starts.iloc[later.rows].value_counts().sort_index()
    return np.asarray(judged / every.reindex(judged.index), dtype=np.float64)
