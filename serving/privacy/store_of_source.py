"""The server's store as commands on the machine find it, where a server ever ran."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.posted.posted_store import STORE_FOLDER, find_store, is_told_of
from pipelines.privacy.forget import Place
from pipelines.privacy.person import Person
from pipelines.workspace.paths import Paths
from serving.privacy.erase_store import erase_from_store
from serving.store.audit_trail import record_action
from serving.store.engine import Store, open_store


def open_if_any(paths: Paths, store_url: str | None = None) -> Store | None:
    """The store named by URL, or the one the source's server has; None where there is none."""
    place = store_url or find_store(paths)
    if place is None:
        return None
    return open_store(place, paths.root) if isinstance(place, str) else open_store(None, place.parent)


def uploads_of(paths: Paths) -> Path:
    """Where the server keeps the files that were sent to it."""
    folder = os.environ.get(STORE_FOLDER) if is_told_of(paths) else None
    return (Path(folder) if folder else paths.root / "serving") / "uploads"


def eraser(paths: Paths, store_url: str | None = None) -> Callable[[Person, str, bool], Sequence[Place]]:
    """Takes people out of the source's store; does nothing where no server ever ran."""

    def erase(person: Person, mark: str, dry_run: bool) -> Sequence[Place]:
        store = open_if_any(paths, store_url)
        if store is None:
            return ()
        try:
            return erase_from_store(store, uploads_of(paths), person, mark, dry_run=dry_run)
        finally:
            store.close()

    return erase


def note_in_trail(paths: Paths, store_url: str | None, action: str, leads: Sequence[str]) -> None:
    """Add what a command did about leads to the audit trail, where a server ever ran."""
    store = open_if_any(paths, store_url)
    if store is None:
        return
    with store.writing() as session:
        for lead in leads:
            record_action(session, "command line", action, lead)
    store.close()
