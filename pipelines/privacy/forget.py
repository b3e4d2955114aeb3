"""Forgetting a person: a mark against their return first, then every file of the data directory, the tables last.

Killed at any moment, the next ``forget`` ends what was begun: whom it is about lies in ``privacy/unfinished.json``,
readable by the user alone, until nothing else holds them.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.snapshots_record import SnapshotsRecord
from pipelines.artifacts.tracking_record import TrackRecord
from pipelines.ingest.reading.fetch import get_data
from pipelines.privacy.corrected_counts import correct_counts
from pipelines.privacy.erase_files import (
    NOBODY,
    Erased,
    erase_from_file,
    files_below,
    holds_person,
    rows_of_person,
    short_ids,
)
from pipelines.privacy.person import Person, find_person, lead_columns
from pipelines.privacy.seen_rows import erase_from_seen
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.snapshot_store import moment_of, read_changes, read_snapshots, write_part, write_record
from pipelines.tracking.mlflow_client import is_on_server
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.lock import who_runs_this
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import (
    FOLDER,
    FORGOTTEN,
    add_to_register,
    folder_of,
    read_register,
)

UNFINISHED, DONE = "unfinished.json", "forgotten.json"
_OURS_NOT = ("raw", "serving", "bundles", FOLDER)  # the source's files, the server's (erased by it), models
_WATERFALL = "waterfall_"
_MODELS = ("bundle", "code")  # of models in MLflow: bundles hold nobody, and the code is this package's own
_PLAIN = (".csv", ".txt", ".tsv", ".json", ".jsonl")  # files whose bytes are their text
EraseElsewhere = Callable[[Person, str, bool], Sequence["Place"]]


@dataclass(frozen=True)
class Place:
    """Somewhere the person stood: where, how many rows or places, and what was (or would be) done."""

    where: str
    count: int
    done: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"where": self.where, "count": self.count, "done": self.done}


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What forgetting a person came to.

    Parameters
    ----------
    marks : beginnings of the keyed hashes under which they are left out from now on
    places : where they stood, and what was done there
    not_ours : files and systems that hold them and are not leadscore's to change, and what is to be done there
    notes : addresses they share with others, and what is left to say
    """

    leads: int
    marks: tuple[str, ...]
    places: tuple[Place, ...]
    not_ours: tuple[str, ...]
    notes: tuple[str, ...]
    dry_run: bool

    def record(self) -> dict[str, Any]:
        """JSON-ready; it names nobody."""
        return {
            "dry_run": self.dry_run,
            "leads": self.leads,
            "marks": list(self.marks),
            "places": [place.record() for place in self.places],
            "not_ours": list(self.not_ours),
            "notes": list(self.notes),
        }


def forget_person(
    context: Context, named: str, erase_elsewhere: EraseElsewhere, *, dry_run: bool = False, many: bool = False
) -> Forgotten:
    """Forget the person behind a lead's id or a mail address; the caller holds the source's lock.

    Parameters
    ----------
    erase_elsewhere : takes the person out of the server's store; given the person, a mark and whether it is a rehearsal

    Raises
    ------
    UnknownPersonError, ContractError : see :func:`find_person`; nothing was changed then
    """
    paths, source = context.paths, context.source
    unfinished = folder_of(paths.root) / UNFINISHED
    person = find_person(source, paths, named, many=many)
    not_ours = _not_ours(context, person)
    if dry_run:
        return _rehearse(context, person, not_ours, erase_elsewhere)
    write_json(unfinished, {"leads": sorted(person.lead_ids), "addresses": sorted(person.addresses),
                            "texts": sorted(person.texts), "shared": sorted(person.shared)})  # fmt: skip
    return _finish(context, person, not_ours, erase_elsewhere)


def finish_forgetting(context: Context, erase_elsewhere: EraseElsewhere, *, dry_run: bool = False) -> Forgotten | None:
    """End what a killed ``forget`` left undone; None where there is nothing. The caller holds the source's lock."""
    file = folder_of(context.paths.root) / UNFINISHED
    if not file.exists():
        return None
    left = read_json(file)
    person = Person(*(frozenset(left[name]) for name in ("leads", "addresses", "texts", "shared")))
    not_ours = _not_ours(context, person)
    if dry_run:
        return _rehearse(context, person, not_ours, erase_elsewhere)
    return _finish(context, person, not_ours, erase_elsewhere)


def is_forgotten(context: Context, named: str) -> bool:
    """Whether this id or address is one that is left out for good."""
    return FORGOTTEN in read_register(context.paths.root).asks_of(named)


def _rehearse(context: Context, person: Person, not_ours: Sequence[str], erase_elsewhere: EraseElsewhere) -> Forgotten:
    places = [*erase_elsewhere(person, "", True), *_erase_everywhere(context, person, alias=NOBODY, dry_run=True)]
    return _outcome(person, (), places, not_ours, dry_run=True)


def _finish(context: Context, person: Person, not_ours: Sequence[str], erase_elsewhere: EraseElsewhere) -> Forgotten:
    root = context.paths.root
    register = add_to_register(root, FORGOTTEN, person.lead_ids, person.addresses, who_runs_this())
    marks = tuple(
        name[:16]
        for name in (*map(register.hash_lead, sorted(person.lead_ids)),
                     *map(register.hash_address, sorted(person.addresses)))
    )  # fmt: skip
    places = list(erase_elsewhere(person, marks[0], False))
    places += _erase_everywhere(context, person, alias=f"{NOBODY}{secrets.token_hex(6)}", dry_run=False)
    done = _outcome(person, marks, places, not_ours, dry_run=False)
    _remember(root, done)
    (folder_of(root) / UNFINISHED).unlink()
    return done


