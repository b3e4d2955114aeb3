"""``leadscore retrain``: what is new is counted, a broken feed or a leak refused, a better challenger promoted."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from features.errors import DataError, ExitStatus
from features.schema.vocabulary import Verdict
from models.bundle import load_bundle
from models.settings import MonitorSettings
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.feeds.accepted_faults import accept_faults
from pipelines.registry.champion import ensure_pointer, point_to, read_champion
from pipelines.registry.kept_decisions import keep_decision
from pipelines.retraining.decide_champion import Verdict as Decided
from pipelines.retraining.decide_champion import decide_untrained
from pipelines.retraining.fingerprints import fingerprint_of
from pipelines.retraining.look_at_feeds import look_at_feeds
from pipelines.retraining.retrain_record import Decision
from pipelines.retraining.whats_new import find_new, keep_seen, read_seen, see
from pipelines.run import StageRun, run_stage
from pipelines.scoring.qualification_summary import follows_policy_in_force
from pipelines.tracking.mlflow_decisions import tell_decisions
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context, open_context
from tests.reference.challengers import TEST, early_champion, keep, spoiled
from tests.reference.tiny_run import TinyRun, copy_run

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without validation, which takes as long as all else that a retrain reads; a proving test keeps it."""
    if request.node.get_closest_marker("prove") is None:
        left_out(monkeypatch, "validate")


def left_out(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A retrain without some of its stages."""

    def others(context: Context, name: str) -> StageRun:
        return StageRun(TrainRecord.read(context.paths), 0.0) if name in names else run_stage(context, name)

    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", others)


@pytest.fixture(scope="module")
def remembered(tiny_demo: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    made = copy_run(tiny_demo, tmp_path_factory.mktemp("remembered") / "tiny_demo")
    _remember(made)
    return made


@pytest.fixture
def run(remembered: TinyRun, tmp_path: Path) -> TinyRun:
    """A tiny run whose last retrain saw all there is, so that nothing is trained anew."""
    return copy_run(remembered, tmp_path / "tiny_demo")


def _remember(run: TinyRun) -> None:
    run_stage(run.context, "ingest")
    keep_seen(run.context.paths, see(run.context.paths, fingerprint_of(run.context)))


def write_params(run: TinyRun) -> str:
    params = run.folder / "params.yaml"
    settings = run.context.settings.model_dump(mode="json")
    params.write_text(json.dumps({"leadscore": settings, "gate": {"draws": 200}, "monitor": {"draws": 200}}))
    return str(params)


def _retrain(cli: Cli, run: TinyRun, *more: str) -> tuple[int, dict[str, Any]]:
    status, out, err = cli("retrain", *run.args, "--params", write_params(run), "--no-track", "--json", *more)
    assert out, err
    return status, json.loads(out)


def _rewrite(run: TinyRun, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    file = run.context.paths.raw / f"{table}.csv"
    change(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)


def leave_a_killed_move(run: TinyRun) -> str:
    """What 'promote' leaves that was killed once it had promoted the champion; the champion's hash."""
    champion = read_champion(run.context.paths)
    assert champion is not None
    note = {"before": "b" * 64, "to": champion.hash, "how": "gate", "reason": "it is better.", "churn": None, "by": ""}
    write_json(run.context.paths.moving, note)
    return champion.hash


def test_nothing_new_trains_nothing_and_says_from_when_there_will_be_enough(cli: Cli, run: TinyRun) -> None:
    champion = leave_a_killed_move(run)  # it is ended, and no decision of this retrain
    trained = TrainRecord.path(run.context.paths).stat().st_mtime_ns
    cli("threshold", "adopt", "30", "--reason", "two new reps", *run.args)  # it moves states, and teaches nothing
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.INCONCLUSIVE, "inconclusive")
    assert record["new"]["changed"] is False and record["new"]["sentences"] == [
        "Nothing is new since the last retrain."
    ]
    assert TrainRecord.path(run.context.paths).stat().st_mtime_ns == trained, "nothing was trained"
    assert follows_policy_in_force(open_context(str(run.source), run.data_dir)), "the list's states are of the score"
    waiting = record["challengers"][0]["gate"]
    assert waiting["verdict"] == "inconclusive" and waiting["enough_at"] > "2026-06-29"
    assert waiting["enough_at"] in record["next"]
    page = Path(record["page"]).read_text(encoding="utf-8")
    assert "Inconclusive" in page and record["sentence"][:40] in page and "<script" not in page
    told = f"a promotion from before that was killed once {champion[:12]} had taken the place of bbbbbbbbbbbb"
    assert told in record["ended"] and "(it is better)" in record["ended"] and told in page
    assert record["champion_before"] == record["champion_after"] == champion


