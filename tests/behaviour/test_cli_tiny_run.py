"""A finished run, as its user meets it: what is printed, scored, explained, compared and promoted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.cohort.splits import Chop, chop
from features.errors import ExitStatus
from features.matrix import Matrix
from features.rubric.terms import CAP_FEATURE
from features.schema.vocabulary import Verdict
from models.benchmarking.peer_benchmark import PeerComparison
from models.bundle import load_bundle
from models.explaining.framework import load_framework
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.cli.run import summary_text
from pipelines.diagnostics.peer_benchmark import benchmark_peers, looks_so_far
from pipelines.workspace.atomic_files import read_json, read_parquet, write_json
from pipelines.workspace.csv_files import reason_text
from pipelines.workspace.matrix_files import load_chop, load_matrix
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


def first_columns(framework: str) -> list[str]:
    """The public columns of a scored file, in order."""
    ids = load_framework(framework).ids
    points = [f"points_{name}" for name in ("base", *ids, "context", "clip")]
    start = ["lead_id", "as_of", "score", "probability", "probability_low", "probability_high", "grade"]
    end = ["question", "state", "next_action", "percentile", "scale_version", "bundle_hash"]
    return [*start, *points, *(f"status_{n}" for n in ids), *(f"reason_{k}" for k in (1, 2, 3)), *end]


def raw_leads(run: TinyRun, rows: int = 60) -> pd.DataFrame:
    """The export's own leads, as text, the last ones first (they are open); rows planted to be bad left out."""
    frame = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    bad = (
        frame["Lead ID"].duplicated(keep=False)
        | pd.to_datetime(frame["Created Date"], utc=True, errors="coerce", format="ISO8601").isna()
    )
    return frame[~bad].iloc[::-1].head(rows)


def test_the_run_tells_what_a_newcomer_wants_to_know(tiny_demo: TinyRun) -> None:
    summary = tiny_demo.summary
    text = summary_text(SummaryRecord.read(tiny_demo.context.paths), tiny_demo.page)
    for table, row in summary["rows"].items():
        assert f"{table}: {row['read']:,} rows read, {row['kept']:,} kept, {row['quarantined']:,} quarantined" in text
    assert "(synthetic)" in text and f"base rate: {summary['base_rate']:.1%}" in text
    assert f"winner: {summary['winner']['name']}. {summary['winner']['why']}" in text
    model, rubric = summary["test"][summary["winner"]["name"]], summary["test"]["rubric"]
    assert f"model {model['wins_at_capacity']} [" in text and f"rubric {rubric['wins_at_capacity']} [" in text
    for name in summary["test"]:
        assert f"test {name}" in text
    assert text.endswith(f"Report: {tiny_demo.page}")


def test_accepted_leaks_are_told_apart_from_those_that_stop(tiny_demo: TinyRun) -> None:
    def line(*findings: tuple[str, str, str]) -> str:
        rows = [{"column": c, "code": "AUD01", "severity": s, "message": "", "accepted": a} for c, s, a in findings]
        text = summary_text(SummaryRecord.of(tiny_demo.summary | {"audit": rows}), tiny_demo.page)
        return next(x for x in text.split("\n") if "audit:" in x)

    assert line() == "  audit: 0 findings, no leak"
    assert line(("a", "suspect", "")) == "  audit: 1 finding, no leak"
    assert line(("a", "leak", "asked first")) == "  audit: 1 finding, leaks accepted: a (asked first)"
    both = line(("a", "leak", "asked first"), ("b", "leak", ""), ("b", "leak", ""))
    assert both == "  audit: 3 findings, leaks: b, leaks accepted: a (asked first)"


def test_suspects_are_printed_with_their_column_a_handful_and_how_many_more(tiny_demo: TinyRun) -> None:
    def printed(count: int, accepted: str = "") -> list[str]:
        rows = [
            {"column": f"c{k}", "code": "AUD05", "severity": "suspect", "message": f"why {k}.", "accepted": accepted}
            for k in range(count)
        ]
        summary = SummaryRecord.of(tiny_demo.summary | {"audit": rows})
        text = summary_text(summary, tiny_demo.page)
        return [line.strip() for line in text.split("\n") if line.strip().startswith("suspect")]

    assert printed(2) == ["suspect AUD05  c0: why 0.", "suspect AUD05  c1: why 1."]
    assert len(printed(5)) == 5
    assert printed(7)[-1] == "suspect and 2 more, of 2 columns: the report shows all" and len(printed(7)) == 6
    assert printed(2, accepted="a reason") == []


