"""A person taken out of every file of a source and of MLflow's files of it; what says who it is goes last."""

from dataclasses import replace
from pathlib import Path

from features.matrix import NOBODY
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.snapshots_record import SnapshotsRecord
from pipelines.privacy.corrected_counts import correct_counts
from pipelines.privacy.elsewhere import Place
from pipelines.privacy.erase_files import Erased, erase_from_file, files_below, rows_of_person
from pipelines.privacy.erase_kept import OnePerson, erase_from_kept
from pipelines.privacy.erase_quarantine import SET_APART, erase_from_quarantine, texts_shown
from pipelines.privacy.kept_tables import FOLDER as KEPT
from pipelines.privacy.person import Person
from pipelines.privacy.seen_rows import erase_from_seen
from pipelines.snapshots.declared_exports import columns_of_export, find_export
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.snapshot_store import moment_of, read_changes, read_snapshots, write_part, write_record
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.addresses_in_texts import hide_in_frame
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns
from pipelines.workspace.people.register import FOLDER, FORGOTTEN

_OURS_NOT = ("raw", "serving", "bundles", KEPT, FOLDER)  # the source's files, the server's, models; kept/ in its turn
_WATERFALL = "waterfall_"
_MODELS = ("bundle", "code")  # of models in MLflow: bundles hold nobody, and the code is this package's own


def erase_everywhere(context: Context, person: Person, *, alias: str = NOBODY, dry_run: bool) -> list[Place]:
    """Every file of the source and MLflow's files of it; last what says who it is: tables of ingest, then quarantine.

    ``alias`` is the number under which rows of figures stay that must keep their place.
    """
    paths = context.paths
    shown = [texts_shown(folder, context.source, person) for folder in _quarantines(paths)]
    person = replace(person, texts=person.texts.union(*shown))
    places = _erase_snapshots(context.source, paths, person, dry_run=dry_run)
    places += [_place(erased, paths) for erased in erase_from_seen(paths, person, dry_run=dry_run)]
    kept = erase_from_kept(context.source, paths, OnePerson(person), dry_run=dry_run)
    places += [_place(erased, paths) for erased in kept]
    apart = {folder / name for folder in _quarantines(paths) for name in SET_APART}
    ingest = [path for path in files_below(paths.ingest) if path.name != "counts.json"]
    others = [path for path in files_below(paths.root, skip=_OURS_NOT) if _is_searched(path, paths)]
    tracked = list(files_below(paths.data_dir / "mlartifacts" / paths.source, skip=_MODELS))
    for path in (one for one in (*others, *tracked, *ingest) if one not in apart):
        if path.name == "report.html" and path.is_relative_to(paths.data_dir / "mlartifacts"):
            places += _remove_waterfalls(path, person, paths, dry_run=dry_run)
        columns = _columns_of(path, context.source)
        erased = erase_from_file(path, person, alias=alias, dry_run=dry_run, columns=columns)
        places += [] if erased is None else [_place(erased, paths)]
    if not dry_run and CountsRecord.exists(paths):
        erase_from_file(CountsRecord.path(paths), person, alias=alias, dry_run=False)
    for folder in _quarantines(paths):  # after all that is told by its rows
        gone = erase_from_quarantine(folder, context.source, person, alias=alias, dry_run=dry_run)
        places += [_place(erased, paths) for erased in gone]
    if not dry_run and CountsRecord.exists(paths):
        correct_counts(paths, FORGOTTEN)
    return places


def _quarantines(paths: Paths) -> tuple[Path, Path]:
    """Folders with rows that were set apart."""
    return paths.ingest, paths.refused


def _columns_of(path: Path, source: Source) -> NamingColumns:
    """What the columns of a file stand for: those of its table where it is named after one."""
    export = path.stem.rsplit("-", 1)[0] if path.parent.name == "left_out" else path.stem
    return naming_columns(source, [export] if export in source.tables else ())


def _is_searched(path: Path, paths: Paths) -> bool:
    """Files of the runs; tables of ingest and snapshots have their own turn, bundles hold nobody."""
    if path.is_relative_to(paths.ingest) or path.parent.name in ("bundle", "twin", "points"):
        return False
    return not path.is_relative_to(paths.snapshots) or path.parent.name == "left_out"


def _place(erased: Erased, paths: Paths) -> Place:
    return Place(str(erased.file.relative_to(paths.data_dir)), erased.count, erased.how)


def _remove_waterfalls(report: Path, person: Person, paths: Paths, *, dry_run: bool) -> list[Place]:
    """Pictures of single leads of a run whose report shows the person: earlier versions wrote ids into them.

    They go before the report, which tells a later call whether they are to go.
    """
    if erase_from_file(report, person, alias=NOBODY, dry_run=True) is None:
        return []
    run = report.parent.parent
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
        named = columns_of_export(source, find_export(source, export), history.key)
        keys = {str(key) for part in parts for key in part[KEY][rows_of_person(part, person, named)]}
        count, hidden, snapshots = 0, 0, []
        for part, snapshot in zip(parts, history.snapshots, strict=True):
            hit = part[KEY].astype("str").isin(keys).to_numpy(dtype=bool)
            left, mentions = hide_in_frame(part[~hit].reset_index(drop=True), person.hide_addresses, named.staff)
            count, hidden = count + int(hit.sum()), hidden + mentions
            if (hit.any() or mentions) and not dry_run:
                name = write_part(paths, export, moment_of(snapshot), left)
                snapshot = snapshot.model_copy(update={"part": name})
            snapshots.append(snapshot)
        made[export] = history.model_copy(update={"snapshots": tuple(snapshots)})
        where = f"{paths.source}/snapshots/{export}"
        places += [Place(where, count, "rows removed")] if count else []
        places += [Place(where, hidden, "places blanked")] if hidden else []
    if places and not dry_run:
        write_record(paths, SnapshotsRecord(exports=made))
    return places
