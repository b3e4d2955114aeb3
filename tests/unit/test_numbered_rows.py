"""Rows of a flat source that have numbers alone: a number says nothing of another file, nor of one that changed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.flat_matrix import flat_matrix
from features.errors import DataError
from features.schema.load_source import load_source
from pipelines.run import run_stage
from pipelines.stages.declared_slices import declared_slices
from pipelines.workspace.context import Context, open_context
from tests.reference.calls import DECLARATION, calls, write_calls


def ingested(folder: Path, frame: pd.DataFrame, declaration: str) -> Context:
    context = open_context(str(write_calls(folder, frame, declaration)), folder / "data")
    run_stage(context, "ingest")
    return context


def test_slices_are_of_the_rows_that_were_judged_or_refused(tmp_path: Path) -> None:
    declaration = DECLARATION + "slices: [leads.phone]\n"
    frame = calls(60)
    source = load_source(write_calls(tmp_path / "before", frame, declaration))
    test = flat_matrix(frame, source).take(np.arange(40, 60))
    declared_slices(ingested(tmp_path / "same", frame, declaration), test)
    later = ingested(tmp_path / "later", frame.iloc[::-1], declaration)
    with pytest.raises(DataError, match=r"rows of 'calls' that have no id hold other values"):
        declared_slices(later, test)
