"""`leadscore worklist`: the open leads of the last run, best first, for the terminal and for a spreadsheet."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.cli.output import Output
from pipelines.scoring.list_leads import naming_texts
from tests.reference.calls import DECLARATION, calls, write_calls
from tests.reference.open_files import open_to_others

Cli = Callable[..., tuple[int, str, str]]


def test_the_list_is_the_runs_and_says_who_the_leads_are(cli: Cli, tiny_demo: Any, tmp_path: Path) -> None:
    kept = pd.read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    out = tmp_path / "list.csv"
    status, text, _ = cli("worklist", *tiny_demo.args, "--limit", "5", "--out", str(out))
    assert status == 0 and f"{len(kept):,} open leads" in text
    assert all(lead in text.replace("\n", "") for lead in kept["lead_id"].head(5))
    assert kept["lead_id"].iloc[5] not in text
    written = pd.read_csv(out, dtype="str")
    assert written["lead_id"].tolist() == kept["lead_id"].tolist()
    assert list(written.columns[:2]) == ["lead_id", "full_name"] and "company" in written.columns[:10]
    assert not written["reason_1"].str.startswith(("+", "-")).any()


def test_brackets_of_a_name_are_its_own_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("Acme [berlin]", "x [/b]", "[bold]Kim", ":smile: GmbH")
    Output(as_json=False).table("Leads of [/i]", ("lead [id]",), [(name,) for name in names])
    told = capsys.readouterr().out
    assert all(text in told for text in (*names, "Leads of [/i]", "lead [id]"))


def test_what_is_not_certain_does_not_read_as_if_it_were(cli: Cli, tiny_copy: Any) -> None:
    file = tiny_copy.context.paths.score / "worklist.parquet"
    kept = pd.read_parquet(file)
    chances = kept["probability"].to_numpy(copy=True)
    chances[:2] = 0.997, 0.002
    kept.assign(probability=chances).to_parquet(file)
    _, text, _ = cli("worklist", *tiny_copy.args, "--limit", "2")
    assert ">99%" in text and "<1%" in text and "100%" not in text


def test_who_a_lead_is_is_one_text_of_its_usual_columns() -> None:
    found = pd.DataFrame(
        {
            "lead_id": ["1", "2"],
            "first_name": ["Ann", None],
            "last_name": ["Lee", None],
            "account_name": ["Firma", "Werk"],
            "owner": ["kim", None],
            "product": [None, "CRM"],
            "as_of": pd.NaT,
        }
    ).astype({"product": "str"})
    assert naming_texts(found) == {
        "name": ["Ann Lee", ""],
        "company": ["Firma", "Werk"],
        "owner": ["kim", ""],
        "product": ["", "CRM"],
    }


def test_columns_are_called_as_in_the_file_and_a_list_without_stages_has_no_such_column(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration = DECLARATION + '      damdangja: {from: "담당자", type: category, role: display}\n'
    frame = calls()
    path = write_calls(tmp_path, frame.assign(담당자=[f"담당 {k % 7}" for k in range(len(frame))]), declaration)
    args = ("--source", str(path), "--data-dir", str(tmp_path / "data"))
    assert cli("run", "--tiny", "--no-track", *args)[0] == 0
    assert open_to_others(tmp_path / "data") == {}
    for width in ("80", "160"):
        monkeypatch.setenv("COLUMNS", width)
        lines = cli("worklist", *args, "--limit", "3")[1].splitlines()
        head = next(line for line in lines if line.startswith("lead "))
        assert "stage" not in head and "state" in head
    assert "담당자" in head and "damdangja" not in head


def test_it_can_be_one_owners_or_one_states(cli: Cli, tiny_demo: Any) -> None:
    kept = pd.read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    owner, state = kept["owner"].iloc[0], kept["state"].iloc[0]
    status, text, _ = cli(
        "worklist", *tiny_demo.args, "--owner", owner.upper(), "--state", state, "--json", "--limit", "1000"
    )
    mine = kept[kept["owner"].eq(owner) & kept["state"].eq(state)]
    assert status == 0 and [row["lead_id"] for row in json.loads(text)] == mine["lead_id"].tolist()
    status, _, problem = cli("worklist", *tiny_demo.args, "--owner", "nobody")
    assert status == 12 and owner in problem


def test_without_a_run_it_says_what_to_do(cli: Cli, tiny_demo: Any, tmp_path: Path) -> None:
    status, _, problem = cli("worklist", "--source", str(tiny_demo.source), "--data-dir", str(tmp_path))
    assert status == 11 and "score" in problem and "Traceback" not in problem


def test_a_run_that_scored_nobody_says_why(cli: Cli, tmp_path: Path) -> None:
    source = write_calls(tmp_path, calls(leak=True))
    assert cli("run", "--tiny", "--no-track", "--source", str(source), "--data-dir", str(tmp_path))[0] == 14
    status, _, problem = cli("worklist", "--source", str(source), "--data-dir", str(tmp_path))
    assert status == 12 and "verdict leak" in problem and "seconds" in problem
