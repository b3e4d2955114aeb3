"""Accounts from snapshots: what never changes is known always, what changes from the snapshot on that showed it."""

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import Role, WhenKnown
from pipelines.ingest.canonical_shape import read_columns
from pipelines.snapshots.differences import CHANGE, GONE, KEY
from pipelines.snapshots.row_versions import (
    TableHistory,
    Versions,
    iso_texts,
    joined_texts,
    replace_header,
    starts_of,
    stored_columns,
)
from pipelines.snapshots.snapshot_store import TAKEN

_KNOWN, _ID = "snapshot:known_at", "snapshot:account_id"
_CONTRACT = ("account_id", "known_at")
_DATED = (WhenKnown.KNOWN_AT, WhenKnown.SNAPSHOTS)


def account_rows(versions: Versions, source: Source) -> TableHistory:
    """A row per change of an account's dated columns, known when the snapshot was taken.

    Accounts that the first snapshot shows have a row before, known always, without their dated columns. Of rows that
    name the same account (a file of deals) the one speaks that has named it longest: another deal that moves changes
    nothing of the account. Columns known at creation stay as first
    seen; those that are only shown are as the newest snapshot says. An account's own clock, where its export has one,
    dates its changes.
    """
    columns = {name: c for name, c in read_columns(source, "accounts").items() if name not in _CONTRACT}
    said = versions.rows
    said = said.assign(**{_ID: joined_texts(said, "account_id", source.tables["accounts"].columns["account_id"])})
    said[_ID] = said[_ID].mask(said[CHANGE] == GONE)
    if versions.export.key_table == "accounts":
        said = said[said[_ID].notna()].drop_duplicates([_ID, TAKEN], keep="first")
    else:
        said = _speaking_rows(said)
    said = said.iloc[np.argsort(said[_ID].to_numpy(dtype=object), kind="stable")].reset_index(drop=True)

    dated = [name for name, column in columns.items() if column.when_known in _DATED]
    fixed = [name for name, column in columns.items() if name not in dated and _stays(column)]
    made: dict[str, pd.Series] = {}
    for name, column in columns.items():
        texts = joined_texts(said, name, column)
        if name in fixed:
            texts = texts.groupby(said[_ID]).transform("first" if _is_new(versions, name, column) else _head)
        elif name not in dated:
            texts = texts.groupby(said[_ID]).transform(_tail)
        made[name] = texts
    rows = pd.DataFrame(made, index=said.index).astype("str")
    rows[_ID], rows[TAKEN] = said[_ID], said[TAKEN]

    says = [repr(row) for row in rows[dated].fillna("").to_numpy(dtype=object).tolist()]
    changes = rows[starts_of(rows[_ID], np.ones(len(rows), dtype=np.bool_), says)]
    first = rows.drop_duplicates(_ID, keep="first")
    always = first[first[TAKEN] == versions.first]
    if dated:
        always = always.copy()
        always[dated] = pd.NA
    else:
        changes = changes[changes[TAKEN] > versions.first]

    known = iso_texts(changes[TAKEN])
    own = source.tables["accounts"].columns.get("known_at")
    if own is not None and versions.export.key_table == "accounts":
        texts = joined_texts(said, "known_at", own).reindex(changes.index)
        moved = ~(changes[_ID].duplicated() & texts.eq(texts.shift()))
        known, always = known.mask(texts.notna() & moved, texts), always[:0]

    always, changes = always.copy(), changes.copy()
    always[_KNOWN], changes[_KNOWN] = pd.NA, known
    frame = pd.concat([always, changes])
    frame = frame.sort_index(kind="stable").drop(columns=TAKEN).reset_index(drop=True).astype("str")
    headers = {name: replace_header(column, name) for name, column in columns.items()}
    named = {"account_id": Column(source=_ID), "known_at": Column(source=_KNOWN)}
    declared = stored_columns(source, "accounts", {**headers, **named})
    return TableHistory(declared=declared, frame=frame, lines=np.arange(1, len(frame) + 1, dtype=np.int64))


def _speaking_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows that may share an account, what the one that has named it longest says, from when on."""
    accounts = rows[_ID].astype(object).where(rows[_ID].notna(), None).tolist()
    named: dict[str, str] = {}  # row of the export to its account
    naming: dict[str, dict[str, int]] = {}  # account to its rows in the order they came, each with its last version
    spoke: dict[str, int] = {}
    places: list[int] = []
    moments: list[pd.Timestamp] = []
    start = 0
    for moment, size in rows.groupby(TAKEN, sort=True).size().items():
        touched: dict[str, None] = {}
        for k, key in enumerate(rows[KEY].iloc[start : start + size].tolist(), start):
            before, now = named.pop(key, None), accounts[k]
            if before is not None and before != now:
                del naming[before][key]
                touched[before] = None
            if now is not None:
                named[key] = now
                naming.setdefault(now, {})[key] = k
                touched[now] = None
        start += size
        for account in touched:
            speaker = next(iter(naming[account].values()), None)
            if speaker is not None and spoke.get(account) != speaker:
                spoke[account] = speaker
                places.append(speaker)
                moments.append(pd.Timestamp(str(moment)))
    found = rows.iloc[places].reset_index(drop=True)
    found[TAKEN] = pd.Series(moments, dtype=rows[TAKEN].dtype)
    return found


def _stays(column: Column) -> bool:
    return column.when_known is WhenKnown.AT_CREATION and column.role in (Role.FEATURE, Role.SENSITIVE)


def _is_new(versions: Versions, name: str, column: Column) -> bool:
    """Whether a later snapshot was the first to have a column."""
    return any(versions.since.get(header, versions.first) > versions.first for header in column.headers(name))


def _head(texts: pd.Series) -> object:
    return texts.iloc[0]


def _tail(texts: pd.Series) -> object:
    return texts.iloc[-1]
