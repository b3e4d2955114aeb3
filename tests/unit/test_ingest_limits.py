"""A small file that unpacks to much is refused before memory is taken for it, whatever it is packed in."""

import bz2
import gzip
import io
import json
import lzma
import resource
import sqlite3
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Thread

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.schema.table_source import FileLimits, Location
from pipelines.ingest.errors import TooLargeError, UnreadableFileError
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.input_listing import list_tables
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.exports import LEADS, write_export

MIB = 1 << 20
ZEROS = 300  # MiB that a bomb of these tests would unpack to
MEMBER, SHEETS = "leads/deals.csv", "xl/workbook.xml"  # as long as each other
MOST_PEAK = ZEROS + 100  # MiB; what is unpacked when the limit of 256 is met, and what reading takes


def several(pack: Callable[[bytes], bytes]) -> bytes:
    """Streams of zeros one after the other, which unpack as one."""
    return pack(b"0" * (10 * MIB)) * (ZEROS // 10)


@cache
def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(MEMBER, "w", force_zip64=True) as stream,
    ):
        for _ in range(ZEROS):
            stream.write(b"0" * MIB)
    return packed.getvalue()


def workbook_bomb() -> bytes:
    return zip_bomb().replace(MEMBER.encode(), SHEETS.encode())


def zip_in_zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", zip_bomb())
    return packed.getvalue()


def parquet_bomb(values: pa.Array) -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.table({"note": values}), packed, compression="zstd")
    return packed.getvalue()


def one_long_text() -> bytes:
    codes = pa.array(np.zeros(ZEROS, dtype=np.int32))
    return parquet_bomb(pa.DictionaryArray.from_arrays(codes, pa.array(["x" * MIB])))


def many_zeros() -> bytes:
    return parquet_bomb(pa.array(np.zeros(ZEROS << 17, dtype=np.int64)))


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("leads.csv.gz", lambda: several(gzip.compress)),
    "bzip2": ("leads.csv.bz2", lambda: several(bz2.compress)),
    "xz": ("leads.csv.xz", lambda: several(lzma.compress)),
    "zip": ("leads.zip", zip_bomb),
    "workbook": ("leads.xlsx", workbook_bomb),
    "one long text in every row": ("leads.parquet", one_long_text),
    "many zeros": ("leads.parquet", many_zeros),
}


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path, kind: str) -> None:
    name, make = BOMBS[kind]
    path = tmp_path / name
    path.write_bytes(make())
    assert path.stat().st_size < 2 * MIB
    before = peak_mib()
    with pytest.raises(TooLargeError, match=r"raise the limit: 'limits: \{") as caught:
        read_file(path, Location(file=name))
    assert "LEADSCORE_READ_" in caught.value.message and caught.value.code == "LS051"
    assert peak_mib() - before < MOST_PEAK


def test_archives_are_listed_within_the_limits(tmp_path: Path) -> None:
    for name, content in (("outer.zip", zip_in_zip_bomb()), ("leads.zip", zip_bomb()), ("crm.xlsx", workbook_bomb())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TooLargeError):
            list_tables(tmp_path / name)
    member = Location(file="outer.zip", member=f"inner.zip/{MEMBER}")
    with pytest.raises(TooLargeError, match="ratio"):
        read_file(tmp_path / "outer.zip", member)


