"""Scanner clicks: what e-mail security software does within seconds of a send, or all links of a mail at once."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.array_types import Ints
from features.compiled_kernels import kernel
from features.kernel.program import BotRole
from features.point_in_time.visibility import UNKNOWN, SortedRows
from features.schema.source import BotFilter

PRONE, SEND = int(BotRole.PRONE), int(BotRole.SEND)
NOT_YET = UNKNOWN


class BotBorders(NamedTuple):
    """The declared filter in microseconds."""

    after_send: int
    burst: int
    burst_count: int

    @classmethod
    def of(cls, declared: BotFilter) -> "BotBorders":
        """Borders of a source's declaration."""
        return cls(round(declared.seconds_after_send * 1e6), round(declared.burst_seconds * 1e6), declared.burst_count)


@kernel
def _by_member_and_time(rows: Ints, member: Any, happened: Ints) -> Ints:
    by_time = rows[np.argsort(happened[rows], kind="mergesort")]
    return by_time[np.argsort(member[by_time], kind="mergesort")]


@kernel
def _after_send(prone: Ints, sends: Ints, member: Any, happened: Ints, seconds: int, bot_by: Ints) -> None:
    first = 0
    for row in prone:
        while first < sends.size and (
            member[sends[first]] < member[row]
            or (member[sends[first]] == member[row] and happened[sends[first]] < happened[row] - seconds)
        ):
            first += 1
        s = first
        while s < sends.size and member[sends[s]] == member[row] and happened[sends[s]] <= happened[row]:
            bot_by[row] = min(bot_by[row], max(row, sends[s]))
            s += 1


@kernel
def _bursts(prone: Ints, member: Any, happened: Ints, span: int, count: int, bot_by: Ints) -> None:
    """Rows join in the order they become known; each marks the bursts it completes."""
    present = np.zeros(prone.size, dtype=np.bool_)
    near = np.empty(prone.size, dtype=np.int64)
    for place in np.argsort(prone, kind="mergesort"):
        row = prone[place]
        present[place] = True

        low = place
        while low > 0 and member[prone[low - 1]] == member[row] and happened[prone[low - 1]] >= happened[row] - span:
            low -= 1

        found = 0
        k = low
        while k < prone.size and member[prone[k]] == member[row] and happened[prone[k]] <= happened[row] + span:
            if present[k]:
                near[found] = prone[k]
                found += 1
            k += 1

        for first in range(found - count + 1):
            last = first + count - 1
            if happened[near[last]] - happened[near[first]] <= span:
                for m in range(first, last + 1):
                    bot_by[near[m]] = min(bot_by[near[m]], row)


class _ClickRows(NamedTuple):
    """Sorted rows of all entities: what kind of row each is, and whose."""

    starts: Ints
    happened: Ints
    role: Ints
    row_class: Any
    member: Any


@kernel
def flag_kernel(rows: _ClickRows, borders: BotBorders, bot_by: Ints) -> None:
    """Write for every row which rule calls it a scanner's click; entity by entity."""
    starts, happened, role, row_class, member = rows
    seconds, span, count = borders
    for e in range(starts.size - 1):
        low, high = starts[e], starts[e + 1]
        n_prone = 0
        n_sends = 0
        for r in range(low, high):
            n_prone += role[row_class[r]] == PRONE
            n_sends += role[row_class[r]] == SEND
        if n_prone == 0 or (n_sends == 0 and n_prone < count):
            continue

        prone = np.empty(n_prone, dtype=np.int64)
        sends = np.empty(n_sends, dtype=np.int64)
        p = 0
        s = 0
        for r in range(low, high):
            if role[row_class[r]] == PRONE:
                prone[p] = r
                p += 1
            elif role[row_class[r]] == SEND:
                sends[s] = r
                s += 1

        prone = _by_member_and_time(prone, member, happened)
        _after_send(prone, _by_member_and_time(sends, member, happened), member, happened, seconds, bot_by)
        _bursts(prone, member, happened, span, count, bot_by)


def bot_rows(
    rows: SortedRows, row_class: npt.NDArray[np.int32], role: Ints, member: npt.NDArray[np.int32], borders: BotBorders
) -> Ints:
    """Per sorted row the row from whose visibility on it counts as a scanner's; :data:`NOT_YET` if never.

    A bot-prone row of one lead (``member``) is a scanner's if it happened at most ``after_send`` after a send to
    that lead, or lies in a span of ``burst`` with at least ``burst_count`` such rows, judged on visible rows
    alone: what makes it a scanner's may become known after the click itself.
    """
    bot_by = np.full(rows.happened_at.size, NOT_YET, dtype=np.int64)
    flag_kernel(_ClickRows(rows.starts, rows.happened_at, role, row_class, member), borders, bot_by)
    return bot_by
