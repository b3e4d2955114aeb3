"""Files of leads to score: accepted, scored behind the requests, kept until they are fetched."""

import contextlib
import secrets
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from features.assembly.flat_outcomes import are_row_numbers
from features.errors import LeadScoreError
from features.spreadsheet_cells import unguard_text
from pipelines.workspace.atomic_files import copy_stream, hash_stream, read_json, read_parquet_names, write_json
from pipelines.workspace.people.addresses_in_texts import HIDDEN
from serving.auth.api_keys import Caller
from serving.http.shown_leads import note_shown
from serving.leads.feedback import read_all_standing
from serving.leads.upload_claims import hold_taken, name_take, update_taken
from serving.leads.writes import run_once
from serving.logs import logger, traceback_places
from serving.problems import ConflictError, InvalidError, NotFoundError
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.store.tables import Upload
from serving.store.wall_clock import wall_now

SUFFIXES = (".csv", ".parquet")
NOTES = "notes{}.json"  # of a scored file: the largest reasons of rows without a score, unseen values, a late moment
RESULT = "result{}"
# of rows as they lie unpacked on the disk: 2,000 of an export of 130 columns take 4 MiB, and a server, which holds them
# several times over while it scores, gives no memory back
BYTES_HERE = 8 << 20


def accept_upload(
    app_state: AppState, caller: Caller, name: str, content: BinaryIO, framework: str | None, key: str | None = None
) -> dict[str, Any]:
    """Store a file and queue it; only the suffix of its name is used, never the name itself."""
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidError("send a .csv or .parquet file.")
    if not content.read(1):
        raise InvalidError("the file is empty.")
    content.seek(0)
    digest = hash_stream(content)
    chosen = None if framework is None else app_state.framework(framework).name

    def work(session: Session) -> dict[str, Any]:
        number = secrets.token_hex(16)
        content.seek(0)
        copy_stream(upload_folder(app_state, number) / f"input{suffix}", content)
        row = Upload(id=number, caller=caller.identity, status="waiting", suffix=suffix, framework=chosen, rows=None)
        row.owner = caller.owner
        row.done, row.failed, row.error, row.created_at, row.finished_at = 0, 0, "", wall_now(), None
        session.add(row)
        session.flush()
        return upload_record(row)

    asked = {"upload": digest, "suffix": suffix, "framework": chosen}
    return run_once(app_state, caller, key, asked, work)


def upload_folder(app_state: AppState, number: str) -> Path:
    """Folder of an upload's files."""
    return app_state.folder / "uploads" / number


def upload_record(row: Upload) -> dict[str, Any]:
    """Progress of an upload."""
    return {
        "id": row.id,
        "status": row.status,
        "rows": row.rows,
        "done": row.done,
        "failed": row.failed,
        "error": row.error,
        "result": f"/v1/uploads/{row.id}/result" if row.status == "done" else None,
    }


def upload_progress(app_state: AppState, row: Upload) -> dict[str, Any]:
    """Progress of an upload; once it is done, also why rows have no score, which values training never saw, and
    whether all were scored long after the data cut-off.
    """
    notes = _find_file(app_state, row, NOTES)
    return upload_record(row) | (read_json(notes) if row.status == "done" and notes.exists() else {})


def find_upload(app_state: AppState, caller: Caller, number: str) -> Upload:
    """An upload of the caller; NotFoundError if it is not theirs or does not exist."""
    with app_state.store.reading() as session:
        row = session.get(Upload, number)
    if row is None or (row.caller != caller.identity and not caller.may(Scope.ADMIN)):
        raise NotFoundError("there is no such upload; send a file with POST /v1/uploads.")
    return row


def result_file(app_state: AppState, row: Upload) -> Path:
    """The scored file; ConflictError while there is none."""
    if row.status != "done":
        raise ConflictError(f"this upload is {row.status}; its result is available once it is done.")
    return _find_file(app_state, row, RESULT + row.suffix)


def note_scored_leads(app_state: AppState, file: Path) -> None:
    """Note the leads that a scored file names, so that the audit trail tells of them; a row's number names nobody."""
    if file.suffix == ".parquet":
        named = pd.read_parquet(file, columns=[name for name in read_parquet_names(file) if name == "lead_id"])
    else:
        named = pd.read_csv(file, usecols=lambda name: name == "lead_id", dtype="object", keep_default_na=False)
        named = named.map(unguard_text)
    ids = named.get("lead_id", pd.Series(dtype="object"))
    ids = ids[ids.notna() & (ids != "") & (ids != HIDDEN)]
    for lead in ids[~are_row_numbers(ids, app_state.context.source)]:
        note_shown(lead)


