"""Files that were loaded in the browser: taken back where nothing is made of them, else named.

They lie beside all sources (``first-run/``), a folder for each time that files were sent.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import DataError, LeadScoreError
from features.schema.load_source import load_source
from features.schema.source import Source
from pipelines.privacy.elsewhere import Place
from pipelines.privacy.erase_files import erase_from_file, files_below
from pipelines.privacy.person import Person
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns
from serving.privacy.first_run_names import ATTEMPT, DECLARATION, FOLDER
from serving.privacy.sent_files import sent_file_holds

_AT_WORK = ("reading", "running")  # steps of an attempt


@dataclass(frozen=True)
class _Loaded:
    """Files that were sent at one time, those that hold the person, and the source that is made of them, if any."""

    folder: Path
    holding: tuple[Path, ...]
    made: str


def erase_first_runs(
    data_dir: Path, source: Source, person: Person, columns: NamingColumns, *, dry_run: bool
) -> list[Place]:
    """Files nothing was made of go as a whole, as uploads do; what was guessed of files loses what names the person."""
    places = []
    attempt = data_dir / FOLDER / ATTEMPT
    for loaded in _find(data_dir, source, person, columns):
        if not loaded.made:
            places.append(Place(str(loaded.folder.relative_to(data_dir)), len(loaded.holding), "files removed"))
            if not dry_run:
                shutil.rmtree(loaded.folder, ignore_errors=True)
                if _read_attempt(attempt).get("number") == loaded.folder.name:
                    attempt.unlink(missing_ok=True)
    erased = erase_from_file(attempt, person, alias="", dry_run=dry_run) if attempt.exists() else None
    return [*places, *([] if erased is None else [Place(f"{FOLDER}/{ATTEMPT}", erased.count, erased.how)])]


def name_first_runs(data_dir: Path, source: Source, person: Person, columns: NamingColumns) -> list[str]:
    """Files of first runs that a source was made of and that hold the person; the source's own are named elsewhere."""
    return [
        f"{file} (loaded in the browser, source '{loaded.made}') holds them: delete the rows there, and forget them in "
        f"that source, too: leadscore forget ... --source {loaded.folder / DECLARATION}"
        for loaded in _find(data_dir, source, person, columns)
        if loaded.made
        for file in loaded.holding
    ]


def _find(data_dir: Path, source: Source, person: Person, columns: NamingColumns) -> Iterator[_Loaded]:
    root = data_dir / FOLDER
    attempt = _read_attempt(root / ATTEMPT)
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        own = source.path is not None and source.path.resolve().parent == folder.resolve()
        if not folder.is_dir() or own:
            continue
        made, named = _source_of(folder, data_dir, columns)
        if attempt.get("number") == folder.name and attempt.get("step") in _AT_WORK:
            made = made or "being made"
        files = (path for path in files_below(folder) if path.name != DECLARATION)
        holding = tuple(path for path in files if sent_file_holds(path, person, named))
        if holding:
            yield _Loaded(folder, holding, made)


def find_made_source(folder: Path, data_dir: Path) -> str:
    """Name of the source whose data were made of the files in a folder, empty if none; a declaration that cannot be
    read may have been one.
    """
    try:
        declared = _read_declaration(folder)
    except LeadScoreError:
        return DECLARATION
    return declared.name if declared is not None and Paths(data_dir, declared.name).ingest.exists() else ""


def _source_of(folder: Path, data_dir: Path, columns: NamingColumns) -> tuple[str, NamingColumns]:
    """The source whose data were made of the files, if any, and what their headers stand for."""
    made = find_made_source(folder, data_dir)
    declared = None if made == DECLARATION else _read_declaration(folder)
    return made, columns if declared is None else naming_columns(declared, ["leads"])


def _read_declaration(folder: Path) -> Source | None:
    return load_source(folder / DECLARATION) if (folder / DECLARATION).exists() else None


def _read_attempt(file: Path) -> dict[str, Any]:
    with contextlib.suppress(DataError):
        found = read_json(file)
        return found if isinstance(found, dict) else {}
    return {}
