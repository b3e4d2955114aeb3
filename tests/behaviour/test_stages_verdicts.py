"""A run that may not claim anything says so, writes its report all the same, and ends with its own exit status."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ExitStatus, PolicyError
from models.settings import TrainSettings
from pipelines.registry.cautions import caution_of
from pipelines.registry.champion import read_champion
from pipelines.stages.ingest import ingest
from pipelines.stages.matrix import build
from pipelines.workspace.context import open_context
from pipelines.workspace.find_declarations import find_policy
from pipelines.workspace.paths import Paths
from tests.reference.calls import DECLARATION, calls, write_calls

Cli = Callable[..., tuple[int, str, str]]
STAGES = ("ingest", "matrix", "audit", "backtest", "train", "register", "evaluate", "thresholds", "score", "report")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without validation, which has tests of its own: its library takes seconds to import."""
    monkeypatch.setattr("pipelines.run.RUN", STAGES)


def run(cli: Cli, folder: Path, path: Path) -> tuple[int, dict[str, object], str, Paths]:
    place = ("--source", str(path), "--data-dir", str(folder / "data"))
    status, out, err = cli("run", *place, "--no-track", "--tiny", "--json")
    paths = Paths(folder / "data", "calls")
    assert out, err
    assert "Traceback" not in err
    assert json.loads(out)["verdict"] == json.loads((paths.reports / "summary.json").read_text())["verdict"]
    return status, json.loads(out), (paths.reports / "report.html").read_text(encoding="utf-8"), paths


CASES = {
    "leak": (calls(leak=True), ExitStatus.LEAK, "leak", "Training stopped"),
    "no signal": (calls(signal=0.0), ExitStatus.NO_SIGNAL, "no_signal", "do not tell won from lost"),
    "too little data": (calls(60), ExitStatus.TOO_LITTLE_DATA, "too_little_data", "Too little data"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("frame", "status", "verdict", "said"), CASES.values(), ids=CASES.keys())
def test_a_run_without_a_model(
    cli: Cli, tmp_path: Path, frame: object, status: ExitStatus, verdict: str, said: str
) -> None:
    found, summary, page, paths = run(cli, tmp_path, write_calls(tmp_path, frame))
    assert (found, summary["verdict"]) == (int(status), verdict)
    assert summary["bundle"]["hash"] is None and summary["winner"]["name"] is None
    assert said in page
    assert 'id="worklist"' not in page and 'id="cards"' not in page
    assert ">None<" not in page and "None's" not in page and "of None" not in page
    assert not list((tmp_path / "data").rglob("bundle.json"))
    place = ("--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"))
    compared = cli("compare", *place)[1]
    assert f"verdict is {verdict}. {summary['verdict_text']}" in " ".join(compared.split()) and "policy" not in compared
    assert read_champion(paths) is None
    for stage in sorted({*STAGES[2:-1]} - {"register"}):
        assert json.loads((paths.root / stage / "verdict.json").read_text())["verdict"] == verdict or stage == "audit"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("order", ["  order: row\n", ""])
def test_forty_won_and_forty_lost_are_enough_and_one_less_is_not(cli: Cli, tmp_path: Path, order: str) -> None:
    declared = DECLARATION.replace("  order: row\n", order)
    many = calls(400, seed=5)
    sides = [many[(many["y"] == answer).to_numpy()].head(40) for answer in ("yes", "no")]
    few = pd.concat(sides).sample(frac=1.0, random_state=1)
    status, summary, _, _ = run(cli, tmp_path / "enough", write_calls(tmp_path / "enough", few, declared))
    assert (summary["verdict"], status) in (("ok", 0), ("weak_signal", 0), ("no_signal", int(ExitStatus.NO_SIGNAL)))
    assert summary["test"]["linear"]["won"] >= 5
    low, high = summary["test"]["linear"]["auc_ci"]
    assert low < high
    less = few[(few.index != sides[0].index[0])]
    status, summary, _, _ = run(cli, tmp_path / "less", write_calls(tmp_path / "less", less, declared))
    assert (summary["verdict"], status) == ("too_little_data", int(ExitStatus.TOO_LITTLE_DATA))
    assert "39 won and 40 lost leads have a known outcome" in summary["verdict_text"]
    assert "at least 40 won and 40 lost are needed" in summary["verdict_text"]


@pytest.mark.usefixtures("quick")
def test_a_leak_is_named_and_an_accepted_one_stands_in_bundle_and_report(cli: Cli, tmp_path: Path) -> None:
    frame = calls(leak=True)
    status, summary, page, _ = run(cli, tmp_path, write_calls(tmp_path, frame))
    assert "seconds" in {row["column"] for row in summary["audit"] if row["severity"] == "leak"}
    assert status == ExitStatus.LEAK and "seconds" in summary["verdict_text"]
    place = ("--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"), "--tiny")
    status, out, _ = cli("audit", *place)
    assert status == ExitStatus.LEAK and "leak    AUD01  seconds: 'seconds' alone separates won from lost" in out

    accepted = DECLARATION.replace("label: seconds of", "accepted_because: a test of ours, label: seconds of")
    status, summary, page, paths = run(cli, tmp_path, write_calls(tmp_path, frame, accepted))
    assert (status, summary["verdict"]) == (0, "ok")
    assert "a test of ours" in page
    bundle = json.loads((paths.train / "bundle" / "bundle.json").read_text())
    assert bundle["meta"]["accepted_leaks"] == {"seconds": "a test of ours"}