def _remember(root: Path, done: Forgotten) -> None:
    """That it happened: when, by whom, under which marks, how much; never who."""
    file = folder_of(root) / DONE
    known = read_json(file)["forgotten"] if file.exists() else []
    entries = read_register(root).entries
    at = max((entry["at"] for entry in entries.values()), default="")
    counts = {place.where: place.count for place in done.places}
    now = {"at": at, "by": who_runs_this(), "marks": done.marks, "counts": counts}
    write_json(file, {"version": 1, "forgotten": [*known, now]})


def _outcome(
    person: Person, marks: tuple[str, ...], places: Sequence[Place], not_ours: Sequence[str], *, dry_run: bool
) -> Forgotten:
    notes = []
    if person.shared:
        notes.append(
            f"{len(person.shared)} mail address(es) of this lead belong to other leads too and are no mark against a "
            "return; name the address itself if all of them are the person."
        )
    if short_ids(person):
        notes.append(
            "an id this short cannot be told from other numbers in running text: pages written before may show it; run "
            "'leadscore report' to write them anew."
        )
    notes.append(
        "bundles hold no row of anybody: counts, averages and level names over many leads. They stay; '--retrain' "
        "learns them anew without this person."
    )
    return Forgotten(
        leads=len(person.lead_ids),
        marks=marks,
        places=tuple(places),
        not_ours=tuple(not_ours),
        notes=tuple(notes),
        dry_run=dry_run,
    )


def _erase_everywhere(context: Context, person: Person, *, alias: str, dry_run: bool) -> list[Place]:
    """Every file of the source and MLflow's files of it; the tables of ingest last, as they say who it is."""
    paths = context.paths
    places = _erase_snapshots(context.source, paths, person, dry_run=dry_run)
    places += [_place(erased, paths) for erased in erase_from_seen(paths, person, dry_run=dry_run)]
    ingest = [path for path in files_below(paths.ingest) if path.name != "counts.json"]
    others = [path for path in files_below(paths.root, skip=_OURS_NOT) if _is_searched(path, paths)]
    tracked = list(files_below(paths.data_dir / "mlartifacts" / paths.source, skip=_MODELS))
    headers = lead_columns(context.source)
    for path in (*others, *tracked, *ingest):
        erased = erase_from_file(path, person, alias=alias, dry_run=dry_run, headers=headers)
        if erased is not None:
            places.append(_place(erased, paths))
            if path.name == "report.html" and path.is_relative_to(paths.data_dir / "mlartifacts"):
                places += _remove_waterfalls(path.parent.parent, paths, dry_run=dry_run)
    if not dry_run and CountsRecord.exists(paths):
        erase_from_file(CountsRecord.path(paths), person, alias=alias, dry_run=False)
        correct_counts(paths, FORGOTTEN)
    return places


def _is_searched(path: Path, paths: Paths) -> bool:
    """Files of the runs; tables of ingest and snapshots have their own turn, bundles hold nobody."""
    if path.is_relative_to(paths.ingest) or path.parent.name in ("bundle", "twin", "points"):
        return False
    return not path.is_relative_to(paths.snapshots) or path.parent.name == "left_out"


def _place(erased: Erased, paths: Paths) -> Place:
    return Place(str(erased.file.relative_to(paths.data_dir)), erased.count, erased.how)


def _remove_waterfalls(run: Path, paths: Paths, *, dry_run: bool) -> list[Place]:
    """Pictures of single leads of a run whose report showed the person: earlier versions wrote ids into them."""
    found = [path for path in files_below(run) if path.name.startswith(_WATERFALL) and path.suffix == ".png"]
    for path in found if not dry_run else ():
        path.unlink()
    return [Place(str(path.relative_to(paths.data_dir)), 1, "file removed") for path in found]


def _erase_snapshots(source: Source, paths: Paths, person: Person, *, dry_run: bool) -> list[Place]:
    """Every version of every row of the person's, in the files of changes, which are written anew under new names."""
    record = read_snapshots(paths)
    places: list[Place] = []
    made = dict(record.exports)
    for export, history in record.exports.items():
        parts = read_changes(paths, export, list(history.snapshots))
        named = lead_columns(source, history.key)
        keys = {str(key) for part in parts for key in part[KEY][rows_of_person(part, person, named)]}
        if not keys:
            continue
        count, snapshots = 0, []
        for part, snapshot in zip(parts, history.snapshots, strict=True):
            hit = part[KEY].astype("str").isin(keys).to_numpy(dtype=bool)
            count += int(hit.sum())
            if hit.any() and not dry_run:
                name = write_part(paths, export, moment_of(snapshot), part[~hit].reset_index(drop=True))
                snapshot = snapshot.model_copy(update={"part": name})
            snapshots.append(snapshot)
        made[export] = history.model_copy(update={"snapshots": tuple(snapshots)})
        places.append(Place(f"{paths.source}/snapshots/{export}", count, "rows removed"))
    if places and not dry_run:
        write_record(paths, SnapshotsRecord(exports=made))
    return places


def _not_ours(context: Context, person: Person) -> list[str]:
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
    others = [
        folder.name
        for folder in sorted(paths.data_dir.iterdir())
        if folder.is_dir() and folder.name != paths.source and (folder / "ingest").is_dir()
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
    found.append("files written with --out, downloaded exports, and backups: leadscore does not know of them.")
    return found


def _source_files(context: Context) -> dict[str, Path]:
    """The source's files as far as they can be found without fetching anything."""
    from features.errors import LeadScoreError

    try:
        return dict(get_data(context.source, context.paths, download=False))
    except LeadScoreError:
        return {}
