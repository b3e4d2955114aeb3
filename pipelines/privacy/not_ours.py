"""What holds a person and is not leadscore's to change: named, with what is to be done there."""

from collections.abc import Sequence
from pathlib import Path

from features.errors import LeadScoreError
from pipelines.artifacts.tracking_record import TrackRecord
from pipelines.ingest.reading.fetch import get_data
from pipelines.privacy.erase_files import files_below, holds_person, short_ids
from pipelines.privacy.person import Person
from pipelines.tracking.mlflow_client import is_on_server
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths

_HELD = ("ingest", "refused", "kept", "snapshots", "serving/store.sqlite")  # of another source that holds people
_PLAIN = (".csv", ".txt", ".tsv", ".json", ".jsonl")  # files whose bytes are their text


def name_others(context: Context, person: Person, elsewhere: Sequence[str] = ()) -> list[str]:
    """What else holds the person: the source's own files and databases, other sources, copies that tools keep."""
    source, paths = context.source, context.paths
    found: list[str] = []
    for table, path in _source_files(context).items():
        files = [path] if path.is_file() else list(files_below(path))
        if any(holds_person(file, person) for file in files):
            found.append(f"{path} (table '{table}') holds them: delete the rows there, too.")
        elif short_ids(person) or any(file.suffix not in _PLAIN for file in files):
            found.append(f"{path} (table '{table}') may hold them: look there.")
    for table, declared in source.tables.items():
        location = declared.location
        if location is not None and location.database is not None:
            found.append(f"the database of table '{table}': delete the rows there, too; they are not read any more.")
    found += [
        f"{path}, an adopted rubric, names them: it is proven by its hash and stays as it is. If it is in force, adopt "
        "a version without the name ('leadscore rubric adopt'). The text goes only with its folder, and with it all "
        "versions adopted there."
        for path in rubrics_naming(paths, person)
    ]
    found += elsewhere
    others = [
        folder.name
        for folder in sorted(paths.data_dir.iterdir())
        if folder.is_dir() and folder.name != paths.source and any((folder / part).exists() for part in _HELD)
    ]
    if others:
        found.append(f"other sources of this data directory ({', '.join(others)}): forget them there, too.")
    if is_on_server() or (TrackRecord.exists(paths.track) and TrackRecord.read(paths.track).store == "server"):
        found.append(
            "the MLflow server: reports and promotions that were logged there name leads by id. Delete those runs, "
            "then run 'mlflow gc'."
        )
    if (Path.cwd() / ".dvc").is_dir():
        found.append("DVC's cache keeps earlier versions of the tables: run 'dvc gc --workspace', and at remotes.")
    found.append(
        "files written with --out, downloaded exports, and backups: leadscore does not know of them. Tables that "
        "'score --to' wrote lose them with its next write."
    )
    return found


def rubrics_naming(paths: Paths, person: Person) -> list[Path]:
    """Adopted rubrics, a file each, whose titles, reasons or notes name the person."""
    return [path for path in files_below(paths.rubrics) if path.suffix == ".yaml" and holds_person(path, person)]


def _source_files(context: Context) -> dict[str, Path]:
    """The source's files as far as they can be found without fetching anything."""
    try:
        return dict(get_data(context.source, context.paths, download=False))
    except LeadScoreError:
        return {}
