"""A source as read: declaration, tables, and where its results are kept; and how one is begun."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from features.array_types import Tables
from features.errors import SourceError
from features.rubric.schema import Rubric
from features.schema.source import Source
from models.bundle import Bundle
from models.explaining.qualification_policy import QualificationPolicy
from models.settings import TrainSettings
from pipelines.python_api.stale_tables import StaleTablesWarning, load_last_tables, what_changed
from pipelines.registry.champion import read_champion
from pipelines.run import run_stage
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.atomic_files import write_text
from pipelines.workspace.context import Context, open_context, with_adopted
from pipelines.workspace.lock import only_writer
from pipelines.workspace.table_files import load_tables


@dataclass(frozen=True, repr=False)
class SourceData:
    """A source as read: its declaration, its canonical tables, and where its results are kept.

    ``opened`` and ``tables`` are as they were read. The functions that take a ``SourceData`` whole (:func:`train`,
    :func:`compare`, ...) work on what lies in the data directory, not on rows changed in ``tables`` since.
    """

    opened: Context
    tables: Tables

    def __repr__(self) -> str:
        """In a line: the source and the rows of its tables."""
        rows = ", ".join(f"{name} {len(table):,}" for name, table in self.tables.items() if len(table))
        return f"SourceData('{self.source.name}': {rows or 'no rows'})"

    @property
    def context(self) -> Context:
        """All that is declared, with what people adopted since: a rubric's version, a handoff score."""
        return with_adopted(self.opened)

    @property
    def source(self) -> Source:
        """The declaration."""
        return self.opened.source

    @property
    def policy(self) -> QualificationPolicy | None:
        """The qualification policy with the handoff score in use now; None: the one that ships."""
        return self.context.policy

    @property
    def rubric(self) -> Rubric | None:
        """The source's rubric in use now, where it declares one."""
        return self.context.rubric

    @property
    def champion(self) -> Bundle | None:
        """The bundle that scores; None before the first training."""
        return None if read_champion(self.opened.paths) is None else find_bundle(self.context)


def read_source(
    source: str | Path = "demo",
    data_dir: str | Path = "data",
    *,
    settings: TrainSettings | None = None,
    refresh: bool = False,
) -> SourceData:
    """Read a source's files into the canonical tables; what was read before is taken as it is unless ``refresh``.

    A :class:`StaleTablesWarning` tells where files or declaration were changed since.

    Parameters
    ----------
    source : name of a declaration that ships or lies in the data directory, or the path of one
    data_dir : where results are kept, as ``--data-dir``

    Raises
    ------
    SourceError, DataError : naming file, line and remedy
    BusyError : another process writes to the source, and there is something to read or it never stops writing
    """
    context = open_context(str(source), Path(data_dir), settings)
    if refresh or not (context.paths.ingest / "leads.parquet").exists():
        with only_writer(context.paths):
            run_stage(context, "ingest")
            return SourceData(context, MappingProxyType(load_tables(context.paths)))
    tables = load_last_tables(context.paths)
    changed = what_changed(context)
    if changed:
        warnings.warn(
            f"{changed} since source '{context.source.name}' was read last, and the tables are those of then; "
            "read_source(..., refresh=True) reads it anew.",
            StaleTablesWarning,
            stacklevel=2,
        )
    return SourceData(context, MappingProxyType(tables))


def init(
    *inputs: str | Path, out: str | Path | None = None, data_dir: str | Path = "data", template: str | None = None
) -> str:
    """A commented starter declaration for an export, as ``leadscore init``: what to edit stands at its top.

    Parameters
    ----------
    inputs : paths of files, folders, archives and workbooks, or database URLs
    out : file to write it to; one that is there already is left alone
    template : vendor whose headings and words these are, e.g. ``hubspot``

    Raises
    ------
    SourceError : ``out`` exists already
    DataError : naming the input that cannot be read or told
    """
    from pipelines.declaring.exports.open_export import init_export

    target = None if out is None else Path(out)
    if target is not None and target.exists():
        raise SourceError(f"{target} already exists and is not overwritten. Choose another name.")
    text = init_export([str(one) for one in inputs], target, Path(data_dir), template)
    if target is not None:
        write_text(target, text)
    return text
