"""Tables of a database: only what is needed is asked for, nothing is lost on the way, and no password is ever shown."""

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa

from features.errors import SourceError
from features.schema.load_source import load_source, parse_source
from features.schema.table_source import Database
from pipelines.ingest import read_tables as read_tables_of
from pipelines.ingest.errors import DatabaseError, EmptyFileError, MissingColumnError
from pipelines.ingest.reading.fetch import get_data
from pipelines.ingest.reading.formats.database_address import resolve_address
from pipelines.ingest.reading.formats.databases import list_database, read_database
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

SECRET = "hunter2/with@signs"
BOTH = pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A fresh database whose URL, with a password where there is one, stands in CRM_DB."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'crm.sqlite'}"
    else:
        base = request.getfixturevalue("postgres")
        name = f"t{os.urandom(4).hex()}"
        admin = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        address = sa.make_url(base).set(database=name, password=SECRET, drivername="postgresql")
        url = address.render_as_string(hide_password=False)
    monkeypatch.setenv("CRM_DB", url)
    made = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield made
    made.dispose()


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


EVENTS = (
    "CREATE TABLE events (id INTEGER PRIMARY KEY, lead_id VARCHAR(20), kind VARCHAR(9), at TIMESTAMP, secret TEXT)",
    "INSERT INTO events VALUES (2, 'L2', 'visit', '2025-02-02 10:00:00', 'x'), "
    "(1, 'L1', 'open', '2025-02-01 10:00:00', 'x')",
)


def declared(**more: Any) -> Database:
    return Database.model_validate({"url": "${CRM_DB}", "table": "events"} | more)


