"""A bad row never disappears: it is named with table, row, rule and value, and the good rows go on."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ContractError
from features.schema.canonical_tables import TABLES
from pipelines.ingest.expectations import Rule, expectations_of
from pipelines.ingest.quarantine import CheckedTable, check, shape_of_text
from pipelines.stages.ingest import ingest
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import DTYPES, load_tables
from tests.reference.exports import ACTIVITIES, CALLS, FLAT, LEADS, OUTCOMES, write_export, write_flat


def quarantine(paths: Paths) -> list[tuple[object, ...]]:
    rows = read_parquet(paths.ingest / "quarantine.parquet")
    assert rows.columns.tolist() == ["table", "row", "rule", "column", "value"]
    return [tuple(row) for row in rows.itertuples(index=False)]


def test_a_clean_export_becomes_the_tables_of_the_contract(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    counts = ingest(write_export(tmp_path), paths).content()
    tables = load_tables(paths)
    assert set(tables) == set(TABLES)
    for name, contract in TABLES.items():
        for column in contract.columns:
            assert str(tables[name][column.name].dtype) == DTYPES[column.type], f"{name}.{column.name}"
    leads = tables["leads"].set_index("lead_id")
    assert leads["created_at"].astype("str").to_dict() == {
        "L1": "2025-01-06 08:00:00",
        "L2": "2025-01-07 10:00:00",
        "L3": "2025-01-08 10:00:00",
    }
    assert leads["revenue"].to_dict() == pytest.approx({"L1": 1200.5, "L2": 7.5, "L3": np.nan}, nan_ok=True)
    assert leads["size"].tolist() == ["small", "large", "small"]
    assert tables["outcomes"]["won"].tolist() == [True, False]
    assert tables["activities"]["kind"].tolist()[:2] == ["email_open", "visit"]
    assert tables["activities"]["actor"].tolist() == ["lead"] * 5
    assert tables["activities"]["known_at"].astype("str").tolist()[:3] == [
        "2025-02-01 22:59:59.999999",
        "2025-02-03 09:00:00.000000",
        "2025-02-02 22:59:59.999999",
    ]
    assert counts["rows"]["activities"] == {"read": 5, "kept": 5, "quarantined": 0}
    assert counts["undeclared_columns"] == {"leads": ["note"]}
    assert counts["ignored_columns"] == {"leads": {"converted": "filled after the win"}}
    assert "note" not in leads and "converted" not in leads
    assert read_json(paths.ingest / "counts.json")["rows"] == counts["rows"]


@pytest.mark.parametrize(
    ("table", "row", "rule", "column", "value"),
    [
        ("leads", "L9;soon;;e@x.org;20;small;1;no;x", Rule.TYPE, "created_at", "soon"),
        ("leads", "L9;;;e@x.org;20;small;1;no;x", Rule.REQUIRED, "created_at", ""),
        (";", ";2025-01-09 11:00;;e@x.org;20;small;1;no;x", Rule.REQUIRED, "lead_id", ""),
        ("leads", "L9;2025-01-09 11:00;;e@x.org;old;small;1;no;x", Rule.TYPE, "age", "xxx"),
        ("leads", "L9;2025-01-09 11:00;;e@x.org;121;small;1;no;x", Rule.MAXIMUM, "age", "999"),
        ("leads", "L9;2025-01-09 11:00;;e@x.org;-1;small;1;no;x", Rule.MINIMUM, "age", "-9"),
        ("leads", "L9;2025-01-09 11:00;;e@x.org;20;huge;1;no;x", Rule.ALLOWED, "size", "huge"),
        ("leads", "L9;2025-01-09 11:00;;e@x.org;20;small;much;no;x", Rule.TYPE, "revenue", "much"),
        ("leads", "L9;2025-07-01 02:00:01;;e@x.org;20;small;1;no;x", Rule.CUTOFF, "known_at", "2025-07-01 00:00:01"),
        ("leads", "L3;2025-01-09 11:00;;e@x.org;20;small;1;no;x", Rule.UNIQUE, "lead_id", "L3"),
        ("leads", "L9;2025-01-09 11:00;;ann", Rule.FIELD_COUNT, "", "x9;9999-99-99 99:99;;xxx"),
        ("leads", 'L9;2025-01-09 11:00;"A1;ann', Rule.OPEN_QUOTE, "", 'x9;9999-99-99 99:99;"x9;xxx'),
        ("activities", "9,L99,visit,2025-02-01 10:00,", Rule.REFERENCE, "lead_id", "L99"),
        ("activities", "9,,visit,2025-02-01 10:00,", Rule.REQUIRED, "lead_id", ""),
        ("activities", "1,L2,visit,2025-02-01 10:00,", Rule.UNIQUE, "activity_id", "1"),
        (
            "activities",
            "9,L1,visit,2025-02-01 10:00,2025-02-01 09:59:59",
            Rule.KNOWN_ORDER,
            "known_at",
            "2025-02-01 09:00:00 | 2025-02-01 08:59:59",
        ),
        ("outcomes", "D9,L1,2025-03-01 10:00,perhaps,1", Rule.TYPE, "won", "perhaps"),
        ("outcomes", "D9,L1,2025-03-01 10:00,Closed Won,-1", Rule.MINIMUM, "amount", "-1"),
        (
            "outcomes",
            "D1,L1,2025-03-01 10:00,Closed Lost,",
            Rule.UNIQUE,
            "closed_at",
            "D1 | 2025-03-01 09:00:00",
        ),
    ],
)
def test_each_kind_of_trouble_is_named_once_and_the_others_stay(
    tmp_path: Path, table: str, row: str, rule: Rule, column: str, value: str
) -> None:
    table = "leads" if table == ";" else table
    text = {"leads": LEADS, "activities": ACTIVITIES, "outcomes": OUTCOMES}[table]
    paths = Paths(tmp_path / "data", "shop")
    counts = ingest(write_export(tmp_path, **{table: text + row + "\n"}), paths).content()
    number = text.count("\n")
    assert quarantine(paths) == [(table, number, str(rule), column, value)]
    assert counts["rows"][table] == {"read": number, "kept": number - 1, "quarantined": 1}
    raw = read_parquet(paths.ingest / "quarantined_rows.parquet")
    assert raw[["table", "row"]].to_numpy().tolist() == [[table, number]]
    kept = json.loads(raw["raw"][0])
    assert kept == row if isinstance(kept, str) else list(kept.values()) == row.split(";" if table == "leads" else ",")


def test_a_moment_at_the_cut_off_is_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    row = "L9;2025-07-01 02:00;;e@x.org;20;small;1;no;x\n"
    assert ingest(write_export(tmp_path, leads=LEADS + row), paths).content()["rows"]["leads"]["kept"] == 4


def test_rows_of_a_quarantined_lead_say_so_and_an_unknown_account_only_warns(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    leads = LEADS + "L4;soon;;e@x.org;20;small;1;no;x\nL5;2025-01-09 11:00;A9;e@x.org;20;small;1;no;x\n"
    counts = ingest(
        write_export(tmp_path, leads=leads, activities=ACTIVITIES + "9,L4,visit,2025-02-01 10:00,\n"), paths
    )
    assert ("activities", 6, "parent_quarantined", "lead_id", "L4") in quarantine(paths)
    assert counts.warnings == {"leads": {"reference": 1}}
    assert "L5" in load_tables(paths)["leads"]["lead_id"].tolist()


def test_of_rows_with_one_key_the_first_good_one_is_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    head, *rest = LEADS.splitlines(keepends=True)
    bad = "L1;2025-01-01 09:00;A1;x@x.org;999;small;1;no;x\n"
    ingest(write_export(tmp_path, leads=head + bad + "".join(rest)), paths)
    assert quarantine(paths) == [("leads", 1, "maximum", "age", "999")]
    assert load_tables(paths)["leads"]["lead_id"].tolist() == ["L1", "L2", "L3"]


def test_a_reopened_deal_keeps_both_its_closes(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    ingest(write_export(tmp_path, outcomes=OUTCOMES + "D2,L2,2025-04-02 10:00,Closed Won,5\n"), paths)
    deals = load_tables(paths)["outcomes"]
    assert deals.loc[deals["opportunity_id"] == "D2", "won"].tolist() == [False, True]


def test_a_row_with_several_troubles_counts_once(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    counts = ingest(write_export(tmp_path, leads=LEADS + "L9;soon;;e@x.org;200;huge;1;no;x\n"), paths).content()
    assert counts["rows"]["leads"] == {"read": 4, "kept": 3, "quarantined": 1}
    assert {row[2] for row in quarantine(paths)} == {"type", "maximum", "allowed_values"}


def test_counts_that_do_not_reconcile_are_refused() -> None:
    empty = pd.DataFrame({"row": pd.Series(dtype="int64")})
    checked = CheckedTable(
        frame=pd.DataFrame({"a": [1, 2]}), rows=np.array([1, 2]), quarantine=empty, warnings=empty, read=3
    )
    with pytest.raises(ContractError, match="3 rows read, but 2 kept, 0 quarantined"):
        checked.reconcile("leads")


def test_a_row_lost_on_the_way_stops_ingest_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*args: object, **more: object) -> CheckedTable:
        checked = check(*args, **more)  # type: ignore[arg-type]
        checked.frame = checked.frame.head(1)
        return checked

    paths = Paths(tmp_path / "data", "calls")
    monkeypatch.setattr("pipelines.ingest.check_tables.check", careless)
    with pytest.raises(ContractError, match="3 rows read, but 1 kept"):
        ingest(write_flat(tmp_path), paths)
    assert not paths.root.exists()


def test_a_flat_file_keeps_the_row_numbers_of_the_file(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "calls")
    calls = "job;age;y\nclerk;30;no\nbaker;-1;yes\nunknown;41;YES\nguest;20;perhaps\nlast;;no\nopen;33;\n"
    counts = ingest(write_flat(tmp_path, calls), paths).content()
    leads = load_tables(paths)["leads"]
    assert leads["lead_id"].tolist() == ["1", "3", "5"]
    assert leads["y"].tolist() == ["no", "yes", "no"]
    assert leads["job"].isna().tolist() == [False, True, False]
    assert counts["rules"] == {"leads": {"minimum": 1, "allowed_values": 1, "required": 1}}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["clerk;30;no", "baker;x;yes", "baker;41;yes", ";;", "a;b", "a;1;no;", '"a;1;no', ""])))
def test_read_is_kept_plus_quarantined_whatever_the_file_holds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("flat")
    paths = Paths(folder / "data", "calls")
    text = "\n".join(["job;age;y", "clerk;30;no", "baker;41;yes", *lines]) + "\n"
    accepted = FLAT.replace("  leads:\n", "  leads:\n    quarantine: {limit: 1, reason: broken on purpose}\n")
    counts = ingest(write_flat(folder, text, accepted), paths).content()["rows"]["leads"]
    filled = 2 + sum(bool(line) for line in lines)
    assert counts["read"] == counts["kept"] + counts["quarantined"] == filled
    raw = read_parquet(paths.ingest / "quarantined_rows.parquet")
    assert len(raw) == counts["quarantined"]
    kept = read_parquet(paths.ingest / "leads.parquet")["lead_id"].astype("int64")
    assert sorted([*kept, *raw["row"]]) == list(range(1, filled + 1))


def test_values_of_people_show_their_form_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "calls")
    declaration = FLAT.replace("job: {missing: [unknown]}", "job: {role: personal, values: [clerk, baker]}")
    ingest(write_flat(tmp_path, CALLS.replace("unknown", "ann@example.org"), declaration), paths)
    assert quarantine(paths) == [("leads", 3, "allowed_values", "job", "xxx@xxxxxxx.xxx")]
    assert shape_of_text("Zürich 12") == "xxxxxx 99"


def test_every_rule_of_the_contract_is_expected(tmp_path: Path) -> None:
    source = write_export(tmp_path)
    found = {(e.table, e.rule, e.columns) for e in expectations_of(source, pd.Timestamp("2025-07-01"))}
    for name in source.tables:
        for column in TABLES[name].columns:
            if not column.nullable and column.default_from is None:
                assert (name, Rule.REQUIRED, (column.name,)) in found
        assert (name, Rule.UNIQUE, TABLES[name].key) in found
        assert (name, Rule.CUTOFF, ("known_at",)) in found