def test_a_file_keeps_its_rows_and_the_bars_add_up(cli: Cli, tiny_demo: TinyRun, tmp_path: Path) -> None:
    frame = raw_leads(tiny_demo)
    broken = frame.copy()
    broken.iloc[3, broken.columns.get_loc("Lead ID")] = ""
    broken.iloc[7, broken.columns.get_loc("Created Date")] = "sometime"
    broken.iloc[9, broken.columns.get_loc("Lead ID")] = frame["Lead ID"].iloc[8]
    file, out = tmp_path / "new.csv", tmp_path / "scored.csv"
    broken.to_csv(file, index=False)
    status, said, _ = cli("score", *tiny_demo.args, "--input", str(file), "--out", str(out), "--json")
    assert status == 0 and json.loads(said)["rows"] == len(frame)
    scored = pd.read_csv(out, dtype={"lead_id": str, "error": str}, keep_default_na=False, na_values=[""])
    contract = [*first_columns("bant"), "error", "note"]
    assert [name for name in scored.columns if name in contract] == contract
    first = list(scored.columns[: list(scored.columns).index("as_of")])
    assert first[0] == "lead_id" and {"owner", "email"} <= set(first)  # who they are stands right behind the id
    assert scored["lead_id"].fillna("").tolist() == broken["Lead ID"].tolist()
    assert scored.index[scored["error"].notna()].tolist() == [3, 7, 9]
    assert "already appears in row 9" in scored["error"][9] and "sometime" in scored["error"][7]
    good = scored[scored["error"].isna()]
    points = [c for c in scored.columns if c.startswith("points_")]
    assert (50 + good[points].sum(axis=1) == good["score"]).all()
    assert good["score"].between(0, 100).all()
    assert (good["probability_low"] <= good["probability"]).all() and (
        good["probability"] <= good["probability_high"]
    ).all()
    assert scored.loc[[3, 7, 9], points].isna().all(axis=None), "nothing is made up for a row that cannot be scored"


def test_the_same_lead_has_the_same_score_from_a_file_and_in_the_worklist(
    cli: Cli, tiny_demo: TinyRun, tmp_path: Path
) -> None:
    worklist = read_parquet(tiny_demo.context.paths.score / "worklist.parquet").set_index("lead_id")
    frame = raw_leads(tiny_demo)
    frame = frame[frame["Lead ID"].isin(worklist.index)]
    assert len(frame) > 5
    for suffix in ("csv", "parquet"):
        file, out = tmp_path / f"new.{suffix}", tmp_path / f"scored.{suffix}"
        frame.to_csv(file, index=False) if suffix == "csv" else frame.to_parquet(file, index=False)
        assert cli("score", *tiny_demo.args, "--input", str(file), "--out", str(out))[0] == 0
        scored = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
        expected = worklist.loc[scored["lead_id"]]
        digits = 5e-5 if suffix == "csv" else 0.0  # CSV is for people, Parquet has every digit
        assert scored["probability"].tolist() == pytest.approx(expected["probability"].tolist(), rel=0, abs=digits)
        assert scored["score"].tolist() == expected["score"].tolist()
        reasons = expected["reason_1"].tolist()
        assert scored["reason_1"].tolist() == ([reason_text(r) for r in reasons] if suffix == "csv" else reasons)


def test_the_rubric_is_a_member_of_the_blend_and_its_rules_have_bars(tiny_demo: TinyRun) -> None:
    run = tiny_demo.context
    bundle = load_bundle(run.paths.train / "bundle")
    assert bundle.meta["winner"] == "blend" and bundle.weights["rubric"] > 0.1
    values = load_matrix(run.paths.matrix).values.iloc[:300]
    bars = bundle.contributions(values)
    np.testing.assert_allclose(bars.log_odds, bundle.log_odds(values), rtol=0, atol=1e-9)
    of_rules = [bars.values[:, k] for k, name in enumerate(bars.names) if name.startswith("rule_")]
    assert len(of_rules) > 5 and np.abs(of_rules).max() > 0
    assert CAP_FEATURE in bars.names


