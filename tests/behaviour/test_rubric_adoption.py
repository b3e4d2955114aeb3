"""A draft against the rubric in force, its adoption, history under the version of its time, and decay."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.cohort.objections import OBJECTS
from features.errors import ExitStatus
from features.rubric.load import load_rubric
from features.rubric.yaml_format import rubric_yaml
from models.settings import GateSettings, MonitorSettings
from pipelines.diagnostics.monitor import monitor
from pipelines.registry.champion import read_champion
from pipelines.registry.promotion_gate import ask_gate
from pipelines.retraining.replay_bundles import replay_bundles
from pipelines.rubrics.compared_leads import load_compared_block
from pipelines.run import run_stage
from pipelines.stages.register_bundle import register_trained_bundle
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import open_context
from pipelines.workspace.matrix_files import load_catalog, load_matrix
from tests.reference.challengers import early_champion, keep, rescaled
from tests.reference.serving import client_for, key_for, worklist_of
from tests.reference.tiny_run import SETTINGS, TinyRun

Cli = Callable[..., tuple[int, str, str]]
DEMO = Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml"
CUTOFF = pd.Timestamp("2026-06-29")


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """Downloads give less, a demo more but not as long: other points, and another feature of the same name."""
    active = load_rubric(DEMO)
    changes = {"downloads": {"points": 2.0}, "demo_request": {"points": 30.0, "within_days": 60}}
    rules = tuple(rule.model_copy(update=changes.get(rule.id, {})) for rule in active.rules)
    path = tmp_path / "draft.yaml"
    path.write_text(rubric_yaml(active.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    return path


def test_a_draft_is_compared_with_the_rubric_in_force(cli: Cli, tiny_demo: TinyRun, draft: Path) -> None:
    status, out, _ = cli("rubric", "compare", str(draft), *tiny_demo.args, "--json")
    found = json.loads(out)
    assert status == 0 and found["active"]["version"] == "1" and found["draft"]["version"] == "2"
    assert {row["rule"] for row in found["rules"]} == {"downloads", "demo_request"}
    own = found["differences"][0]
    enter, leave = ([row for row in found["moves"] if row["side"] == side] for side in ("enters", "leaves"))
    assert own["handoffs"] == len(enter) - len(leave) and own["wins_ci"][0] <= own["wins"] <= own["wins_ci"][1]
    now = found["now"]
    assert now["draft"] - now["active"] == sum(1 if row["side"] == "enters" else -1 for row in now["moves"])
    kept = found["population"]
    assert kept["name"] == "before_handoff" and 0 < kept["rows"] < kept["rows_in_all"]
    listed = read_parquet(tiny_demo.context.paths.score / "worklist.parquet").set_index("lead_id")["lead_list"]
    assert now["leads"] < len(listed) and now["moves"]
    assert not listed[[row["lead_id"] for row in now["moves"]]].eq("to_work").any(), "sales has them already"
    later = json.loads(cli("rubric", "compare", str(draft), *tiny_demo.args, "--since", "2026-01-01", "--json")[1])
    assert 0 < later["leads"] < found["leads"]
    same = json.loads(cli("rubric", "compare", str(DEMO), *tiny_demo.args, "--json")[1])
    assert same["moves"] == same["rules"] == same["now"]["moves"] == []
    status, out, _ = cli("rubric", "compare", str(draft), *tiny_demo.args)
    assert status == 0 and "Each change alone" in out and "Who enters and leaves" in out


def test_whoever_objects_is_not_named_before_the_matrix_is_built_again(
    cli: Cli, tiny_copy: TinyRun, draft: Path
) -> None:
    def now() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(cli("rubric", "compare", str(draft), *tiny_copy.args, "--json")[1])["now"]
        return found

    def decaying() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(cli("rubric", "decay", *tiny_copy.args, "--json")[1])
        return found

    before, losing = now(), decaying()
    lead, other = before["moves"][0]["lead_id"], losing["losing"][0]["lead_id"]
    for name in {lead, other}:
        assert cli("object", name, *tiny_copy.args)[0] == 0
    after, then = now(), decaying()
    gone = len({lead, other})
    assert (after["leads"], then["leads"]) == (before["leads"] - gone, losing["leads"] - gone)
    assert not {lead, other} & {row["lead_id"] for row in [*after["moves"], *then["losing"]]}


def test_the_list_is_scored_beside_another_rubric_after_somebody_objected(
    cli: Cli, tiny_copy: TinyRun, draft: Path
) -> None:
    args, paths = tiny_copy.args, tiny_copy.context.paths
    before = read_parquet(paths.score / "worklist.parquet").set_index("lead_id")["score"]
    assert cli("rubric", "adopt", str(draft), "--reason", "r", *args)[0] == 0
    context = open_context(str(tiny_copy.source), tiny_copy.data_dir, SETTINGS)
    run_stage(context, "matrix")
    assert cli("object", before.index[0], *args)[0] == 0
    run_stage(context, "score")
    after = read_parquet(paths.score / "worklist.parquet").set_index("lead_id")["score"]
    assert after.to_dict() == before.iloc[1:].to_dict()


def test_bundles_of_another_rubric_are_watched_and_compared_after_somebody_objected(
    cli: Cli, tiny_copy: TinyRun, draft: Path, tmp_path: Path
) -> None:
    args, paths = tiny_copy.args, tiny_copy.context.paths
    other = keep(tiny_copy, rescaled(early_champion(tiny_copy, tmp_path)), tmp_path / "other")
    assert cli("rubric", "adopt", str(draft), "--reason", "r", *args)[0] == 0
    context = open_context(str(tiny_copy.source), tiny_copy.data_dir, SETTINGS)
    run_stage(context, "matrix")
    learned, listed = (load_matrix(paths.matrix, name).keys["lead_id"] for name in ("matrix", "open"))
    gone = {learned.iloc[0], listed.iloc[0]}
    leads = read_parquet(paths.ingest / "leads.parquet")
    write_parquet(paths.ingest / "leads.parquet", leads.assign(**{OBJECTS: leads["lead_id"].isin(gone)}))

    assert monitor(context, MonitorSettings()).leads == int((~listed.isin(gone)).sum())
    assert ask_gate(context, other, GateSettings(minimum_won=10, draws=200)).rows > 0
    assert replay_bundles(context, GateSettings()) is not None


def test_a_draft_is_tried_beside_the_model_without_who_objected_since(
    cli: Cli, tiny_copy: TinyRun, draft: Path
) -> None:
    def rows() -> int:
        status, out, err = cli("rubric", "try", str(draft), *tiny_copy.args, "--json")
        assert status == 0, err
        return int(json.loads(out)["population"]["rows_in_all"])

    keys, before = load_compared_block(tiny_copy.context).whole.matrix.keys, rows()
    lead = keys["lead_id"].iloc[0]
    assert cli("object", lead, *tiny_copy.args)[0] == 0
    assert rows() == before - int((keys["lead_id"] == lead).sum())


def test_an_adopted_draft_is_in_force_and_the_past_stays_under_its_version(
    cli: Cli, tiny_copy: TinyRun, draft: Path
) -> None:
    args, paths = tiny_copy.args, tiny_copy.context.paths
    champion = read_champion(paths)
    old = read_parquet(paths.score / "worklist.parquet")
    moved = json.loads(cli("rubric", "compare", str(draft), *args, "--json")[1])["now"]["moves"]
    lead = next(row["lead_id"] for row in moved if row["side"] == "leaves")

    status, out, _ = cli("rubric", "adopt", str(draft), "--reason", "downloads mislead", "--author", "kim", *args)
    assert status == 0 and "in force from 2026-06-29" in out and "in place of demo 1" in out
    again = cli("rubric", "adopt", str(draft), "--reason", "downloads mislead", "--author", "kim", *args)
    assert again[:2] == (0, out), "killed once it was adopted, the same command ends as if undisturbed"
    shown = json.loads(cli("rubric", "show", *args, "--json")[1])
    assert [row["version"] for row in shown["versions"]] == ["2", "1"]
    assert (shown["active"]["author"], shown["active"]["reason"]) == ("kim", "downloads mislead")
    status, _, err = cli("rubric", "adopt", str(draft), "--reason", "again", *args)
    assert status == ExitStatus.POLICY and "in force already" in err

    now = json.loads(cli("explain", lead, "--rubric", *args, "--json")[1])
    then = json.loads(cli("explain", lead, "--rubric", "--as-of", "2026-06-28", *args, "--json")[1])
    assert (now["version"], now["handed_off"], then["version"]) == ("2", False, "1")

    context = open_context(str(tiny_copy.source), tiny_copy.data_dir, SETTINGS)
    run_stage(context, "matrix")
    assert load_catalog(paths.matrix, "open").hash != load_catalog(champion.folder, "bundle").hash
    assert register_trained_bundle(context) == "champion" and read_champion(paths) == champion, "no rubric unseats it"
    run_stage(context, "score")
    new = read_parquet(paths.score / "worklist.parquet")
    assert new[["lead_id", "score", "bundle_hash"]].equals(old[["lead_id", "score", "bundle_hash"]])
    status, out, _ = cli("monitor", *args, "--json")
    assert json.loads(out)["leads"] == len(old)


@pytest.mark.parametrize("ingested", [False, True])
def test_no_version_begins_in_the_future(cli: Cli, tiny_copy: TinyRun, draft: Path, ingested: bool) -> None:
    if not ingested:
        shutil.rmtree(tiny_copy.context.paths.ingest)
    status, _, err = cli("rubric", "adopt", str(draft), "--reason", "r", "--from", "2099-01-01", *tiny_copy.args)
    assert status == ExitStatus.POLICY and "2099-01-01 00:00 is in the future" in err


def test_an_edited_declaration_beside_an_adopted_version_is_refused(cli: Cli, tiny_copy: TinyRun, draft: Path) -> None:
    own = tiny_copy.folder / "mine.yaml"
    own.write_text(DEMO.read_text(encoding="utf-8"), encoding="utf-8")
    tiny_copy.source.write_text(
        tiny_copy.source.read_text(encoding="utf-8").replace("rubric: demo", "rubric: mine.yaml"), encoding="utf-8"
    )
    assert cli("rubric", "adopt", str(draft), "--reason", "r", *tiny_copy.args)[0] == 0
    own.write_text(own.read_text(encoding="utf-8").replace("points: 25", "points: 24"), encoding="utf-8")
    status, _, err = cli("rubric", "show", *tiny_copy.args)
    assert status == ExitStatus.POLICY and "two rubrics claim to be in force" in err


def test_silence_is_simulated_as_the_ledger_would_say_later(cli: Cli, tiny_demo: TinyRun) -> None:
    found = json.loads(cli("rubric", "decay", *tiny_demo.args, "--days", "30,90", "--json")[1])
    assert [step["day"] for step in found["steps"]] == [0, 30, 90]
    assert found["population"] == "open leads not yet with sales"
    assert found["leads"] == worklist_of(tiny_demo)["lead_list"].isin(["to_hand_off", "watching"]).sum()
    assert found["steps"][0]["handed_off"] >= found["steps"][1]["handed_off"] >= found["steps"][2]["handed_off"]
    assert found["steps"][2]["no_longer"] == len(found["losing"]) > 0
    lead = found["losing"][0]["lead_id"]
    one = json.loads(cli("rubric", "decay", lead, *tiny_demo.args, "--days", "30,90", "--json")[1])
    assert one["points"] == found["losing"][0]["points"]
    for k, day in enumerate(one["days"]):
        assert sum(row["points"][k] for row in one["entries"]) == pytest.approx(one["points"][k])
        when = (CUTOFF + pd.Timedelta(days=day)).isoformat()
        said: dict[str, Any] = json.loads(
            cli("explain", lead, "--rubric", "--as-of", when, *tiny_demo.args, "--json")[1]
        )
        assert (said["points"], said["handed_off"]) == (one["points"][k], one["handed_off"][k])
    assert "handed to sales" in cli("rubric", "decay", lead, *tiny_demo.args)[1]
    for days in ("0", "", "a", "1000"):
        status = cli("rubric", "decay", *tiny_demo.args, "--days", days)[0]
        assert status in (ExitStatus.CONTRACT, ExitStatus.USAGE)


def test_the_server_compares_adopts_and_simulates(tiny_copy: TinyRun, tmp_path: Path, draft: Path) -> None:
    text = draft.read_text(encoding="utf-8")
    with client_for(tiny_copy, tmp_path) as client:
        before = client.get("/v1/worklist", params={"size": 5}).json()
        found = client.post("/v1/rubric/compare", json={"rubric": text}).json()
        assert {row["rule"] for row in found["rules"]} == {"downloads", "demo_request"} and found["moves"]
        owner = str(read_parquet(tiny_copy.context.paths.score / "worklist.parquet")["owner"].iloc[0])
        reader = key_for(client, "read", owner=owner)
        own = client.post("/v1/rubric/compare", json={"rubric": text}, headers=reader).json()
        assert 0 < len(own["now"]["moves"]) < len(found["now"]["moves"]) and own["rules"] == found["rules"]
        adopted = {"rubric": text, "reason": "downloads mislead"}
        assert client.post("/v1/rubric", json=adopted, headers=reader).status_code == 403
        admin = key_for(client, "admin")
        told = client.post("/v1/rubric", json=adopted, headers=admin)
        assert (told.status_code, told.json()["in_use"], told.json()["author"]) == (201, True, "tester")
        assert client.post("/v1/rubric", json=adopted, headers=admin).status_code == 422
        shown = client.get("/v1/rubric", headers=admin).json()
        assert [row["version"] for row in shown["versions"]] == ["2", "1"] and "version: '2'" in shown["yaml"]
        trail = client.get("/v1/audit", headers=admin).json()[3::-1]
        assert [row["action"].removeprefix("rubric.") for row in trail] == [
            *("adopting", "adopted", "adopting", "not_adopted")  # said before anything changes, then what came of it
        ]
        assert trail[0]["detail"]["reason"] == "downloads mislead" and "in force" in trail[3]["detail"]["outcome"]
        after = client.get("/v1/worklist", params={"size": 5}, headers=admin).json()
        assert [row["score"] for row in after["rows"]] == [row["score"] for row in before["rows"]]
        decay = client.get("/v1/rubric/decay", params={"days": [30]}, headers=reader).json()
        assert decay["version"] == "2" and [step["day"] for step in decay["steps"]] == [0, 30]
        lead = str(before["rows"][0]["lead_id"])
        assert client.get("/v1/rubric/decay", params={"lead_id": lead}, headers=admin).json()["lead_id"] == lead
        assert client.get("/v1/rubric/decay", params={"lead_id": "x"}, headers=admin).status_code == 404
        html = client.get("/rubric", headers=admin | {"accept": "text/html"}).text
        assert "Rules in use, version 2" in html and "downloads mislead" in html
