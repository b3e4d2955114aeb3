"""`leadscore monitor`: silent on the data it was trained for, loud when the export or the market changes."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import ExitStatus
from features.matrix import Matrix
from models.bundle import load_bundle, save_bundle
from models.judging.handoff.population import is_before_handoff
from models.judging.promotion.unseen_rows import find_unseen_rows, unit_of
from models.settings import MonitorSettings
from models.training.points_bundle import fit_points_bundle
from pipelines.diagnostics.monitor import monitor
from pipelines.registry.champion import keep_bundle, point_to, read_champion
from pipelines.registry.promotion_gate import trained_through
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.matrix_files import load_matrix, save_matrix
from pipelines.workspace.table_files import load_tables
from tests.reference.challengers import TEST, early_champion, keep, shifted, spoiled
from tests.reference.serving import client_for, still_page
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
SETTINGS = MonitorSettings(draws=200)


def look(run: TinyRun, settings: MonitorSettings) -> dict[str, Any]:
    """What the monitor says, as a caller of the API sees it."""
    return monitor(run.context, settings).content()


def levels(record: dict[str, Any]) -> dict[str, str]:
    return {finding["check"]: finding["level"] for finding in record["findings"]}


def spoil_open(run: TinyRun, change: Callable[[Matrix, str], Any], *, numbers: bool = False) -> str:
    """Change the feature (or number) the model leans on most, among the open leads; returns its name."""
    record = look(run, SETTINGS)
    rows = load_matrix(run.context.paths.matrix, "open")
    among = set(rows.catalog.numbers if numbers else rows.catalog.names)
    name = str(max((f for f in record["features"] if f["name"] in among), key=lambda f: f["weight"])["name"])
    save_matrix(
        run.context.paths.matrix, replace(rows, values=rows.values.assign(**{name: change(rows, name)})), "open"
    )
    return name


def test_it_is_silent_on_what_it_was_trained_for_and_says_what_it_looked_at(cli: Cli, tiny_copy: TinyRun) -> None:
    status, out, _ = cli("monitor", *tiny_copy.args, "--json")
    record = json.loads(out)
    assert status == 0 and record["verdict"] in ("ok", "watch")
    assert record["bundle"] == read_champion(tiny_copy.context.paths).hash
    of_the_model = {"volume", "ages", "features", "values", "scores", "base rate", "calibration"}
    assert set(levels(record)) == {"feeds", "bots", "leak", *of_the_model}
    assert levels(record)["scores"] == levels(record)["values"] == "ok"
    assert levels(record)["calibration"] == "cannot tell", "nothing later has matured"
    assert len(record["features"]) == len(load_bundle(tiny_copy.context.paths.train / "bundle").catalog)
    assert sum(f["weight"] for f in record["features"]) == pytest.approx(1.0)
    assert read_json(tiny_copy.context.paths.monitor) == record
    text = cli("monitor", *tiny_copy.args)[1]
    assert record["headline"] in text and "Features that moved most" in text
    assert all(finding["next"] in text for finding in record["findings"])


def test_a_feature_that_goes_missing_calls_for_action(cli: Cli, tiny_copy: TinyRun) -> None:
    name = spoil_open(tiny_copy, lambda rows, name: rows.values[name].where(rows.values[name].isna()))
    status, out, _ = cli("monitor", *tiny_copy.args, "--json")
    record = json.loads(out)
    assert (status, record["verdict"]) == (ExitStatus.ACT, "act")
    assert levels(record)["features"] == levels(record)["values"] == "act"
    found = next(f for f in record["features"] if f["name"] == name)
    assert found["standing"] == "moved a lot" and found["missing"] == 1.0 and "missing 100%" in found["after"]
    text = cli("monitor", *tiny_copy.args)
    assert text[0] == ExitStatus.ACT and "Act: features" in text[1] and "next: " in text[1]


def test_a_unit_that_changed_is_drift(tiny_copy: TinyRun) -> None:
    name = spoil_open(tiny_copy, lambda rows, name: rows.values[name] * 1000 + 1e6, numbers=True)
    record = look(tiny_copy, SETTINGS)
    found = next(f for f in record["features"] if f["name"] == name)
    assert found["standing"] == "moved a lot" and found["psi"] > 1
    assert found["before"] != found["after"]


def test_leads_older_than_any_trained_on_are_counted_and_left_out(tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    rows = load_matrix(paths.matrix, "open")
    record = look(tiny_copy, SETTINGS)
    old = float((rows.keys["age_days"] > 181).mean())
    said = next(f["sentence"] for f in record["findings"] if f["check"] == "ages")
    assert f"{old:.1%} of the leads" in said
    young = rows.take(np.flatnonzero((rows.keys["age_days"] <= 181).to_numpy()))
    save_matrix(paths.matrix, young, "open")
    assert look(tiny_copy, SETTINGS)["features"] == record["features"]
    save_matrix(paths.matrix, rows.take(np.arange(0)), "open")
    empty = look(tiny_copy, SETTINGS)
    assert empty["verdict"] == "act" and levels(empty)["volume"] == "act" and empty["features"] == []


def test_what_matured_since_is_held_against_what_was_promised(tiny_copy: TinyRun, tmp_path: Path) -> None:
    """The demo's base rate falls in its test block; a champion whose level follows keeps its promise."""
    champion = early_champion(tiny_copy, tmp_path)
    point_to(tiny_copy.context.paths, keep(tiny_copy, shifted(champion, -0.27), tmp_path / "honest"), TEST)
    kept = look(tiny_copy, SETTINGS)
    assert levels(kept)["calibration"] == "ok"
    point_to(tiny_copy.context.paths, keep(tiny_copy, spoiled(champion), tmp_path / "bad"), TEST)
    broken = look(tiny_copy, SETTINGS)
    assert levels(broken)["calibration"] == "act" and "calibration" in broken["headline"]
    assert levels(broken)["features"] == levels(kept)["features"], "the features did not move"


