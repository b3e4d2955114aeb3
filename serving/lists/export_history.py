"""What was exported under a name: the next export holds only what changed since."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from serving.auth.api_keys import Caller
from serving.http.shown_leads import note_shown
from serving.lists.export import Form, format_heading, format_line, state_rank
from serving.problems import ConflictError
from serving.store.audit_trail import record_action
from serving.store.engine import Store, hold_lock
from serving.store.tables import ExportCount, ExportedLead

_IN_MEMORY = 8 * 2**20  # bytes; larger files go to disk
_IDS_PER_STATEMENT = 500  # below every engine's limit of parameters
_COMPARED = ("score", "state", "grade", "next_action", "question", "manual_points", "manual_state")
_QUIET: Mapping[str, Any] = {"next_action": "none"}  # what is told of a quiet lead once, whatever else moves
_COMPARED_UNSCORED = ("lead_list", "stage", "next_action")


@dataclass(frozen=True)
class ExportFields:
    """The form of a file and what it holds, each field with its heading."""

    form: Form
    fields: Mapping[str, str]


@dataclass(frozen=True)
class ExportRows:
    """Rows of the list; and, of leads that an earlier export held and the list does not, the rows of those that sales
    returned or that nobody may contact: the receiver hears once that nothing is advised any more.
    """

    listed: Iterable[Mapping[str, Any]]
    quiet: Callable[[Collection[str]], Iterable[Mapping[str, Any]]] = lambda _: ()


@dataclass(frozen=True)
class ExportFile:
    """A file, how many leads it holds, and the number of the export, from 1."""

    file: IO[bytes]
    rows: int
    number: int


def export_changes(
    store: Store, caller: Caller, name: str, rows: ExportRows, chosen: ExportFields,
    from_state: str | None, *, again: bool,
) -> ExportFile:  # fmt: skip
    """Write the leads that are new under a name or whose score, state, grade, next action or question moved since it
    last got them, and record the export.

    Leads below ``from_state`` are left out, but one that was exported at or above it is exported once more when it
    falls below.
    ``again``: what the last export held is written once more, because its file never arrived; that counts as an
    export too, so asking again gives the same.

    Raises
    ------
    ConflictError : another export of this name finished in the meantime
    """
    ledger = f"{caller.owner or ''}/{name}"
    with store.reading() as session:
        last = _count_exports(
            session, ledger
        )  # before the rows: an export that finishes in between is a conflict below
        exported = session.execute(
            select(ExportedLead.lead_id, ExportedLead.mark, ExportedLead.state, ExportedLead.number).where(
                ExportedLead.ledger == ledger
            )
        )
        kept = {lead_id: (mark, state, number) for lead_id, mark, state, number in exported}

    number = last + 1
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed once it is sent
    file.write(format_heading(chosen.fields).encode())
    new: dict[str, dict[str, Any]] = {}
    listed = set[str]()
    quiet = ((row, True) for row in _iterate_quiet(kept, listed, rows))
    for row, is_quiet in chain(((row, False) for row in rows.listed), quiet):
        lead_id = str(row["lead_id"])
        listed.add(lead_id)
        mark, state, then = kept.get(lead_id, ("", "", None))
        repeat = again and then == last
        if not repeat and max(state_rank(row.get("state")), state_rank(state)) < state_rank(from_state):
            continue
        now = _fingerprint(_QUIET if is_quiet else row, chosen.form)
        if now == mark and not repeat:
            continue
        note_shown(row["lead_id"])
        file.write(format_line(row, chosen.fields).encode())
        new[lead_id] = {"ledger": ledger, "lead_id": lead_id, "mark": now, "number": number}
        new[lead_id] |= {"state": row.get("state") or ""}

    with store.writing() as session:
        hold_lock(session, f"export:{ledger}")
        if _count_exports(session, ledger) != last:
            file.close()
            raise ConflictError(
                f"Another export '{name}' finished in the meantime; ask again for what has changed since."
            )
        session.merge(ExportCount(ledger=ledger, exports=number))
        ids = [lead_id for lead_id in new if lead_id in kept]
        for start in range(0, len(ids), _IDS_PER_STATEMENT):
            part = ids[start : start + _IDS_PER_STATEMENT]
            session.execute(delete(ExportedLead).where(ExportedLead.ledger == ledger, ExportedLead.lead_id.in_(part)))
        if new:
            session.execute(insert(ExportedLead), list(new.values()))
        detail = {"rows": len(new), "number": number, "form": chosen.form}
        record_action(session, caller.name, "export", name, detail)

    file.seek(0)
    return ExportFile(file, len(new), number)


def _iterate_quiet(kept: Collection[str], listed: Collection[str], rows: ExportRows) -> Iterator[Mapping[str, Any]]:
    """What there is to say of exported leads that the list did not hold; asked once the list was read."""
    yield from rows.quiet([name for name in kept if name not in listed])


def _count_exports(session: Session, ledger: str) -> int:
    return session.scalar(select(ExportCount.exports).where(ExportCount.ledger == ledger)) or 0


def _fingerprint(row: Mapping[str, Any], form: Form) -> str:
    """A hash that stays the same while nothing worth importing again has changed."""
    compared = _COMPARED if "score" in row else _COMPARED_UNSCORED
    return hashlib.sha256(repr((form, [row.get(name) for name in compared])).encode()).hexdigest()[:32]
