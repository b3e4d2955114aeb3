"""Tables that were read again: what stands on them is built anew or says so, and past judgements keep their rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import leadscore
from features.errors import DataError
from pipelines.artifacts.final_block import load_test_block
from pipelines.cli.output import Output
from pipelines.cli.run import note_outdated
from pipelines.run import run_stage
from pipelines.stages.matrix import is_outdated
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.matrix_files import load_chop, load_matrix


def read_again(run: Any, leads_left_out: int = 0) -> str:
    """Tables as a later ingest would leave them: the first listed lead was lost since, the oldest leads are gone."""
    paths = run.context.paths
    listed = read_parquet(paths.score / "worklist.parquet")
    lead, as_of = str(listed["lead_id"].iloc[0]), listed["as_of"].iloc[0]

    outcomes = read_parquet(paths.ingest / "outcomes.parquet")
    lost = outcomes[~outcomes["won"].astype(bool)].tail(1)
    when = as_of - pd.Timedelta(hours=1)
    lost = lost.assign(opportunity_id="closed since", lead_id=lead, closed_at=when, known_at=when)
    write_parquet(paths.ingest / "outcomes.parquet", pd.concat([outcomes, lost], ignore_index=True))

    leads = read_parquet(paths.ingest / "leads.parquet")
    oldest = leads.sort_values("created_at")["lead_id"].head(leads_left_out)
    write_parquet(paths.ingest / "leads.parquet", leads[~leads["lead_id"].isin(oldest)].reset_index(drop=True))
    return lead


def test_list_and_monitor_stand_on_the_tables_as_they_were_read_last(tiny_copy: Any) -> None:
    data = leadscore.read_source(tiny_copy.source, tiny_copy.data_dir)
    before = read_parquet(data.context.paths.score / "worklist.parquet")
    assert not is_outdated(data.context.paths), "nothing new, nothing to build"

    lead = read_again(tiny_copy)
    assert lead in set(before["lead_id"])
    assert leadscore.monitor(data)["leads"] == len(before) - 1
    assert not is_outdated(data.context.paths)
    assert lead not in set(leadscore.worklist(data)["lead_id"])


def test_the_command_line_says_that_the_matrix_is_older(tiny_copy: Any, cli: Any) -> None:
    for command, older in (("monitor", False), ("monitor", True), ("score", True)):
        if older:
            read_again(tiny_copy)
        _, out, err = cli(command, *tiny_copy.args)
        said = "leads that came or closed since are not seen. 'leadscore matrix --source" in err
        assert out and said is older, (command, err)


def test_where_no_lead_is_open_a_training_is_named_not_the_matrix_alone(tiny_copy: Any, capsys: Any) -> None:
    """The list then holds test rows, which a matrix built anew may have given to the training."""
    read_again(tiny_copy)
    (tiny_copy.context.paths.matrix / "open.json").unlink()
    note_outdated(tiny_copy.context, Output(as_json=False))
    said = capsys.readouterr().err
    assert "'leadscore run --source" in said and "leadscore matrix" not in said


def test_a_matrix_built_again_moves_no_past_judgement_to_other_leads(tiny_copy: Any) -> None:
    paths = tiny_copy.context.paths
    before, split = load_test_block(paths), load_chop(paths.matrix)
    read_again(tiny_copy, leads_left_out=100)
    run_stage(tiny_copy.context, "matrix")
    assert not np.array_equal(load_chop(paths.matrix).final.test, split.final.test), "the split moved with the tables"

    after = load_test_block(paths)
    left = before.matrix.keys["lead_id"].isin(read_parquet(paths.ingest / "leads.parquet")["lead_id"]).to_numpy()
    expected = before.matrix.keys.loc[left, ["lead_id", "as_of"]].reset_index(drop=True)
    assert 0 < left.sum() < len(left)
    pd.testing.assert_frame_equal(after.matrix.keys[["lead_id", "as_of"]], expected)
    np.testing.assert_array_equal(after.log_odds, before.log_odds[left])
    pd.testing.assert_frame_equal(load_matrix(paths.matrix).take(after.rows).keys, after.matrix.keys)


def test_judgements_of_leads_that_are_gone_are_refused(tiny_copy: Any) -> None:
    paths = tiny_copy.context.paths
    keys = read_parquet(paths.evaluate / "test_keys.parquet")
    write_parquet(paths.evaluate / "test_keys.parquet", keys.assign(lead_id="of another table " + keys["lead_id"]))
    with pytest.raises(DataError, match=r"holds only 0: it was built from other data since\. Train again"):
        load_test_block(paths)
