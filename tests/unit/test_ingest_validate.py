"""The suites hold what the quarantine left, catch what it would have missed, and the page shows no personal value."""

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import yaml

from features.array_types import Tables
from features.catalog.build_catalog import build_catalog
from features.errors import ExitStatus
from features.schema.source import Source
from pipelines.ingest.errors import SuiteFailedError
from pipelines.ingest.expectations import Expectation, Rule, expectations_of
from pipelines.ingest.undeclared_kinds import count_undeclared_kinds, declaration_block, describe_undeclared_kinds
from pipelines.stages.ingest import ingest
from pipelines.stages.validate import validate
from pipelines.validation.contract_suites import RuleResult, run_contract
from pipelines.validation.project import open_project
from pipelines.workspace.atomic_files import read_json, write_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.exports import ACTIVITIES, LEADS, write_export, write_flat
from tests.reference.worlds import SOURCE

BAD = (
    LEADS
    + "L9;2025-01-09 11:00;A9;zoe@example.org;777;small;1;no;x\nL8;2025-01-09 11:00;A9;joe@example.org;5;small;1;no;x\n"
)


def run_suites(paths: Paths, tables: Tables, rules: list[Expectation], source: Source) -> list[RuleResult]:
    with open_project(paths.expectations, source.name) as project:
        return run_contract(project, tables, rules, source)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> tuple[Source, Paths]:
    source, paths = write_export(tmp_path, leads=BAD), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    return source, paths


