"""The kept bundles of a source, replayed on rows that came after each."""

import numpy as np

from features.errors import BundleError
from models.bundle import load_bundle
from models.judging.promotion.aging import PastModel, describe_aging, measure_aging
from models.judging.promotion.unseen_rows import unit_of
from models.settings import GateSettings
from pipelines.artifacts.champion_record import is_bundle_hash
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.promotion_gate import fits, trained_through
from pipelines.retraining.retrain_record import Aging
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix

_MOST = 24  # newest kept bundles that are replayed


def replay_bundles(context: Context, settings: GateSettings) -> Aging | None:
    """How fast past models of the source aged; None where rows have no clocks."""
    matrix = load_matrix(context.paths.matrix)
    if matrix.keys["as_of"].isna().all():
        return None
    models = []
    for bundle_hash in kept_hashes(context)[-_MOST:]:
        folder = context.paths.bundles / bundle_hash
        try:
            if not fits(context, folder):
                continue
            bundle = load_bundle(folder, bundle_hash)
        except BundleError:
            continue
        through = trained_through(bundle)
        if through is None or bundle.by_points:
            continue
        z = np.asarray(bundle.log_odds(matrix_for(context, bundle, matrix).values), dtype=np.float64)
        models.append(PastModel(name=bundle_hash, through=through, log_odds=z))
    bands = measure_aging(matrix, models, unit_of(context.source), settings)
    days, sentence = describe_aging(bands)
    return Aging.of({"days": days, "sentence": sentence, "ages": [band.record() for band in bands]})


def kept_hashes(context: Context) -> list[str]:
    """Kept bundles, the one kept first first."""
    folder = context.paths.bundles
    found = [path for path in folder.glob("*") if is_bundle_hash(path.name)] if folder.exists() else []
    return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name))]