def _find_file(app_state: AppState, row: Upload, name: str) -> Path:
    """A file that scoring has written: it has the name of its take, but for one of an older version."""
    folder = upload_folder(app_state, row.id)
    named = _name_file(folder, row, name)
    return named if named.exists() else folder / name.format("")


def _name_file(folder: Path, row: Upload, name: str) -> Path:
    return folder / name.format(f".{name_take(row)}")


def score_upload(app_state: AppState, row: Upload, started: Callable[[subprocess.Popen[bytes]], None]) -> None:
    """Read a file in a process of its own, which ``started`` is told of, and score its leads; what fails is noted.

    What it writes has the name of this take: a server that has lost the upload meanwhile overwrites nothing.
    """
    # imported with the first file: the readers and their checks are a twentieth of the server's start
    from pipelines.artifacts.reading_record import ReadingRecord
    from pipelines.ingest.identity_files import read_merged_leads
    from pipelines.scoring.score_file import OffRecord
    from serving.children.bounded_child import ReaderBounds
    from serving.leads.upload_reader import read_upload
    from serving.leads.upload_scorer import Scoring, score_rows_apart, score_rows_here

    folder = upload_folder(app_state, row.id)
    out, notes = (_name_file(folder, row, name) for name in (RESULT + row.suffix, NOTES))
    found: dict[str, Any]
    holds_forgotten = False
    try:
        model = app_state.loaded.model
        reading = ReadingRecord.find(app_state.paths, model.folder)
        file, bounds = folder / f"input{row.suffix}", ReaderBounds.of(app_state.settings)
        with hold_taken(app_state, row) as ours:
            if not ours:
                return
            for pattern in ("read*.arrow", RESULT.format(".*"), NOTES.format(".*")):
                for left in folder.glob(pattern):  # of a server that was killed, or has lost the upload to this
                    left.unlink(missing_ok=True)
        with read_upload(file, app_state.context.source, reading, bounds, started, name_take(row)) as rows:
            if not update_taken(app_state, row, rows=len(rows)):
                return
            merged = read_merged_leads(app_state.paths)
            foreign = foreign_leads(app_state.loaded, row.owner, rows.lead_ids(), merged)
            asked = Scoring(
                rows=rows,
                out=out,
                bundle=model.folder,
                framework=row.framework,
                unknown=OffRecord(foreign, foreign_accounts(app_state.loaded, row.owner, rows.account_ids())),
                said=read_all_standing(app_state.store, app_state.loaded.data),
            )
            if len(rows) <= app_state.settings.upload_rows_here and rows.size <= BYTES_HERE:
                counts = score_rows_here(app_state.context, asked)
            else:
                counts = score_rows_apart(app_state.context, asked, app_state.settings, started)
        write_json(notes, {"reasons": counts.reasons, "unseen": counts.unseen, "late": counts.late})
        found = {"status": "done", "done": counts.done, "failed": counts.failed}
        holds_forgotten = counts.forgotten > 0
    except LeadScoreError as problem:
        found = {"status": "failed", "error": problem.message}
    except Exception as problem:  # nothing in a file may end the worker
        kind, places = type(problem).__name__, traceback_places(problem)
        logger().error("upload failed", upload=row.id, kind=kind, places=places)
        found = {"status": "failed", "error": "the file could not be scored; the log has the cause."}

    if update_taken(app_state, row, **found, finished_at=wall_now()):
        if holds_forgotten:  # nothing needs the file any more, and the result says nothing of them
            (folder / f"input{row.suffix}").unlink(missing_ok=True)
    else:
        for file in (out, notes):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()  # if it is empty, for it was removed meanwhile, and writing has made it anew


def foreign_leads(
    state: LoadedState, owner: str | None, lead_ids: Iterable[Any], merged: Mapping[str, str]
) -> frozenset[str]:
    """Ids of leads that are in the data, or were ``merged`` into one that is, and that the caller may not see."""
    if owner is None:
        return frozenset()
    codes = ((name, state.data.code(merged.get(name, name))) for name in map(str, lead_ids))
    return frozenset(name for name, code in codes if code >= 0 and not state.data.is_shown_to(code, owner))


def foreign_accounts(state: LoadedState, owner: str | None, account_ids: Iterable[str]) -> frozenset[str]:
    """Ids of accounts of which the caller may see no lead, whether they are in the data or not."""
    if owner is None or state.data.flat:
        return frozenset()
    own = np.unique(state.data.account_of[state.data.shown_to(owner)])
    return frozenset(account_ids) - {str(name) for name in state.data.account_ids[own[own >= 0]]}
