"""Kept bundles beside the champion of a tiny run: trained early, worse, or trained as late as everything."""

import dataclasses
from pathlib import Path
from typing import Any

from models.bundle import Bundle, load_bundle, save_bundle
from models.interfaces import Calibration, Scale
from pipelines.registry.champion import MoveKind, PointerMove, keep_bundle, point_to
from tests.reference.tiny_run import TinyRun

TEST = PointerMove(MoveKind.FORCED, "a test")


def keep(run: TinyRun, bundle: Bundle, folder: Path) -> str:
    save_bundle(bundle, folder)
    return keep_bundle(run.context.paths, folder)


def early_champion(run: TinyRun, folder: Path) -> Bundle:
    """Make the evaluated twin, trained before the test block, the champion: there are rows later than it."""
    paths = run.context.paths
    twin = load_bundle(paths.train / "twin")
    point_to(paths, keep(run, twin, folder / "champion"), TEST)
    return twin


def rescaled(bundle: Bundle, **meta: Any) -> Bundle:
    """The same log-odds under another scale, so that it is another bundle."""
    scale = Scale("other", bundle.scale.reference_log_odds + 1.0, bundle.scale.pdo)
    return dataclasses.replace(bundle, scale=scale, meta={**bundle.meta, **meta})


def shifted(bundle: Bundle, by: float) -> Bundle:
    """Every log-odds moved: ranks alike, promises more or less."""
    calibration = Calibration(bundle.calibration.slope, bundle.calibration.intercept + by)
    return dataclasses.replace(bundle, calibration=calibration)


def spoiled(bundle: Bundle) -> Bundle:
    """Twice as likely and more: ranks alike, promises too much."""
    return shifted(bundle, 1.2)
