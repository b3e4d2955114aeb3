"""A name that leads to no file with content is refused in words; nothing is waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import ExitStatus
from features.regular_files import read_regular, read_regular_text
from tests.reference.exports import write_export

Cli = Callable[..., tuple[int, str, str]]
# says that it is a regular file of no bytes, as /proc/kmsg does, which keeps its reader waiting for ever
SYSTEM_FILE = "/proc/self/maps"


def test_a_file_is_read_whole_and_what_is_none_is_refused(tmp_path: Path) -> None:
    text, pipe = tmp_path / "a.yaml", tmp_path / "pipe.yaml"
    text.write_bytes(b"\xef\xbb\xbfname: a\r\nlast\r")
    os.mkfifo(pipe)
    assert read_regular_text(text, "utf-8-sig") == "name: a\nlast\n"
    assert read_regular(Path(SYSTEM_FILE)) == b"", "not read: it says that it is empty"
    for place in (tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="it is no file but a folder, pipe, socket or device"):
            read_regular(place)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("init", SYSTEM_FILE), ExitStatus.DATA),
        (("ingest", "--source", SYSTEM_FILE), ExitStatus.SOURCE),
        (("ingest", "--params", SYSTEM_FILE), ExitStatus.SOURCE),
        (("rubric", "convert", SYSTEM_FILE, "--out", "out.csv"), ExitStatus.POLICY),
        (("ingest", "--source", "shop\0.yaml"), ExitStatus.USAGE),
        (("ingest", "--data-dir", "/proc/nowhere"), ExitStatus.STORAGE),
    ],
)
def test_commands_refuse_what_is_no_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: ExitStatus
) -> None:
    write_export(tmp_path)
    monkeypatch.chdir(tmp_path)
    given = words if "--source" in words or words[0] != "ingest" else (*words, "--source", "shop.yaml")
    given = given if "--data-dir" in given or words[0] == "rubric" else (*given, "--data-dir", "data")
    found, _, said = cli(*given)
    assert found == status and said, said


def test_a_file_of_the_system_is_no_table(cli: Cli, tmp_path: Path) -> None:
    source = write_export(tmp_path)
    declared = (tmp_path / "shop.yaml").read_text(encoding="utf-8")
    for name, status in ((SYSTEM_FILE, ExitStatus.DATA), ('"leads\\0.csv"', ExitStatus.SOURCE)):
        (tmp_path / "shop.yaml").write_text(declared.replace("{file: leads.csv}", f"{{file: {name}}}"))
        found, _, said = cli("ingest", "--source", str(tmp_path / "shop.yaml"), "--data-dir", str(tmp_path / "data"))
        assert found == status and ("empty" in said or "zero byte" in said), said
    assert source.name == "shop"
