"""What the bot filter takes away: rows per kind, and the leads whose features it changes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints, Tables
from features.kernel.column_reader import FrameRows
from features.kernel.program import BotRole, Column, Item, Op, Part, TableProgram
from features.kernel.scanner_clicks import BotBorders, bot_rows
from features.kernel.sorting import BucketSort
from features.kernel.table_arrays import EncodedTables
from features.point_in_time.microseconds import micros
from features.point_in_time.visibility import Moments, SortedRows, visible
from features.schema.source import Source


@dataclass(frozen=True)
class BotEffect:
    """Effect of the bot filter on what is known at one moment.

    Parameters
    ----------
    kinds : columns kind, rows (bot-prone rows known), removed, share
    leads : columns lead_id, rows, removed; the leads that lose at least one row, most affected first
    """

    kinds: pd.DataFrame
    leads: pd.DataFrame

    @property
    def removed_clicks(self) -> int:
        """Clicks left out, of all kinds."""
        return int(self.kinds["removed"].sum())

    def sentence(self) -> str:
        """The effect in words."""
        rows = int(self.kinds["rows"].sum())
        clicks = self.removed_clicks
        if not rows:
            return "No activity kind is declared bot_prone, or none is on record; nothing was removed."
        return (
            f"{clicks} of {rows} bot-prone activities ({clicks / rows:.1%}) are scanner clicks and count "
            f"for nothing; {len(self.leads)} leads score without them."
        )


class BotClicks:
    """The activities in order with the filter's verdict on each, worked out once for any number of moments."""

    def __init__(self, tables: Tables, source: Source) -> None:
        roles = {
            name: BotRole.SEND if kind.send else BotRole.PRONE
            for name, kind in source.activity_kinds.items()
            if kind.send or kind.bot_prone
        }
        encoded = EncodedTables({name: FrameRows(frame) for name, frame in tables.items()})
        program = TableProgram("activities", "lead", roles)
        program.column(Column((Part(),), Op.COUNT, exclude_bots=True))
        keys = encoded.keys(program)
        starts, order = BucketSort().sort(keys, encoded.entities("lead"))
        self._rows = SortedRows(starts, order, keys.known_at[order], keys.happened_at[order])
        self._leads = np.arange(encoded.entities("lead"))
        self.order = order

        row_class = encoded.classes(program)[order]
        role = program.entries().bot_role
        member = encoded.items(program, order)[Item.LEAD]
        self._prone: Bools = role[row_class] == BotRole.PRONE if order.size else np.zeros(0, dtype=np.bool_)
        self._bot_by = bot_rows(self._rows, row_class, role, member, BotBorders.of(source.bots))

    def known_at(self, as_of: pd.Timestamp) -> tuple[Ints, Bools]:
        """Places in ``order`` of the bot-prone activities known at a moment, and which of them are scanners' clicks."""
        now = np.full(self._leads.size, micros(pd.DatetimeIndex([as_of]))[0], dtype=np.int64)
        hi = np.repeat(visible(self._rows, Moments(self._leads, now)).hi, np.diff(self._rows.starts))
        prone = np.flatnonzero((np.arange(self.order.size) < hi) & self._prone)
        return prone.astype(np.int64), np.asarray((self._bot_by < hi)[prone], dtype=np.bool_)


def measure_bot_effect(tables: Tables, source: Source, as_of: pd.Timestamp) -> BotEffect:
    """What the declared bot filter removes from the activities known at ``as_of``."""
    clicks = BotClicks(tables, source)
    prone, bot = clicks.known_at(as_of)
    rows = clicks.order[prone]
    acts = tables["activities"].iloc[rows]
    frame = pd.DataFrame(
        {
            "kind": acts["kind"].astype("str").to_numpy(),
            "lead_id": acts["lead_id"].astype("str").to_numpy(),
            "bot": bot,
        }
    )

    kinds = _sum_by(frame, "kind")
    leads = _sum_by(frame, "lead_id")
    leads = leads[leads["removed"] > 0].sort_values(["removed", "lead_id"], ascending=[False, True], ignore_index=True)
    return BotEffect(kinds.assign(share=kinds["removed"] / kinds["rows"].clip(lower=1)), leads)


def _sum_by(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    grouped = frame.groupby(by, sort=True)["bot"].agg(rows="size", removed="sum").reset_index()
    return grouped.astype({"rows": "int64", "removed": "int64"})