def test_a_retrain_that_failed_once_it_had_promoted_goes_on_and_says_what_it_would_have_said(
    cli: Cli, run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_stages(context: Context, name: str) -> StageRun:
        if name == "score" and full:
            raise OSError(28, "No space left on device")
        return StageRun(TrainRecord.read(context.paths), 0.0)

    def decided() -> list[str]:
        return [json.loads(file.read_text())["decision"] for file in sorted(paths.decisions.glob("*.json"))]

    paths = run.context.paths
    bad = keep(run, spoiled(early_champion(run, tmp_path)), tmp_path / "bad")
    point_to(paths, bad, TEST)
    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", without_stages)
    mirrored: list[object] = []
    monkeypatch.setattr("pipelines.tracking.mlflow_run.mirror_aliases", lambda *given: mirrored.append(given))
    full = True
    assert cli("retrain", *run.args, "--params", write_params(run), "--no-track", "--promote-if-better")[0] != 0
    promoted = read_champion(paths).hash
    assert promoted != bad and decided() == ["promoted"], "on record with the move, whatever comes after it"
    assert not mirrored, "--no-track"
    assert {name: read_json(paths.begun)["asked"][name]["draws"] for name in ("gate", "monitor")} == {
        "gate": 200,
        "monitor": 200,
    }

    full = False
    status, record = _retrain(cli, run)
    assert (status, record["decision"], record["ended"]) == (0, "promoted", "")
    assert (record["champion_before"], record["champion_after"]) == (bad, promoted)
    assert "is better beyond noise in log loss" in record["sentence"] and record["churn"]["how"] == "gate"
    assert promoted in {one["hash"] for one in record["challengers"]}
    assert decided() == ["promoted"] and not paths.begun.exists()
    (kept,) = (json.loads(file.read_text()) for file in paths.decisions.glob("*.json"))
    assert kept["gate"]["checks"] and kept["challenger"] == promoted
    assert load_bundle(paths.bundles / promoted, promoted)
    assert cli("rollback", *run.args)[0] == 0 and read_champion(paths).hash == bad


@pytest.mark.prove
def test_a_registry_that_is_away_keeps_no_decision_back_and_is_told_later(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:tops3cret@127.0.0.1:9")  # where nothing listens
    status, record = _retrain(cli, run, "--track")
    assert (status, record["decision"]) == (ExitStatus.INCONCLUSIVE, "inconclusive")
    assert "127.0.0.1:9 does not answer" in record["untold"] and "tops3cret" not in json.dumps(record)
    (decision,) = run.context.paths.decisions.glob("*.json")
    assert json.loads(decision.read_text())["run_id"] is None, "the next decision tells it"


def test_a_challenger_that_is_better_is_found_and_written_down_and_promoted_only_if_asked(
    cli: Cli, run: TinyRun, tmp_path: Path
) -> None:
    paths = run.context.paths
    bad = keep(run, spoiled(early_champion(run, tmp_path)), tmp_path / "bad")
    point_to(paths, bad, TEST)
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.CHALLENGER_BETTER, "challenger better, not promoted")
    assert read_champion(paths).hash == bad, "nobody asked for a promotion"
    better = next(one for one in record["challengers"] if one["gate"]["better"])
    assert better["hash"][:12] in record["sentence"] and "log loss" in record["sentence"]
    assert record["churn"]["churn"]["leads"] > 0

    (kept,) = (json.loads(file.read_text()) for file in paths.decisions.glob("*.json"))
    assert kept["decision"] == "challenger better, not promoted" and kept["challenger"] == better["hash"]


def test_a_broken_feed_is_refused_before_anything_is_trained(cli: Cli, run: TinyRun) -> None:
    before = read_seen(run.context.paths)
    _rewrite(run, "activities", lambda rows: rows[rows["Logged"] < "2026-04-30"])
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.RETRAIN_REFUSED, "refused")
    assert "activities has been silent for" in record["sentence"] and "--accept-feeds" in record["next"]
    assert "are then known until another model is the champion" in record["next"]
    assert record["challengers"] == [] and record["trained"] is None
    after = read_seen(run.context.paths)
    assert before is not None and after is not None and after.fingerprint == before.fingerprint, "seen only when done"


