"""Accounts from snapshots: what never changes is known always, what changes from the snapshot on that showed it."""

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.snapshots import DATED, have_own_clock
from features.schema.source import Source
from features.schema.vocabulary import Role, WhenKnown
from pipelines.ingest.shaping.declared_columns import read_columns
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

_KNOWN, ACCOUNT = "snapshot:known_at", "snapshot:account_id"
_CONTRACT = ("account_id", "known_at")


def account_rows(versions: Versions, source: Source) -> TableHistory:
    """A row per change of an account's dated columns, known when the snapshot was taken.

    Accounts that the first snapshot shows have a row before, known always, without their dated columns. Of rows that
    name the same account (a file of deals) the one speaks that has named it longest: another deal that moves changes
    nothing of the account. Columns known at creation and ``label.segment`` stay as first
    seen; those that are only shown are as the newest snapshot says. An account's own clock, where its export has one,
    dates its changes.
    """
    columns = {name: c for name, c in read_columns(source, "accounts").items() if name not in _CONTRACT}
    said = versions.rows
    said = said.assign(**{ACCOUNT: joined_texts(said, "account_id", source.tables["accounts"].columns["account_id"])})
    said[ACCOUNT] = said[ACCOUNT].mask(said[CHANGE] == GONE)
    if versions.export.key_table == "accounts":
        said = said[said[ACCOUNT].notna()].drop_duplicates([ACCOUNT, TAKEN], keep="first")
    else:
        said = speaking_rows(said)
    said = said.iloc[np.argsort(said[ACCOUNT].to_numpy(dtype=object), kind="stable")].reset_index(drop=True)

    dated = [name for name, column in columns.items() if column.when_known in DATED]
    stay = {name for name, column in columns.items() if name == source.label.segment or _stays(column)}
    fixed = [name for name in columns if name in stay and name not in dated]
    made: dict[str, pd.Series] = {}
    for name, column in columns.items():
        texts = joined_texts(said, name, column)
        if name in fixed:
            texts = texts.groupby(said[ACCOUNT]).transform("first" if _is_new(versions, name, column) else _head)
        elif name not in dated:
            texts = texts.groupby(said[ACCOUNT]).transform(_tail)
        made[name] = texts
    rows = pd.DataFrame(made, index=said.index).astype("str")
    rows[ACCOUNT], rows[TAKEN] = said[ACCOUNT], said[TAKEN]

    says = [repr(row) for row in rows[dated].fillna("").to_numpy(dtype=object).tolist()]
    changes = rows[starts_of(rows[ACCOUNT], np.ones(len(rows), dtype=np.bool_), says)]
    first = rows.drop_duplicates(ACCOUNT, keep="first")
    always = first[first[TAKEN] == versions.first]
    if dated:
        always = always.copy()
        always[dated] = pd.NA
    else:
        changes = changes[changes[TAKEN] > versions.first]

    known = iso_texts(changes[TAKEN])
    if have_own_clock(source):
        own = source.tables["accounts"].columns["known_at"]
        texts = joined_texts(said, "known_at", own).reindex(changes.index)
        moved = ~(changes[ACCOUNT].duplicated() & texts.eq(texts.shift()))
        known, always = known.mask(texts.notna() & moved, texts), always[:0]

    always, changes = always.copy(), changes.copy()
    always[_KNOWN], changes[_KNOWN] = pd.NA, known
    frame = pd.concat([always, changes])
    frame = frame.sort_index(kind="stable").drop(columns=TAKEN).reset_index(drop=True).astype("str")
    headers = {name: replace_header(column, name) for name, column in columns.items()}
    named = {"account_id": Column(source=ACCOUNT), "known_at": Column(source=_KNOWN)}
    declared = stored_columns(source, "accounts", {**headers, **named})
    return TableHistory(declared=declared, frame=frame, lines=np.arange(1, len(frame) + 1, dtype=np.int64))


def speaking_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows that may share an account, what the one that has named it longest says, from when on.

    A row names its account from the snapshot on that shows it so, until one that shows it otherwise or gone. It speaks
    once all that named the account before it have ceased to.

    Parameters
    ----------
    rows : versions of the export's rows with ``ACCOUNT``, ordered by when their snapshot was taken
    """
    account = pd.factorize(rows[ACCOUNT])[0]
    moment, moments = pd.factorize(rows[TAKEN])
    never = len(moments)
    key = pd.factorize(rows[KEY], use_na_sentinel=False)[0]
    place = np.argsort(key, kind="stable")
    key, account, moment = key[place], account[place], moment[place]
    if not len(place):
        return rows.reset_index(drop=True)

    # stretches of a row's versions that name one account, and the moment that ends each
    begins = np.r_[True, (key[1:] != key[:-1]) | (account[1:] != account[:-1])]
    first = np.flatnonzero(begins)
    stretch = np.cumsum(begins) - 1
    end = np.full(len(first), never)
    followed = np.flatnonzero(key[first[1:]] == key[first[:-1]])
    end[followed] = moment[first[followed + 1]]

    # in the order they began, each speaks from its beginning on, or from when the last before it ended
    named = np.flatnonzero(account[first] >= 0)
    named = named[np.lexsort((place[first[named]], account[first[named]]))]
    apart = account[first[named]] * (never + 2)  # so that no account reaches into the next
    ended = np.r_[0, np.maximum.accumulate(end[named] + apart)[:-1]] - apart
    speaks = np.full(len(first), never)
    speaks[named] = np.maximum(moment[first[named]], ended)

    since = np.maximum(moment, speaks[stretch])
    following = np.r_[np.where(begins[1:], never, moment[1:]), never]
    said = np.flatnonzero((since < end[stretch]) & (following > since))
    said = said[np.lexsort((since[said], account[said]))]
    found = rows.iloc[place[said]].reset_index(drop=True)
    found[TAKEN] = pd.Series(moments[since[said]], dtype=rows[TAKEN].dtype)
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
