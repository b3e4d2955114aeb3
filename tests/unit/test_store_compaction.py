"""A store gives back the space of what was removed, loses no row over it, and lets everybody else go on."""

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import delete, func, insert, select

from serving.store.compaction import give_back_space
from serving.store.engine import Store, open_store
from serving.store.tables import ActivityRow

AT = datetime(2026, 6, 1)
ROWS = 40_000


class Disk(NamedTuple):
    free: int


def fill(store: Store, first: int, count: int) -> None:
    rows = [
        {"activity_id": f"a{k}", "lead_id": f"lead {k}", "kind": "page_view", "actor": "lead", "asset": "x" * 100}
        | {"channel": None, "value": None, "happened_at": AT, "known_at": AT}
        for k in range(first, first + count)
    ]
    with store.writing() as session:
        session.execute(insert(ActivityRow), rows)


def thin_out(store: Store, share: int) -> set[str]:
    """Remove all but every so many-th row, wherever it lies; returns the leads of those that stay."""
    with store.writing() as session:
        session.execute(delete(ActivityRow).where(ActivityRow.id % share != 0))
    empty_log(store)
    return leads(store)


def empty_log(store: Store) -> None:
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()


def leads(store: Store) -> set[str]:
    with store.reading() as session:
        return set(session.scalars(select(ActivityRow.lead_id)))


def make_older(file: Path) -> None:
    """As stores were before space could be given back page by page."""
    with closing(sqlite3.connect(file)) as found:
        found.execute("PRAGMA journal_mode=DELETE").close()
        found.execute("PRAGMA auto_vacuum=NONE").close()
        found.execute("VACUUM").close()


@pytest.mark.parametrize("older", [False, True])
def test_space_of_removed_rows_is_given_back_and_no_row_is_lost(tmp_path: Path, older: bool) -> None:
    file = tmp_path / "store.sqlite"
    store = open_store(None, tmp_path)
    if older:
        store.close()
        make_older(file)
        store = open_store(None, tmp_path)
    for turn in range(2):  # the second time page by page, whatever it was made as
        fill(store, turn * ROWS, ROWS)
        kept, size = thin_out(store, 10), file.stat().st_size
        freed = give_back_space(store)
        assert file.stat().st_size == size - freed < 0.4 * size
        assert leads(store) == kept
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_store_of_which_little_is_free_stays_as_it_is(tmp_path: Path) -> None:
    store, file = open_store(None, tmp_path), tmp_path / "store.sqlite"
    assert give_back_space(store) == 0
    fill(store, 0, ROWS)
    with store.writing() as session:
        session.execute(delete(ActivityRow).where(ActivityRow.id <= ROWS // 6))
    empty_log(store)
    before = file.read_bytes()
    assert give_back_space(store) == 0 and file.read_bytes() == before
    store.close()


def test_a_store_that_the_disk_does_not_hold_twice_is_not_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(None, tmp_path).close()
    make_older(tmp_path / "store.sqlite")
    store = open_store(None, tmp_path)
    fill(store, 0, ROWS)
    kept, size = thin_out(store, 10), (tmp_path / "store.sqlite").stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(size))
    assert give_back_space(store) == 0 and leads(store) == kept
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(3 * size))
    assert give_back_space(store) > 0 and leads(store) == kept
    store.close()


def test_who_reads_or_writes_meanwhile_goes_on(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    fill(store, 0, ROWS)
    kept = thin_out(store, 10)
    written = threading.Event()

    def write() -> None:
        for k in range(20):
            fill(store, ROWS + k, 1)
        written.set()

    with store.reading_one_moment() as session:
        seen = session.scalar(select(func.count()).select_from(ActivityRow))
        writer = threading.Thread(target=write)
        writer.start()
        give_back_space(store)
        writer.join(timeout=60)
        assert session.scalar(select(func.count()).select_from(ActivityRow)) == seen == len(kept)
    assert written.is_set() and leads(store) == kept | {f"lead {ROWS + k}" for k in range(20)}
    store.close()
