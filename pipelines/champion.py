"""The champion pointer: which bundle scores, by path and hash, mirrored in one small file."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from features.errors import RegistryError
from models.bundle import load_bundle
from pipelines.config import Paths
from pipelines.store import read_json, stage_dir, write_json


@dataclass(frozen=True)
class Champion:
    """The bundle in use, and the one it replaced."""

    folder: Path
    hash: str
    previous: str | None


def read_champion(paths: Paths) -> Champion | None:
    """The champion of a source, None if there is none yet."""
    record = read_json(paths.champion) if paths.champion.exists() else {}
    if not record.get("hash"):
        return None
    return Champion(paths.root / record["path"], record["hash"], record.get("previous"))


def ensure_pointer(paths: Paths) -> None:
    """An empty pointer where there is none, so that whoever depends on the file finds it."""
    if not paths.champion.exists():
        write_json(paths.champion, {"path": None, "hash": None, "previous": None})


def require_champion(paths: Paths) -> Champion:
    """The champion; RegistryError if there is none."""
    champion = read_champion(paths)
    if champion is None:
        raise RegistryError(
            f"source '{paths.source}' has no champion under {paths.root}. Run 'leadscore run --source {paths.source}' "
            "first, or promote a bundle."
        )
    return champion


def keep_bundle(paths: Paths, folder: Path) -> str:
    """Copy a bundle into the kept bundles, by hash; returns the hash."""
    bundle = load_bundle(folder)
    kept = paths.bundles / bundle.hash
    if not kept.exists():
        with stage_dir(kept) as new:
            for file in folder.iterdir():
                shutil.copyfile(file, new / file.name)
    return bundle.hash


def point_to(paths: Paths, bundle_hash: str) -> Champion:
    """Make a kept bundle the champion, in one atomic write; RegistryError if it is not kept."""
    folder = paths.bundles / bundle_hash
    if not (folder / "bundle.json").exists():
        raise RegistryError(f"no bundle {bundle_hash[:12]} is kept under {paths.bundles}; train it again.")
    now = read_champion(paths)
    previous = now.hash if now is not None and now.hash != bundle_hash else (now.previous if now is not None else None)
    relative = folder.relative_to(paths.root).as_posix()
    write_json(paths.champion, {"path": relative, "hash": bundle_hash, "previous": previous})
    return Champion(folder, bundle_hash, previous)


def roll_back(paths: Paths) -> Champion:
    """Make the bundle before the champion the champion again."""
    now = require_champion(paths)
    if now.previous is None:
        raise RegistryError(f"champion {now.hash[:12]} of '{paths.source}' replaced nothing; there is no way back.")
    return point_to(paths, now.previous)