def test_a_lead_nobody_knew_is_scored_from_its_own_row(cli: Cli, tiny_demo: TinyRun, tmp_path: Path) -> None:
    frame = raw_leads(tiny_demo, 1).assign(**{"Lead ID": "NEW-1", "Created Date": "2026-06-30T09:00:00+00:00"})
    frame.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "scored.parquet"
    assert cli("score", *tiny_demo.args, "--input", str(tmp_path / "new.csv"), "--out", str(out))[0] == 0
    row = pd.read_parquet(out).iloc[0]
    assert row["error"] == "" and 0 <= row["score"] <= 100
    assert row["as_of"] == pd.Timestamp("2026-06-30T10:00:00"), "just after the newest lead: its settle time"
    said = cli(
        "score", *tiny_demo.args, "--input", str(tmp_path / "new.csv"), "--out", str(out), "--as-of", "2026-06-29"
    )
    assert said[0] == 0 and "not before as_of" in pd.read_parquet(out)["error"].iloc[0]


def test_an_out_file_that_cannot_be_is_refused_before_anything_is_written(
    cli: Cli, tiny_demo: TinyRun, tmp_path: Path
) -> None:
    raw_leads(tiny_demo, 2).to_csv(tmp_path / "new.csv", index=False)
    status, _, err = cli(
        "score", *tiny_demo.args, "--input", str(tmp_path / "new.csv"), "--out", str(tmp_path / "x.xls")
    )
    assert status == ExitStatus.CONTRACT and ".parquet" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.csv"]


def test_explain_adds_up_to_the_same_score_under_every_framework(cli: Cli, tiny_demo: TinyRun) -> None:
    worklist = read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    lead, expected = str(worklist["lead_id"][0]), int(worklist["score"][0])
    for framework in ("bant", "champ", "meddicc"):
        status, out, _ = cli("explain", lead, *tiny_demo.args, "--framework", framework, "--json")
        card = json.loads(out)
        assert (status, card["score"]) == (0, expected)
        bars = [card["points_base"], card["points_clip"], *(row["points"] for row in card["criteria"])]
        assert 50 + sum(bars) == expected
        text = cli("explain", lead, *tiny_demo.args, "--framework", framework)[1]
        assert f"score {expected}" in text and f"={expected}" in text
    status, _, err = cli("explain", "nobody", *tiny_demo.args)
    assert status == ExitStatus.CONTRACT and "'nobody'" in err


def test_explaining_at_an_earlier_moment_uses_only_what_was_known_then(cli: Cli, tiny_demo: TinyRun) -> None:
    leads = read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").sort_values("created_at")
    lead, created = str(leads["lead_id"].iloc[0]), leads["created_at"].iloc[0]
    early = (created + pd.Timedelta(hours=2)).isoformat()
    status, out, _ = cli("explain", lead, *tiny_demo.args, "--as-of", early, "--json")
    assert status == 0 and json.loads(out)["as_of"] == early
    status, _, err = cli("explain", lead, *tiny_demo.args, "--as-of", created.isoformat())
    assert status == ExitStatus.CONTRACT and "created" in err
    assert cli("explain", lead, *tiny_demo.args, "--as-of", "soon")[0] == ExitStatus.CONTRACT


def test_compare_shows_the_sentences_and_every_policy(cli: Cli, tiny_demo: TinyRun) -> None:
    status, out, _ = cli("compare", *tiny_demo.args, "--json")
    record = json.loads(out)
    text = cli("compare", *tiny_demo.args)[1]
    assert status == 0 and record["sentences"][0] in text
    assert {row["policy"] for row in record["policies"]} >= {"rubric_own_threshold", "model_equal_workload"}


def test_promote_and_rollback_move_the_pointer_and_nothing_else(cli: Cli, tiny_copy: TinyRun) -> None:
    from pipelines.registry.champion import keep_bundle, read_champion

    paths = tiny_copy.context.paths
    first = read_champion(paths).hash
    twin = keep_bundle(paths, paths.train / "twin")
    assert cli("promote", *tiny_copy.args, "--bundle", twin[:10], "--force", "--reason", "a test")[0] == 0
    assert (read_champion(paths).hash, read_champion(paths).previous) == (twin, first)
    assert json.loads(cli("champion", *tiny_copy.args, "--json")[1])["hash"] == twin
    assert cli("rollback", *tiny_copy.args)[0] == 0
    assert read_champion(paths).hash == first
    status, _, err = cli("promote", *tiny_copy.args, "--bundle", "ffff")
    assert status == ExitStatus.REGISTRY and "ffff" in err


