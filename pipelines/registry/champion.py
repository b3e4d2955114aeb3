"""The champion pointer: which bundle scores, by path and hash, and how it got there, in one small file."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from features.assembly.half_lives import restore_half_lives
from features.assembly.list_values import restore_list_items
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import BundleError, RegistryError
from features.schema.source import Source
from models.bundle import Bundle, load_bundle, read_bundle
from pipelines.artifacts.champion_record import ChampionRecord, MoveRecord, is_bundle_hash
from pipelines.own_code.own_functions import own_of, require_same_code
from pipelines.registry.soundness import require_sound
from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths

_KEPT_MOVES = 50  # newest moves in the pointer file: it is read by every server and stays small


class MoveKind(StrEnum):
    """How a bundle became the champion."""

    FIRST = "first"
    GATE = "gate"
    FORCED = "forced"
    DECLARATION = "declaration"
    ROLLBACK = "rollback"
    REGISTRY = "registry"


@dataclass(frozen=True)
class PointerMove:
    """Why the pointer moves: recorded in its history."""

    how: MoveKind
    reason: str


@dataclass(frozen=True)
class Champion:
    """The bundle in use, the one it replaced, and all moves of the pointer, the newest last."""

    folder: Path
    hash: str
    previous: str | None
    history: tuple[MoveRecord, ...] = ()


def read_champion(paths: Paths) -> Champion | None:
    """The champion of a source, None if there is none yet."""
    record = ChampionRecord.read(paths)
    if record is None or not record.hash or not record.path:
        return None
    return Champion(paths.root / record.path, record.hash, record.previous, record.history)


def points_score(paths: Paths) -> bool:
    """Whether the champion is the rubric's points, so that states come from the rubric's own thresholds."""
    champion = read_champion(paths)
    return champion is not None and load_bundle(champion.folder, champion.hash).by_points


def ensure_pointer(paths: Paths) -> None:
    """An empty pointer where there is none, so that whoever depends on the file finds it."""
    if not os.path.lexists(paths.champion):
        ChampionRecord.of({"path": None, "hash": None, "previous": None}).write(paths)


def require_champion(paths: Paths) -> Champion:
    """The champion; RegistryError if there is none."""
    champion = read_champion(paths)
    if champion is None:
        raise RegistryError(
            f"source '{paths.source}' has no champion under {paths.root}. Run 'leadscore run --source {paths.source}' "
            "first, or promote a bundle."
        )
    return champion


def as_trained(source: Source, catalog: Catalog) -> Source:
    """The source with what a catalog learned from data: half-lives, and which values of lists are features."""
    return restore_list_items(restore_half_lives(source, catalog), catalog)


def is_declared(context: Context, bundle: Bundle) -> bool:
    """Whether today's declaration gives the features a bundle was trained with, what it learned of rows restored."""
    return _declared_catalog(context, bundle).hash == bundle.catalog.hash


def _declared_catalog(context: Context, bundle: Bundle) -> Catalog:
    rubric = context.rubric if bundle.rubric is None else bundle.rubric.rubric
    return build_catalog(as_trained(context.source, bundle.catalog), rubric)


def catalog_for(context: Context, bundle: Bundle) -> Catalog:
    """The catalog a bundle is scored by; BundleError if today's declaration gives another than it was trained with.

    A bundle brings the rubric it was trained beside: another version in force since then changes none of its scores.
    """
    catalog = _declared_catalog(context, bundle)
    if bundle.catalog.hash != catalog.hash:
        raise BundleError(
            f"bundle {bundle.hash[:12]} was trained with catalog {bundle.catalog.hash[:12]}, but source "
            f"'{context.source.name}' now gives {catalog.hash[:12]}: the declaration changed. "
            "Train again, or restore the declaration."
        )
    if own_of(catalog) and not context.own_code:
        raise BundleError(
            f"bundle {bundle.hash[:12]} reads features that code of your own computes "
            f"({', '.join(feature.name for feature in own_of(catalog))}), and this server may not import it. Set "
            "LEADSCORE_SERVE_OWN_CODE=true if you trust that code as you trust leadscore, or train without 'features:'."
        )
    require_same_code(bundle.hash, bundle.meta, catalog)
    return catalog


def keep_bundle(paths: Paths, folder: Path) -> str:
    """Copy a bundle into the kept bundles, by hash, in place of a damaged copy too; returns the hash.

    What is written is what was read and checked: no file that the bundle does not list, nothing behind a link, and
    nothing that changed meanwhile.
    """
    stored = read_bundle(folder)
    kept = paths.bundles / stored.bundle.hash
    if not _is_intact(kept, stored.bundle.hash):
        with stage_dir(kept) as new:
            for name, content in stored.contents.items():
                (new / name).write_bytes(content)
    return stored.bundle.hash


def _is_intact(kept: Path, bundle_hash: str) -> bool:
    try:
        load_bundle(kept, bundle_hash)
    except BundleError:
        return False
    return True


def resolve_bundle_hash(paths: Paths, beginning: str) -> str:
    """The whole hash of the one kept bundle that begins so; RegistryError if there is none, or several."""
    kept = (
        sorted(folder.name for folder in paths.bundles.glob("*") if is_bundle_hash(folder.name))
        if paths.bundles.exists()
        else []
    )
    found = [name for name in kept if name.startswith(beginning)]
    if not beginning or len(found) != 1:
        raise RegistryError(
            f"{len(found)} kept bundles begin with '{beginning}' under {paths.bundles}; give enough of the hash to "
            "name exactly one."
        )
    return found[0]


def point_to(paths: Paths, bundle_hash: str, move: PointerMove) -> Champion:
    """Make a kept bundle the champion, in one atomic write; the champion itself stays as it is.

    A bundle that was never tried here scores made-up leads first, in a process of its own.

    Raises
    ------
    RegistryError : it is not kept
    BundleError : it is damaged, or does not score as a bundle must; the pointer stays
    """
    folder = paths.bundles / bundle_hash
    if not is_bundle_hash(bundle_hash) or not (folder / "bundle.json").exists():
        raise RegistryError(f"no bundle {bundle_hash[:12]} is kept under {paths.bundles}; train it again.")

    now = read_champion(paths)
    if now is not None and now.hash == bundle_hash:
        return now
    load_bundle(folder, bundle_hash)
    require_sound(paths, folder, bundle_hash)

    previous, history = (None, ()) if now is None else (now.hash, now.history)
    entry = MoveRecord(
        hash=bundle_hash,
        previous=previous,
        how=str(move.how),
        reason=move.reason,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    moved = Champion(folder, bundle_hash, previous, (*history, entry)[-_KEPT_MOVES:])

    relative = folder.relative_to(paths.root).as_posix()
    ChampionRecord(path=relative, hash=bundle_hash, previous=previous, history=moved.history).write(paths)
    return moved


def roll_back(paths: Paths, reason: str = "") -> Champion:
    """Make the bundle before the champion the champion again; the gate is not asked."""
    now = require_champion(paths)
    if now.previous is None:
        raise RegistryError(f"champion {now.hash[:12]} of '{paths.source}' has no predecessor to roll back to.")
    return point_to(paths, now.previous, PointerMove(MoveKind.ROLLBACK, reason or "one step back"))
