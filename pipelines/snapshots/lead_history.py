"""Leads from snapshots: one row each, and the answers that their overwritten columns gave over time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.snapshots import CHANNEL, snapshot_columns
from features.schema.source import Source
from features.schema.table_source import TableSource
from features.schema.vocabulary import Role, WhenKnown
from pipelines.ingest.expectations import Expectation, Rule
from pipelines.ingest.quarantine import breaks
from pipelines.ingest.shaping.canonical_shape import shape_table
from pipelines.ingest.shaping.declared_columns import read_columns, type_of
from pipelines.ingest.values.answer_texts import answer_texts
from pipelines.snapshots.differences import CHANGE, GONE, KEY
from pipelines.snapshots.row_versions import (
    DAY,
    TableHistory,
    Versions,
    as_stored,
    iso_texts,
    joined_texts,
    moments_of,
    replace_header,
    stored_columns,
    stored_rows,
    zone_of_column,
)
from pipelines.snapshots.snapshot_store import TAKEN

_KNOWN = "snapshot:known_at"


def lead_rows(versions: Versions, source: Source, newest: pd.DataFrame) -> TableHistory:
    """One row per lead: what is known at creation as it was first seen, all else as the newest snapshot says.

    A lead that shows up although it was created before the snapshot before (by more than a day) became known when it
    was first seen; the others when they were created.

    Parameters
    ----------
    newest : of :class:`AnswerRows`: overwritten columns as they are shown, which a lead is never refused for
    """
    frame = versions.latest.drop(columns=[CHANGE, TAKEN])
    declared = source.tables["leads"].columns
    changed: dict[str, Column] = {}
    for name, column in read_columns(source, "leads").items():
        if name in newest:
            header = f"{name} (newest)"
            frame[header] = newest[name].reindex(frame.index)
            changed[name] = replace_header(column, header)
            continue
        if not _stays(name, column, source):
            continue
        new = tuple(f"{header} (first seen)" for header in column.headers(name))
        for header, made in zip(column.headers(name), new, strict=True):
            frame[made] = versions.at_first_sight(header) if header in versions.said else pd.NA
        changed[name] = as_stored(column).model_copy(update={"source": new})

    created = moments_of(
        joined_texts(versions.initial, "created_at", declared.get("created_at")),
        zone_of_column(source, declared.get("created_at")),
    )
    seen = versions.initial[TAKEN]
    if "known_at" not in declared:
        late = created < versions.before(seen) - DAY
        frame[_KNOWN] = iso_texts(seen.where(late))
        changed["known_at"] = Column(source=_KNOWN)

    used = {header for column in changed.values() for header in column.headers("")}
    others = {header for name, c in declared.items() if name not in changed for header in c.headers(name)}
    replaced = {header for name in changed if name in declared for header in declared[name].headers(name)}
    frame = frame.drop(columns=[header for header in replaced - others - used if header in frame])
    lines = np.arange(1, len(frame) + 1, dtype=np.int64)
    return TableHistory(declared=stored_columns(source, "leads", changed), frame=frame.astype("str"), lines=lines)


def _stays(name: str, column: Column, source: Source) -> bool:
    """Whether a column is taken as first seen: what may be learned from, and what chooses or dates leads."""
    if name in ("lead_id", "owner"):
        return False
    if name in ("created_at", "known_at") or name in {
        *source.cohort.where,
        source.label.segment,
        source.recorded_score,
    }:
        return True
    if name == "account_id":
        return "when_known" in column.model_fields_set and column.when_known is WhenKnown.AT_CREATION
    return column.when_known is WhenKnown.AT_CREATION and column.role in (Role.FEATURE, Role.SENSITIVE)


@dataclass(frozen=True, kw_only=True)
class AnswerRows:
    """Answers of overwritten columns.

    Parameters
    ----------
    frame : lead_id, question, value, known_at, channel, as texts; an empty value withdraws the answer before
    unread : positions of values that cannot be read as declared; beside each stands a row that withdraws
    newest : the last answers by KEY, a column per question; missing where it cannot be read
    """

    frame: pd.DataFrame
    unread: np.ndarray
    newest: pd.DataFrame


def answer_rows(versions: Versions, source: Source) -> AnswerRows:
    """A row per change of every column declared ``when_known: snapshots``, known when the snapshot was taken.

    A lead that vanishes says nothing any more: its answers are withdrawn.
    """
    columns = snapshot_columns(source)
    order = versions.rows.reset_index(drop=True)
    order = order.iloc[np.argsort(order[KEY].to_numpy(dtype=object), kind="stable")].reset_index(drop=True)
    typed, unread = _typed(order, columns, source)

    gone = (order[CHANGE] == GONE).to_numpy()
    key = order[KEY].to_numpy(dtype=object)
    follows = np.r_[False, key[1:] == key[:-1]] if len(key) else np.zeros(0, dtype=np.bool_)
    parts, broken = [], []
    for name in columns:
        values = typed[name].fillna("").to_numpy(dtype=object)
        before = np.where(follows, np.r_[[""], values[:-1]], "") if len(values) else values
        changes = np.flatnonzero(values != before)
        parts.append(_answers(order, changes, name, values[changes]))
        bad = _first_of_runs(unread[name].to_numpy(dtype=object), follows)
        broken.append(_answers(order, bad, name, unread[name].to_numpy(dtype=object)[bad]))

    none = _answers(order, np.zeros(0, dtype=np.int64), "", [])
    good = pd.concat([none, *parts], ignore_index=True)
    frame = pd.concat([good, *broken], ignore_index=True).astype("str")
    last = order[~gone].drop_duplicates(KEY, keep="last")
    return AnswerRows(
        frame=frame,
        unread=np.arange(len(good), len(frame), dtype=np.int64),
        newest=typed.loc[last.index].set_axis(pd.Index(last[KEY]), axis=0),
    )


def _answers(order: pd.DataFrame, at: np.ndarray, question: str, values: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lead_id": order[KEY].to_numpy()[at],
            "question": question,
            "value": values,
            "known_at": iso_texts(order[TAKEN].iloc[at]).to_numpy(),
            "channel": CHANNEL,
        },
        columns=["lead_id", "question", "value", "known_at", "channel"],
    )


def _first_of_runs(texts: np.ndarray, follows: np.ndarray) -> np.ndarray:
    """Positions of texts that are there and differ from the row before of the same lead."""
    there = np.asarray(texts != "", dtype=np.bool_)
    same = np.r_[False, texts[1:] == texts[:-1]].astype(np.bool_) if len(texts) else there
    return np.flatnonzero(there & ~(same & follows))


def _typed(order: pd.DataFrame, columns: dict[str, Column], source: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values of the columns as the answers hold them, and the texts of those that cannot be read or are not allowed."""
    own = TableSource(columns={name: as_stored(c) for name, c in columns.items()})
    only = source.model_copy(update={"tables": {"leads": own}})
    numbers = np.arange(1, len(order) + 1, dtype=np.int64)
    raw = stored_rows(order.drop(columns=[KEY, CHANGE, TAKEN]), numbers)
    shaped = shape_table(raw, "leads", only, strict=False)

    values = {name: answer_texts(shaped.frame[name], type_of(only, "leads", name)) for name in columns}
    unread = {name: pd.Series("", index=order.index, dtype=object) for name in columns}
    for item in shaped.unreadable:
        unread[item.column] = _with_texts(unread[item.column], item.positions, item.texts)
    for rule in (rule for name, column in columns.items() for rule in _rules(name, column)):
        name = rule.columns[-1]
        hit = breaks(shaped.frame, rule)
        unread[name] = unread[name].mask(hit, values[name])
        values[name] = values[name].mask(hit)
    return pd.DataFrame(values, index=order.index), pd.DataFrame(unread, index=order.index)


def _with_texts(series: pd.Series, positions: np.ndarray, texts: tuple[str, ...]) -> pd.Series:
    values = series.to_numpy(dtype=object, copy=True)
    values[positions] = list(texts)
    return pd.Series(values, index=series.index)


def _rules(name: str, column: Column) -> Iterator[Expectation]:
    """The declared rules of one value."""
    if column.values:
        yield Expectation(table="leads", rule=Rule.ALLOWED, columns=(name,), values=column.values)
    if column.minimum is not None:
        yield Expectation(table="leads", rule=Rule.MINIMUM, columns=(name,), bound=column.minimum)
    if column.maximum is not None:
        yield Expectation(table="leads", rule=Rule.MAXIMUM, columns=(name,), bound=column.maximum)