def test_a_changed_bundle_is_refused(cli: Cli, tiny_copy: TinyRun) -> None:
    from pipelines.registry.champion import read_champion

    file = read_champion(tiny_copy.context.paths).folder / "bundle.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"pdo"', '"pdo" ', 1).replace("10.0", "10.5", 1), "utf-8")
    lead = str(read_parquet(tiny_copy.context.paths.score / "worklist.parquet")["lead_id"][0])
    status, _, err = cli("explain", lead, *tiny_copy.args)
    assert status == ExitStatus.BUNDLE and "changed after it was written" in err


def test_bench_gives_rates(cli: Cli, tiny_demo: TinyRun) -> None:
    status, out, _ = cli("bench", *tiny_demo.args, "--rows", "200", "--json")
    found: dict[str, Any] = json.loads(out)
    assert status == 0 and found["rows"] == 200
    assert all(value > 0 and np.isfinite(value) for value in found.values() if isinstance(value, float))


def comparison(
    matrix: Matrix, rows: np.ndarray, log_odds: dict[str, np.ndarray], verdict: Verdict = Verdict.OK
) -> PeerComparison:
    """What a benchmark that fits nothing would hand back."""
    return PeerComparison(
        won=matrix.label[rows],
        group=np.arange(len(rows)),
        log_odds=log_odds,
        seconds={},
        winner="linear",
        verdict=verdict,
    )


