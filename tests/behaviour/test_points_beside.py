"""The manual score beside the model's: on lists, cards, the API, scored files and exports, sorted and filtered."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from features.rubric.load import load_rubric
from features.rubric.yaml_format import rubric_yaml
from models.explaining.qualification import RANK
from pipelines.rubrics.rubric_history import ledger_on
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.table_files import load_tables
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
DEMO = Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml"
COLUMNS = ["manual_points", "manual_state", "manual_handoff", "manual_version", "disagree"]


def test_every_listed_lead_has_the_points_of_the_ledger(cli: Cli, tiny_demo: TinyRun) -> None:
    context = tiny_demo.context
    listed = read_parquet(context.paths.score / "worklist.parquet").set_index("lead_id")
    assert context.rubric is not None
    open_now = load_matrix(context.paths.matrix, "open")
    book = ledger_on(context.source, load_tables(context.paths), context.rubric, open_now)
    rows = listed.loc[open_now.keys["lead_id"]]
    assert (rows["manual_points"].to_numpy() == book.points.round(2)).all()
    assert (rows["manual_handoff"].to_numpy() == book.handed_off).all() and set(rows["manual_version"]) == {"demo 1"}
    by_model = rows["state"].map(RANK).fillna(-1) >= RANK["mql"]
    by_model &= rows["next_action"] != "disqualify"  # nor whom it proposes to let go
    waits = rows["lead_list"] != "to_work"  # nobody hands off what sales has already
    waits &= rows["next_action"] != "wait"
    says = {(True, False): "model only", (False, True): "rubric only"}
    pairs = zip(by_model, rows["manual_handoff"], waits, strict=True)
    expected = [says.get((model, manual), "") if mine else "" for model, manual, mine in pairs]
    assert (~waits & (by_model != rows["manual_handoff"])).any(), "the demo has some with sales"
    assert rows["disagree"].tolist() == expected and 0 < (rows["disagree"] != "").sum() < len(rows)

    found = json.loads(cli("worklist", *tiny_demo.args, "--sort", "points", "--disagree", "--limit", "50", "--json")[1])
    assert [row["manual_points"] for row in found] == sorted((row["manual_points"] for row in found), reverse=True)
    assert all(row["disagree"] for row in found)


def test_a_card_shows_points_per_criterion_that_add_up(cli: Cli, tiny_demo: TinyRun) -> None:
    listed = read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    for lead in listed["lead_id"].head(12):
        card = json.loads(cli("explain", str(lead), *tiny_demo.args, "--json")[1])
        manual, row = card["manual"], listed[listed["lead_id"] == lead].iloc[0]
        cents = [round(100 * part["points"]) for part in manual["criteria"]]
        assert sum(cents) == round(100 * manual["points"]) == round(100 * row["manual_points"])
        assert sum(round(100 * entry["points"]) for entry in manual["entries"]) == sum(cents)
        assert (manual["state"], manual["disagree"]) == (row["manual_state"], row["disagree"])
    assert "Points of the rubric demo 1" in cli("explain", str(listed["lead_id"].iloc[0]), *tiny_demo.args)[1]


def test_the_api_sorts_filters_and_exports_points(tiny_demo: TinyRun, tmp_path: Path) -> None:
    listed = read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    with client_for(tiny_demo, tmp_path) as client:
        rows = client.get("/v1/worklist", params={"sort": "points", "size": 500}).json()["rows"]
        points = [row["manual_points"] for row in rows]
        assert points == sorted(points, reverse=True)
        only = client.get("/v1/worklist", params={"disagree": True, "size": 500}).json()
        assert only["total"] == int((listed["disagree"] != "").sum()) and all(row["disagree"] for row in only["rows"])
        text = client.get("/v1/worklist/export", params={"disagree": True}).text
        exported = list(csv.DictReader(io.StringIO(text)))
        assert len(exported) == only["total"] and set(COLUMNS) <= set(exported[0])
        crm = client.get("/v1/worklist/export", params={"form": "hubspot"}).text.splitlines()[0]
        assert "leadscore_manual_points" in crm
        html = client.get("/worklist", params={"sort": "points"}, headers={"accept": "text/html"}).text
        assert "Only one of rubric and model would hand this lead to sales." in html
        assert 'aria-sort="descending" class="num points-cell"' in html and f"<b>{points[0]:.0f}<" in html
        lead = rows[0]["lead_id"]
        page = client.get(f"/leads/{lead}", headers={"accept": "text/html"}).text
        assert "Points of the rubric" in page and "Rule by rule" in page
        answered = client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": "none"})
        assert answered.status_code == 201
        now = client.get("/v1/worklist", params={"search": lead}).json()["rows"][0]
        assert (
            now["manual_points"]
            == client.get(f"/v1/leads/{lead}").json()["manual"]["points"]
            < rows[0]["manual_points"]
        )


def test_scored_files_carry_the_points_of_the_version_in_force(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    listed = read_parquet(tiny_copy.context.paths.score / "worklist.parquet").head(20)
    file, out = tmp_path / "leads.csv", tmp_path / "scored.parquet"
    file.write_text("Lead ID\n" + "\n".join(listed["lead_id"]) + "\n", encoding="utf-8")
    assert cli("score", "--input", str(file), "--out", str(out), *tiny_copy.args)[0] == 0
    scored = read_parquet(out)
    assert scored[COLUMNS].to_numpy().tolist() == listed[COLUMNS].to_numpy().tolist()

    active = load_rubric(DEMO)
    rules = tuple(r.model_copy(update={"within_days": 1}) if r.id == "demo_request" else r for r in active.rules)
    draft = tmp_path / "draft.yaml"
    draft.write_text(rubric_yaml(active.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    assert cli("rubric", "adopt", str(draft), "--reason", "r", *tiny_copy.args)[0] == 0
    assert cli("score", "--input", str(file), "--out", str(out), *tiny_copy.args)[0] == 0
    again = read_parquet(out)
    assert set(again["manual_version"]) == {"demo 2"} and again["score"].tolist() == scored["score"].tolist()
    assert (again["manual_points"] <= scored["manual_points"]).all()
    assert (again["manual_points"] < scored["manual_points"]).any()
    with client_for(tiny_copy, tmp_path) as client:
        rows = {row["lead_id"]: row for row in client.get("/v1/worklist", params={"size": 500}).json()["rows"]}
        assert {row["manual_version"] for row in rows.values()} == {"demo 2"}
        for lead, points in zip(again["lead_id"], again["manual_points"], strict=True):
            assert rows[lead]["manual_points"] == pytest.approx(points)