def test_what_is_packed_well_but_small_is_read(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.gz"
    path.write_bytes(gzip.compress(b"id,note\n" + b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 300_000))
    assert path.stat().st_size * 250 < 300_000 * 39
    assert read_file(path, Location(file=path.name)).read == 300_000


def test_a_declared_limit_and_the_environment_raise_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{k}" for k in range(50)) + "\n" + ",".join("1" * 50) + "\n")
    monkeypatch.setenv("LEADSCORE_READ_COLUMNS", "40")
    with pytest.raises(TooLargeError, match="50 columns, more than 40"):
        read_file(path, Location(file=path.name))
    assert read_file(path, Location(file=path.name, limits=FileLimits(columns=50))).read == 1
    monkeypatch.setenv("LEADSCORE_READ_COLUMNS", "60")
    assert read_file(path, Location(file=path.name)).read == 1
    monkeypatch.setenv("LEADSCORE_READ_COLUMNS", "many")
    with pytest.raises(SourceError, match="LEADSCORE_READ_COLUMNS is not a limit"):
        limits_of()


@pytest.mark.parametrize("limit", sorted(ReadLimits.model_fields))
def test_every_default_can_be_declared(limit: str) -> None:
    assert set(FileLimits.model_fields) == set(ReadLimits.model_fields)
    assert getattr(limits_of(Location(file="f", limits=FileLimits(**{limit: 7}))), limit) == 7


def test_forty_thousand_columns_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{k}" for k in range(40_000)) + "\n" + ",".join(["1"] * 40_000) + "\n")
    packed = tmp_path / "wide.parquet"
    pq.write_table(pa.table({f"c{k}": pa.nulls(1, pa.bool_()) for k in range(40_000)}), packed)
    document = tmp_path / "wide.json"
    document.write_text(json.dumps([{f"c{k}": 1 for k in range(40_000)}]))
    for file in (path, packed, document):
        with pytest.raises(TooLargeError, match="40,000 columns, more than 4,096"):
            read_file(file, Location(file=file.name))


def test_records_that_share_no_key_are_a_table_of_gaps(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jsonl"
    path.write_text("".join(f'{{"c{k % 4_000}": 1}}\n' for k in range(200_000)))
    with pytest.raises(TooLargeError, match="200,000 rows of 4,000 columns, more cells than fit"):
        read_file(path, Location(file=path.name))


def test_deep_json_is_refused_or_kept_out_by_row(tmp_path: Path) -> None:
    for name, text in (
        ("one.json", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        ("list.json", '[{"a": 1},\n{"a": ' + '{"b": ' * 100_000 + "1" + "}" * 100_000 + "}]"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(TooLargeError, match="more than 64 levels deep"):
            read_file(tmp_path / name, Location(file=name))

    path = tmp_path / "deep.jsonl"
    deep = '{"id": 2, "a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path.write_text('{"id": 1, "a": "[[[[{{{{"}\n' + deep + '\n{"id": 3, "a": [[1]]}\n')
    raw = read_file(path, Location(file=path.name))
    assert raw.frame["id"].tolist() == ["1", "3"]
    assert [(row.row, row.rule) for row in raw.broken] == [(2, "nesting")]


def test_deep_parquet_is_refused(tmp_path: Path) -> None:
    value: object = 1
    for _ in range(70):
        value = {"a": value}
    pq.write_table(pa.table({"deep": [value]}), tmp_path / "deep.parquet")
    with pytest.raises(TooLargeError, match="levels deep"):
        read_file(tmp_path / "deep.parquet", Location(file="deep.parquet"))


def test_a_row_with_an_endless_value_goes_to_quarantine(tmp_path: Path) -> None:
    long = "x" * (MIB + 1)
    (tmp_path / "leads.csv").write_text(f"id,note\n1,plain\n2,{long}\n3,{'ą' * MIB}\n4,\n")
    (tmp_path / "leads.jsonl").write_text(
        "\n".join(json.dumps({"id": k, "note": n}) for k, n in ((1, "plain"), (2, long), (3, "ą" * MIB), (4, "")))
    )
    pq.write_table(pa.table({"id": [1, 2, 3, 4], "note": ["plain", long, "ą" * MIB, None]}), tmp_path / "leads.parquet")
    for name in ("leads.csv", "leads.jsonl", "leads.parquet"):
        raw = read_file(tmp_path / name, Location(file=name))
        assert raw.frame["id"].astype("str").tolist() == ["1", "3", "4"], name
        assert [(row.row, row.rule) for row in raw.broken] == [(2, "field_length")], name
        assert long in raw.broken[0].raw and raw.rows.tolist() == [1, 3, 4]


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000000) SELECT x FROM n"


def test_a_view_that_makes_rows_is_stopped(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as lite:
        lite.execute(f"CREATE VIEW leads AS {ENDLESS}")
    lite.close()
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as duck:
        duck.execute("CREATE VIEW leads AS SELECT x FROM range(100000000) AS t(x)")
    for name in ("crm.db", "crm.duckdb"):
        with pytest.raises(TooLargeError, match="more than 50,000"):
            read_file(tmp_path / name, Location(file=name, limits=FileLimits(rows=50_000)))


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as lite:
        lite.execute(f"CREATE VIEW leads AS {ENDLESS}")
    lite.close()
    with pytest.raises((TooLargeError, UnreadableFileError), match="was not read within 1 seconds"):
        read_file(tmp_path / "crm.db", Location(file="crm.db", limits=FileLimits(seconds=1)))


def test_a_plain_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(6 << 30)  # a file of holes takes no room
    with pytest.raises(TooLargeError, match="more than 4,096 MiB"):
        read_file(path, Location(file=path.name))


def test_such_rows_are_counted_by_ingest(tmp_path: Path) -> None:
    rows = f"L8;2025-01-09 11:00;;e@x.org;20;small;1;no;{'x' * (MIB + 1)}\n"
    counts = ingest(write_export(tmp_path, leads=LEADS + rows), Paths(tmp_path / "data", "shop"))
    assert counts.rules["leads"] == {"field_length": 1} and "field_length" in counts.text
    assert counts.rows["leads"].read == counts.rows["leads"].kept + 1


def test_time_is_asked_for_between_batches_where_no_alarm_can_ring(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as lite:
        lite.execute(f"CREATE VIEW leads AS {ENDLESS}")
    lite.close()
    ends: list[str] = []

    def read() -> None:
        try:
            read_file(tmp_path / "crm.db", Location(file="crm.db", limits=FileLimits(seconds=1)))
        except TooLargeError as problem:
            ends.append(str(problem))

    thread = Thread(target=read)
    thread.start()
    thread.join(timeout=60)
    assert len(ends) == 1 and "was not read within 1 seconds" in ends[0]
