"""Where points score alone, an adopted rubric scores at once: a new bundle of points takes the champion's place."""

import tempfile
from pathlib import Path

from features.rubric.schema import Rubric
from features.rubric.versions import same_rubric
from models.bundle import load_bundle, save_bundle
from models.training.points_bundle import fit_points_bundle
from pipelines.registry.champion import MoveKind, PointerMove, keep_bundle, point_to, read_champion
from pipelines.registry.matrix_for_bundle import with_rules
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import without_objecting


def follow_adopted_rubric(context: Context, reason: str) -> str | None:
    """Let the rubric in force score where points score alone; returns the new champion's hash.

    None, and nothing moves, where a model scores or the champion is of this very rubric.
    """
    champion = read_champion(context.paths)
    if champion is None:
        return None
    before = load_bundle(champion.folder, champion.hash)
    rubric = context.newer_rubric(before)
    if not before.by_points or rubric is None:
        return None

    matrix = with_rules(context, rubric, without_objecting(context, load_matrix(context.paths.matrix)))
    meta = {**before.meta, "declaration": context.declaration_hash}
    after = fit_points_bundle(matrix, rubric, context.settings, meta, on_grid=context.source.cohort.on_grid)
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(after, Path(folder) / "bundle")
        kept = keep_bundle(context.paths, Path(folder) / "bundle")
    told = context.paths.feed_profile(champion.hash)
    if told.exists():  # the tables are those of the training, whatever rules score
        write_json(context.paths.feed_profile(kept), read_json(told))
    point_to(context.paths, kept, PointerMove(MoveKind.DECLARATION, reason))
    return kept


def scores_alone(context: Context, rubric: Rubric) -> str | None:
    """The champion's hash where it is the points of this very rubric; None where it is not."""
    champion = read_champion(context.paths)
    if champion is None:
        return None
    bundle = load_bundle(champion.folder, champion.hash)
    same = bundle.by_points and bundle.rubric is not None and same_rubric(bundle.rubric.rubric, rubric)
    return champion.hash if same else None
