"""With too few wins, or by choice, the rubric's points score alone: worklist, cards, API, thresholds; and back."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.cohort.splits import leads_of
from features.errors import ExitStatus
from features.rubric.yaml_format import rubric_yaml
from features.schema.vocabulary import Verdict
from models.bundle import load_bundle, save_bundle
from models.calibration.evidence_limits import EvidenceLimits
from models.explaining.framework import load_framework
from models.logistic import sigmoid
from models.scoring import score
from models.settings import GateSettings, TrainSettings
from models.training.points_bundle import fit_points_bundle
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.feeds.feed_profiles import read_feed_profile
from pipelines.registry.champion import point_to, read_champion
from pipelines.registry.promotion_gate import ask_gate
from pipelines.run import run_stage
from pipelines.stages.register_bundle import register_points
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.matrix_files import load_matrix
from serving.state.result_cache import BesideResult
from tests.reference.challengers import TEST, keep
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
STAGES = ("ingest", "matrix", "audit", "backtest", "train", "register", "evaluate", "thresholds", "score", "report")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run with 21 wins: too little data for any model."""
    folder = tmp_path_factory.mktemp("few")
    document = yaml.safe_load(find_source("demo").read_text(encoding="utf-8")) | {"name": "few"}
    document["generator"]["parameters"]["leads"] = 130
    source = folder / "few.yaml"
    source.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    context = open_context(str(source), folder / "data", TrainSettings.tiny())
    for stage in STAGES:
        run_stage(context, stage)
    args = ("--source", str(source), "--data-dir", str(folder / "data"))
    return SimpleNamespace(source=source, data_dir=folder / "data", context=context, args=args)


def test_the_list_is_worked_by_points_that_add_up(few: Any) -> None:
    context: Context = few.context
    champion = read_champion(context.paths)
    assert champion is not None and load_bundle(champion.folder).by_points
    assert champion.history[-1].reason.startswith("points score alone: too little data: 21 won")
    profile = read_feed_profile(context, champion.hash)
    assert profile is not None and profile["ages_outside"] is not None, "its feeds are watched as a model's are"
    listed = read_parquet(context.paths.score / "worklist.parquet")
    assert len(listed) and read_json(context.paths.score / "score.json")["mode"] == "points"
    assert (listed["score"] == listed["manual_points"].clip(0, 100)).all()
    assert listed["manual_points"].is_monotonic_decreasing and (listed["disagree"] == "").all()
    bars = [name for name in listed if name.startswith("points_")]
    assert (50 + listed[bars].sum(axis=1) == listed["score"]).all()
    assert (listed["state"] == listed["manual_state"]).all()
    with_sales = listed["lead_list"].eq("to_work")  # the stage goes first, whatever scores
    assert with_sales.any() and not listed.loc[with_sales, "next_action"].eq("hand_off").any()
    listed = listed[~with_sales & listed["next_action"].ne("wait")]
    ours = listed[listed["lead_list"] != "to_work"]  # what sales has already is handed to nobody
    handed = ours["next_action"].eq("hand_off")
    assert (handed | ours["next_action"].eq("disqualify") | ~ours["manual_handoff"]).all()
    assert (ours["manual_handoff"] | ~handed).all()
    assert not listed.loc[listed["lead_list"] == "to_work", "next_action"].eq("hand_off").any()
    assert (listed["probability_high"] - listed["probability_low"]).min() > 0.05, "21 wins know little"


def test_a_nightly_score_by_points_is_done(cli: Cli, few: Any, tmp_path: Path) -> None:
    run = copied(few, tmp_path)
    champion = read_champion(run.context.paths)
    assert champion is not None
    status, out, err = cli("score", "--json", "--tiny", *run.args)
    scored = json.loads(out)
    assert (status, scored["bundle"], scored["mode"], scored["verdict"]) == (0, champion.hash, "points", "ok"), err
    said = f"Champion {champion.hash[:12]}: points score alone, as the last training made no model: too little data"
    assert scored["leads"] > 0 and scored["verdict_text"].startswith(said)
    train = read_json(run.context.paths.train / "verdict.json")
    assert train["verdict"] == Verdict.TOO_LITTLE_DATA, "what a run ends with"