def test_what_ingest_kept_holds_every_rule(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    report = validate(source, paths).content()
    assert report["verdict"] == "ok" and all(r["success"] or r["warns"] for r in report["results"])
    assert read_json(paths.validate / "validation.json")["text"] == report["text"]
    assert "1 of 14 rows (7.14%) were quarantined" in report["text"]
    assert read_json(paths.validate / "verdict.json")["verdict"] == "ok"


def test_every_declared_rule_is_in_the_suite(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    rules = [r for r in expectations_of(source, pd.Timestamp("2025-07-01")) if r.rule is not Rule.TYPE]
    found = [(r.table, r.sentence) for r in run_suites(paths, load_tables(paths), rules, source)]
    assert [r.sentence for r in rules if (r.table, r.sentence) not in found] == []
    assert ("leads", "age is stored as number") in found


SPOILED = {
    "required": ("leads", {"created_at": pd.NaT}),
    "allowed_values": ("leads", {"size": "huge"}),
    "minimum": ("leads", {"age": -1.0}),
    "maximum": ("leads", {"age": 121.0}),
    "after_cutoff": ("leads", {"known_at": pd.Timestamp("2025-07-02")}),
    "known_before_happened": ("outcomes", {"known_at": pd.Timestamp("2025-01-02")}),
    "reference": ("activities", {"lead_id": "L99"}),
    "duplicate_key": ("activities", {"activity_id": "3"}),
}


def test_the_suites_catch_rows_that_break_a_rule_after_ingest(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    tables = dict(load_tables(paths))
    for table, change in SPOILED.values():
        tables[table] = tables[table].copy()
        for column, value in change.items():
            tables[table].loc[1 if table == "activities" else 0, column] = value
            if column in ("age", "known_at"):
                tables[table].loc[1, column] = value
    tables["leads"].loc[2, "age"] = 121.0
    tables["leads"]["revenue"] = tables["leads"]["revenue"].astype("str")
    rules = expectations_of(source, pd.Timestamp("2025-07-01"))
    failed = {r.kind for r in run_suites(paths, tables, rules, source) if not r.success}
    assert failed >= (set(SPOILED) - {"minimum"}) | {"type"}


def test_a_failure_is_written_and_then_raised(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    leads = load_tables(paths)["leads"]
    leads.loc[0, "size"] = "huge"
    write_parquet(paths.ingest / "leads.parquet", leads)
    with pytest.raises(SuiteFailedError, match=r"leads: size is one of the allowed values \(small, large\)") as caught:
        validate(source, paths)
    assert caught.value.exit_status is ExitStatus.CONTRACT
    assert read_json(paths.validate / "verdict.json")["verdict"] == "failed"
    assert "does not hold" in (paths.validate / "validation.html").read_text()


def test_the_page_stands_alone_and_shows_no_personal_value(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    validate(source, paths)
    page = (paths.validate / "validation.html").read_text()
    text = page + (paths.validate / "validation.json").read_text()
    assert not re.search(r'(src|href)="(?!data:)|@import|url\(|<script', page)
    for personal in ("ann@example.org", "zoe@example.org", "777", "34.0", "61.0"):
        assert personal not in text
    for shown in ("row 4", "999", "maximum", "note", "filled after the win", "A9"):
        assert shown in page


def test_text_from_a_file_cannot_become_markup(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "calls")
    source = write_flat(tmp_path, "job;age;y;<b>x</b>\nclerk;1;no;1\nbaker;1;yes;1\ncook;<img src=x>;no;1\n")
    ingest(source, paths)
    validate(source, paths)
    page = (paths.validate / "validation.html").read_text()
    assert "<img" not in page and "<b>x" not in page and "&lt;img src=x&gt;" in page


def test_what_reps_do_is_left_out_on_purpose() -> None:
    kinds = ["Page View", "Rep Call", "Rep Call", "Send"]
    rows = pd.DataFrame({"kind": kinds, "actor": ["lead", "rep", "rep", "system"]}, dtype="str")
    source = SOURCE.model_copy(update={"activity_kinds": {}})
    assert count_undeclared_kinds(rows, source) == {"Page View": 1}
    assert count_undeclared_kinds(rows.assign(actor=pd.NA), source) == {"Rep Call": 2, "Page View": 1, "Send": 1}


def test_kinds_nobody_declared_are_named_with_counts_and_a_block_to_paste(tmp_path: Path) -> None:
    """Activities of such kinds count in no feature; without a word a whole table would be for nothing."""
    extra = "9,L1,Page View,2025-02-01 10:00,\n8,L1,Page View,2025-02-02 10:00,\n7,L2,Email,2025-02-01 10:00,\n"
    source, paths = write_export(tmp_path, activities=ACTIVITIES + extra), Paths(tmp_path / "data", "shop")
    counts = ingest(source, paths)
    assert counts.undeclared_kinds == {"Page View": 2, "Email": 1}
    said = "3 activities give no feature, as 'activity_kinds' does not declare their kind: Page View 2, Email 1."
    assert said in counts.text and said in validate(source, paths).text

    block = declaration_block(counts.undeclared_kinds)
    assert block in counts.text and block.splitlines()[1] in unescape((paths.validate / "validation.html").read_text())
    kinds = yaml.safe_load(block)["activity_kinds"]
    raw = source.model_dump(by_alias=True)
    pasted = Source.model_validate(raw | {"activity_kinds": raw["activity_kinds"] | kinds})
    names = {feature.name for feature in build_catalog(pasted)}
    assert {"Page View_30d", "Email_recency"} <= names
    assert ingest(pasted.with_place(source.path, {}), paths).undeclared_kinds == {}


def test_declared_kinds_and_sources_without_activities_are_silent(shop: tuple[Source, Paths]) -> None:
    source, paths = shop
    assert ingest(source, paths).undeclared_kinds == {} and "warning" not in ingest(source, paths).text
    assert describe_undeclared_kinds({}) == declaration_block({}) == ""


@pytest.mark.parametrize("kind", ["yes", "On", "a: b", "12", 'say "hi"', "Größe", "x" * 80, "- a", "null", "page view"])
def test_any_kind_survives_the_block(kind: str) -> None:
    assert list(yaml.safe_load(declaration_block({kind: 1}))["activity_kinds"]) == [kind]
