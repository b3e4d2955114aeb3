"""Promotion is a gate: a challenger passes on evidence, or on the record of who overruled it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import ExitStatus
from models.bundle import load_bundle
from models.settings import GateSettings
from pipelines.registry.champion import read_champion
from pipelines.registry.kept_decisions import decision_files
from pipelines.registry.promotion_gate import ask_gate
from pipelines.run import run_stage
from pipelines.stages.register_bundle import register_trained_bundle
from pipelines.workspace.atomic_files import read_json, read_parquet, write_json
from tests.reference.challengers import early_champion, keep, rescaled, spoiled
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
FEW = GateSettings(minimum_won=20, draws=200)


def params(folder: Path) -> tuple[str, str]:
    file = folder / "mine.yaml"
    file.write_text("leadscore: {}\ngate: {minimum_won: 20, draws: 200}\n")
    return "--params", str(file)


def pointer(run: TinyRun) -> dict[str, Any]:
    found: dict[str, Any] = read_json(run.context.paths.champion)
    return found


def test_a_bundle_trained_on_everything_is_kept_back_until_there_are_later_rows(
    cli: Cli, tiny_copy: TinyRun, tmp_path: Path
) -> None:
    before = pointer(tiny_copy)
    other = keep(tiny_copy, rescaled(load_bundle(tiny_copy.context.paths.train / "bundle")), tmp_path / "other")
    status, out, err = cli("promote", *tiny_copy.args, "--bundle", other[:12])
    assert (status, out) == (ExitStatus.NOT_PROMOTED, "") and "error LS023: Inconclusive, the champion stays" in err
    assert (
        "0 rows with 0 won leads have matured" in err
        and "50 won leads are needed" in err
        and "first such row matures on" in err
    )
    status, _, err = cli("promote", *tiny_copy.args, "--bundle", other[:12], "--json")
    assert status == ExitStatus.NOT_PROMOTED and json.loads(err)["error"]["code"] == "LS023"
    assert pointer(tiny_copy) == before


def test_forcing_needs_a_reason_and_is_recorded_and_rollback_has_no_gate(
    cli: Cli, tiny_copy: TinyRun, tmp_path: Path
) -> None:
    first = read_champion(tiny_copy.context.paths).hash
    other = keep(tiny_copy, rescaled(load_bundle(tiny_copy.context.paths.train / "bundle")), tmp_path / "other")
    for wrong in (["--force"], ["--reason", "because"], ["--force", "--reason", "because", "--check"]):
        status, _, err = cli("promote", *tiny_copy.args, "--bundle", other, *wrong)
        assert status == ExitStatus.USAGE and "--" in err
    assert read_champion(tiny_copy.context.paths).hash == first
    status, out, _ = cli("promote", *tiny_copy.args, "--bundle", other, "--force", "--reason", "new scale", "--json")
    told = json.loads(out)
    assert (status, told["champion"], told["forced"]) == (0, other, True)
    assert told["gate"]["verdict"] == "inconclusive"
    entry = pointer(tiny_copy)["history"][-1]
    assert (entry["hash"], entry["previous"], entry["how"], entry["reason"]) == (other, first, "forced", "new scale")
    assert "forced: new scale" in cli("champion", *tiny_copy.args)[1]
    assert cli("rollback", *tiny_copy.args)[0] == 0
    moves = pointer(tiny_copy)["history"]
    assert [move["how"] for move in moves] == ["first", "forced", "rollback"]
    assert pointer(tiny_copy)["hash"] == first
    assert cli("rollback", *tiny_copy.args)[0] == 0 and pointer(tiny_copy)["hash"] == other


def test_a_challenger_that_is_not_worse_on_later_rows_passes(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    champion = early_champion(tiny_copy, tmp_path)
    good = keep(tiny_copy, rescaled(champion), tmp_path / "good")
    args = (*tiny_copy.args, "--bundle", good, *params(tmp_path))
    status, out, _ = cli("promote", *args, "--check", "--json")
    found = json.loads(out)["gate"]
    assert status == 0 and found["verdict"] == "passed" and found["won"] >= 20
    assert {check["outcome"] for check in found["checks"]} == {"not worse"} and len(found["checks"]) == 3
    assert pointer(tiny_copy)["hash"] == champion.hash, "--check moves nothing"
    status, out, _ = cli("promote", *args)
    assert status == 0 and "Passed: not worse on" in out and "allowed" in out
    assert pointer(tiny_copy)["history"][-1]["how"] == "gate"
    assert pointer(tiny_copy)["hash"] == good
    moved = pointer(tiny_copy)
    status, out, _ = cli("promote", *args, "--force", "--reason", "again", "--json")
    assert (status, json.loads(out)["forced"], pointer(tiny_copy)) == (0, False, moved), "it is the champion already"
    assert [read_json(file)["decision"] for file in decision_files(tiny_copy.context.paths)] == ["promoted"]


def test_a_worse_challenger_is_kept_back_and_says_by_what(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    champion = early_champion(tiny_copy, tmp_path)
    bad = keep(tiny_copy, spoiled(champion), tmp_path / "bad")
    args = (*tiny_copy.args, "--bundle", bad, *params(tmp_path))
    status, out, _ = cli("promote", *args, "--check")
    assert status == ExitStatus.NOT_PROMOTED and "Worse, the champion stays: log loss and calibration error" in out
    assert cli("promote", *args)[0] == ExitStatus.NOT_PROMOTED and pointer(tiny_copy)["hash"] == champion.hash
    answer = ask_gate(tiny_copy.context, bad, GateSettings(minimum_won=5000))
    assert answer.verdict == "inconclusive" and "5000 won leads are needed" in answer.sentence
    assert answer.rows > 0 and answer.months


@pytest.mark.parametrize(("best", "passes"), [(5.0, False), (3.9, True)], ids=["25 ms a lead", "19.5 ms a lead"])
def test_a_bundle_that_is_too_slow_is_kept_back(
    best: float, passes: bool, tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is 20 ms a lead, in a batch of 200, the best of three tries: a busy moment keeps nobody back."""
    good = keep(tiny_copy, rescaled(early_champion(tiny_copy, tmp_path)), tmp_path / "good")
    clock = iter([0.0, 60.0, 100.0, 100.0 + best, 200.0, 290.0])
    monkeypatch.setattr("pipelines.registry.promotion_gate.time.process_time", lambda: next(clock))
    answer = ask_gate(tiny_copy.context, good, FEW)
    assert answer.passes is passes, answer.sentence
    if not passes:
        assert answer.verdict == "not_clean" and "25.0 ms, 20 are allowed" in answer.sentence
        assert "'milliseconds' under 'gate'" in answer.needed