def test_quality_judges_development_rows_and_counts_looks_at_the_test_block(
    cli: Cli, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def quick(matrix: Matrix, chop: Chop, *_: object, newest_level: bool) -> PeerComparison:
        declared.append(newest_level)
        rows = chop.final.test
        judged.append(set(rows.tolist()))
        z = {name: np.zeros(len(rows)) for name in ("leadscore", "a peer")}
        return comparison(matrix, rows, z)

    monkeypatch.setattr("pipelines.diagnostics.peer_benchmark.compare_with_peers", quick)
    declared: list[bool] = []
    command = ("bench", "quality", *tiny_copy.args, "--tiny")
    status, out, _ = cli(*command, "--json")
    found = json.loads(out)
    assert status == 0 and found["looks_at_test_block"] == 0 and [row["name"] for row in found["models"]][1] == "a peer"
    for look in (1, 2):
        status, out, _ = cli(*command, "--block", "test")
        assert status == 0 and f"looks at the test block so far: {look}" in out
        assert "Leak:" not in out and "No signal" not in out and "chosen: linear (ok)" in out
    assert all(developed.isdisjoint(judged[-1]) for developed in judged[:-2])
    assert judged[-1] == set(load_chop(tiny_copy.context.paths.matrix).final.test.tolist())
    assert not any(declared)
    corrected = tiny_copy.context.source.model_copy(update={"prior_correction": "newest"})
    benchmark_peers(replace(tiny_copy.context, source=corrected), repeats=1)
    assert declared[-1], "the level the source declares is the one that is judged"


def test_quality_says_where_its_figures_mean_nothing(
    cli: Cli, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(matrix: Matrix, chop: Chop, *_: object, newest_level: bool) -> PeerComparison:
        rows = chop.final.test
        z = {name: np.zeros(len(rows)) for name in ("leadscore", "a peer")}
        return comparison(matrix, rows, z, Verdict.NO_SIGNAL)

    monkeypatch.setattr("pipelines.diagnostics.peer_benchmark.compare_with_peers", quick)
    path = tiny_copy.context.paths.audit / "audit.json"
    row = {"code": "AUD01", "message": ""}
    leaks = [
        {"column": "spy", "severity": "leak", **row},
        {"column": "known", "severity": "leak", **row, "accepted": "x"},
    ]
    write_json(path, {**read_json(path), "findings": [*leaks, {"column": "odd", "severity": "suspect", **row}]})
    command = ("bench", "quality", *tiny_copy.args, "--tiny", "--repeats", "1")
    status, out, _ = cli(*command)
    assert status == 0 and out.startswith("Leak: spy carried the outcome")
    assert "No signal in 1 of 1 splits" in out and out.index("No signal") < out.index("AUC")
    found = json.loads(cli(*command, "--json")[1])
    assert found["leaks"] == ["spy"] and found["splits"][0]["verdict"] == "no_signal"
    path.unlink()
    assert cli(*command)[1].startswith("Not audited")


def test_few_rows_without_an_order_are_judged_on_splits_of_all_of_them(
    cli: Cli, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def quick(matrix: Matrix, chop: Chop, *_: object, newest_level: bool) -> PeerComparison:
        rows = chop.final.test
        judged.append(set(rows.tolist()))
        group = matrix.keys["group"].to_numpy(dtype=str)
        assert not set(group[rows]) & set(group[chop.final.train])
        z = {name: np.zeros(len(rows)) for name in ("leadscore", "a peer")}
        return comparison(matrix, rows, z)

    monkeypatch.setattr("pipelines.diagnostics.peer_benchmark.compare_with_peers", quick)
    status, _, error = cli("bench", "quality", *tiny_copy.args, "--tiny", "--block", "splits")
    assert status == 11 and "have an order (time)" in error and not judged, "later rows would teach"
    assert looks_so_far(tiny_copy.context) == 0, "what was refused is no look"
    by_account = tiny_copy.context.source.split.model_copy(update={"by": "accounts"})
    source = tiny_copy.context.source.model_copy(update={"split": by_account})
    matrix = load_matrix(tiny_copy.context.paths.matrix)
    monkeypatch.setattr("pipelines.diagnostics.peer_benchmark.load_chop", lambda _: chop(matrix, by_account))
    found = benchmark_peers(replace(tiny_copy.context, source=source), "splits", repeats=3)
    assert found.looks_at_test_block == 1 and len(found.splits) == 3
    assert len({frozenset(rows) for rows in judged}) == 3, "each split has rows of its own"
    assert len(set.union(*judged)) > 1.5 * max(len(rows) for rows in judged), "all rows take their turn"


def test_the_scorecard_prints_on_a_page_and_becomes_a_rubric(cli: Cli, tiny_demo: TinyRun, tmp_path: Path) -> None:
    from features.rubric.load import load_rubric

    page, rubric = tmp_path / "card.html", tmp_path / "learned.yaml"
    status, out, _ = cli("scorecard", *tiny_demo.args, "--html", str(page), "--rubric", str(rubric), "--json")
    found = json.loads(out)
    assert status == 0 and 0 < len(found["features"]) <= 14
    assert all(isinstance(row["points"], int) for feature in found["features"] for row in feature["bins"])
    assert any("Rounding to whole points costs" in sentence for sentence in found["sentences"])
    assert found["rounding_cost"] < 0.001
    lines = sum(len(feature["bins"]) + 2 for feature in found["features"])
    assert lines <= 3 * 75, "three columns of 75 lines fit on a page"
    html = page.read_text()
    assert "(synthetic data)" in html and all(feature["label"] in html for feature in found["features"])
    adopted = load_rubric(rubric, tiny_demo.context.source)
    assert adopted.name == f"{tiny_demo.context.source.name}_learned" and adopted.rules
    status, out, _ = cli("scorecard", *tiny_demo.args)
    assert status == 0 and found["features"][0]["label"] in out
    shown = f"{found['probabilities'][0]['points']:>6}  {found['probabilities'][0]['probability']:.1%}"
    assert shown in out and "Points to probability" in html


def test_the_points_of_a_lead_lead_to_the_calibrated_probability(tiny_demo: TinyRun) -> None:
    from models.candidates.scorecard import ScorecardCandidate
    from pipelines.report.scorecard_page import page_of
    from pipelines.stages.backtest import load_backtest

    context, found = tiny_demo.context, page_of(tiny_demo.context)
    card = ScorecardCandidate.restore(found.card.state, {})
    rows = load_matrix(context.paths.matrix).values.iloc[:500]
    _, decision = load_backtest(context.paths)
    odds = decision.calibrations["scorecard"].apply(card.log_odds(rows))
    table = found.probabilities
    assert 3 < len(table) <= 15
    chance = np.array([row["probability"] for row in table])
    told = np.interp(card.points(rows), [row["points"] for row in table], np.log(chance / (1 - chance)))
    inside = (card.points(rows) >= table[0]["points"]) & (card.points(rows) <= table[-1]["points"])
    assert inside.mean() > 0.9
    assert told[inside] == pytest.approx(odds[inside])
    start = next(r["probability"] for r in table if r["points"] == 0)
    assert f"0 points are a probability of {start:.1%} of a win within" in found.sentences[1]
    assert all(any(row["points"] for row in feature["bins"]) for feature in found.card.features)
