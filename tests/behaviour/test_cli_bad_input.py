"""What a user can get wrong: one message, its own exit status, no traceback, nothing half-written."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from features.errors import ExitStatus
from serving.health.checks import find_held_lock
from tests.reference.exports import CALLS, DECLARATION, FLAT, LEADS, write_export, write_flat

Cli = Callable[..., tuple[int, str, str]]

FILES = {
    "missing column": (CALLS, FLAT.replace("age: {type", "aged: {type"), ExitStatus.SOURCE, "calls.yaml line 11"),
    "empty file": (b"", FLAT, ExitStatus.DATA, "0 bytes"),
    "one class": (CALLS.replace("yes", "no"), FLAT, ExitStatus.ONE_CLASS, "one class"),
    "unreadable": (b"\x00\x01\x02\x03" * 999, FLAT, ExitStatus.UNREADABLE, "calls.csv"),
    "unknown key": (CALLS, FLAT.replace("order: row", "ordre: row"), ExitStatus.SOURCE, "line 5"),
}


@pytest.mark.parametrize(("content", "declaration", "status", "said"), FILES.values(), ids=FILES.keys())
def test_bad_files(
    cli: Cli, tmp_path: Path, content: str | bytes, declaration: str, status: ExitStatus, said: str
) -> None:
    (tmp_path / "calls.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "calls.yaml").write_text(declaration, encoding="utf-8")
    found, out, err = cli("run", "--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"))
    assert (found, out) == (int(status), "")
    assert said in err and err.startswith("error LS")
    assert "Traceback" not in err
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file()] if (tmp_path / "data").exists() else []
    assert left == []


@pytest.mark.parametrize("known", ["", ", when_known: at_creation", ", when_known: overwritten"])
def test_todays_stage_as_an_attribute_is_refused_with_the_remedy(cli: Cli, tmp_path: Path, known: str) -> None:
    declaration = DECLARATION.replace(
        "converted: {role: ignore, excluded_because: filled after the win}", f"stage: {{type: category{known}}}"
    )
    write_export(tmp_path, declaration=declaration, leads=LEADS.replace("converted", "stage"))
    status, out, err = cli("run", "--source", str(tmp_path / "shop.yaml"), "--data-dir", str(tmp_path / "data"))
    assert (status, out) == (int(ExitStatus.CONTRACT), "")
    assert "column 'leads.stage' is declared as a feature" in err
    assert "Map its history to 'answers' (when_known: history) or to 'stages'" in err
    assert "leadscore snapshot add" in err or "docs/snapshots.md" in err
    assert "accepted_because" in err
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*.parquet"))


def test_every_kind_of_bad_file_has_its_own_status() -> None:
    statuses = [status for name, (_, _, status, _) in FILES.items() if name != "unknown key"]
    assert len(set(statuses)) == len(statuses)
    assert 0 not in statuses and 1 not in statuses


def test_three_broken_rows_go_to_quarantine_and_the_rest_goes_on(cli: Cli, tmp_path: Path) -> None:
    broken = CALLS + "clerk;x;yes\nclerk;-4;no\nclerk;30;perhaps\n"
    write_flat(tmp_path, broken)
    status, out, err = cli(
        "ingest", "--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"), "--json"
    )
    assert (status, err) == (0, "")
    assert json.loads(out)["rows"]["leads"] == {"read": 6, "kept": 3, "quarantined": 3}


WRONG_CALLS = {
    "unknown source": (("run", "--source", "nowhere"), ExitStatus.SOURCE, "demo"),
    "unknown command": (("scor",), ExitStatus.USAGE, "scor"),
    "unknown option": (("run", "--sauce", "x"), ExitStatus.USAGE, "--sauce"),
    "unknown framework": (("explain", "x", "--framework", "bunt"), ExitStatus.POLICY, "bant"),
    "no champion yet": (("champion",), ExitStatus.REGISTRY, "leadscore run"),
    "nothing compared yet": (("compare",), ExitStatus.DATA, "thresholds"),
    "stage without the one before": (("audit",), ExitStatus.DATA, "matrix"),
    "scores into a file, of no file": (("score", "--out", "scored.csv"), ExitStatus.USAGE, "worklist --out"),
    "no such params": (("run", "--params", "none.yaml"), ExitStatus.SOURCE, "none.yaml"),
}


@pytest.mark.parametrize(("words", "status", "said"), WRONG_CALLS.values(), ids=WRONG_CALLS.keys())
def test_wrong_calls(cli: Cli, tmp_path: Path, words: tuple[str, ...], status: ExitStatus, said: str) -> None:
    place = ("--data-dir", str(tmp_path / "data")) if words != ("scor",) else ()
    found, out, err = cli(*words, *place)
    assert (found, out) == (int(status), "")
    assert said in err and "Traceback" not in err
    assert not list(tmp_path.rglob("*.json"))


def test_errors_are_json_where_json_was_asked_for(cli: Cli) -> None:
    status, out, err = cli("run", "--source", "nowhere", "--json")
    assert status == ExitStatus.SOURCE and out == ""
    assert json.loads(err)["error"]["code"] == "LS010"


def test_debug_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    from features.errors import SourceError
    from pipelines.cli.main import main

    monkeypatch.setattr("sys.argv", ["leadscore", "run", "--source", "nowhere", "--debug"])
    with pytest.raises(SourceError):
        main()


def test_a_fault_of_ours_is_one_line_with_its_own_status(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("pipelines.cli.leads.frameworks_command", fails)
    status, out, err = cli("frameworks")
    assert (status, out) == (int(ExitStatus.INTERNAL), "")
    assert err.count("\n") == 1 and "ZeroDivisionError" in err and "--debug" in err


def test_a_second_writer_is_told_who_is_busy(cli: Cli, tmp_path: Path) -> None:
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.paths import Paths

    write_flat(tmp_path)
    words = ("ingest", "--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"))
    with only_writer(Paths(tmp_path / "data", "calls")):
        status, out, err = cli(*words)
    assert (status, out) == (int(ExitStatus.BUSY), "") and str(os.getpid()) in err
    assert not (tmp_path / "data").exists(), "whoever found nothing to do leaves nothing behind"
    assert cli(*words)[0] == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"9" * 5_000, "\u00b2".encode()], ids=range(4))
def test_whatever_stands_in_the_lock_of_a_second_writer(cli: Cli, tmp_path: Path, content: bytes) -> None:
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.paths import Paths

    write_flat(tmp_path)
    paths = Paths(tmp_path / "data", "calls")
    with only_writer(paths):
        (paths.root / ".lock").write_bytes(content)
        words = ("ingest", "--source", str(tmp_path / "calls.yaml"), "--data-dir", str(tmp_path / "data"))
        status, _, err = cli(*words)
        assert status == ExitStatus.BUSY and "LS020" in err and len(err) < 1_000, err
        held = "\n".join(find_held_lock(paths, timedelta(0)))
        assert "has held the lock of 'calls'" in held and len(held) < 1_000


def test_init_writes_a_declaration_that_runs_and_never_over_another(cli: Cli, tmp_path: Path) -> None:
    write_flat(tmp_path)
    out = tmp_path / "mine.yaml"
    assert cli("init", str(tmp_path / "calls.csv"), "--out", str(out))[0] == 0
    status, said, _ = cli("ingest", "--source", str(out), "--data-dir", str(tmp_path / "data"), "--json")
    assert status == 0 and json.loads(said)["rows"]["leads"]["read"] == 3
    before = out.read_bytes()
    status, _, err = cli("init", str(tmp_path / "calls.csv"), "--out", str(out))
    assert status == ExitStatus.SOURCE and "already exists" in err and out.read_bytes() == before
    printed = cli("init", str(tmp_path / "calls.csv"), "--json")[1]
    assert json.loads(printed)["declaration"].encode() == before


def test_what_ls022_advises_is_enough_on_the_demo_declaration(cli: Cli, tmp_path: Path) -> None:
    """Its rubric reads an account column: the rule stays valid, and says nothing of a lead without an account."""
    shipped = (Path(__file__).parents[2] / "data/sources/demo.yaml").read_text(encoding="utf-8")
    declared = "account_id: {from: Account ID, when_known: at_creation}"
    assert declared in shipped
    path = tmp_path / "demo.yaml"
    command = ("features", "--source", str(path), "--data-dir", str(tmp_path / "data"), "--json")

    path.write_text(shipped.replace(declared, "account_id: {from: Account ID}"), encoding="utf-8")
    status, _, err = cli(*command)
    assert status == int(ExitStatus.CONTRACT) and json.loads(err)["error"]["code"] == "LS022"
    assert "or declare leads.account_id 'role: ignore'" in err

    out_with_it = "account_id: {from: Account ID, role: ignore, excluded_because: set at conversion}"
    path.write_text(shipped.replace(declared, out_with_it), encoding="utf-8")
    status, out, err = cli(*command)
    assert status == 0, err
    families = {row["family"] for row in json.loads(out)["features"]}
    assert "committee" not in families and "attributes" in families
    assert not [row["name"] for row in json.loads(out)["features"] if row["name"].startswith("account_")]