def test_a_promise_comes_due_with_those_it_was_made_for(tiny_copy: TinyRun, tmp_path: Path) -> None:
    """Running deals are won far more often: counted in, they would hide a promise that is broken."""
    context, paths = tiny_copy.context, tiny_copy.context.paths
    champion = early_champion(tiny_copy, tmp_path)
    point_to(paths, keep(tiny_copy, champion, tmp_path / "early"), TEST)
    bundle, record = read_champion(paths).hash, read_json(paths.thresholds / "comparison.json")
    assert record["population"]["name"] == "before_handoff"
    lowest = {"bundle": bundle, "leads": 9, "log_odds": -99.0, "score": 0, "sentence": "x", "share": 1.0, "fits": True}
    promise = {"promised": 0.3, "confidence": 0.9, "kept": None, "tested": [], "sentence": "x", "mapped": lowest}

    def told(name: str) -> str:
        population = record["population"] | {"name": name}
        write_json(paths.thresholds / "comparison.json", record | {"promise": promise, "population": population})
        return next(f["sentence"] for f in look(tiny_copy, SETTINGS)["findings"] if f["check"] == "promise")

    matrix, tables = load_matrix(paths.matrix), load_tables(paths)
    through = trained_through(load_bundle(read_champion(paths).folder))
    assert through is not None
    rows = matrix.take(find_unseen_rows(matrix, through, unit_of(context.source)).rows)
    before, _ = is_before_handoff(context.source, tables, rows.keys)
    counted = [
        rows.keys.assign(won=rows.label)[kept]
        .sort_values(["as_of", "lead_id"], kind="stable")
        .drop_duplicates(["lead_id", "episode"])["won"]
        for kept in (before, np.ones(len(rows), dtype=bool))
    ]
    apart, everybody = (f"{int(won.sum())} of {len(won)} " for won in counted)
    assert apart != everybody
    assert f"{apart}leads not yet with sales that reached the threshold" in told("before_handoff")
    assert f"{everybody}leads that reached the threshold" in told("all")