def test_no_list_speaks_of_rules_that_decide_nothing(cli: Cli, few: Any, tmp_path: Path) -> None:
    status, _, err = cli("shortlist", *few.args)
    assert status != 0 and "points score alone" in err
    assert not read_json(few.context.paths.score / "qualification.json").get("short_total")
    status, _, err = cli("threshold", "adopt", "40", "--reason", "two new reps", *few.args)
    assert status != 0 and "points score alone" in err
    with client_for(few, tmp_path) as client:
        refused = client.post("/v1/threshold", json={"score": 40, "reason": "two new reps"})
        assert refused.status_code == 409 and client.get("/v1/threshold").json()["adopted"] == []
        assert client.get("/v1/shortlist").status_code == 422
        text = client.get("/short", headers={"accept": "text/html"}).text
        assert "points score alone" in text, text[text.index("<h1>") :]


def test_thresholds_are_judged_by_the_outcomes_there_are(cli: Cli, few: Any) -> None:
    found = read_json(few.context.paths.thresholds / "comparison.json")
    assert {row["by"] for row in found["policies"]} == {"rubric"} and found["repair"]["worth"]
    assert found["sentences"][0].startswith("No model stands beside the rubric. too little data")
    assert "matured rows" in found["population"]["sentence"] and "the model" not in found["population"]["sentence"]
    assert not any("before the judged rows" in note for note in found["notes"])
    status, out, _ = cli("compare", *few.args)
    assert status == 0 and "Policies on all matured rows" in out and "test block" not in out


def test_report_and_commands_tell_points_and_no_model(cli: Cli, few: Any) -> None:
    html = (few.context.paths.reports / "report.html").read_text(encoding="utf-8")
    assert "by the points of the rubric <code>" in html and "by the live model" not in html
    assert "The rubric's list" in unescape(html) and "The model's list" not in unescape(html)
    status, _, err = cli("questions", *few.args)
    assert status != 0 and "points score alone" in err


def test_every_page_and_address_works_on_points(few: Any, tmp_path: Path) -> None:
    with client_for(few, tmp_path) as client:
        rows = client.get("/v1/worklist", params={"sort": "points"}).json()["rows"]
        card = client.get(f"/v1/leads/{rows[0]['lead_id']}").json()
        assert card["mode"] == "points" and sum(row["points"] for row in card["manual"]["criteria"]) == card["score"]
        for page in ("/", "/worklist", f"/leads/{rows[0]['lead_id']}", "/thresholds", "/team", "/model", "/short"):
            html = client.get(page, headers={"accept": "text/html"})
            assert html.status_code == 200, page
        listed = client.get("/worklist", headers={"accept": "text/html"})
        assert "Scored by the points of the rubric alone." in listed.text
        replay = client.get("/v1/thresholds/simulate", params={"handoffs_per_week": 2}).json()
        assert {row["by"] for row in replay["policies"]} == {"rubric"}
        sent = client.post("/v1/score", json={"lead": {"lead_id": "new", "job_title": "CEO"}}).json()
        assert sent["score"] == sent["manual"]["points"] > 0
        drift = client.get("/v1/model/drift")
        assert drift.status_code == 200