def test_only_rows_later_than_both_are_looked_at(tiny_copy: TinyRun, tmp_path: Path) -> None:
    """The same two models, one of them trained on everything: nothing is left to compare them on."""
    champion = early_champion(tiny_copy, tmp_path)
    through = load_bundle(tiny_copy.context.paths.train / "bundle").meta["trained_through"]
    late = keep(tiny_copy, rescaled(champion, trained_through=through), tmp_path / "late")
    answer = ask_gate(tiny_copy.context, late, FEW)
    assert answer.verdict == "inconclusive" and answer.rows == 0
    unknown = keep(tiny_copy, rescaled(champion, trained_through=None), tmp_path / "unknown")
    assert "no clocks" in ask_gate(tiny_copy.context, unknown, FEW).sentence


def test_a_leak_in_today_s_audit_keeps_everybody_back(tiny_copy: TinyRun, tmp_path: Path) -> None:
    champion = early_champion(tiny_copy, tmp_path)
    good = keep(tiny_copy, rescaled(champion), tmp_path / "good")
    file = tiny_copy.context.paths.audit / "audit.json"
    leak = {"column": "contract", "code": "AUD01", "severity": "leak", "message": "contract tells the outcome."}
    write_json(file, read_json(file) | {"findings": [leak]})
    answer = ask_gate(tiny_copy.context, good, FEW)
    assert answer.verdict == "not_clean" and "contract tells the outcome" in answer.sentence
    tiny_copy.context.paths.champion.unlink()
    assert register_trained_bundle(tiny_copy.context) == "challenger" and read_champion(tiny_copy.context.paths) is None


