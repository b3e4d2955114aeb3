"""Leads of a file as the monitor sees them."""

from pathlib import Path

import numpy as np

from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.diagnostics.monitor import WatchedRows
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.registry.champion import require_champion
from pipelines.registry.soundness import load_sound
from pipelines.scoring.file_rows import rows_of_file
from pipelines.scoring.leads_file import read_leads_file
from pipelines.workspace.context import Context


def seen_in_file(context: Context, file: Path) -> WatchedRows:
    """Rows of a file laid out like the source's table ``leads``, as the champion would score them.

    Raises
    ------
    RegistryError : there is no champion
    MissingFileError, UnreadableFileError, EmptyFileError, MissingColumnError : about the file
    """
    champion = require_champion(context.paths)
    bundle = load_sound(context.paths, champion.folder, champion.hash)
    merged = {} if context.source.kind == "flat" else read_merged_leads(context.paths)
    leads = read_leads_file(file, context.source, ReadingRecord.find(context.paths, champion.folder))
    matrix, errors, when = rows_of_file(context, bundle.catalog, leads, merged)
    if len(matrix) == len(errors):
        matrix = matrix.take(np.array([not text for text in errors], dtype=bool))
    return WatchedRows(matrix, f"leads of {file.name}", when, is_file=True)