@BOTH
def test_only_the_columns_asked_for_are_fetched_in_order_of_the_key(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(engine, *EVENTS)
    asked: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        raw = read_database(declared(), columns=["lead_id", "AT", "absent"])
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert list(raw.frame) == ["lead_id", "at"] and raw.not_read == ("id", "kind", "secret")
    assert raw.frame["lead_id"].tolist() == ["L1", "L2"] and raw.rows.tolist() == [1, 2]
    assert not any("secret" in statement for statement in asked if "FROM events" in statement)


@BOTH
def test_a_query_is_read_as_it_is_and_changes_nothing(engine: sa.Engine) -> None:
    run(engine, *EVENTS)
    query = "SELECT lead_id AS who, '12:30' AS t, 100 % 7 AS n FROM events WHERE kind LIKE 'v%' ORDER BY at;"
    raw = read_database(declared(table=None, query=query), columns=["who", "t"])
    assert raw.frame.to_dict("list") == {"who": ["L2"], "t": ["12:30"]} and raw.not_read == ("n",)
    for harm in ("DELETE FROM events", "SELECT 1; DELETE FROM events"):
        with pytest.raises(DatabaseError):
            read_database(declared(table=None, query=harm))
    assert read_database(declared()).read == 2


@BOTH
def test_batches_do_not_change_what_is_read(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run(engine, "CREATE TABLE events (id BIGINT PRIMARY KEY, n BIGINT, x FLOAT, t VARCHAR(9))")
    rows = [
        {"id": 2**60 + i, "n": None if i < 7 else i, "x": i / 4, "t": None if i % 2 else f"é{i}"} for i in range(25)
    ]
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO events VALUES (:id, :n, :x, :t)"), rows)
    whole = read_database(declared()).frame
    monkeypatch.setattr("pipelines.ingest.reading.formats.sql_tables.BATCH_ROWS", 4)
    pd.testing.assert_frame_equal(read_database(declared()).frame, whole)
    assert whole["id"].tolist() == [2**60 + i for i in range(25)] and whole["n"].isna().sum() == 7
    assert whole["x"].tolist() == [i / 4 for i in range(25)] and read_database(declared(), limit=3).read == 3


@BOTH
def test_a_large_table_is_never_held_as_python_objects(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run(engine, "CREATE TABLE events (id INTEGER PRIMARY KEY, a VARCHAR(40), b VARCHAR(40))")
    with engine.begin() as connection:
        rows = [{"id": i, "a": f"{i:030d}", "b": f"x{i:030d}"} for i in range(30_000)]
        connection.execute(sa.text("INSERT INTO events VALUES (:id, :a, :b)"), rows)
    monkeypatch.setattr("pipelines.ingest.reading.formats.sql_tables.BATCH_ROWS", 1000)
    read_database(declared(), limit=1)  # imports
    cursors: list[str] = []

    def listen(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        cursors.append(type(cursor).__name__ if "ORDER BY" in statement else "")

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    tracemalloc.start()
    try:
        raw = read_database(declared())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert raw.read == 30_000 and peak < 2_500_000  # as objects the rows take 8 MB and more
    if engine.dialect.name == "postgresql":
        assert "ServerCursor" in "".join(cursors)  # rows wait on the server, not in the driver


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_types_of_postgres_arrive_exactly(engine: sa.Engine) -> None:
    run(
        engine,
        "CREATE SCHEMA crm",
        """CREATE TABLE crm."Lead Export" ("Lead ID" uuid, amount numeric(12,2), day date, seen timestamptz,
           tags text[], extra jsonb, raw bytea, "select" boolean)""",
        """INSERT INTO crm."Lead Export" VALUES ('00000000-0000-0000-0000-000000000001', 1000.00, '2025-02-01',
           '2025-02-01 10:00+02', ARRAY['a','b'], '{"k": 1}', 'ab', true)""",
        'INSERT INTO crm."Lead Export" (amount) VALUES (12.50)',
    )
    assert list_database("${CRM_DB}") == [("crm", "Lead Export")]
    raw = read_database(Database.model_validate({"url": "CRM_DB", "schema": "crm", "table": "Lead Export"}))
    first = raw.frame.iloc[0].to_dict()
    assert first.pop("seen") == pd.Timestamp("2025-02-01 08:00", tz="UTC")
    assert first == {
        "Lead ID": "00000000-0000-0000-0000-000000000001",
        "amount": "1000",
        "day": "2025-02-01",
        "tags": "a;b",
        "extra": '{"k": 1}',
        "raw": "ab",
        "select": True,
    }
    assert raw.frame["amount"][1] == "12.50" and raw.frame.drop(columns="amount").iloc[1].isna().all()


def counted(engine: sa.Engine, read: Callable[[], Any]) -> tuple[Any, int]:
    raw = read()
    return raw.frame, raw.form["fetched"]


@BOTH
def test_a_watermark_asks_for_new_rows_only_and_gives_the_whole_table(engine: sa.Engine, tmp_path: Path) -> None:
    run(engine, *EVENTS)
    marked, kept = declared(watermark="at"), tmp_path / "kept" / "activities.parquet"
    columns = ["id", "lead_id", "at"]

    def read() -> Any:
        return read_database(marked, columns=columns, kept=kept)

    assert counted(engine, read)[1] == 2
    frame, fetched = counted(engine, read)
    assert fetched == 1  # the rows of the newest moment are asked for again, as more may have come
    run(engine, "INSERT INTO events VALUES (3, 'L3', 'open', '2025-02-02 10:00:00', 'x')")
    run(
        engine,
        "INSERT INTO events VALUES (4, 'L4', 'open', '2025-02-03 10:00:00.25', 'x'), (5, 'L5', 'open', NULL, 'x')",
    )
    frame, fetched = counted(engine, read)
    assert fetched == 4
    pd.testing.assert_frame_equal(frame, read_database(marked, columns=columns, kept=tmp_path / "anew.parquet").frame)
    assert sorted(frame["id"]) == [1, 2, 3, 4, 5]
    assert counted(engine, lambda: read_database(marked, columns=["id", "at"], kept=kept))[1] == 5  # other columns
    kept.write_bytes(b"damaged")
    assert counted(engine, read)[1] == 5


DEALS = """\
name: deals
kind: relational
data_cutoff: "2025-07-01"
tables:
  leads:
    location: {LEADS}
    columns: {lead_id: {from: id}, created_at: {from: made}}
  outcomes:
    location: {OUTCOMES}
    columns: {opportunity_id: {from: id}, lead_id: {from: lead_id}, closed_at: {from: made}, won: {from: won}}
"""
TWO_TABLES = (
    "CREATE TABLE leads (id VARCHAR(9), made TIMESTAMP)",
    "CREATE TABLE outcomes (id VARCHAR(9), lead_id VARCHAR(9), made TIMESTAMP, won VARCHAR(9))",
)
ONE_DEAL = (
    "INSERT INTO leads VALUES ('{}', '2025-02-01 10:00:00')",
    "INSERT INTO outcomes VALUES ('D{0}', '{0}', '2025-02-02 10:00:00', 'yes')",
)


@pytest.mark.parametrize("kind", ["by URL", "file"])
@BOTH
def test_tables_are_read_as_of_one_moment_although_somebody_writes_between_them(
    engine: sa.Engine, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of SQLite and PostgreSQL; as a file the other one is DuckDB, which PostgreSQL has none of."""
    path = tmp_path / "crm.sqlite"
    duck = kind == "file" and engine.dialect.name == "postgresql"

    def write(*statements: str) -> None:
        if duck:
            with duckdb.connect(str(path)) as connection:
                for statement in statements:
                    connection.execute(statement)
        else:
            run(engine, *statements)

    if engine.dialect.name == "sqlite":
        run(engine, "PRAGMA journal_mode=WAL")  # its readers do not keep writers out
    write(*TWO_TABLES, *(statement.format("L1") for statement in ONE_DEAL))
    read = read_tables_of.read_location

    def read_then_write(*given: Any, **named: Any) -> Any:
        found = read(*given, **named)
        with suppress(duckdb.Error):  # it keeps writers out
            write(*(statement.format("L2") for statement in ONE_DEAL))
        return found

    monkeypatch.setattr(read_tables_of, "read_location", read_then_write)
    places = {
        name.upper(): f"{{file: {path}, table: {name}}}"
        if kind == "file"
        else f"{{database: {{url: CRM_DB, table: {name}}}}}"
        for name in ("leads", "outcomes")
    }
    text = DEALS
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    source, paths = parse_source(text), Paths(tmp_path / "data", "deals")
    raws = read_tables_of.read_tables(source, get_data(source, paths), paths)[0]
    assert raws["leads"].frame["id"].tolist() == ["L1"]
    assert raws["outcomes"].frame["id"].tolist() == ["DL1"]
    again = read_tables_of.read_tables(source, get_data(source, paths), paths)[0]  # nothing is held any longer
    assert duck or again["outcomes"].frame["id"].tolist()[:2] == ["DL1", "DL2"]


@BOTH
def test_newer_than_bounds_what_is_asked_for(engine: sa.Engine) -> None:
    run(engine, *EVENTS)
    raw = read_database(declared(watermark="at", newer_than="2025-02-02"))
    assert raw.frame["lead_id"].tolist() == ["L2"]
    raw = read_database(declared(watermark="id", newer_than="2"))
    assert raw.frame["lead_id"].tolist() == ["L2"]
    with pytest.raises(EmptyFileError, match="has no rows"):
        read_database(declared(watermark="id", newer_than="3"))


@BOTH
def test_a_watermark_must_be_a_column_with_an_order(engine: sa.Engine) -> None:
    run(engine, *EVENTS)
    with pytest.raises(DatabaseError, match="'kind' holds texts, whose order"):
        read_database(declared(watermark="kind"))
    with pytest.raises(DatabaseError, match=r"has no column 'nothing'.*It has: id, lead_id"):
        read_database(declared(watermark="nothing"))


def test_times_as_texts_are_a_watermark_only_in_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path / 'crm.db'}")
    engine, kept = sa.create_engine(f"sqlite:///{tmp_path / 'crm.db'}"), tmp_path / "kept.parquet"
    run(engine, "CREATE TABLE events (id INTEGER, at TEXT)")
    run(engine, "INSERT INTO events VALUES (1, '2025-10-25T10:00:00+02:00'), (2, '2025-10-26T02:30:00+02:00')")
    assert len(read_database(declared(watermark="at"), kept=kept).frame) == 2
    run(engine, "INSERT INTO events VALUES (3, '2025-10-26T02:40:00+01:00')")
    with pytest.raises(DatabaseError, match="several offsets"):  # each fetch alone has one
        read_database(declared(watermark="at"), kept=kept)
    run(engine, "DELETE FROM events", "INSERT INTO events VALUES (1, '2025-01-01T10:00'), (2, '2025-01-01 11:00')")
    with pytest.raises(DatabaseError, match="with 'T' and with a blank"):
        read_database(declared(watermark="at"))
    run(engine, "DELETE FROM events", "INSERT INTO events VALUES (1, '2025-01-01 10:00'), (2, '2025-01-02'), (3, NULL)")
    assert len(read_database(declared(watermark="at")).frame) == 3
    engine.dispose()


@BOTH
def test_what_the_database_refuses_is_told_without_the_password(engine: sa.Engine) -> None:
    run(engine, *EVENTS)
    with pytest.raises(DatabaseError, match=r"nowhere of (sqlite|postgresql) database .* cannot be read") as caught:
        read_database(declared(table="nowhere"))
    assert "hunter2" not in "".join(_chain(caught.value))


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield str(error) + repr(error.args)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:1/crm",
        "postgresql://ann:hunter2@127.0.0.1:1/crm?connect_timeout=1",
        "postgresql://127.0.0.1:1/crm?user=ann&password=hunter2",
        "hunter2",
        "nosuchdialect://ann:hunter2@host/crm",
        "mysql+nosuchdriver://ann:hunter2@host/crm",
        "postgresql://ann:hunter2@host:port/crm",
    ],
)
def test_no_error_ever_shows_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_DB", url)
    with pytest.raises(DatabaseError) as caught:
        read_database(declared())
    assert "hunter2" not in "".join(_chain(caught.value))


def test_a_part_of_the_url_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    address = resolve_address("postgresql://ann:${DB_PASSWORD}@host/crm")
    assert address.url.password == SECRET and address.url.drivername == "postgresql+psycopg"
    assert address.shown == "postgresql database 'crm' on host"
    assert address.hide(f"failed: {SECRET}") == "failed: ***"


SHOP = """\
name: shop
kind: flat
flat:
  target: {column: won, won: ["1"], lost: ["0"]}
tables:
  leads:
    location: {LOCATION}
    columns:
      lead_id: {type: id}
      size: {from: Size, type: number}
      mail: {role: ignore, excluded_because: not needed here}
"""


@pytest.mark.parametrize(
    "location",
    [
        "{database: {url: 'postgresql://ann:hunter2@host/crm', table: leads}}",
        "{database: {url: 'postgresql://host/crm?password=hunter2', table: leads}}",
        "{database: {url: 'mssql://host/?odbc_connect=DRIVER%3Dx%3BPWD%3Dhunter2', table: leads}}",
        "{file: 'postgresql://ann:hunter2@host/crm'}",
        "{file: a.csv, url: 'https://ann:hunter2@host/a.csv'}",
        "{file: a.csv, url: 'postgresql://ann:hunter2@host/a.csv'}",
        "'postgresql://ann:hunter2@host/a.csv'",
        "{database: 'postgresql://ann:hunter2@host/a.csv'}",
        "{database: {url: 'postgresql://ann:hunter2@host/crm', tabel: leads}}",
    ],
)
def test_a_password_in_a_declaration_is_refused_and_not_repeated(location: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_source(SHOP.replace("{LOCATION}", location))
    assert "hunter2" not in "".join(_chain(caught.value)).replace(SHOP.replace("{LOCATION}", location), "")


def test_the_remedy_is_named() -> None:
    location = "{database: {url: 'postgresql://ann:hunter2@host/crm', table: leads}}"
    with pytest.raises(SourceError, match=r"line 7.*holds a password.*LEADSCORE_DB.*\$\{DB_PASSWORD\}"):
        parse_source(SHOP.replace("{LOCATION}", location))


@BOTH
def test_ingest_from_a_database_leaves_no_password_anywhere(
    engine: sa.Engine, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    run(
        engine,
        'CREATE TABLE leads (lead_id VARCHAR(9) PRIMARY KEY, "Size" NUMERIC(9, 2), won INTEGER, mail TEXT, more INT)',
        "INSERT INTO leads VALUES ('L1', 10.5, 1, 'a@x', 1), ('L2', 1000, 0, 'b@x', 1), ('L3', NULL, 1, 'c@x', 1)",
    )
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP.replace("{LOCATION}", "{database: {url: CRM_DB, table: leads, watermark: lead_no}}"))
    status, out, err = cli("ingest", "--source", str(path), "--data-dir", str(tmp_path / "data"))
    assert status == 21 and "lead_no" in err and "hunter2" not in out + err

    path.write_text(SHOP.replace("{LOCATION}", "{database: {url: CRM_DB, table: leads}}"))
    status, out, err = cli("ingest", "--source", str(path), "--data-dir", str(tmp_path / "data"))
    assert status == 0, err
    paths = Paths(tmp_path / "data", "shop")
    counts = json.loads((paths.ingest / "counts.json").read_text())
    assert counts["rows"]["leads"]["read"] == counts["rows"]["leads"]["kept"] == 3
    assert counts["undeclared_columns"] == {"leads": ["more"]}  # named, though never fetched
    kept = pd.read_parquet(paths.ingest / "leads.parquet")
    assert kept["size"].tolist()[:2] == [10.5, 1000.0] and kept["won"].tolist() == ["1", "0", "1"]

    told = out + err + "".join(p.read_bytes().decode("latin-1") for p in paths.root.rglob("*") if p.is_file())
    assert "hunter2" not in told and "CRM_DB" not in counts["files"]["leads"].get("url", "")


def test_a_column_that_was_renamed_in_the_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    run(engine, 'CREATE TABLE leads (lead_id INTEGER PRIMARY KEY, "Sizes" INTEGER, won INTEGER, mail TEXT)')
    run(engine, "INSERT INTO leads VALUES (1, 10, 1, 'a'), (2, 20, 0, 'b')")
    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path}/crm.db")
    source = parse_source(SHOP.replace("{LOCATION}", "{database: {url: CRM_DB, table: leads}}"))
    with pytest.raises(
        MissingColumnError, match=r"'Size', which .* does not have\. Did you mean 'Sizes'\?.*It has: .*Sizes"
    ):
        ingest(source, Paths(tmp_path / "data", "shop"))


def test_the_same_declaration_reads_a_kept_table_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    run(engine, 'CREATE TABLE leads (lead_id INTEGER PRIMARY KEY, "Size" INTEGER, won INTEGER, mail TEXT)')
    run(engine, "INSERT INTO leads VALUES (1, 10, 1, 'a'), (2, 20, 0, 'b')")
    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path}/crm.db")
    (tmp_path / "shop.yaml").write_text(
        SHOP.replace("{LOCATION}", "{database: {url: CRM_DB, table: leads, watermark: lead_id}}")
    )
    source, paths = load_source(tmp_path / "shop.yaml"), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    run(engine, "INSERT INTO leads VALUES (3, 30, 1, 'c')")
    record = ingest(source, paths)
    assert record.files["leads"]["fetched"] == 2 and record.rows["leads"].kept == 3
    assert pd.read_parquet(paths.ingest / "leads.parquet")["lead_id"].tolist() == ["1", "2", "3"]
