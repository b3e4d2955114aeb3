"""A rubric goes to a spreadsheet and back, and is tried on the past, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

from features.rubric import load_rubric
from pipelines.store import read_json
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
DEMO = Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml"


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


def test_a_broken_sheet_names_its_line(cli: Cli, tmp_path: Path) -> None:
    sheet = tmp_path / "bad.csv"
    sheet.write_text("line,id,points\nrule,a,many\n", encoding="utf-8")
    status, _, err = cli("rubric", "convert", str(sheet), "--out", str(tmp_path / "x.yaml"))
    assert status != 0 and "line 2" in err and not (tmp_path / "x.yaml").exists()