def test_a_bundle_of_before_is_read_keeps_its_hash_and_says_what_it_cannot(tiny_copy: TinyRun, tmp_path: Path) -> None:
    bundle = load_bundle(tiny_copy.context.paths.train / "bundle")
    assert bundle.trained_on["rows"] == bundle.meta["rows"]
    old = dataclasses.replace(bundle, trained_on={})
    written = save_bundle(old, tmp_path / "old")
    assert "trained_on" not in read_json(tmp_path / "old" / "bundle.json"), "as bundles were before"
    assert load_bundle(tmp_path / "old").hash == written != bundle.hash
    point_to(tiny_copy.context.paths, keep_bundle(tiny_copy.context.paths, tmp_path / "old"), TEST)
    record = look(tiny_copy, SETTINGS)
    said = next(f for f in record["findings"] if f["check"] == "features")
    assert said["level"] == "cannot tell" and "was trained before bundles stored" in said["sentence"]
    assert {"volume", "ages", "base rate", "calibration"} <= set(levels(record)) and record["features"] == []


def test_points_that_know_no_outcome_are_watched_and_what_cannot_be_told_is_said(
    tiny_copy: TinyRun, tmp_path: Path, cli: Cli
) -> None:
    context, paths = tiny_copy.context, tiny_copy.context.paths
    matrix = load_matrix(paths.matrix)
    meta = load_bundle(paths.train / "bundle").meta
    told = {name: meta[name] for name in ("source", "source_kind", "horizon_days", "framework", "outcome", "purpose")}
    assert context.rubric is not None
    points = fit_points_bundle(
        matrix.take(np.arange(0)), context.rubric, context.settings, told | {"verdict": "too_little_data"}
    )
    point_to(paths, keep(tiny_copy, points, tmp_path / "points"), TEST)
    record = look(tiny_copy, SETTINGS)
    told = {f["check"]: f for f in record["findings"]}
    for check in ("volume", "features", "base rate", "calibration"):
        assert told[check]["level"] == "cannot tell" and "when the points took over" in told[check]["sentence"]
    lead = str(pd.read_parquet(paths.score / "worklist.parquet")["lead_id"].iloc[0])
    status, out, err = cli("explain", lead, *tiny_copy.args)
    assert status == 0 and "No outcome is known yet" in out and "likely to be won within" not in out, err


def test_leads_of_a_file(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    frame = pd.read_csv(tiny_copy.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    frame = frame[pd.to_datetime(frame["Created Date"], utc=True, errors="coerce", format="ISO8601").notna()]
    file = tmp_path / "new.csv"
    frame.drop_duplicates("Lead ID").tail(120).assign(**{"Lead Source": "carrier pigeon"}).to_csv(file, index=False)
    _, out, _ = cli("monitor", *tiny_copy.args, "--input", str(file), "--json")
    record = json.loads(out)
    (volume,) = [f for f in record["findings"] if f["check"] == "volume"]
    assert "clocks" not in volume["sentence"], "the source has some"
    assert record["what"] == "leads of new.csv" and 0 < record["leads"] <= 120
    source = next(f for f in record["features"] if f["name"] == "lead_source")
    assert source["unseen"] == 1.0 and source["standing"] == "moved a lot"
    assert "hold levels never seen in training" in str(record["findings"])


def test_without_a_champion_or_with_one_that_does_not_fit(cli: Cli, tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    record = read_json(paths.matrix / "open.json")
    record["catalog"][0]["unit"] = "other"
    (paths.matrix / "open.json").write_text(json.dumps(record))
    status, _, err = cli("monitor", *tiny_copy.args)
    assert status == ExitStatus.BUNDLE and "another declaration" in err
    paths.champion.unlink()
    assert cli("monitor", *tiny_copy.args)[0] == ExitStatus.REGISTRY


def test_report_page_and_api_say_the_same(tiny_copy: TinyRun, tmp_path: Path) -> None:
    record = look(tiny_copy, MonitorSettings())
    assert 'id="drift"' in tiny_copy.page.read_text(encoding="utf-8")
    with client_for(tiny_copy, tmp_path / "state") as client:
        answer = client.get("/v1/model/drift")
        assert answer.json() == json.loads(json.dumps(record)) and "etag" in answer.headers
        page = still_page(lambda: client.get("/model").text)
    assert all(row["sentence"] in unescape(page) for row in record["findings"])
    assert "Features that moved most" in page
    top = record["features"][0]
    assert top["label"] in page and top["before"] in page and top["after"] in page
