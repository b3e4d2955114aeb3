"""Pages of a source without clocks, names, owners or companies: everything opens, nothing is made up."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.errors import DataError
from models.settings import TrainSettings
from pipelines.artifacts.final_block import load_test_block
from pipelines.run import RUN, run_stage
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import open_context
from tests.reference.calls import calls, write_calls
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def flat_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("flat")
    source, data_dir = write_calls(folder, calls()), folder / "data"
    settings = TrainSettings.tiny().model_copy(update={"alpha": 0.2})
    run = TinyRun(folder, source, data_dir, open_context(str(source), data_dir, settings))
    for stage in RUN:
        if stage != "validate":
            run_stage(run.context, stage)
    return run


@pytest.fixture
def client(flat_run: TinyRun, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(flat_run, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/short", "no table of answers"),
        ("/expansion", "it has no accounts"),
        ("/find?q=ann", "nobody has a history in it"),
    ],
)
def test_a_page_without_anything_says_why(client: TestClient, address: str, why: str) -> None:
    assert why in client.get(address, headers=HTML).text


def test_every_page_opens_on_a_source_without_clocks(client: TestClient) -> None:
    first = client.get("/v1/worklist", params={"size": 1}).json()["rows"][0]["lead_id"]
    sorted_by = [f"/worklist?sort={name}" for name in ("newest", "change", "value", "waiting")]
    paths = ["/", "/worklist", *sorted_by, "/worklist?show=new", f"/leads/{first}"]
    for path in [*paths, f"/leads/{first}?framework=meddicc", "/short", "/thresholds", "/team", "/model"]:
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 200, (path, answer.text)
    html = client.get("/worklist", headers=HTML).text
    assert re.search(rf'<a [^>]*href="/leads/{first}"[^>]*>{first}</a>', html)
    assert "show=new" not in html and " days first" not in html, "without clocks nobody is new, and no horizon"


@pytest.mark.parametrize(
    ("path", "asked"), [("worklist/export", {"changed": "true"}), ("worklist", {"sort": "change"})]
)
def test_nothing_is_said_to_have_moved_without_clocks(client: TestClient, path: str, asked: dict[str, str]) -> None:
    answer = client.get(f"/v1/{path}", params=asked)
    assert answer.status_code == 422 and "no clocks" in answer.json()["detail"]


def test_a_lead_without_clocks_is_put_aside_and_scored(client: TestClient) -> None:
    rows: list[dict[str, Any]] = client.get("/v1/worklist", params={"size": 2}).json()["rows"]
    first = rows[0]["lead_id"]
    client.post(f"/v1/leads/{first}/feedback", json={"verdict": "reject", "reason": "no_need"})
    assert client.get("/v1/worklist", params={"size": 1}).json()["rows"][0]["lead_id"] == rows[1]["lead_id"]
    card = client.post("/v1/score", json={"lead": {"job": "boss", "age": 44, "visits": 3}}).json()
    assert 50 + card["points_base"] + card["points_clip"] + sum(c["points"] for c in card["criteria"]) == card["score"]


def test_a_share_is_the_capacity_of_a_flat_source(client: TestClient) -> None:
    html = client.get("/thresholds?share=0.3&cost_per_handoff=5", headers=HTML).text
    assert 'name="share"' in html and 'name="handoffs_per_week"' not in html
    rows = client.get("/v1/thresholds/simulate", params={"share": 0.3}).json()["policies"]
    workload = next(row["workload"] for row in rows if row["policy"] == "model_at_capacity")
    assert f">{workload}</td>" in html


@pytest.mark.parametrize("path", ["/?role=manager", "/?role=marketer", "/team"])
def test_without_stages_home_and_team_say_what_is_missing(client: TestClient, path: str) -> None:
    page = client.get(path, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "has no history of stages" in page.text
    assert "Waiting too long" not in page.text and "Promises kept" not in page.text


@pytest.mark.parametrize("role", ["rep", "scientist"])
def test_the_other_homes_stand_without_stages(client: TestClient, role: str) -> None:
    page = client.get(f"/?role={role}", headers={"accept": "text/html"})
    assert page.status_code == 200 and "Waiting too long" not in page.text


def test_the_same_rows_in_another_order_lend_no_judgement_and_no_trained_row_is_listed(
    flat_run: TinyRun, tmp_path: Path
) -> None:
    folder = shutil.copytree(flat_run.folder, tmp_path / "copy")
    context = open_context(str(folder / "calls.yaml"), folder / "data", flat_run.context.settings)
    paths = context.paths
    before = load_test_block(paths)
    run_stage(context, "matrix")
    run_stage(context, "score")  # of the same rows in the same order
    listed = read_parquet(paths.score / "worklist.parquet")
    write_calls(folder, calls().sample(frac=1.0, random_state=1))
    run_stage(context, "ingest")
    run_stage(context, "matrix")

    after = load_test_block(paths)
    assert not np.array_equal(after.rows, before.rows)
    pd.testing.assert_frame_equal(after.matrix.values, before.matrix.values)
    np.testing.assert_array_equal(after.log_odds, before.log_odds)

    with pytest.raises(DataError, match=r"built again since the training.*Train again: leadscore run --source"):
        run_stage(context, "score")
    pd.testing.assert_frame_equal(read_parquet(paths.score / "worklist.parquet"), listed)

    run_stage(context, "evaluate")
    beside = read_json(paths.evaluate / "evaluation.json")["figures"]
    shutil.rmtree(paths.train / "twin")
    run_stage(context, "evaluate")
    assert read_json(paths.evaluate / "evaluation.json")["figures"] == beside, "no member was fitted on other rows"
