"""The server's store and files as commands on the machine find them, where a server ever ran."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from features.schema.source import Source
from pipelines.posted.posted_store import STORE_FOLDER, describe_other_store, find_store, is_told_of, name_store
from pipelines.privacy.elsewhere import Place
from pipelines.privacy.erase_files import rows_of_person
from pipelines.privacy.person import Person
from pipelines.workspace.context import Context
from pipelines.workspace.lock import who_runs_this
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.table_files import records_of
from serving.privacy.erase_store import erase_from_store
from serving.privacy.first_run_files import erase_first_runs, name_first_runs
from serving.privacy.sent_files import read_sent_leads, with_ids
from serving.store.audit_trail import record_action
from serving.store.engine import Store, open_store


@dataclass(frozen=True)
class ServerOf:
    """What the server of a source holds: its stores, uploads, and the files of first runs in the browser.

    Parameters
    ----------
    store_url : a store by its address; None for the one of the environment, where it is of this source, and the one
        below the data directory
    left_out : what was said of each store that was opened and holds damaged rows
    """

    source: Source
    paths: Paths
    store_url: str | None = None
    left_out: dict[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, context: Context, store_url: str | None = None) -> "ServerOf":
        """Of a command's source."""
        return cls(context.source, context.paths, store_url)

    @contextmanager
    def stores(self) -> Iterator[list[Store]]:
        """Every store that there is, the one in use first; none of its sessions reads what is damaged."""
        opened = [
            open_store(place, self.paths.root) if isinstance(place, str) else open_store(None, place.parent)
            for place in self._places()
        ]
        try:
            for place, store in zip(self._places(), opened, strict=True):
                store.damaged.look()
                self.left_out[name_store(place)] = store.damaged.describe()
            yield opened
        finally:
            for store in opened:
                store.close()

    def read_leads(self) -> Sequence[pd.DataFrame]:
        """Rows of uploads."""
        return [frame for folder in self._upload_folders() for frame in read_sent_leads(folder)]

    def sent_rows(self, person: Person) -> list[dict[str, Any]]:
        """Rows of uploads that are the person's, as they were sent."""
        columns, found = naming_columns(self.source, ["leads"]), []
        person = replace(person, lead_ids=person.marked_ids)
        for frame in self.read_leads():
            found += records_of(frame[rows_of_person(frame, person, with_ids(frame, columns))])
        return found

    def erase(self, person: Person, mark: str, *, dry_run: bool) -> Sequence[Place]:
        """Take the person out of stores, uploads, and files of first runs that nothing is made of."""
        columns, places = naming_columns(self.source, ["leads"]), []
        options: dict[str, Any] = {"dry_run": dry_run, "source": self.source, "actor": who_runs_this() or "forget"}
        with self.stores() as stores:
            for number, store in enumerate(stores):
                for uploads in self._upload_folders() if number == 0 else ():
                    places += erase_from_store(store, uploads, person, mark, **options)
                if number:
                    nothing = self.paths.root / "no-uploads"
                    places += erase_from_store(store, nothing, person, mark, **options)
        return [*places, *erase_first_runs(self.paths.data_dir, self.source, person, columns, dry_run=dry_run)]

    def describe(self) -> str:
        """Which stores were looked at."""
        shown = ", ".join(map(name_store, self._places()))
        other = describe_other_store(self.paths)
        if shown:
            left_out = " ".join(dict.fromkeys(filter(None, self.left_out.values())))
            return " ".join(filter(None, (f"the server's store that was looked at: {shown}.", left_out, other)))
        if other:
            return f"no server's store was looked at. {other}"
        return (
            "no server's store was found. If a server of this source keeps its store elsewhere, name it: --store-url, "
            "or its LEADSCORE_SERVE_STORE_URL or _STATE_DIR with LEADSCORE_SERVE_SOURCE."
        )

    def name_files(self, person: Person) -> Sequence[str]:
        """Files of first runs that hold the person and that a source's data were made from."""
        columns = naming_columns(self.source, ["leads"])
        return name_first_runs(self.paths.data_dir, self.source, person, columns)

    def note_in_trail(self, action: str, leads: Sequence[str]) -> None:
        """Add what a command did about leads to the audit trail, where a server ever ran."""
        with self.stores() as stores:
            for store in stores[:1]:
                with store.writing() as session:
                    for lead in leads:
                        record_action(session, who_runs_this() or "somebody", action, lead, {"by": "command line"})

    def _places(self) -> list[Path | str]:
        """The store that was named or is in use, and one that an earlier server left below the data directory."""
        first, left = self.store_url or find_store(self.paths), self.paths.root / "serving" / "store.sqlite"
        found = [] if first is None else [first]
        return [*found, left] if left.exists() and left != first and first != f"sqlite:///{left}" else found

    def _upload_folders(self) -> list[Path]:
        """Where the server keeps the files that were sent to it."""
        told = os.environ.get(STORE_FOLDER) if is_told_of(self.paths) else None
        folders = [Path(told)] if told else []
        return [folder / "uploads" for folder in dict.fromkeys([*folders, self.paths.root / "serving"])]


def open_or_make(paths: Paths, store_url: str | None) -> tuple[Store, str]:
    """The store that a server of the source uses, or will; and what to say of one that the environment names."""
    if store_url is not None:
        return open_store(store_url, paths.root), ""
    place = find_store(paths)
    if isinstance(place, str):
        return open_store(place, paths.root), ""
    told = os.environ.get(STORE_FOLDER) if is_told_of(paths) else None
    return open_store(None, Path(told) if told else paths.root / "serving"), describe_other_store(paths)
