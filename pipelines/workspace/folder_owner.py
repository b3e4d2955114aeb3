"""Whose data folder it is: two declarations of one name never write into, or read from, each other's."""

import hashlib
import os
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import DataError, SourceError
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.find_declarations import declaration_folders
from pipelines.workspace.paths import Paths

OWNER = "declaration.json"


class TakenFolderError(SourceError):
    """A data folder that belongs to another declaration of the same name."""

    code: ClassVar[str] = "LS041"


class FolderOwner(BaseModel):
    """The declaration that a data folder was made from.

    ``relative`` is its path seen from the data folder: the two may be copied together. ``shipped`` marks a declaration
    that comes with leadscore: its path differs from one installation to the next.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    relative: str
    sha256: str
    shipped: bool = False


def claim_folder(paths: Paths, declaration: Path) -> None:
    """Write down that the folder is this declaration's; nothing if that is on record.

    Raises
    ------
    TakenFolderError : it is another one's
    """
    check_folder(paths, declaration)
    owner = _owner_of(paths, declaration)
    if read_owner(paths) != owner:
        write_json(paths.root / OWNER, owner.model_dump())


def check_folder(paths: Paths, declaration: Path) -> None:
    """Refuse a folder that was made from another declaration of the same name.

    A declaration that was copied together with the data folder is still the same one, and so is one that was moved:
    nothing lies at the old place and the content is equal.

    Raises
    ------
    TakenFolderError : naming both declarations and the ways out
    """
    known = read_owner(paths)
    if known is None:
        return
    owner = _owner_of(paths, declaration)
    same = known.path == owner.path or known.relative == owner.relative or (known.shipped and owner.shipped)
    gone = not known.shipped and not Path(known.path).exists()
    if same or (gone and known.sha256 == owner.sha256):
        return

    place = "ships with leadscore" if known.shipped else f"{known.path}{', gone' if gone else ''}"
    moved = f" If it is the same declaration, moved and edited since, remove {paths.root / OWNER}." if gone else ""
    raise TakenFolderError(
        f"{paths.root} holds the data of another declaration named '{paths.source}' ({place}); "
        f"{declaration} would overwrite them. Give it another 'name:', or use another --data-dir.{moved}"
    )


def read_owner(paths: Paths) -> FolderOwner | None:
    """Whose folder it is; None where nobody has written it down, or what is written is damaged."""
    file = paths.root / OWNER
    if not file.exists():
        return None
    try:
        return FolderOwner.model_validate(read_json(file))
    except (DataError, ValidationError):
        return None


def is_taken(name: str, data_dir: Path, declaration: Path | None) -> bool:
    """Whether a new declaration may not have this name: one that ships has it, or a data folder of another one."""
    if any((folder / f"{name}.yaml").exists() for folder in declaration_folders("sources")):
        return True
    paths = Paths(data_dir, name)
    if declaration is not None:
        try:
            check_folder(paths, declaration)
        except TakenFolderError:
            return True
        return False
    return read_owner(paths) is not None


def _owner_of(paths: Paths, declaration: Path) -> FolderOwner:
    place = declaration.resolve()
    content = place.read_bytes() if place.is_file() else b""
    shipped = any(place.parent == folder.resolve() for folder in declaration_folders("sources"))
    relative = os.path.relpath(place, paths.root.resolve())
    digest = hashlib.sha256(content).hexdigest()
    return FolderOwner(path=str(place), relative=relative, sha256=digest, shipped=shipped)
