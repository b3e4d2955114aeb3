"""Which of the scores in the store a worklist shows: what was posted while it was loaded, or elsewhere, comes later."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from serving.state.worklist.ranked_worklist import Worklist
from serving.store.merged_feedback import MERGED
from serving.store.tables import AuditRow, ScoreRow

_AT_ONCE = 200  # scores caught up with by one request, which takes a fraction of a second; the next takes the rest
_READ_AT_ONCE = 2_000  # numbers of scores


class ShownScores:
    """The scores of a worklist, by their numbers in the store.

    Parameters
    ----------
    last : the newest score as the load began; what was posted up to then is in the worklist
    last_entry : the newest entry of the trail as the load began
    """

    def __init__(self, worklist: Worklist, last: int, last_entry: int = 0) -> None:
        self.catching_up = threading.Lock()  # held by the one request that catches up
        self._worklist, self._last, self._last_entry = worklist, last, last_entry
        self._own: set[int] = set()  # numbers of those scored under this very state
        self._newest: dict[str, int] = {}  # of each lead the newest of them
        self._lock = threading.Lock()

    @property
    def last(self) -> int:
        """The number of the score up to which the store was read."""
        return self._last

    def show_once_stored(self, session: Session, number: int, line: Mapping[str, Any]) -> None:
        """Show a lead's new row once the transaction that holds its score is through, and not before."""
        event.listen(session, "after_commit", lambda _: self._show(number, line), once=True)

    def _show(self, number: int, line: Mapping[str, Any]) -> None:
        name = str(line["lead_id"])
        with self._lock:
            if number > self._last:
                self._own.add(number)
            if self._newest.get(name, 0) < number:  # of two that end at once the later one holds
                self._newest[name] = number
                self._worklist.update_row(line)

    def find_missed(self, session: Session) -> tuple[int, list[str]]:
        """The number up to which the store was read, and the leads scored since under another state: by another server,
        or here while this state was loaded.
        """
        through, missed = self._last, list[str]()
        columns = select(ScoreRow.id, ScoreRow.lead_id, ScoreRow.origin).order_by(ScoreRow.id).limit(_READ_AT_ONCE)
        while rows := session.execute(columns.where(ScoreRow.id > through)).all():
            with self._lock:
                own = self._own.intersection(number for number, *_ in rows)
            for number, name, origin in rows:
                if len(missed) == _AT_ONCE:
                    return through, sorted(set(missed))
                through = int(number)
                if origin != "card" and number not in own:  # neither counts, or a busy server lagged
                    missed.append(str(name))
        return through, sorted(set(missed))

    def find_moved(self, session: Session) -> tuple[int, list[str]]:
        """The entry up to which the trail was read, and the leads whose rows went elsewhere since, or came from there:
        what is known of them is another without a new score.
        """
        newest = session.scalar(select(func.max(AuditRow.id))) or 0
        since = (AuditRow.id > self._last_entry, AuditRow.id <= newest, AuditRow.action == MERGED)
        entries = session.execute(select(AuditRow.subject, AuditRow.detail).where(*since)).all()
        return newest, sorted({name for lead, detail in entries for name in (lead, str(detail.get("merged", "")))})

    def take_over(self, through: int, lines: Sequence[Mapping[str, Any]], entry: int = 0) -> None:
        """Show the rows of missed leads, but for those of which something was posted here meanwhile."""
        with self._lock:
            older = [line for line in lines if self._newest.get(str(line["lead_id"]), 0) <= through]
            self._worklist.update_rows(older)
            self._last, self._last_entry = max(self._last, through), max(self._last_entry, entry)
            self._own = {number for number in self._own if number > self._last}
