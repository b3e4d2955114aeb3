"""Tables that were read again: what stands on them is built anew or says so, and past judgements keep their rows."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import leadscore
from features.cohort.objections import OBJECTS
from features.errors import DataError
from models.bundle import load_bundle
from models.explaining.language import load_language
from pipelines.artifacts.final_block import load_test_block
from pipelines.cli.output import Output
from pipelines.cli.run import note_outdated
from pipelines.diagnostics.lifecycle_figures import feedback_of, lifecycle_of
from pipelines.rubrics.compared_leads import load_compared_block
from pipelines.rubrics.swapped_leads import explain_swaps
from pipelines.run import run_stage
from pipelines.stages.matrix import is_outdated
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.matrix_files import load_chop, load_matrix
from serving.pages.thresholds.swaps import read_swaps
from tests.reference.serving import client_for


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


def test_reasons_of_swapped_leads_stay_their_own_when_the_matrix_is_built_again(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    swap = read_parquet(paths.thresholds / "swap_set.parquet")
    with client_for(tiny_copy, tmp_path) as client:
        app_state = client.app.state.app_state  # type: ignore[attr-defined]

        def reasons() -> dict[str, str]:
            until = time.monotonic() + 60.0
            while time.monotonic() < until:  # in another language than the run's nothing stands in meanwhile
                sides = read_swaps(app_state, None, load_language("pl"), everybody=True)
                if not any(side.pending for side in sides):
                    break
                assert not any(row.reason for side in sides for row in side.rows)
                time.sleep(0.05)
            return {row.lead_id: row.reason for side in sides for row in side.rows}

        before = reasons()
        rows = load_compared_block(tiny_copy.context).block.matrix.keys.iloc[swap["row"]]
        assert rows["lead_id"].tolist() == swap["lead_id"].tolist()
        read_again(tiny_copy, leads_left_out=100)
        run_stage(tiny_copy.context, "matrix")
        after = reasons()
    left = before.keys() & set(read_parquet(paths.ingest / "leads.parquet")["lead_id"])
    same = [lead for lead in left if after[lead] == before[lead]]
    assert len(set(before.values())) > 3 and 2 * len(same) > len(left)
    assert not any(after[lead] for lead in left - set(same)), "a company that lost a lead: other values"


def test_reasons_that_do_not_add_up_to_the_score_are_not_given(tiny_demo: Any) -> None:
    paths = tiny_demo.context.paths
    swap, twin = read_parquet(paths.thresholds / "swap_set.parquet"), load_bundle(paths.train / "twin")
    block = load_compared_block(tiny_demo.context).block
    as_json = [moment.isoformat() for moment in swap["handed_off_at"]]
    for changed, expected in (
        (swap.assign(handed_off_at=as_json), np.arange(len(swap))),
        (swap.assign(handed_off_at=[f"{as_json[0]}.000001", *as_json[1:]]), np.arange(1, len(swap))),
        (swap, np.arange(len(swap))),
        (swap.assign(lead_id=["gone", *swap["lead_id"][1:]]), np.arange(1, len(swap))),
        (
            swap.assign(model_log_odds=[swap["model_log_odds"][0] + 0.01, *swap["model_log_odds"][1:]]),
            np.arange(1, len(swap)),
        ),
        (swap.assign(row=len(block.rows)), np.arange(len(swap))),
    ):
        found = explain_swaps(twin, block, changed)
        assert found is not None
        np.testing.assert_array_equal(found.at, expected)
        np.testing.assert_allclose(found.parts.log_odds, changed["model_log_odds"].to_numpy()[expected], atol=1e-6)


def test_whom_sales_and_score_disagree_on_is_nobody_who_objects_since(tiny_copy: Any) -> None:
    context = tiny_copy.context
    before = feedback_of(context, lifecycle_of(context))["disagreements"]
    lead = before["lead_id"].iloc[0]
    file = context.paths.ingest / "leads.parquet"
    leads = read_parquet(file)
    write_parquet(file, leads.assign(**{OBJECTS: leads["lead_id"] == lead}))
    after = feedback_of(context, lifecycle_of(context))["disagreements"]
    assert len(after) and lead not in set(after["lead_id"])
