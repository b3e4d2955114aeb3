"""`compare` and `thresholds` speak as tables, JSON and CSV, and agree with each other."""

import json
from pathlib import Path

import pandas as pd
import pytest

from features.matrix import Matrix
from features.schema.source import Capacity
from models.candidates.rubric import RubricCandidate
from models.judging.handoff.segments import segments_of
from models.judging.handoff.win_value import value_of_a_win
from models.judging.rubrics.rule_diagnostics import diagnose_rules
from pipelines.artifacts.comparison_record import RepairRecord
from pipelines.cli.compare import compare_command
from pipelines.cli.output import Options, Output
from pipelines.report.marketing_section import rules_line
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.matrix_files import load_chop, load_matrix
from tests.reference.tiny_run import TinyRun


@pytest.fixture(scope="module")
def before(tiny_demo: TinyRun) -> Matrix:
    folder = tiny_demo.context.paths.matrix
    return load_matrix(folder).take(load_chop(folder).final.train)


def test_tables_json_and_csv_hold_the_same_figures(
    tiny_demo: TinyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(str(tiny_demo.source), tiny_demo.data_dir, tiny=True)
    assert compare_command(options, str(tmp_path), Output(as_json=True)) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == read_json(tiny_demo.context.paths.thresholds / "comparison.json")
    policies = pd.read_csv(tmp_path / "policies.csv")
    assert policies["policy"].tolist() == [row["policy"] for row in record["policies"]]
    # written as a person would write them, so the last digits of a float may be gone
    assert policies["wins_low"].tolist() == pytest.approx([row["wins_ci"][0] for row in record["policies"]], rel=1e-12)
    swap = pd.read_csv(tmp_path / "swap_set.csv")
    assert {"lead_id", "won", "model_log_odds", "rubric_points", "reason_1", "reason_3"} <= set(swap.columns)
    assert compare_command(options, None, Output(as_json=False)) == 0
    told = capsys.readouterr().out
    assert told.startswith("Compared are ") and record["sentences"][0] in told
    assert record["notes"][0] in told.replace("\n", " ").replace("  ", " ") or record["notes"][0] in told


def test_the_threshold_to_set_hands_off_the_promised_share_by_the_bundle(tiny_demo: TinyRun) -> None:
    promise = read_json(tiny_demo.context.paths.thresholds / "comparison.json")["promise"]
    assert (promise["kept"] is None) == (promise["mapped"] is None)
    if promise["mapped"] is not None:
        assert promise["mapped"]["bundle"] == tiny_demo.summary["bundle"]["hash"]
        assert promise["mapped"]["share"] == pytest.approx(promise["kept"]["share"], abs=0.01)


def test_the_value_of_a_win_is_declared_or_the_mean_of_earlier_wins_or_unknown(before: Matrix) -> None:
    declared, note = value_of_a_win(Capacity(value_per_win=500, currency="EUR"), before)
    assert declared.value_per_win == 500 and "500 EUR, declared" in note[0]
    found, note = value_of_a_win(Capacity(), before)
    won = pd.Series(before.amount, index=before.keys["lead_id"].to_numpy())[before.label == 1.0]
    assert found.value_per_win == pytest.approx(won.groupby(level=0).first().mean())
    assert "mean amount" in note[0]
    unknown, note = value_of_a_win(Capacity(), before.take((before.label == 0.0).nonzero()[0]))
    assert unknown.value_per_win is None and "cannot be told" in note[0]


def test_segments_are_declared_categories_with_few_values(before: Matrix) -> None:
    assert {"industry", "country", "lead source", "seniority"} <= set(segments_of(before))
    assert all(2 <= values.nunique() <= 12 for values in segments_of(before).values())


def test_a_misleading_rule_planted_in_the_rubric_is_found_out(tiny_demo: TinyRun) -> None:
    """The rule on company size with its points turned round: outcomes say so, and other rules are left alone."""
    rubric = tiny_demo.context.rubric
    size = next(rule for rule in rubric.rules if rule.id == "company_size")
    wrong = [step.model_copy(update={"points": -step.points}) for step in size.ranges]
    turned = [rule.model_copy(update={"ranges": tuple(wrong)}) if rule is size else rule for rule in rubric.rules]
    matrix = load_matrix(tiny_demo.context.paths.matrix)
    rows = matrix.take(matrix.matured.nonzero()[0])
    found = {}
    for name, one in (("as it is", rubric), ("turned", rubric.model_copy(update={"rules": tuple(turned)}))):
        book = RubricCandidate(one).ledger(rows.values)
        judged = diagnose_rules(book, rows.values, rows.catalog, rows.label, rows.weight, rows.group_codes).record()
        found[name] = {row["rule"]: row["verdict"] for row in judged["worth"]}
        assert ("'employees' (wrong way)" in rules_line(RepairRecord.of(judged))) is (name == "turned")
    assert found["turned"].pop("company_size") == "wrong way" != found["as it is"].pop("company_size")
    assert found["turned"] == found["as it is"]
    assert found["as it is"]["downloads"] != "in line", "misleading by design; few leads may leave it open"
