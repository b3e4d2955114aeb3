"""Space that removed rows leave in SQLite's file, given back in small steps, so that nobody who writes waits for it."""

import shutil
import time
from pathlib import Path

from sqlalchemy import Connection

from serving.logs import logger
from serving.store.engine import Store

FREE_SHARE = 0.25  # of the file, above which space is given back: what comes soon is written into what is free
_FEWEST_PAGES = 256  # free ones that are worth it: 1 MB
_STEP = 500  # pages of one transaction: some milliseconds
_INCREMENTAL = 2  # SQLite's mode in which single pages can be given back
_LARGEST_ANEW = 2**30  # bytes of an older store that is written anew: within the seconds that a writer waits


def give_back_space(store: Store) -> int:
    """Bytes by which the file of the store got shorter; 0 where little of it is free.

    A store from before this was possible is written anew once, while readers go on and writers wait, unless it is
    larger than a gigabyte or the disk has no room for it twice. Other databases than SQLite do this by themselves.
    SQLAlchemyError: somebody else writes for longer than a writer waits, or the disk is full.
    """
    if store.engine.dialect.name != "sqlite":
        return 0
    with store.engine.connect() as connection:
        pages, free = _ask(connection, "page_count"), _ask(connection, "freelist_count")
        if free < max(_FEWEST_PAGES, FREE_SHARE * pages):
            return 0
        if _ask(connection, "auto_vacuum") == _INCREMENTAL:
            for given in range(0, free, _STEP):
                _give_back(connection, min(_STEP, free - given))
                time.sleep(0.01)  # others have their turn
        elif _may_be_written_anew(store, pages * _ask(connection, "page_size")):
            connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL").close()
            connection.exec_driver_sql("VACUUM").close()
        shorter = pages - _ask(connection, "page_count")
        size = _ask(connection, "page_size")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()  # waits for nobody who reads
    return max(0, shorter) * size


def _may_be_written_anew(store: Store, size: int) -> bool:
    """A copy of what is kept is made beside it, and passes through the write-ahead log."""
    room = shutil.disk_usage(Path(str(store.engine.url.database)).parent).free
    fits = size <= _LARGEST_ANEW and room > 2 * size
    if not fits:
        logger().warning("store not written anew", bytes=size, free_on_disk=room)
    return fits


def _give_back(connection: Connection, pages: int) -> None:
    """One transaction; a call gives one page back, as the driver takes one step of a statement that returns no rows."""
    connection.exec_driver_sql("BEGIN IMMEDIATE").close()
    for _ in range(pages):
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)").close()
    connection.exec_driver_sql("COMMIT").close()


def _ask(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
