"""Every table by its rules, parents before children; leads also by the outcomes that name them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from features.schema.source import Source
from pipelines.ingest.data_cutoff import declared_cutoff
from pipelines.ingest.expectations import Expectation, Rule
from pipelines.ingest.quarantine import CheckedTable, check
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.row_selection import drop_superseded
from pipelines.ingest.shaping.canonical_shape import ShapedTable


def check_tables(
    source: Source, raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable], rules: Sequence[Expectation]
) -> dict[str, CheckedTable]:
    """The rows of every table kept and kept out; each row that was read is one or the other."""
    checked: dict[str, CheckedTable] = {}
    for table, shaped in shapes.items():
        mine = [rule for rule in rules if rule.table == table]
        lost = _closes_without_outcome(source, raws, shapes, rules) if table == "leads" else None
        if source.opportunities is not None and table in ("outcomes", "stages"):
            shaped = drop_superseded(shaped, checked["leads"])
        checked[table] = check(shaped, raws[table].broken, mine, checked, source, close_unread=lost)
        checked[table].reconcile(table)
    return checked


def _closes_without_outcome(
    source: Source, raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable], rules: Sequence[Expectation]
) -> npt.NDArray[np.int64]:
    """Numbers of the rows of leads that are over, but whose outcome cannot be kept (no date of the close).

    In a file of deals they are the rows themselves, else those that such an outcome names and no win that is kept, nor
    any outcome that is kept where all of these are lost. A deal that is not known as won and has no date of a close is
    an open one there, and its lead stays; nor is one over that closes after a declared cut-off.
    """
    if source.flat is not None or "outcomes" not in shapes:
        return np.zeros(0, dtype=np.int64)
    shaped, passed = shapes["outcomes"], {Rule.REFERENCE, Rule.UNIQUE}
    cutoff = declared_cutoff(source)
    if source.opportunities is None and cutoff is not None:
        passed.add(Rule.CUTOFF)
    own = [rule for rule in rules if rule.table == "outcomes" and rule.rule not in passed]
    broken = check(shaped, (), own, {}, source).quarantine
    if source.opportunities is not None:
        return broken["row"].to_numpy(dtype=np.int64)

    frame = shaped.frame
    apart, won = np.isin(shaped.rows, broken["row"]), frame["won"].fillna(False).to_numpy(dtype=np.bool_)
    lost = frame["won"].eq(False).fillna(False).to_numpy(dtype=np.bool_)
    undated = (broken["rule"] == Rule.REQUIRED) & broken["column"].isin(["closed_at", "known_at", "won"])
    unread = broken["row"][(broken["rule"] == Rule.TYPE) & (broken["column"] == "closed_at")]
    dated = frame["closed_at"].notna().to_numpy(dtype=np.bool_) | np.isin(shaped.rows, unread)
    over = apart & (won | (dated & np.isin(shaped.rows, broken["row"][~undated])))

    kept = ~apart  # one after the cut-off is in quarantine, too: it says nothing of how the lead stands
    if cutoff is not None:
        kept &= ~(frame["known_at"] > cutoff).fillna(False).to_numpy(dtype=np.bool_)
    leads = frame["lead_id"]
    ids = set(leads[over & ~lost].dropna()) - set(leads[won & kept].dropna())
    ids |= set(leads[over & lost].dropna()) - set(leads[kept].dropna())
    named = shapes["leads"].frame["lead_id"].isin(ids)
    return shapes["leads"].rows[named.to_numpy(dtype=np.bool_)]
