"""A file is looked for in a fixed order, fetched by package or address, and never used with the wrong bytes."""

import gzip
import hashlib
import io
import os
import urllib.error
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import ExitStatus, FetchError
from features.schema.load_source import load_source
from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, MissingFileError, UnreadableFileError, WrongHashError
from pipelines.ingest.reading import fetch
from pipelines.ingest.reading.fetch import get_data
from pipelines.ingest.reading.file_adapters import read_file, read_table
from pipelines.ingest.reading.unpacking import unpack
from pipelines.workspace.paths import Paths
from tests.reference.exports import CALLS, FLAT

CONTENT = CALLS.encode()
HASH = hashlib.sha256(CONTENT).hexdigest()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


def source(folder: Path, location: str) -> Source:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calls.yaml"
    path.write_text(FLAT.replace("{file: calls.csv}", location))
    return load_source(path)


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADSCORE_DATA", raising=False)


def test_the_data_folder_comes_first_then_the_declarations_then_what_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = source(tmp_path / "here", "{file: calls.csv}")
    paths = Paths(tmp_path / "data", "calls")
    places = [tmp_path / "env" / "calls.csv", tmp_path / "here" / "calls.csv", paths.raw / "calls.csv"]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(CONTENT)
    monkeypatch.setenv("LEADSCORE_DATA", str(tmp_path / "env"))
    for place in places:
        assert get_data(declared, paths) == {"leads": place}
        place.unlink()
    with pytest.raises(MissingFileError, match=r"calls.yaml line 8: calls.csv was not found.*LEADSCORE_DATA") as caught:
        get_data(declared, paths)
    assert caught.value.exit_status is ExitStatus.FETCH


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        gzip.compress(CONTENT),
        zipped(calls_dot_csv=CONTENT),
        zipped(a_dot_txt=b"x", calls_dot_csv=gzip.compress(CONTENT)),
    ],
    ids=["plain", "gzip", "zip", "gzip in zip"],
)
def test_a_packed_file_is_unpacked_and_checked_by_the_hash_of_its_contents(packed: bytes) -> None:
    location = Location(file="x", sha256=HASH, member="calls.csv")
    assert unpack(packed, location, what="x") == CONTENT
    with pytest.raises(WrongHashError, match=HASH) as caught:
        unpack(packed, location.model_copy(update={"sha256": "0" * 64}), what="x")
    assert caught.value.exit_status is ExitStatus.FETCH


def test_a_zip_of_several_files_needs_a_member_and_says_which_there_are() -> None:
    packed = zipped(a_dot_csv=b"1", b_dot_csv=b"2")
    with pytest.raises(UnreadableFileError, match=r"a\.csv, b\.csv"):
        unpack(packed, Location(file="x"), what="x")
    assert unpack(zipped(a_dot_csv=b"1", readme_dot_md=b"2"), Location(file="x"), what="x") == b"1"
    with pytest.raises(UnreadableFileError, match=r"no member 'c\.csv'. It holds: a\.csv, b\.csv"):
        unpack(packed, Location(file="x", member="c.csv"), what="x")
    with pytest.raises(UnreadableFileError, match="damaged workbook"):
        read_table(zipped(xl__workbook_dot_xml=b"<x/>"), Location(file="x"), what="x")
    with pytest.raises(UnreadableFileError, match="damaged"):
        unpack(packed[:40], Location(file="x"), what="x")


def test_a_package_is_downloaded_not_installed_and_its_member_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "tinydata-1.0-py3-none-any.whl").write_bytes(
        zipped(
            **{
                "tinydata__calls_dot_csv_dot_gz": gzip.compress(CONTENT),
                "tinydata-1.0.dist-info__METADATA": b"Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
                "tinydata-1.0.dist-info__WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                "tinydata-1.0.dist-info__RECORD": b"",
            }
        )
    )
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package = "{file: calls.csv, sha256: HASH, package: {requirement: tinydata==1.0, member: tinydata/calls.csv.gz}}"
    paths = Paths(tmp_path / "data", "calls")
    declared = source(tmp_path, package.replace("HASH", HASH))
    with pytest.raises(MissingFileError, match="leadscore data get calls"):
        get_data(declared, paths, download=False)
    assert get_data(declared, paths) == {"leads": paths.raw / "calls.csv"}
    assert (paths.raw / "calls.csv").read_bytes() == CONTENT

    wrong = source(tmp_path, package.replace("HASH", "f" * 64))
    (paths.raw / "calls.csv").unlink()
    with pytest.raises(FetchError, match=HASH):
        get_data(wrong, paths)
    assert not (paths.raw / "calls.csv").exists()


def test_an_address_gives_the_member_of_a_zip_in_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = zipped(inner_dot_zip=zipped(data__calls_dot_csv=CONTENT), other_dot_txt=b"x")
    asked = []

    def answer(url: str, timeout: float) -> Any:
        asked.append(url)
        return io.BytesIO(outer)

    monkeypatch.setattr(fetch.urllib.request, "urlopen", answer)
    location = (
        "{file: c.zip, member: calls.csv, url: 'https://example.org/a.zip', url_member: inner.zip/data/calls.csv}"
    )
    paths = Paths(tmp_path / "data", "calls")
    for _ in range(2):
        assert get_data(source(tmp_path, location), paths) == {"leads": paths.raw / "calls.csv"}
    assert (paths.raw / "calls.csv").read_bytes() == CONTENT
    assert asked == ["https://example.org/a.zip"]


def test_a_failed_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(url: str, timeout: float) -> Any:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(fetch.urllib.request, "urlopen", away)
    with pytest.raises(FetchError, match=r"no route.*Or put it at"):
        get_data(source(tmp_path, "{file: c.csv, url: 'https://example.org/c.csv'}"), Paths(tmp_path, "calls"))


def test_parquet_brings_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": pd.to_datetime(["2025-01-01", None])})
    frame.to_parquet(tmp_path / "x.parquet")
    raw = read_file(tmp_path / "x.parquet", Location(file="x.parquet"))
    pd.testing.assert_frame_equal(raw.frame, frame)
    assert raw.rows.tolist() == [1, 2] and raw.form["format"] == "parquet"
    with pytest.raises(UnreadableFileError, match="Parquet"):
        read_table(b"PAR1 and then nothing", Location(file="x"), what="x.parquet")
    frame.head(0).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(EmptyFileError):
        read_file(tmp_path / "x.parquet", Location(file="x.parquet"))


def test_a_folder_or_a_forbidden_file_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableFileError, match="directory") as caught:
        read_file(tmp_path, Location(file="x"))
    assert caught.value.exit_status is ExitStatus.UNREADABLE
    path = tmp_path / "x.csv"
    path.write_bytes(CONTENT)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: let the system refuse

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableFileError, match=r"Permission denied.*permissions"):
        read_file(path, Location(file="x"))