def test_the_audit_lists_a_handful_of_suspects_and_says_how_many_more_there_are(cli: Cli, tmp_path: Path) -> None:
    """Seven columns that by their words hold today's value; an accepted reason is printed and counts no longer."""
    declared = "".join(
        f"      c{k}: {{from: Last call {k}, type: number{', accepted_because: never edited' if k == 0 else ''}}}\n"
        for k in range(7)
    )
    rng = np.random.default_rng(1)
    frame = calls().assign(**{f"Last call {k}": rng.normal(size=1200).round(3) for k in range(7)})
    path = write_calls(tmp_path, frame, DECLARATION.replace("      phone:", f"{declared}      phone:"))
    context = open_context(str(path), tmp_path / "data", TrainSettings())
    ingest(context.source, context.paths)
    build(context)
    status, out, _ = cli("audit", "--source", str(path), "--data-dir", str(tmp_path / "data"))
    assert status == 0
    suspects = [line.strip() for line in out.splitlines() if line.strip().startswith("suspect")]
    assert suspects[0].startswith("suspect AUD05  c0:") and suspects[0].endswith("Accepted: never edited")
    assert [line.split()[2] for line in suspects[1:-1]] == [f"c{k}:" for k in range(1, 6)]
    assert suspects[-1] == "suspect and 1 more, of 1 column: --json and the report show all"


def test_a_profile_of_columns_that_are_no_features_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    """Nothing was ingested: with tables to read first, it would be another refusal."""
    path = write_calls(tmp_path, calls(), DECLARATION + "qualification: own.yaml\n")
    shipped = find_policy("qualification-demo").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(shipped, encoding="utf-8")
    context = open_context(str(path), tmp_path / "data", TrainSettings())
    with pytest.raises(PolicyError, match=r"'account_industry', 'account_employees'.*, which are no features"):
        build(context)


@pytest.mark.usefixtures("quick")
def test_a_model_that_stands_no_longer_leaves_no_old_bundle_behind(cli: Cli, tmp_path: Path) -> None:
    status, first, _, paths = run(cli, tmp_path, write_calls(tmp_path, calls()))
    assert status == 0 and read_champion(paths).hash == first["bundle"]["hash"]
    place = ("--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"))
    status, out, _ = cli("monitor", *place, "--json")
    found = json.loads(out)
    assert status == 0 and {row["psi"] for row in found["features"]} == {0.0}, "without clocks: the table with itself"
    assert "--input" in found["what"] and found["trained_through"] is None
    status, out, _ = cli("promote", *place)
    assert status == 0 and "is already the champion" in out
    status, _, page, paths = run(cli, tmp_path, write_calls(tmp_path, calls(signal=0.0)))
    assert status == ExitStatus.NO_SIGNAL
    assert not (paths.train / "bundle").exists()
    assert read_champion(paths).hash == first["bundle"]["hash"], "the champion stays until somebody decides"
    assert 'id="worklist"' not in page


@pytest.mark.usefixtures("quick")
def test_a_market_that_turned_round_is_said_wherever_leads_are_ranked(cli: Cli, tmp_path: Path) -> None:
    """What won before loses in the last quarter: the verdict came before, the test block speaks against it."""
    frame = pd.concat([calls(1200), calls(500, signal=-1.0, seed=4)], ignore_index=True)
    recorded = DECLARATION + "recorded_score: seconds\n"
    status, summary, page, paths = run(cli, tmp_path, write_calls(tmp_path, frame, recorded))
    assert status == 0 and summary["test"][summary["winner"]["name"]]["auc_ci"][1] < 0.5
    assert "the ranking was worse than chance (AUC 0." in summary["caution"]
    headline = page.split('id="verdict"')[1].split("</strong>")[0]
    assert "On later rows the ranking was worse than chance" in headline
    for section in ("worklist", "cards"):
        assert "has since reversed" in page.split(f'id="{section}"')[1].split("<h2")[0], section
    assert caution_of(paths, summary["bundle"]["hash"]) == summary["caution"]
    assert set(summary["recorded"]) == {"recorded_score"}, "one recorded policy alone is shown too"
    assert "What was recorded at the time" in page and "in two classes only" not in page
    calm, settled, _, _ = run(cli, tmp_path / "calm", write_calls(tmp_path / "calm", calls()))
    assert calm == 0 and settled["caution"] == ""