def test_a_feed_that_was_accepted_is_known_at_the_next_retrain(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = ("backtest", "train", "register", "evaluate", "thresholds", "score", "report")
    left_out(monkeypatch, "validate", *training)
    rows = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    new = rows["Created Date"] >= "2026-05-01"
    _rewrite(run, "leads", lambda rows: rows.assign(**{"Lead Source": rows["Lead Source"].mask(new, "podcast")}))
    status, record = _retrain(cli, run, "--accept-feeds", "marketing started a podcast")
    assert status == ExitStatus.INCONCLUSIVE and any(one["level"] == "act" for one in record["moved"])

    looked = look_at_feeds(run.context, MonitorSettings(draws=200))
    known = [one for one in looked.moved if one.check == "feed values"]
    assert looked.broken == [] and known and {one.level for one in known} == {"watch"}
    assert all(one.sentence.endswith("marketing started a podcast.") for one in known)


def test_without_a_champion_the_feeds_are_looked_at_too(cli: Cli, run: TinyRun) -> None:
    paths = run.context.paths
    paths.champion.unlink()
    ensure_pointer(paths)
    _rewrite(run, "activities", lambda rows: rows[rows["Logged"] < "2026-04-30"])
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.RETRAIN_REFUSED, "refused")
    assert "activities has been silent for" in record["sentence"] and record["trained"] is None
    assert read_champion(paths) is None, "nothing was trained on it"

    accepted = [MonitorFinding.of(one) for one in record["moved"]]
    accept_faults(paths, accepted, "", "the sync was given up")
    looked = look_at_feeds(run.context, MonitorSettings())
    assert looked.broken == [] and "the sync was given up" in looked.moved[0].sentence


def test_without_a_champion_none_is_said_to_be_kept(cli: Cli, run: TinyRun) -> None:
    paths = run.context.paths
    few = TrainRecord(verdict=Verdict.TOO_LITTLE_DATA, verdict_text="12 leads were won, 30 are needed.")
    few.write(TrainRecord.path(paths).parent)
    paths.champion.unlink()
    ensure_pointer(paths)
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.INCONCLUSIVE, "inconclusive")
    assert (
        record["sentence"].startswith("There is no champion, and none was made.") and "12 leads" in record["sentence"]
    )
    assert record["champion_after"] is None and "Nothing is scored until" in record["next"]


def leave_no_model(run: TinyRun, verdict: Verdict) -> None:
    """What a training leaves that made no model."""
    folder, text = run.context.paths.train, "No candidate tells won from lost."
    for name in ("bundle", "twin"):
        shutil.rmtree(folder / name)
    TrainRecord(verdict=verdict, verdict_text=text).write(folder)
    StageVerdict(verdict=verdict, verdict_text=text).write(folder)


