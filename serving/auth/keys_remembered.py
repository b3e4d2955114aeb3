"""That a server has had keys, remembered beside its secret: a store that is lost opens it to nobody."""

import contextlib
from pathlib import Path

from serving.auth.api_keys import has_keys
from serving.store.engine import Store

_MARK = "keys"  # an empty file in the server's own folder
LOST = (
    "The store holds no API key any more, though this server had some: it was removed, emptied or replaced, with what "
    "people had posted. Access without a key stays closed. Bring the store back from a backup, or create a key with "
    "'leadscore keys create'."
)


def remember_keys(folder: Path) -> None:
    """Remember that there was a key."""
    mark = folder / _MARK
    if not mark.exists():
        with contextlib.suppress(OSError):  # a folder that takes no file now is told by /healthz, and tried again
            mark.touch(mode=0o600)


def had_keys(folder: Path) -> bool:
    """Whether a store that served from this folder held a key."""
    return (folder / _MARK).exists()


def asks_for_keys(store: Store, folder: Path) -> bool:
    """Whether everybody must have a key: one is in the store, or was in one that served here."""
    if has_keys(store):
        remember_keys(folder)
        return True
    return had_keys(folder)
