"""Whether a kept bundle may be pointed to or served: a probe each, remembered by its hash and by the libraries."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from features.errors import BundleError, DataError
from models.bundle import Bundle, load_bundle
from models.bundle_files.plain_files import read_plain_file
from models.bundle_files.strict_json import parse_strictly
from models.bundle_probe import probe_bundle
from pipelines.artifacts.train_record import TrainRecord
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.paths import Paths

_LIBRARIES = ("leadscore", "lightgbm", "numpy", "pandas", "numba")  # what a bundle meets when it scores
_KEPT = 200  # newest hashes that are remembered
_MOST_BYTES = 2**20
_refused: dict[tuple[str, tuple[tuple[str, int, int], ...]], str] = {}  # by hash and files, why; of this process
_passed: set[tuple[str, Path]] = set()  # of this process: the data directory may be one that is only read


def require_sound(paths: Paths, folder: Path, bundle_hash: str) -> None:
    """Return if a bundle scored made-up leads soundly, now or before on the same libraries.

    One that this data directory's own training wrote last has scored its training rows already. A refusal is
    remembered by this process, so that a server that looks every second does not start a child every second.

    Raises
    ------
    BundleError : it did not; nothing has been changed
    """
    known = _read_known(paths)
    if bundle_hash in known or (bundle_hash, folder) in _passed:
        return

    if not _was_trained_here(paths, bundle_hash):
        key = (bundle_hash, _stamp(folder))
        if key in _refused:
            raise BundleError(_refused[key])
        try:
            probe_bundle(folder, bundle_hash)
        except BundleError as problem:
            _refused[key] = problem.message
            raise
        _passed.add((bundle_hash, folder))
    _remember(paths, [*known, bundle_hash])


def load_sound(paths: Paths, folder: Path, bundle_hash: str) -> Bundle:
    """The bundle of that hash, read strictly, and its probe passed before anything scores with it.

    Raises
    ------
    BundleError : it is missing, damaged or does not score as a bundle must
    """
    bundle = load_bundle(folder, bundle_hash)
    require_sound(paths, folder, bundle_hash)
    return bundle


def _was_trained_here(paths: Paths, bundle_hash: str) -> bool:
    try:
        return TrainRecord.exists(paths) and TrainRecord.read(paths).hash == bundle_hash
    except DataError:
        return False


def _libraries() -> str:
    """Versions that a probe speaks for: another LightGBM is another reader."""
    return " ".join([f"python {sys.version_info.major}.{sys.version_info.minor}", *map(_named, _LIBRARIES)])


def _named(library: str) -> str:
    return f"{library} {version(library)}"


def _read_known(paths: Paths) -> list[str]:
    """Hashes that passed on these libraries; none where the file is missing or not ours: then they are tried again."""
    try:
        content = parse_strictly(read_plain_file(paths.probed, _MOST_BYTES))
    except (OSError, ValueError):
        return []
    if not isinstance(content, dict) or content.get("libraries") != _libraries():
        return []
    hashes = content.get("hashes")
    return [name for name in hashes if isinstance(name, str)] if isinstance(hashes, list) else []


def _remember(paths: Paths, hashes: list[str]) -> None:
    """Write them down; a data directory that may only be read is probed again next time."""
    try:
        write_json(paths.probed, {"libraries": _libraries(), "hashes": hashes[-_KEPT:]})
    except OSError:
        return


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of a bundle's files: a repaired one is tried again."""
    try:
        with os.scandir(folder) as found:
            return tuple(sorted((one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in found))
    except OSError:
        return ()
