"""The test block of a comparison keeps its rows when somebody objects to profiling."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.array_types import Ints
from features.cohort.objections import OBJECTS
from features.errors import DataError
from features.schema.vocabulary import Verdict
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.final_block import load_test_block, write_test_log_odds
from pipelines.rubrics.compared_leads import load_compared_block
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.calls import calls, write_calls

ALIKE, ROWS = [2, 4, 6, 8], np.array([4, 7, 9, 11], dtype=np.int64)  # of the rows alike the second was judged


def judged_calls(folder: Path, rows: Ints = ROWS) -> Context:
    """Rows that have numbers only, some of them alike, of which a few were judged."""
    frame = calls(60)
    frame.loc[ALIKE] = frame.loc[ALIKE[0]].tolist()
    context = open_context(str(write_calls(folder, frame)), folder / "data")
    for stage in ("ingest", "matrix"):
        run_stage(context, stage)
    matrix, place = load_matrix(context.paths.matrix), context.paths.evaluate
    place.mkdir()
    write_test_log_odds(place, matrix, rows, {"rate": np.arange(len(rows), dtype=np.float64)}, named=False)
    EvaluationRecord.of({"verdict": Verdict.OK, "verdict_text": "", "figures": {}, "winner": "rate"}).write(place)
    return context


def object_to_profiling(context: Context, row: int) -> None:
    file = context.paths.ingest / "leads.parquet"
    leads = read_parquet(file)
    write_parquet(file, leads.assign(**{OBJECTS: leads["lead_id"].astype("str") == str(row + 1)}))


def test_of_rows_alike_none_takes_the_place_of_the_judged_one_when_another_objects(tmp_path: Path) -> None:
    context = judged_calls(tmp_path)
    before = load_test_block(context.paths)
    assert before.rows.tolist() == ROWS.tolist()
    object_to_profiling(context, ALIKE[0])
    after = load_compared_block(context).block
    assert after.rows.tolist() == ROWS.tolist(), "a row alike that was learned from stands in the test"
    pd.testing.assert_frame_equal(after.matrix.keys, before.matrix.keys)


@pytest.mark.parametrize(("objects", "left"), [(ALIKE[0], ROWS), (ALIKE[1], ROWS[1:])])
def test_nor_when_the_matrix_is_built_without_them(tmp_path: Path, objects: int, left: Ints) -> None:
    context = judged_calls(tmp_path)
    object_to_profiling(context, objects)
    run_stage(context, "matrix")
    after = load_test_block(context.paths).matrix
    assert after.keys["lead_id"].tolist() == [str(row + 1) for row in left]


def test_a_judged_row_whose_person_objects_is_compared_no_more(tmp_path: Path) -> None:
    context = judged_calls(tmp_path)
    object_to_profiling(context, int(ROWS[0]))
    block = load_compared_block(context).block
    assert block.rows.tolist() == ROWS[1:].tolist()
    assert block.log_odds.tolist() == [1.0, 2.0, 3.0]
    assert block.matrix.keys["lead_id"].tolist() == [str(row + 1) for row in ROWS[1:]]


def test_nobody_is_left_out_by_a_number_that_is_another_rows_now(tmp_path: Path) -> None:
    context = judged_calls(tmp_path)
    write_calls(tmp_path, pd.read_csv(tmp_path / "calls.csv").iloc[1:])
    run_stage(context, "ingest")
    assert load_compared_block(context).block.rows.tolist() == ROWS.tolist(), "nobody objects"
    object_to_profiling(context, int(ROWS[1]) - 1)
    with pytest.raises(DataError, match=r"that have no id hold other values.*leadscore matrix --source calls"):
        load_compared_block(context)
    run_stage(context, "matrix")
    assert len(load_compared_block(context).block.rows) == len(ROWS) - 1


def test_judged_rows_are_found_by_their_values_where_the_file_is_too_short_for_their_numbers(tmp_path: Path) -> None:
    context = judged_calls(tmp_path, np.arange(50, 60, dtype=np.int64))
    write_calls(tmp_path, pd.read_csv(tmp_path / "calls.csv").iloc[30:])
    for stage in ("ingest", "matrix"):
        run_stage(context, stage)
    assert load_test_block(context.paths).rows.tolist() == list(range(20, 30))
