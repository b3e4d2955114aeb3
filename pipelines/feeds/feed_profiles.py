"""How the tables looked when a bundle was trained: kept by the bundle's hash, beside it and no part of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.errors import DataError
from models.bundle import Bundle
from models.judging.feeds.examine_feeds import profile_tables
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_open
from pipelines.workspace.private_files import make_folder
from pipelines.workspace.table_files import load_tables

_VERSION = 1
_DAY = 1.0  # a lead younger or older than any trained on by less counts as inside


def keep_feed_profile(context: Context, bundle: Bundle) -> None:
    """Write down how the tables of the last ingest look; nothing for sources without clocks."""
    cutoff = data_end(context)
    if cutoff is None:
        return
    found = profile_tables(load_tables(context.paths), context.source, cutoff)
    file = context.paths.feed_profile(bundle.hash)
    make_folder(file.parent)
    kept = {"version": _VERSION, "ages_outside": _ages_outside(context, bundle), "kept_out": kept_out(context)}
    write_json(file, {**kept, **found})


def read_feed_profile(context: Context, bundle_hash: str) -> Mapping[str, Any] | None:
    """What was kept of a bundle's training; None where nothing was, or another version wrote it."""
    file = context.paths.feed_profile(bundle_hash)
    if not file.exists():
        return None
    try:
        found = read_json(file)
    except DataError:
        return None
    return found if isinstance(found, dict) and found.get("version") == _VERSION else None


def kept_out(context: Context) -> dict[str, float]:
    """By table the share of the rows read that are in quarantine or repeat an earlier one word for word."""
    rows = CountsRecord.read(context.paths).rows
    return {name: (n.quarantined + n.repeated) / n.read if n.read else 0.0 for name, n in rows.items()}


def data_end(context: Context) -> pd.Timestamp | None:
    """The moment the tables of the last ingest speak for; None without clocks."""
    if context.source.kind == "flat" or not CountsRecord.exists(context.paths):
        return None
    cutoff = CountsRecord.read(context.paths).data_cutoff
    return None if cutoff is None else pd.Timestamp(cutoff)


def _ages_outside(context: Context, bundle: Bundle) -> float | None:
    """Share of the open leads that are younger or older than any trained on."""
    if not (context.paths.matrix / "open.json").exists():
        return None
    return share_outside(load_open(context.paths.matrix).keys["age_days"].to_numpy(dtype=np.float64), bundle)


def share_outside(age_days: Any, bundle: Bundle) -> float | None:
    """Share of ages that lie outside the trained range; None where either is unknown."""
    low, high = bundle.age_days
    if not np.isfinite([low, high]).all() or not np.isfinite(age_days).any():
        return None
    return float(((age_days < low - _DAY) | (age_days > high + _DAY)).mean())
