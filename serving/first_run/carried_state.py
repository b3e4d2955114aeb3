"""The server's own files under another source: keys, sessions and the audit trail go along with whom they belong to."""

import shutil
from pathlib import Path

from pipelines.workspace.private_files import create_private, file_mode, make_folder
from serving.auth.keys_remembered import asks_for_keys, remember_keys
from serving.store.engine import Store


def carry_state(store: Store, folder: Path, destination: Path) -> None:
    """Copy a SQLite store and the server's secret into another folder; what lies there already stays.

    Where people need a key, they need one there, too: a store that lies there may know of none.
    """
    make_folder(destination)
    if asks_for_keys(store, folder):
        remember_keys(destination)
    secret, there = folder / "secret", destination / "secret"
    if secret.exists() and not there.exists():
        create_private(there)
        shutil.copyfile(secret, there)
    copy = destination / "store.sqlite"
    if not copy.exists():
        with store.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
        copy.chmod(file_mode())
