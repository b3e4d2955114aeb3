"""Rows of a flat source that have numbers alone: a number says nothing of another file, nor of one that changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.flat_matrix import flat_matrix
from features.catalog.build_catalog import build_catalog
from features.cohort.objections import OBJECTS
from features.errors import DataError
from features.matrix import NOBODY
from features.schema.load_source import load_source
from pipelines.rubrics.recorded_baselines import recorded_policies
from pipelines.run import run_stage
from pipelines.scoring.file_rows import rows_of_file
from pipelines.scoring.leads_file import read_leads_file
from pipelines.stages.declared_slices import declared_slices
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context, open_context
from tests.reference.calls import DECLARATION, calls, write_calls

WITH_IDS = DECLARATION.replace("flat:\n", "flat:\n  lead_id: id\n").replace("columns:\n", "columns:\n      id: {}\n")


def ingested(folder: Path, frame: pd.DataFrame, declaration: str) -> Context:
    context = open_context(str(write_calls(folder, frame, declaration)), folder / "data")
    run_stage(context, "ingest")
    return context


@pytest.mark.parametrize(("declaration", "refused"), [(DECLARATION, []), (WITH_IDS, [3])])
def test_an_objection_refuses_the_rows_of_a_file_by_id_and_not_by_number(
    tmp_path: Path, declaration: str, refused: list[int]
) -> None:
    frame = calls(60).assign(id=[f"L{k}" for k in range(60)])
    context = ingested(tmp_path, frame, declaration)
    file = context.paths.ingest / "leads.parquet"
    leads = read_parquet(file)
    write_parquet(file, leads.assign(**{OBJECTS: leads.index == 3}))
    read = read_leads_file(tmp_path / "calls.csv", context.source)
    _, errors, _ = rows_of_file(context, build_catalog(context.source), read, {})
    assert [row for row, error in enumerate(errors) if error] == refused


def test_slices_are_of_the_rows_that_were_judged_or_refused(tmp_path: Path) -> None:
    declaration = DECLARATION + "slices: [leads.phone]\n"
    frame = calls(60)
    source = load_source(write_calls(tmp_path / "before", frame, declaration))
    test = flat_matrix(frame, source).take(np.arange(40, 60))
    declared_slices(ingested(tmp_path / "same", frame, declaration), test)
    later = ingested(tmp_path / "later", frame.iloc[::-1], declaration)
    with pytest.raises(DataError, match=r"rows of 'calls' that have no id hold other values"):
        declared_slices(later, test)


def test_a_recorded_score_is_read_of_the_rows_left_after_somebody_was_forgotten(tmp_path: Path) -> None:
    declaration = DECLARATION + "recorded_score: visits\n"
    frame = calls(60)
    context = ingested(tmp_path, frame, declaration)
    test = flat_matrix(frame, context.source).take(np.arange(40, 60))
    ids = test.keys["lead_id"].mask(test.keys.index == 3, f"{NOBODY}0a1b2c3d4e5f")
    (found,) = recorded_policies(context, replace(test, keys=test.keys.assign(lead_id=ids)))
    assert found.score[3] < found.score.min(where=np.arange(20) != 3, initial=np.inf)
    assert np.delete(found.score, 3).tolist() == frame["visits"].iloc[40:].drop(43).tolist()
