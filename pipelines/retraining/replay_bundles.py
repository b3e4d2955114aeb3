"""The kept bundles of a source, replayed on rows that came after each."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from features.errors import BundleError
from models.bundle import load_bundle
from models.judging.promotion.aging import PastModel, describe_aging, measure_aging
from models.judging.promotion.unseen_rows import unit_of
from models.settings import GateSettings
from pipelines.artifacts.champion_record import is_bundle_hash
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.promotion_gate import fits, trained_through
from pipelines.registry.soundness import load_sound
from pipelines.retraining.retrain_record import Aging
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import without_objecting

_MOST = 24  # kept bundles that are replayed, apart in time


def replay_bundles(context: Context, settings: GateSettings) -> Aging | None:
    """How fast past models of the source aged; None where rows have no clocks."""
    matrix = without_objecting(context, load_matrix(context.paths.matrix))
    if matrix.keys["as_of"].isna().all():
        return None
    known = {name: through for name, through in kept_models(context) if through is not None}
    models = []
    for bundle_hash in spread_in_time(list(known.items()), _MOST):
        try:
            bundle = load_sound(context.paths, context.paths.bundles / bundle_hash, bundle_hash)
        except BundleError:
            continue
        z = np.asarray(bundle.log_odds(matrix_for(context, bundle, matrix).values), dtype=np.float64)
        models.append(PastModel(name=bundle_hash, through=known[bundle_hash], log_odds=z))
    bands = measure_aging(matrix, models, unit_of(context.source), settings)
    days, sentence = describe_aging(bands)
    return Aging.of({"days": days, "sentence": sentence, "ages": [band.record() for band in bands]})


def kept_models(context: Context, leave_out: Collection[str] = ()) -> list[tuple[str, pd.Timestamp | None]]:
    """Kept bundles that are sound models of this declaration, with when each was trained through; the oldest first.

    Files may have been restored from a backup, so that their own times only order bundles of one moment.
    """
    found = []
    for name in _kept_hashes(context):
        folder = context.paths.bundles / name
        try:
            if name in leave_out or not fits(context, folder):
                continue
            bundle = load_bundle(folder, name)
        except BundleError:
            continue
        if not bundle.by_points:
            found.append((name, trained_through(bundle)))
    return sorted(found, key=lambda one: pd.Timestamp.min if one[1] is None else one[1])


def spread_in_time(found: Sequence[tuple[str, pd.Timestamp | None]], most: int) -> list[str]:
    """At most so many bundles, in the order they are given, the oldest first.

    Where there are more, those stay that lie apart by as many days as it takes, the oldest among them: what a nightly
    run adds takes no place from the one of which there will be outcomes enough first. Without clocks the newest stay.
    """
    dated = [(name, through) for name, through in found if through is not None]
    left, days = [name for name, _ in dated], 1
    while len(left) > most:
        first: dict[int, str] = {}
        for name, through in dated:
            first.setdefault(through.toordinal() // days, name)
        left, days = list(first.values()), 2 * days
    others = [name for name, through in found if through is None]
    return [*others[max(0, len(others) + len(left) - most) :], *left]


def _kept_hashes(context: Context) -> list[str]:
    """Kept bundles, the one kept first first."""
    folder = context.paths.bundles
    found = [path for path in folder.glob("*") if is_bundle_hash(path.name)] if folder.exists() else []
    return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name))]
