"""A rubric goes to a spreadsheet and back, and is tried on the past, from the command line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import ExitStatus
from features.rubric.load import load_rubric
from models.candidates.rubric import RubricCandidate
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.rubrics.lead_ledger import ledger_text
from pipelines.rubrics.rubric_backtest import find_hindsight
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.matrix_files import load_matrix, save_matrix
from tests.reference.calls import DECLARATION, calls, write_calls
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
DEMO = Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml"
CALLS = """\
name: calls_team
groups: {fit: {dimension: fit}}
rules:
  - {id: boss, group: fit, lead: job, values: {boss: 20, student: -10}}
  - {id: long, group: fit, lead: seconds, ranges: [{from: 300, points: 15}]}
thresholds: [{stage: mql, points: 20}]
handoff: {stage: mql}
"""


def test_a_rubric_becomes_a_csv_and_a_rubric_again(cli: Cli, tmp_path: Path) -> None:
    sheet, back = tmp_path / "demo.csv", tmp_path / "back.yaml"
    assert cli("rubric", "convert", str(DEMO), "--out", str(sheet))[0] == 0
    status, out, _ = cli("rubric", "convert", str(sheet), "--out", str(back), "--json")
    assert status == 0 and json.loads(out)["rules"] == len(load_rubric(DEMO).rules)
    assert load_rubric(back) == load_rubric(DEMO)


def test_the_rubric_in_force_tried_on_the_past_does_what_the_report_says(
    cli: Cli, tiny_demo: TinyRun, tmp_path: Path
) -> None:
    sheet = tmp_path / "demo.csv"
    cli("rubric", "convert", str(DEMO), "--out", str(sheet))
    status, out, err = cli("rubric", "try", str(sheet), *tiny_demo.args, "--json")
    assert status == 0, err
    told = read_json(tiny_demo.context.paths.thresholds / "comparison.json")["policies"]
    for name in ("rubric_own_threshold", "model_equal_workload"):
        before, now = (next(r for r in rows if r["policy"] == name) for rows in (told, json.loads(out)["policies"]))
        assert (now["workload"], now["wins"]) == (before["workload"], before["wins"])


def test_a_win_without_an_amount_is_worth_the_same_wherever_a_rubric_is_tried(cli: Cli, tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    matrix = load_matrix(paths.matrix)
    blank = np.where(np.arange(len(matrix)) % 3 > 0, np.nan, matrix.amount)
    save_matrix(paths.matrix, replace(matrix, amount=blank))
    assert cli("thresholds", *tiny_copy.args)[0] == 0
    told = read_json(paths.thresholds / "comparison.json")
    status, out, err = cli("rubric", "try", str(DEMO), *tiny_copy.args, "--json")
    assert status == 0, err
    found = json.loads(out)
    for name in ("rubric_own_threshold", "model_equal_workload"):
        before, now = (next(r for r in rows["policies"] if r["policy"] == name) for rows in (told, found))
        assert before["revenue"] > 0 and (now["revenue"], now["net"]) == (before["revenue"], before["net"])
    assert [note for note in told["notes"] if "Value of a win" in note] == [
        note for note in found["notes"] if "Value of a win" in note
    ]
    pair = json.loads(cli("rubric", "compare", str(DEMO), *tiny_copy.args, "--json")[1])
    assert any("Value of a win" in note for note in pair["notes"])


def test_a_broken_sheet_names_its_line(cli: Cli, tmp_path: Path) -> None:
    sheet = tmp_path / "bad.csv"
    sheet.write_text("line,id,points\nrule,a,many\n", encoding="utf-8")
    status, _, err = cli("rubric", "convert", str(sheet), "--out", str(tmp_path / "x.yaml"))
    assert status != 0 and "line 2" in err and not (tmp_path / "x.yaml").exists()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without validation, which has tests of its own: its library takes seconds to import."""
    stages = ("ingest", "matrix", "audit", "backtest", "train", "register", "evaluate", "thresholds", "score", "report")
    monkeypatch.setattr("pipelines.run.RUN", stages)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("frame", "verdict", "why"),
    [
        (calls(60), "too_little_data", "Too little data: 21 won"),
        (calls(signal=0.0), "no_signal", "No signal: "),
        (calls(leak=True), "leak", "Training stopped: seconds carries the outcome"),
    ],
    ids=["too little data", "no signal", "leak"],
)
def test_where_only_a_rubric_is_left_it_is_tried_on_its_own(
    cli: Cli, tmp_path: Path, frame: pd.DataFrame, verdict: str, why: str
) -> None:
    rubric, source = tmp_path / "team.yaml", write_calls(tmp_path, frame)
    rubric.write_text(CALLS, encoding="utf-8")
    place = ("--source", str(source), "--data-dir", str(tmp_path / "data"))
    cli("run", *place, "--no-track", "--tiny")
    status, out, err = cli("rubric", "try", str(rubric), *place, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["verdict"] == verdict and found["leads"] == len(frame)
    assert found["sentences"][0].startswith(f"No model stands beside the rubric. {why}")
    assert {row["by"] for row in found["policies"]} == {"rubric"} == set(found["curves"]) and not found["differences"]
    own = found["policies"][0]
    points = frame["job"].map({"boss": 20, "student": -10, "clerk": 0}) + 15 * (frame["seconds"] >= 300)
    handed = points >= 20
    won = frame["y"] == "yes"
    assert (own["workload"], own["wins"]) == (handed.sum(), (handed & won).sum())
    assert own["lift"] == pytest.approx(won[handed].mean() / won.mean())
    for name in ("precision", "lift"):
        low, high = own[f"{name}_ci"]
        assert low < own[name] < high
    assert any("'long' reads 'seconds', which carries" in text for text in found["sentences"]) is (verdict == "leak")
    status, out, _ = cli("rubric", "try", str(rubric), *place)
    assert status == 0 and "model at" not in " ".join(out.split()).replace("No model", "")


@pytest.mark.parametrize(
    ("finding", "rules", "named"),
    [
        ({"column": "job_title_seniority"}, "lead: job_title", "job_title"),
        ({"column": "account_industry"}, "account: industry", "industry"),
        ({"column": "industry"}, "account: industry", None),
        ({"column": "job_title_seniority", "accepted": "known before"}, "lead: job_title", None),
    ],
)
def test_hindsight_is_found_through_what_a_feature_is_made_of(
    tiny_copy: TinyRun, finding: dict[str, str], rules: str, named: str | None
) -> None:
    table, column = rules.split(": ")
    rule = SimpleNamespace(id="r", **{"lead": None, "account": None, "answer": None, table: column})
    leak = {"severity": "leak", "code": "AUD01", "message": "tells", **finding}
    audit = {"verdict": "ok", "verdict_text": "", "findings": [leak], "accepted": {}}
    AuditRecord.of(audit).write(tiny_copy.context.paths.audit)
    said = find_hindsight(tiny_copy.context, SimpleNamespace(rules=[rule]))  # type: ignore[arg-type]
    assert [f"reads '{named}', which carries the outcome" in text for text in said] == ([True] if named else [])


def test_before_any_outcome_or_run_a_rubric_cannot_be_tried_and_is_told_why(cli: Cli, tmp_path: Path) -> None:
    rubric, source = tmp_path / "team.yaml", write_calls(tmp_path, calls(60))
    rubric.write_text(CALLS, encoding="utf-8")
    place = ("--source", str(source), "--data-dir", str(tmp_path / "data"))
    status, _, err = cli("rubric", "try", str(rubric), *place)
    assert status != 0 and "has no matrix" in err and "leadscore run --source calls" in err
    for stage in ("ingest", "matrix"):
        cli(stage, *place)
    status, out, err = cli("rubric", "try", str(rubric), *place)
    assert status == 0 and "No run has judged a model yet." in " ".join(out.split()), err
    folder = tmp_path / "data" / "calls" / "matrix"
    matrix = load_matrix(folder)
    unknown = replace(matrix, matured=np.zeros(len(matrix), bool), label=np.full(len(matrix), np.nan))
    save_matrix(folder, unknown)
    status, _, err = cli("rubric", "try", str(rubric), *place)
    assert status != 0 and "60 rows and none is matured" in " ".join(err.split())


def test_the_ledger_of_a_lead_sums_to_the_points_the_matrix_gives_it_then(cli: Cli, tiny_demo: TinyRun) -> None:
    matrix, rubric = load_matrix(tiny_demo.context.paths.matrix), tiny_demo.context.rubric
    book = RubricCandidate(rubric).ledger(matrix.values)
    capped = (book.caps != 0).any(axis=1).to_numpy().nonzero()[0]
    for row in (0, int(np.argmax(book.points)), *capped[:2]):
        lead, when = matrix.keys["lead_id"].iloc[row], matrix.keys["as_of"].iloc[row].isoformat()
        status, out, err = cli("explain", lead, *tiny_demo.args, "--rubric", "--as-of", when, "--json")
        assert status == 0, err
        found = json.loads(out)
        assert found["points"] == pytest.approx(book.points[row])
        assert sum(entry["points"] for entry in found["entries"]) == pytest.approx(book.points[row])
        assert found["handed_off"] == book.handed_off[row]
        rules = {e["id"]: e["points"] for e in found["entries"] if e["entry"] == "rule"}
        assert rules == pytest.approx(book.rules.iloc[row].to_dict())
        text = ledger_text(found)
        shown = [float(line.split()[0]) for line in text.splitlines() if line[:8].strip()[:1] in ("+", "-")]
        assert round(sum(shown), 2) == round(book.points[row], 2)
        assert all(rule.label in text for rule in rubric.rules if rule.label)
    assert ("cap of" in text) is bool(len(capped))
    wrong = cli("explain", lead, *tiny_demo.args, "--rubric", "--framework", "bant")
    assert wrong[0] == ExitStatus.CONTRACT and "leave them out with --rubric" in wrong[2]


def test_a_ledger_needs_a_rubric_and_no_model(cli: Cli, tmp_path: Path) -> None:
    source = write_calls(tmp_path, calls(60).assign(job="boss"))
    place = ("--source", str(source), "--data-dir", str(tmp_path / "data"))
    cli("ingest", *place)
    status, _, err = cli("explain", "3", *place, "--rubric")
    assert status == ExitStatus.POLICY and "declares no rubric" in err
    (tmp_path / "team.yaml").write_text(CALLS.replace("fit}}", "fit, cap: 25}}"), encoding="utf-8")
    source.write_text(DECLARATION + "rubric: team.yaml\n", encoding="utf-8")
    long = int((calls(60)["seconds"] >= 300).to_numpy().argmax())
    status, out, err = cli("explain", str(long + 1), *place, "--rubric", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["points"] == 25 and found["as_of"] is None
    told = [(entry["entry"], entry["points"]) for entry in found["entries"]]
    assert told == [("start", 0), ("rule", 20), ("rule", 15), ("group_cap", -10)]


def test_a_ledger_shown_to_two_decimals_adds_up() -> None:
    thirds = [{"entry": "rule", "id": c, "label": c, "group": "fit", "points": 10 / 3} for c in "abc"]
    start = {"entry": "start", "id": "", "label": "start", "group": None, "points": 0.0}
    head = {"lead_id": "L", "as_of": None, "rubric": "team", "version": "1", "cell": None, "handed_off": True}
    text = ledger_text({**head, "entries": [start, *thirds], "points": 10.0, "thresholds": []})
    assert sorted(line.split()[0] for line in text.splitlines() if "  +3" in line) == ["+3.33", "+3.33", "+3.34"]
    assert "=10  team" in text and "Handed to sales: yes." in text
