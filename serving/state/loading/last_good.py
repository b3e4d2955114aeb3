"""The bundle to serve where the chosen one cannot be: the one served last here, or a champion before it."""

import contextlib
from pathlib import Path

from features.errors import BundleError, DataError, LeadScoreError
from models.bundle_files.plain_files import read_plain_file
from models.bundle_files.strict_json import parse_strictly
from pipelines.artifacts.champion_record import is_bundle_hash
from pipelines.registry.champion import read_champion
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from serving.state.loaded_model import LoadedModel, load_kept, load_model

_FILE = "last_served.json"  # in the server's own folder: the hash of the bundle it served last
_MOST_BYTES = 4_096
_TRIED = 5  # earlier champions, newest first; each that was never tried costs a probe


def load_chosen(context: Context, bundle: Path | None, folder: Path, *, fall_back: bool) -> tuple[LoadedModel, str]:
    """The chosen bundle, or, where it cannot be used, the last good one; and why it is not the chosen one.

    Parameters
    ----------
    bundle : a folder to serve from; None for the champion
    folder : the server's own files
    fall_back : whether an earlier bundle will do; not where one is in use already

    Raises
    ------
    RegistryError : there is no champion
    BundleError, DataError : the chosen one cannot be used, and there is no other
    """
    try:
        return load_model(context, bundle), ""
    except (BundleError, DataError) as problem:
        for bundle_hash in _earlier(context.paths, folder) if fall_back else ():
            with contextlib.suppress(LeadScoreError):
                earlier = load_kept(context, bundle_hash)
                return earlier, f"{problem.message} Bundle {bundle_hash[:12]}, the last good one, serves instead."
        raise


def remember_served(folder: Path, bundle_hash: str) -> None:
    """Write down which bundle serves; a folder that may not be written to is no reason not to."""
    if _read_last_served(folder) != bundle_hash:
        with contextlib.suppress(OSError):
            write_json(folder / _FILE, {"hash": bundle_hash})


def _read_last_served(folder: Path) -> str | None:
    try:
        content = parse_strictly(read_plain_file(folder / _FILE, _MOST_BYTES))
    except (OSError, ValueError):
        return None
    found = content.get("hash") if isinstance(content, dict) else None
    return found if is_bundle_hash(found) else None


def _earlier(paths: Paths, folder: Path) -> list[str]:
    """Hashes to try, the likeliest first: served last here, then champions before this one, the newest first."""
    found = [_read_last_served(folder)]
    with contextlib.suppress(LeadScoreError):
        champion = read_champion(paths)
        if champion is not None:
            found += [champion.previous, *(move.previous for move in reversed(champion.history))]
            found = [one for one in found if one != champion.hash]
    return list(dict.fromkeys(one for one in found if one is not None))[:_TRIED]
