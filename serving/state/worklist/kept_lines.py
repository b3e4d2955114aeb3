"""Rows of leads that a load scored again, kept in the store: the next start scores only those of which more is known.

A row is used again only under the very same model, declaration, data, clock and code, and while nothing was posted,
taken back or removed about the lead's account since.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

import features
import models
import pipelines
import serving
from features.array_types import Ints
from models.explaining.framework import Framework
from pipelines.workspace.people.register import FORGOTTEN
from serving.state.forgotten_people import ForgottenPeople
from serving.state.lead_data import LeadData
from serving.state.loaded_model import LoadedModel
from serving.state.posted_frames import ASKED_AT_ONCE, POSTED_TABLES
from serving.state.worklist.kept_list import keep_list
from serving.store.engine import Store, hold_lock
from serving.store.tables import Feedback, FieldRow, KeptLine, WithdrawnActivity
from serving.store.wall_clock import wall_now

MOST = 20_000  # lines kept, some 30 MB of the store; more leads are scored at each start
_LOCK = "kept lines"
_BLOCK = 500  # lines of one transaction
_LIBRARIES = ("numpy", "pandas", "pyarrow", "lightgbm", "numba", "scikit-learn")  # what numbers come from


@dataclass(frozen=True, kw_only=True)
class LinesToKeep:
    """Lines that a load worked out, and what was known of their accounts before it did.

    Parameters
    ----------
    under : of model, declaration, data, clock and code
    known : by lead, as :func:`known_of` tells it
    register : stamp of the register of people as the load began
    list_under : where the list is not the batch's, under what it was scored
    listed : that list, where this load scored it
    """

    under: str
    lines: Sequence[Mapping[str, Any]]
    known: Mapping[str, str]
    register: tuple[int, int]
    list_under: str = ""
    listed: pd.DataFrame | None = None


def describe_state(
    model: LoadedModel,
    data: LeadData,
    framework: Framework,
    register: tuple[int, int],
    *,
    real_clock: bool | None = None,
) -> str:
    """SHA-256 of all that a line depends on but the posted rows: two loads with the same one score a lead alike.

    ``real_clock``: as of when it is scored depends on that, too; a list of leads as the data have them (None) does not.
    """
    context = model.context
    declared = (context.policy, context.accounts_policy, framework, context.rubric)
    parts = [model.bundle.hash, repr((data.stamp, register, data.cutoff)), context.declaration_hash]
    parts += ["" if part is None else part.model_dump_json() for part in declared]
    parts += [f"{name} {version(name)}" for name in _LIBRARIES]
    parts += [] if real_clock is None else [f"real clock {real_clock}"]
    parts += [repr(found) for found in _code_stamps(context.source_path.parent if context.own_code else None)]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _code_stamps(own: Path | None) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every module of ours, and of those beside the declaration that it may name."""
    for room in (features, models, pipelines, serving):
        for folder in room.__path__:
            yield from _stamps_below(folder)
    for file in sorted(own.glob("*.py")) if own is not None else ():
        yield file.name, file.stat().st_size, file.stat().st_mtime_ns


def _stamps_below(folder: str) -> Iterator[tuple[str, int, int]]:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _stamps_below(entry.path)
        elif entry.name.endswith((".py", ".yaml")):
            found = entry.stat()
            yield entry.path, found.st_size, found.st_mtime_ns


def known_of(session: Session, data: LeadData, codes: Ints) -> dict[str, str]:
    """Of each lead, by its id, what the store holds about its account: differs once anything is added or removed."""
    size = int(data.groups.max()) + 1 if len(data) else 0
    columns: list[Ints] = []

    def count(asked: Any, find: Any) -> None:
        last, rows = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        found = session.execute(asked).all()
        if found:
            names, ids, counts = zip(*found, strict=True)
            group = find(pd.Index(names, dtype="str"))
            there = group >= 0
            np.maximum.at(last, group[there], np.array(ids, dtype=np.int64)[there])
            np.add.at(rows, group[there], np.array(counts, dtype=np.int64)[there])
        columns.extend((last, rows))

    def group_of_leads(names: pd.Index) -> Ints:
        found = data.codes(names)
        return np.where(found >= 0, data.groups[found], -1)

    for table in (*POSTED_TABLES.values(), Feedback, WithdrawnActivity):
        count(select(table.lead_id, func.max(table.id), func.count()).group_by(table.lead_id), group_of_leads)
    looked_up = select(FieldRow.account_id, func.max(FieldRow.id), func.count()).group_by(FieldRow.account_id)
    count(looked_up, data.account_ids.get_indexer)

    told = np.stack(columns, axis=1)[data.groups[codes]]
    names = data.lead_ids[codes]
    return {str(name): ",".join(map(str, row)) for name, row in zip(names, told.tolist(), strict=True)}


def read_kept(session: Session, under: str, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """Kept lines of leads of which nothing more is known than when they were worked out."""
    names, found = list(known), list[dict[str, Any]]()
    for first in range(0, len(names), ASKED_AT_ONCE):
        asked = select(KeptLine.lead_id, KeptLine.known, KeptLine.line).where(KeptLine.under == under)
        asked = asked.where(KeptLine.lead_id.in_(names[first : first + ASKED_AT_ONCE]))
        found += [dict(line) for name, then, line in session.execute(asked) if known[name] == then]
    return found


def keep_lines(store: Store, keep: LinesToKeep, people: ForgottenPeople) -> None:
    """Write what a load worked out over what was kept; nothing of who is forgotten, or once somebody is meanwhile."""
    keep_list(store, keep.list_under, keep.listed, keep.register, people)
    with store.reading() as session:
        old = session.scalar(select(func.count()).where(KeptLine.under != keep.under))
    if not old and not keep.lines:
        return
    with store.writing() as session:
        hold_lock(session, _LOCK)  # servers that share a store may start at once
        session.execute(delete(KeptLine).where(KeptLine.under != keep.under))
        room = MOST - (session.scalar(select(func.count()).select_from(KeptLine)) or 0)
    written = wall_now()
    lines = [line for line in keep.lines if FORGOTTEN not in people.register.asks_of(line["lead_id"])]
    for first in range(0, min(len(lines), max(room, 0)), _BLOCK):
        block = lines[first : min(first + _BLOCK, room)]
        with store.writing() as session:
            hold_lock(session, _LOCK)
            if people.stamp != keep.register:
                return
            names = [str(line["lead_id"]) for line in block]
            session.execute(delete(KeptLine).where(KeptLine.lead_id.in_(names)))
            session.add_all(
                KeptLine(lead_id=name, under=keep.under, known=keep.known[name], written_at=written, line=dict(line))
                for name, line in zip(names, block, strict=True)
            )