def test_the_first_champion_needs_no_comparison_and_an_unfit_one_is_replaced(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    paths = tiny_copy.context.paths
    trained = read_champion(paths).hash
    paths.champion.unlink()
    assert ask_gate(tiny_copy.context, trained, FEW).verdict == "first"
    assert (
        register_trained_bundle(tiny_copy.context) == "champion" and pointer(tiny_copy)["history"][-1]["how"] == "first"
    )
    written = paths.champion.read_bytes()
    assert register_trained_bundle(tiny_copy.context) == "champion" and paths.champion.read_bytes() == written, (
        "nothing moves twice"
    )

    assert ask_gate(tiny_copy.context, trained, FEW).verdict == "champion"
    champion = early_champion(tiny_copy, tmp_path)
    assert register_trained_bundle(tiny_copy.context) == "challenger" and pointer(tiny_copy)["hash"] == champion.hash
    for name in ("open", "matrix"):
        record = read_json(paths.matrix / f"{name}.json")
        record["catalog"][0]["doc"] += " Otherwise."
        record["catalog"][0]["unit"] = "other"
        write_json(paths.matrix / f"{name}.json", record)
    with pytest.raises(Exception, match="another declaration"):
        ask_gate(tiny_copy.context, trained, FEW)
    document = read_json(paths.train / "bundle" / "bundle.json")
    assert document["catalog"] != read_json(paths.matrix / "open.json")["catalog"]
    assert register_trained_bundle(tiny_copy.context) == "champion", "the champion can score nobody any more"
    assert pointer(tiny_copy)["history"][-1]["how"] == "declaration"


def _tops(worklist: pd.DataFrame) -> pd.DataFrame:
    """The first five of each owner's lists."""
    return worklist.groupby(["owner", "lead_list"], sort=False, dropna=False).head(5)


def test_who_moves_is_told_before_and_kept_after(cli: Cli, tiny_copy: TinyRun, tmp_path: Path) -> None:
    """The same report before and after; the movers are those whose state or place in the top really changes."""
    first = read_champion(tiny_copy.context.paths).hash
    twin = keep(tiny_copy, load_bundle(tiny_copy.context.paths.train / "twin"), tmp_path / "twin")
    args = (*tiny_copy.args, "--bundle", twin, "--top", "5", "--json")
    before = json.loads(cli("promote", *args, "--check")[1])["churn"]
    assert (before["champion"], before["challenger"]) == (first, twin) and before["churn"]["movers"]
    status, out, _ = cli("promote", *args, "--force", "--reason", "r")
    after = json.loads(out)["churn"]
    assert status == 0 and after["churn"] == before["churn"] and after["how"] == "forced"
    told = json.loads(cli("champion", *tiny_copy.args, "--churn", "--json")[1])["churn"]
    assert told == after and "Who moves" in cli("champion", *tiny_copy.args, "--churn")[1]

    old = read_parquet(tiny_copy.context.paths.score / "worklist.parquet").set_index("lead_id")
    run_stage(tiny_copy.context, "score")
    new = read_parquet(tiny_copy.context.paths.score / "worklist.parquet").set_index("lead_id")
    tops = [{*zip(f["lead_list"], f.index, strict=True)} for f in (_tops(old), _tops(new))]
    moved = before["churn"]["movers"]
    entering, leaving = ({lead for _, lead in a - b} for a, b in (tops[::-1], tops))
    assert {m["lead_id"] for m in moved if m["top"] == "enters"} == entering
    assert {m["lead_id"] for m in moved if m["top"] == "leaves"} == leaving - entering
    hot = old["temperature"].eq("hot") != new["temperature"].eq("hot").reindex(old.index)
    assert {m["lead_id"] for m in moved if any("hot" in c for c in m["crosses"])} == set(old.index[hot])
    ready = old["lead_list"].eq("to_hand_off") != new["lead_list"].eq("to_hand_off").reindex(old.index)
    assert {m["lead_id"] for m in moved if any("handoff" in c for c in m["crosses"])} == set(old.index[ready])
    assert ready.any() and not set(old.index[ready]) & set(old.index[old["lead_list"].eq("to_work")])

    back = json.loads(cli("rollback", *tiny_copy.args, "--json")[1])["churn"]
    assert back["how"] == "rollback" and {back["champion"], back["challenger"]} == {first, twin}
