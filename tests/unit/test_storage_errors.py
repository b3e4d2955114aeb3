"""A full or closed disk is told as such, and no password is ever printed."""

import errno
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from features.errors import ExitStatus
from pipelines.workspace.atomic_files import write_text
from pipelines.workspace.hidden_passwords import hide_passwords, print_without_passwords
from pipelines.workspace.storage_errors import StorageError, place_error_of, storage_error_of
from serving.logs import logger
from tests.reference.tiny_run import TinyRun, first_lead

Cli = Callable[..., tuple[int, str, str]]


def caused(error: Exception) -> Exception:
    """As a library raises it that wraps what its driver said."""
    wrapped = RuntimeError("the library failed")
    wrapped.__cause__ = error
    return wrapped


FULL = [
    OSError(errno.ENOSPC, "No space left on device", "/data/x"),
    OSError("IOError: [Errno 28] Error writing bytes to file. Detail: No space left on device"),
    sqlite3.OperationalError("database or disk is full"),
    OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    caused(OSError(errno.EDQUOT, "Disk quota exceeded")),
]
CLOSED = [
    OSError(errno.EROFS, "Read-only file system", "/data/x"),
    PermissionError(errno.EACCES, "Permission denied"),
    OperationalError("INSERT", {}, sqlite3.OperationalError("attempt to write a readonly database")),
]
OTHER = [ValueError("no space"), OSError(errno.ENOENT, "gone"), sqlite3.OperationalError("no such table: x")]


@pytest.mark.parametrize(
    ("errors", "words"), [(FULL, "no space is left"), (CLOSED, "refuses access")], ids=["full", "closed"]
)
def test_whichever_library_met_it(errors: list[Exception], words: str) -> None:
    for error in errors:
        told = storage_error_of(error)
        assert told is not None and words in told.message and told.exit_status == ExitStatus.STORAGE, error
    assert [storage_error_of(error) for error in OTHER] == [None] * len(OTHER)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_run_on_such_a_disk_is_no_fault_of_leadscore(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "as the system says it", str(tmp_path / "data"))

    monkeypatch.setattr("pipelines.workspace.lock.make_folder", refuse)
    status, out, err = cli("ingest", "--source", "demo", "--data-dir", str(tmp_path / "data"), "--json")
    assert (status, out) == (ExitStatus.STORAGE, "") and "LS070" in err and str(tmp_path / "data") in err
    assert "bug" not in err


ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": "https://ann:hunter2%2Fx@mlflow.example.com/",
    "CRM_TOKEN": "abcdefgh",
    "SHELL": "/bin/bash",
    "SHORT_PASSWORD": "a",
    "MOST_TOKENS": "1000000",
    "CLIENT_SECRET_FILE": "/run/secrets/x",
}


def test_no_password_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "GET https://ann:hunter2%2Fx@mlflow.example.com/api and hunter2/x with abcdefgh, postgresql+psycopg://u:p@h/db"
        " and http://host:80/path and /bin/bash a 1000000 /run/secrets/x"
    )
    assert hide_passwords(said, ENVIRONMENT) == (
        "GET https://***@mlflow.example.com/api and *** with ***, postgresql+psycopg://***@h/db"
        " and http://host:80/path and /bin/bash a 1000000 /run/secrets/x"
    )
    monkeypatch.setenv("STORE_URL", "postgresql://u:correct-horse@h/db")
    try:
        raise ValueError("cannot connect to postgresql://u:correct-horse@h/db: correct-horse")
    except ValueError:
        print_without_passwords(*sys.exc_info())  # type: ignore[arg-type]
    printed = capsys.readouterr().err
    assert "correct-horse" not in printed and "ValueError: cannot connect to postgresql://***@h/db: ***" in printed


def test_no_line_of_the_servers_log_holds_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSCORE_SERVE_STORE_URL", "postgresql://u:correct-horse@h/db")
    logger().error("not written", cause="postgresql://u:correct-horse@h/db refused correct-horse", count=3)
    said = capsys.readouterr().err
    assert "correct-horse" not in said and '"count": 3' in said and "postgresql://***@h/db refused ***" in said


def test_an_internal_error_prints_none_either(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("refused: postgresql://u:correct-horse@h/db")

    monkeypatch.setattr("pipelines.workspace.lock.make_folder", fail)
    status, out, err = cli("ingest", "--source", "demo", "--data-dir", str(tmp_path / "data"))
    assert status == ExitStatus.INTERNAL and "correct-horse" not in out + err and "***@h/db" in err


def test_a_store_on_a_full_disk_is_told_as_such(
    cli: Cli, tiny_demo: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("PRAGMA", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr("serving.store.engine._lock", refuse)
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    status, _, err = cli("keys", "list", "--store-url", store, *tiny_demo.args)
    assert status == ExitStatus.STORAGE and "LS070: no space is left" in err


@pytest.mark.parametrize(
    ("words", "begun"),
    [(("forget", "{lead}"), "forgotten in some places"), (("object", "{lead}"), "hold in some tables")],
    ids=["forget", "object"],
)
def test_what_a_full_disk_ends_halfway_is_not_called_unchanged(
    cli: Cli, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], begun: str
) -> None:
    lead = first_lead(tiny_copy)
    given = [word.replace("{lead}", lead) for word in words]

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.privacy.erase_everywhere.erase_from_file", refuse)
        patched.setattr("pipelines.privacy.objections.erase_from_file", refuse)
        status, _, err = cli(*given, *tiny_copy.args)
    assert status == ExitStatus.STORAGE and begun in err and "unchanged" not in err and "again" in err, err
    assert cli(*given, *tiny_copy.args)[0] == 0, "run again, it ends what was begun"


def test_a_place_that_cannot_be_is_told_and_never_in_full_length(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Lead ID,Won\n1,yes\n", encoding="utf-8")
    (tmp_path / "loop").symlink_to("loop")
    places = {file / "x": "where a folder would", tmp_path / "loop" / "x": "", tmp_path / ("x" * 5_000): " characters)"}
    for place, words in places.items():
        status, _, said = cli("ingest", "--source", "bank_sample", "--data-dir", str(place))
        assert (status, words in said, len(said) < 600) == (26, True, True), said
        assert "LS070" in said and "name another place" in said


def test_an_address_is_no_place_and_its_password_is_told_nowhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address = "postgresql://ann:correct/horse@h/db"
    with pytest.raises(StorageError, match=r"an address \(postgresql://\.\.\.\)"):
        write_text(Path(address), "x")
    told = place_error_of(NotADirectoryError(errno.ENOTDIR, "Not a directory", str(Path(address))))
    assert told is not None and "horse" not in told.message and "an address" in told.message
    status, out, said = cli("features", "--source", "demo", "--out", address)
    assert (status, out) == (ExitStatus.STORAGE, "") and "name a place on this machine" in said and "horse" not in said
    assert not list(tmp_path.iterdir()), "folders were made of it"


def test_no_message_holds_what_a_terminal_obeys(cli: Cli, tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2Jb\x07\x85\u202e.yaml"
    odd.write_text("[]", encoding="utf-8")
    status, out, said = cli("ingest", "--source", str(odd), "--data-dir", str(tmp_path))
    assert status == 10 and "a\\u001b[2Jb\\u0007\\u0085\\u202e.yaml" in out + said, said
    assert not set("\x1b\x07\x85\u202e") & set(out + said)
