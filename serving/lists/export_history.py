"""What was handed over under a name: an export that holds only what changed since the last one."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from serving.auth.api_keys import Caller
from serving.lists.export import Form, heading, rank, written
from serving.problems import ConflictError
from serving.state.clock import wall_now
from serving.store.engine import Store
from serving.store.tables import AuditRow, HandedRow, Ledger

_IN_MEMORY = 8 * 2**20
_AT_ONCE = 500  # ids in one statement
_COUNTED = ("score", "state", "grade", "next_action", "question")


@dataclass(frozen=True)
class Handed:
    """A file, how many leads it holds, and the number of the export, from 1."""

    file: IO[bytes]
    rows: int
    number: int


def hand_over(
    store: Store, caller: Caller, name: str, rows: Iterable[Mapping[str, Any]], form: Form, from_state: str | None,
    *, again: bool,
) -> Handed:  # fmt: skip
    """Write the leads that are new under a name or whose score, state, grade, next action or question moved since it
    last got them, and keep that they were handed over.

    Leads below ``from_state`` are left out, but one that was handed over from there up is told of its fall.
    ``again``: what the last export held is written once more, as when its file never arrived; that is an export
    too, so asked again it gives the same.

    Raises
    ------
    ConflictError : another export of this name ended meanwhile
    """
    ledger = f"{caller.owner or ''}/{name}"
    with store.reading() as session:
        last = _exports(session, ledger)  # before the rows: an export that ends in between is a conflict below
        found = session.execute(
            select(HandedRow.lead_id, HandedRow.mark, HandedRow.state, HandedRow.number).where(
                HandedRow.ledger == ledger
            )
        )
        kept = {lead_id: (mark, state, number) for lead_id, mark, state, number in found}
    number = last + 1
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    file.write(heading(form).encode())
    new: dict[str, dict[str, Any]] = {}
    for row in rows:
        lead_id = str(row["lead_id"])
        mark, state, then = kept.get(lead_id, ("", "", None))
        repeat = again and then == last
        if not repeat and max(rank(row["state"]), rank(state)) < rank(from_state):
            continue
        now = _mark(row, form)
        if (now == mark and not repeat) or lead_id in new:  # rescored while the list was read, a lead may come twice
            continue
        file.write(written(row, form).encode())
        new[lead_id] = {"ledger": ledger, "lead_id": lead_id, "mark": now, "state": row["state"], "number": number}
    with store.writing() as session:
        store.hold(session, f"export:{ledger}")
        if _exports(session, ledger) != last:
            file.close()
            raise ConflictError(f"Another export '{name}' ended meanwhile; ask again for what changed since.")
        session.merge(Ledger(ledger=ledger, exports=number))
        ids = [lead_id for lead_id in new if lead_id in kept]
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            session.execute(delete(HandedRow).where(HandedRow.ledger == ledger, HandedRow.lead_id.in_(part)))
        if new:
            session.execute(insert(HandedRow), list(new.values()))
        detail = {"rows": len(new), "number": number, "form": form}
        session.add(AuditRow(at=wall_now(), actor=caller.logged, action="export", subject=name, detail=detail))
    file.seek(0)
    return Handed(file, len(new), number)


def _exports(session: Session, ledger: str) -> int:
    return session.scalar(select(Ledger.exports).where(Ledger.ledger == ledger)) or 0


def _mark(row: Mapping[str, Any], form: Form) -> str:
    """The same for rows that no one would import twice."""
    return hashlib.sha256(repr((form, [row[name] for name in _COUNTED])).encode()).hexdigest()[:32]