def test_a_champion_that_was_kept_as_no_model_could_be_trained_lists_what_is_new(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = run.context.paths
    champion, before = read_champion(paths), ScoreRecord.read(paths)
    assert champion is not None
    leave_no_model(run, Verdict.NO_SIGNAL)
    gone = pd.read_parquet(paths.score / "worklist.parquet")["lead_id"].iloc[0]
    _rewrite(run, "leads", lambda rows: rows[rows["Lead ID"] != gone])
    left_out(monkeypatch, "validate", "backtest", "train", "register", "evaluate", "thresholds")
    status, record = _retrain(cli, run)
    assert (status, record["decision"]) == (ExitStatus.CHAMPION_KEPT, "champion kept"), record["sentence"]
    scored = ScoreRecord.read(paths)
    assert (scored.bundle, scored.leads) == (champion.hash, before.leads - 1)


def test_a_nightly_score_goes_on_with_the_champion_where_the_last_training_made_no_model(
    cli: Cli, run: TinyRun
) -> None:
    paths = run.context.paths
    champion, before = read_champion(paths), ScoreRecord.read(paths)
    assert champion is not None
    for verdict in (Verdict.NO_SIGNAL, Verdict.TOO_LITTLE_DATA):
        (paths.train / "bundle").mkdir(exist_ok=True)
        (paths.train / "twin").mkdir(exist_ok=True)
        leave_no_model(run, verdict)
        status, out, err = cli("score", *run.args, "--json")
        scored = json.loads(out)
        assert (status, scored["bundle"], scored["leads"]) == (0, champion.hash, before.leads), err
        assert f"Champion {champion.hash[:12]} goes on scoring" in scored["verdict_text"]
        assert "No candidate tells won from lost." in scored["verdict_text"]

    (paths.train / "bundle").mkdir()
    (paths.train / "twin").mkdir()
    leave_no_model(run, Verdict.LEAK)
    status, out, _ = cli("score", *run.args, "--json")
    assert (status, json.loads(out)["leads"]) == (ExitStatus.LEAK, 0), "it may read the column that leaks"


def test_points_that_become_the_first_champion_are_said_to_score_not_to_be_kept() -> None:
    few = TrainRecord(verdict=Verdict.NO_SIGNAL, verdict_text="No signal.")
    move = SimpleNamespace(reason="points score alone: No signal.")
    points: Any = SimpleNamespace(hash="c" * 64, history=(move,))
    first = decide_untrained(few, None, points)
    assert first.decision == "promoted"
    assert first.sentence == "cccccccccccc scores now: points score alone: No signal."
    assert decide_untrained(few, "d" * 64, points).decision == "promoted", "another bundle scores than before"
    assert decide_untrained(few, points.hash, points).decision == "champion kept"
    assert decide_untrained(few, None, None).decision == "inconclusive"


def test_a_leak_is_refused_with_its_column(cli: Cli, run: TinyRun) -> None:
    won = set(pd.read_csv(run.context.paths.raw / "outcomes.csv", dtype=str).query("Won == 'yes'")["Lead ID"])
    _rewrite(
        run,
        "leads",
        lambda rows: rows.assign(**{"Lead Source": rows["Lead Source"].where(~rows["Lead ID"].isin(won), "customer")}),
    )
    status, record = _retrain(cli, run, "--accept-feeds", "the list of sources was renamed")
    assert (status, record["decision"]) == (ExitStatus.RETRAIN_REFUSED, "refused")
    assert "lead_source" in record["sentence"] and "The audit stopped the training" in record["sentence"]


def test_new_late_corrected_and_reversed_rows_are_counted(run: TinyRun) -> None:
    paths = run.context.paths
    before = read_seen(paths)
    assert before is not None

    def closed(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.copy()
        good = rows.index[rows["Won"].isin(["yes", "no"]) & rows["Deal ID"].str.startswith("D")]
        rows.loc[good[:3], "Won"] = rows.loc[good[:3], "Won"].map({"yes": "no", "no": "yes"})
        rows.loc[good[10:14], "Reason"] = "another one"
        return rows.drop(index=good[20:22])

    _rewrite(run, "outcomes", closed)
    late = pd.read_csv(paths.raw / "answers.csv", dtype=str, keep_default_na=False).iloc[1000:1007]
    _rewrite(run, "answers", lambda rows: pd.concat([rows, late.assign(Channel="poll", Answer="none", Question="q9")]))
    run_stage(run.context, "ingest")
    new = find_new(paths, before, see(paths, fingerprint_of(run.context)))
    assert (new.reversed, new.corrected, new.taken_back) == (3, 4, 2)
    assert (new.tables["answers"].late, new.tables["answers"].new, new.tables["outcomes"].gone) == (7, 0, 2)
    assert new.new_leads == 0 and new.changed
    assert any("3 reversed between won and lost, 2 taken back" in sentence for sentence in new.sentences)


def test_other_features_are_something_new_and_said(run: TinyRun) -> None:
    paths, seen = run.context.paths, see(run.context.paths, "before", features="before")
    keep_seen(paths, seen)
    new = find_new(paths, read_seen(paths), see(paths, "now", features="now"))
    assert new.changed and "the code behind them" in new.sentences[-1]
    keep_seen(paths, replace(seen, features=""))  # of a version that did not keep it
    assert "code behind" not in " ".join(find_new(paths, read_seen(paths), see(paths, "now", features="now")).sentences)


def test_closes_on_the_day_of_their_export_are_the_same_at_each_reading_and_not_corrected_later(run: TinyRun) -> None:
    paths = run.context.paths

    def dated(rows: pd.DataFrame) -> pd.DataFrame:
        good = rows["Won"].isin(["yes", "no"]) & rows["Deal ID"].str.startswith("D")
        last = rows.loc[good, "Booked"].max()[:10]
        own = good & (rows["Booked"].str[:10] == last)
        return rows.assign(**{name: rows[name].mask(own, last) for name in ("Closed", "Booked")})

    _rewrite(run, "outcomes", dated)
    file = paths.raw / "outcomes.csv"
    written = pd.Timestamp(max(day for day in pd.read_csv(file)["Booked"] if len(day) == 10) + "T15:00Z").timestamp()
    os.utime(file, (written, written))
    _remember(run)
    before = read_seen(paths)
    run_stage(run.context, "ingest")
    assert before is not None and before.fingerprint == fingerprint_of(run.context)

    os.utime(file, (written + 86_400, written + 86_400))
    run_stage(run.context, "ingest")
    new = find_new(paths, before, see(paths, fingerprint_of(run.context)))
    assert new.changed and new.corrected == 0


def test_what_became_known_from_a_moment_on_is_left_out(cli: Cli, run: TinyRun) -> None:
    from pipelines.stages.ingest import ingest
    from pipelines.workspace.table_files import load_tables

    moment = pd.Timestamp("2026-01-01")
    source = run.context.source.model_copy(update={"data_cutoff": moment.isoformat()})
    counts = ingest(source, run.context.paths, moment)
    tables = load_tables(run.context.paths)
    assert all((frame["known_at"] < moment).all() for frame in tables.values())
    assert all(n.read == n.kept + n.quarantined + (n.left_out or 0) for n in counts.rows.values() if not n.repeated)
    for nothing in ("tomorrow", "now", ""):
        assert cli("retrain", *run.args, "--as-of", nothing)[0] == ExitStatus.USAGE


def test_a_rehearsal_that_is_refused_or_fails_leaves_the_tables_of_now(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = run.context.paths
    folders = ("ingest", "matrix", "audit")
    before = {file: file.read_bytes() for name in folders for file in (paths.root / name).rglob("*") if file.is_file()}
    status, _, err = cli("retrain", *run.args, "--no-track", "--as-of", "2001-01-01")
    assert status == ExitStatus.CONTRACT and "is before all leads: the first is known since 20" in err

    _rewrite(run, "activities", lambda rows: rows[rows["Logged"] < "2025-12-01"])
    status, record = _retrain(cli, run, "--as-of", "2026-02-01")
    assert (status, record["as_of"]) == (ExitStatus.RETRAIN_REFUSED, "2026-02-01T00:00:00")
    assert {file: file.read_bytes() for file in before} == before

    def fails(context: Context, name: str) -> StageRun:
        raise DataError("the audit could not be written")

    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", fails)
    status, _, err = cli("retrain", *run.args, "--no-track", "--as-of", "2026-02-01")
    assert status == ExitStatus.DATA and "the audit could not be written" in err
    assert {file: file.read_bytes() for file in before} == before
    assert not list(paths.root.glob(".tables*")), "nothing is left aside"


def test_a_rehearsal_that_trained_and_is_refused_or_fails_leaves_list_and_training_of_now(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_stages(context: Context, name: str) -> StageRun:
        if name == "score":
            write_json(scored, read_json(scored) | {"as_of": "2026-02-01T00:00:00"})
        if name == "evaluate":
            for folder in training:
                (folder / "of_the_past").touch()
        if name == "report":
            raise DataError("the report could not be written")
        return StageRun(TrainRecord.read(context.paths), 0.0)

    scored = ScoreRecord.path(run.context.paths)
    before, tables = scored.read_bytes(), CountsRecord.path(run.context.paths).read_bytes()
    paths = run.context.paths
    training = [paths.backtest, paths.train, paths.evaluate, paths.thresholds]
    decided = [
        Decided(decision=Decision.REFUSED, sentence="Nothing is clean."),
        Decided(decision=Decision.KEPT, sentence="None is better."),
    ]
    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", without_stages)
    monkeypatch.setattr("pipelines.retraining.retrain_run.judge_challengers", lambda *given: [])
    monkeypatch.setattr("pipelines.retraining.retrain_run.decide", lambda *given: decided.pop(0))
    asked = ("--as-of", "2026-02-01", "--accept-feeds", "a rehearsal")
    status, record = _retrain(cli, run, *asked)
    assert (status, record["decision"]) == (ExitStatus.RETRAIN_REFUSED, "refused") and record["trained"]
    assert scored.read_bytes() == before and not any((folder / "of_the_past").exists() for folder in training)

    status, _, err = cli("retrain", *run.args, "--no-track", *asked)
    assert status == ExitStatus.DATA and "the report could not be written" in err
    assert scored.read_bytes() == before and CountsRecord.path(run.context.paths).read_bytes() == tables
    assert not any((folder / "of_the_past").exists() for folder in training)


def test_a_training_of_other_rows_is_done_again_where_nothing_is_new(
    cli: Cli, run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a rehearsal leaves it that is killed, or a run between two rehearsals of one day."""

    def without_stages(context: Context, name: str) -> StageRun:
        made.append(name)
        if name == "report" and full:
            raise DataError("the report could not be written")
        return StageRun(TrainRecord.read(context.paths), 0.0)

    made, full, file = list[str](), True, TrainRecord.path(run.context.paths)
    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", without_stages)
    monkeypatch.setattr("pipelines.retraining.retrain_run.judge_challengers", lambda *given: [])
    kept = Decided(decision=Decision.KEPT, sentence="None is better.")
    monkeypatch.setattr("pipelines.retraining.retrain_run.decide", lambda *given: kept)
    write_json(file, read_json(file) | {"split": "0" * 16})
    assert cli("retrain", *run.args, "--params", write_params(run), "--no-track")[0] == ExitStatus.DATA
    training = ["backtest", "train", "register", "evaluate", "thresholds"]
    assert [*training, "score", "report"] == made[-7:], made

    full = False
    for _ in range(2):  # it goes on from its decision, and once that is written down it begins anew
        made.clear()
        status, record = _retrain(cli, run)
        assert status == ExitStatus.CHAMPION_KEPT and [*training, "score", "report"] == made[-7:], made
        assert record["new"]["sentences"] == [
            "Nothing is new since the last retrain, but the last training was on other rows, so it is done again."
        ]


def test_a_list_of_a_bundle_that_scores_no_more_is_said_to_be_one(
    cli: Cli, run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal that fails once it has promoted puts the list of now back, and that is of the champion before."""

    def promotes(*given: object) -> Decided:
        point_to(paths, other, TEST)
        return Decided(decision=Decision.KEPT, sentence="None is better.")

    def without_stages(context: Context, name: str) -> StageRun:
        if name == "score":
            raise DataError("the list could not be written")
        return StageRun(TrainRecord.read(context.paths), 0.0)

    paths = run.context.paths
    before = ScoreRecord.read(paths).bundle
    other = keep(run, load_bundle(paths.train / "twin"), tmp_path / "other")
    assert "was scored by" not in cli("worklist", *run.args)[2]
    monkeypatch.setattr("pipelines.retraining.retrain_run.run_stage", without_stages)
    monkeypatch.setattr("pipelines.retraining.retrain_run.judge_challengers", lambda *given: [])
    monkeypatch.setattr("pipelines.retraining.retrain_run.decide", promotes)
    status, _, err = cli("retrain", *run.args, "--no-track", "--as-of", "2026-02-01", "--accept-feeds", "a rehearsal")
    assert status == ExitStatus.DATA and "the list could not be written" in err
    status, _, err = cli("worklist", *run.args)
    assert (
        status == 0
        and f"was scored by {str(before)[:12]}, and the champion is {other[:12]} since: 'leadscore sc" in err
    )
    cli("score", *run.args)
    assert "was scored by" not in cli("worklist", *run.args)[2]


def test_a_list_is_shown_beside_a_pointer_that_cannot_be_read(cli: Cli, run: TinyRun) -> None:
    (run.context.paths.root / "champion.json").write_text("{", encoding="utf-8")
    status, shown, err = cli("worklist", *run.args)
    assert status == 0 and shown.count("\n") > 5 and "Whether the champion scored this list is not known" in err


def test_an_earlier_day_is_named_where_a_list_was_made_from_its_tables(cli: Cli, run: TinyRun) -> None:
    paths = run.context.paths
    assert "retrain --as-of" not in cli("worklist", *run.args)[2]
    file = CountsRecord.path(paths)
    counts = read_json(file)
    write_json(file, counts | {"as_of": "2026-01-01T00:00:00"})
    assert "tables of 'tiny_demo' are as of 2026-01-01 00:00 (retrain --as-of)" in cli("score", *run.args)[2]
    write_json(file, counts)  # as an ingest of now leaves it: the list stays that of the day
    assert "listed of 'tiny_demo' are as of 2026-01-01 00:00 (retrain --as-of)" in cli("worklist", *run.args)[2]
    cli("score", *run.args)
    assert "retrain --as-of" not in cli("worklist", *run.args)[2]


def test_decisions_become_runs_in_mlflow_each_once(tiny_copy: TinyRun) -> None:
    import mlflow

    context = tiny_copy.context
    gate = {"verdict": "worse", "rows": 10, "won": 3, "checks": []}
    keep_decision(context.paths, {"kind": "promote", "decision": "kept back", "challenger": "a" * 64, "gate": gate})
    assert tell_decisions(context) == "", "nothing is tracked here: nobody is told"
    (context.paths.data_dir / "mlflow.db").touch()
    assert tell_decisions(context) == "" and tell_decisions(context) == ""
    for file in context.paths.decisions.glob("*.json"):  # killed before it could write down that MLflow was told
        write_json(file, read_json(file) | {"run_id": None})
    assert tell_decisions(context) == ""
    client = mlflow.MlflowClient(f"sqlite:///{(context.paths.data_dir / 'mlflow.db').resolve()}")
    experiment = client.get_experiment_by_name(context.source.name)
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'decision'")
    assert [run.data.tags["decision"] for run in runs] == ["kept back"]
    assert runs[0].data.metrics["gate.won"] == 3