def test_the_model_page_tells_points_and_not_the_model_that_was_rejected(
    few: Any, tiny_demo: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = {"check": "features", "level": "ok", "sentence": "", "next": ""}
    drift = BesideResult({"findings": [features], "features": [], "headline": ""})
    monkeypatch.setattr("serving.pages.model.model_page.begin_drift", lambda app_state: drift)
    run = copied(few, tmp_path)
    rejected = EvaluationRecord.read(tiny_demo.context.paths).model_copy(update={"judged": ""})
    rejected.write(run.context.paths.evaluate)
    with client_for(run, tmp_path) as client:
        text = client.get("/model", headers={"accept": "text/html"}).text
    assert "No model is in use: points score." in text and "too little data: 21 won" in text
    assert "Good enough to sort by" not in text and 'id="cand-h"' not in text and "Ranks well" not in text
    assert "Nothing moved since it was trained" not in text, "points were not"
    assert '<div id="warning" hidden>' in text, "it takes the place of what was being worked out"


def test_an_adopted_rubric_scores_at_once_where_points_score_alone(
    cli: Cli, few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(few, tmp_path)
    first = read_champion(run.context.paths)
    rubric = run.context.rubric
    assert rubric is not None and first is not None
    rules = tuple(r.model_copy(update={"points": 1.0}) if r.id == "demo_request" else r for r in rubric.rules)
    draft = tmp_path / "draft.yaml"
    draft.write_text(rubric_yaml(rubric.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    status, out, err = cli("rubric", "adopt", str(draft), "--reason", "r", *run.args)
    assert status == 0 and "It scores alone from now on" in out, err
    now = read_champion(run.context.paths)
    assert now is not None and now.hash != first.hash
    assert read_feed_profile(run.context, now.hash) == read_feed_profile(run.context, first.hash) is not None
    monkeypatch.setattr("pipelines.rubrics.rubric_adoption.cutoff_of", lambda *_: pd.Timestamp("2027-01-04"))
    again = cli("rubric", "adopt", str(draft), "--reason", "r", *run.args)
    assert again[:2] == (0, out), (
        "killed once all was written, with data that came since, it says what it would have said"
    )
    assert read_champion(run.context.paths) == now
    assert cli("score", "--no-gate", "--tiny", *run.args)[0] == 0
    listed = read_parquet(run.context.paths.score / "worklist.parquet")
    assert (
        set(listed["manual_version"]) == {"demo 2"} and (listed["score"] == listed["manual_points"].clip(0, 100)).all()
    )


def test_who_objected_before_the_next_matrix_is_judged_no_more_by_points_alone(
    cli: Cli, few: Any, tmp_path: Path
) -> None:
    run = copied(few, tmp_path)
    paths, rubric = run.context.paths, run.context.rubric
    assert rubric is not None
    rules = tuple(r.model_copy(update={"within_days": 60}) if r.id == "demo_request" else r for r in rubric.rules)
    draft = tmp_path / "draft.yaml"
    draft.write_text(rubric_yaml(rubric.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    matrix = load_matrix(paths.matrix)
    lead = matrix.keys["lead_id"][matrix.matured].iloc[0]
    rows = int((matrix.matured & (matrix.keys["lead_id"] != lead)).sum())
    assert cli("object", lead, *run.args)[0] == 0

    status, out, err = cli("rubric", "try", str(draft), *run.args, "--json")
    assert (status, json.loads(out or "{}").get("population", {}).get("rows_in_all")) == (0, rows), err
    assert cli("rubric", "adopt", str(draft), "--reason", "r", *run.args)[0] == 0
    adopted = open_context(str(run.source), run.data_dir, TrainSettings.tiny())
    run_stage(adopted, "thresholds")
    assert read_json(paths.thresholds / "comparison.json")["population"]["rows_in_all"] == rows
    with client_for(run, tmp_path) as client:
        replay = client.get("/v1/thresholds/simulate", params={"handoffs_per_week": 2})
        assert (replay.status_code, replay.json()["population"]["rows_in_all"]) == (200, rows), replay.text


def test_an_adopted_rubric_counts_the_leads_there_are_now(cli: Cli, few: Any, tmp_path: Path) -> None:
    """A champion from when there was half as much: all its figures of training are those of today's matrix."""
    run = copied(few, tmp_path)
    paths, rubric = run.context.paths, run.context.rubric
    first, matrix = read_champion(paths), load_matrix(paths.matrix)
    assert rubric is not None and first is not None
    half = matrix.take(np.arange(len(matrix) // 2))
    early = fit_points_bundle(half, rubric, run.context.settings, load_bundle(first.folder).meta)
    point_to(paths, keep(run, early, tmp_path / "early"), TEST)
    assert early.limits == EvidenceLimits(*leads_of(half, np.flatnonzero(half.matured)))

    draft = tmp_path / "draft.yaml"
    draft.write_text(rubric_yaml(rubric.model_copy(update={"version": "2"})), encoding="utf-8")
    status, _, err = cli("rubric", "adopt", str(draft), "--reason", "r", *run.args)
    assert status == 0, err
    now = read_champion(paths)
    assert now is not None and now.hash != first.hash
    adopted = load_bundle(now.folder)
    counted = EvidenceLimits(*leads_of(matrix, np.flatnonzero(matrix.matured)))
    assert adopted.limits == counted != early.limits
    assert adopted.meta["rows"] == int(matrix.matured.sum()) > early.meta["rows"]


def copied(few: Any, tmp_path: Path) -> Any:
    shutil.copytree(few.source.parent, tmp_path / "copy")
    source, data = tmp_path / "copy" / "few.yaml", tmp_path / "copy" / "data"
    context = open_context(str(source), data, TrainSettings.tiny())
    args = ("--source", str(source), "--data-dir", str(data))
    return SimpleNamespace(source=source, data_dir=data, context=context, args=args)


def test_taking_up_a_model_is_a_decision_shown_with_its_evidence(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    context, paths = tiny_copy.context, tiny_copy.context.paths
    model = read_champion(paths)
    assert context.rubric is not None and model is not None
    meta = load_bundle(paths.train / "bundle").meta
    told = {name: meta[name] for name in ("source", "source_kind", "horizon_days", "framework", "outcome", "purpose")}
    points = fit_points_bundle(
        load_matrix(paths.matrix),
        context.rubric,
        context.settings,
        told | {"verdict": "no_signal", "verdict_text": "w"},
    )
    save_bundle(points, paths.train / "points")
    assert register_points(context) == "challenger" and read_champion(paths) == model, "a model that fits stays"
    chosen = context.source.model_copy(update={"mode": "points"})
    by_choice = dataclasses.replace(context, source=chosen)
    assert register_points(by_choice) == "champion"
    now = read_champion(paths)
    assert now is not None and now.hash == points.hash and now.history[-1].how == "declaration"

    status, out, _ = cli("promote", *tiny_copy.args, "--bundle", model.hash, "--check")
    assert status == 0 and "worked by points now; with this promotion a model takes over" in out
    assert "the model's list holds" in out and "Who moves" in out
    kept_back = ask_gate(by_choice, model.hash, GateSettings())
    assert not kept_back.passes and "remove 'mode: points'" in kept_back.text
    assert cli("promote", *tiny_copy.args, "--bundle", model.hash)[0] == 0
    assert read_champion(paths).hash == model.hash
    assert ask_gate(context, keep(tiny_copy, points, tmp_path / "p"), GateSettings()).verdict == "to_points"


def test_the_score_of_a_points_bundle_is_the_points(tiny_demo: TinyRun) -> None:
    context = tiny_demo.context
    open_now = load_matrix(context.paths.matrix, "open")
    assert context.rubric is not None
    meta = {"horizon_days": 91, "verdict": "ok", "verdict_text": ""}
    matrix = load_matrix(context.paths.matrix)
    bundle = fit_points_bundle(matrix, context.rubric, context.settings, meta)
    promised = sigmoid(bundle.log_odds(matrix.values))[matrix.matured].mean()
    assert promised == pytest.approx(matrix.label[matrix.matured].mean(), abs=1e-6), "as many as are won of a list"
    by_lead = np.average(matrix.label[matrix.matured], weights=matrix.weight[matrix.matured])
    assert by_lead > 1.1 * promised, "who wins soon has few rows"
    matured = matrix.keys["lead_id"][matrix.matured]
    won_leads = matured[matrix.label[matrix.matured] == 1].nunique()
    assert bundle.limits == EvidenceLimits(won_leads, matured.nunique() - won_leads), "by leads, not by rows"
    scored = score(bundle, open_now, load_framework("bant"), source=context.source)
    points = scored.manual.book.points  # type: ignore[union-attr]
    assert np.array_equal(scored.bars.score, np.rint(np.clip(points, 0, 100)).astype(int))
    assert np.array_equal(np.argsort(-scored.log_odds, kind="stable"), np.argsort(-points, kind="stable"))
    inside = (points > 0) & (points < 100)
    for row in np.flatnonzero(inside)[:50].tolist():
        card = scored.card(row)
        model = {part["id"]: part["points"] for part in card["criteria"]}
        manual = {
            part["id"]: part["points"] for part in card["manual"]["criteria"] if part["id"] not in ("start", "caps")
        }
        assert sum(part["points"] for part in card["manual"]["criteria"]) == card["score"]
        if not any(part["id"] == "caps" for part in card["manual"]["criteria"]):
            assert model == manual
    assert json.dumps(scored.card(0))


def test_the_declaration_knows_the_mode(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "odd.yaml"
    source.write_text(
        find_source("demo").read_text(encoding="utf-8").replace("kind: relational", "kind: relational\nmode: odd")
    )
    status, _, err = cli("rubric", "show", "--source", str(source), "--data-dir", str(tmp_path))
    assert status == ExitStatus.SOURCE and "mode" in err


@pytest.mark.parametrize("role", ["rep", "marketer", "manager", "scientist"])
def test_home_and_team_say_that_no_model_scores(few: Any, tmp_path: Path, role: str) -> None:
    with client_for(few, tmp_path) as client:
        home = client.get(f"/?role={role}", headers={"accept": "text/html"})
        assert home.status_code == 200, home.text[:500]
        said = {"rep": "no model scores here", "manager": "No model scores here", "scientist": "No model scores here"}
        assert said.get(role, "ready to hand off") in home.text
        assert client.get("/team", headers={"accept": "text/html"}).status_code == 200
