"""Suites, checkpoints and results stand in a project of the library, on raw and kept rows, without a person's value."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.errors import ContractError, ExitStatus
from features.schema.load_source import load_source
from features.schema.source import Source
from pipelines.ingest.errors import ExpectationFailedError
from pipelines.ingest.expectations import Rule, expectations_of
from pipelines.ingest.quarantine import check
from pipelines.ingest.read_tables import read_tables
from pipelines.ingest.reading.fetch import get_data
from pipelines.stages.ingest import ingest
from pipelines.stages.validate import validate
from pipelines.validation.contract_suites import library_check
from pipelines.validation.data_docs import build_data_docs
from pipelines.validation.library import great_expectations
from pipelines.validation.project import RESULTS, RUNS_KEPT, open_project
from pipelines.workspace.paths import Paths
from tests.reference.exports import LEADS, write_export

BAD = (
    LEADS
    + "L9;2025-01-09 11:00;A9;zoe@example.org;777;small;1;no;x\n"
    + "L8;2025-01-09 11:00;A9;joe@example.org;5;<img src=x>;1;no;x\n"
)
WARNS = """\
expect:
  leads:
    - {type: expect_column_values_to_be_in_set, kwargs: {column: size, value_set: [small, large]}, severity: warn,
       notes: the picklist}
    - {type: ExpectColumnValuesToMatchRegex, kwargs: {column: email, regex: "^[abc]"}, severity: warn}
    - {type: expect_column_max_to_be_between, kwargs: {column: age, max_value: 20}, severity: warn}
    - {type: expect_column_max_to_be_between, kwargs: {column: revenue, max_value: 2000}}
"""
PERSONAL = re.compile(r"\w+@example|\b777\b|\b61\.0\b|\b34\.0\b|\b61\b")


def shop(tmp_path: Path, expect: str = WARNS) -> tuple[Source, Paths]:
    source = write_export(tmp_path, leads=BAD)
    path = source.path
    assert path is not None
    path.write_text(path.read_text(encoding="utf-8") + expect, encoding="utf-8")
    source, paths = load_source(path), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    return source, paths


def texts(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def test_raw_and_kept_rows_are_checked_and_no_value_of_a_person_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, paths = shop(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    report = validate(source, paths)
    told = [
        (one.rows, one.type.split("_")[3], one.success, one.unexpected, one.examples) for one in report.expectations
    ]
    assert told[:4] == [
        ("raw", "to", False, 1, ("<img src=x>",)),
        ("kept", "to", True, 0, ()),
        ("raw", "to", False, 2, ()),
        ("kept", "to", True, 0, ()),
    ]
    ages = [(one.rows, one.success, one.observed, one.found) for one in report.expectations[4:6]]
    assert ages == [(rows, False, "", "its values are not shown") for rows in ("raw", "kept")]
    assert [(one.success, one.observed) for one in report.expectations[6:]] == [(True, "1,200.5")] * 2
    assert "Of 8 declared expectations 4 (warn) do not hold." in report.text and report.verdict == "ok"

    page = (paths.validate / "validation.html").read_text()
    assert "1 of 5 rows (20.00%), e.g. &lt;img src=x&gt;" in page and "the picklist" in page
    build_data_docs(paths.expectations, paths.data_docs)
    for folder in (paths.expectations, paths.validate):
        assert {name: hit for name, text in texts(folder).items() if (hit := PERSONAL.search(text))} == {}
    assert "analytics_enabled: false" in (paths.expectations / "great_expectations.yml").read_text()


def test_users_open_the_project_and_run_its_checkpoint_again(tmp_path: Path) -> None:
    source, paths = shop(tmp_path)
    validate(source, paths)
    context = great_expectations().get_context(mode="file", project_root_dir=str(paths.root))
    assert {suite.name for suite in context.suites.all()} >= {"leads_contract", "leads_raw", "leads_kept_counts"}
    frame = read_tables(source, get_data(source, paths), paths)[1]["leads"].frame
    done = context.checkpoints.get("leads_raw").run(batch_parameters={"dataframe": frame})
    assert [one.success for one in next(iter(done.run_results.values())).results] == [False, True]
    assert {one.severity for one in context.suites.get("leads_raw").expectations} == {"warning", "critical"}


def test_data_docs_fetch_nothing_run_nothing_and_show_texts_as_texts(tmp_path: Path) -> None:
    source, paths = shop(tmp_path)
    validate(source, paths)
    first = build_data_docs(paths.expectations, paths.data_docs)
    pages = texts(paths.data_docs)
    assert first == paths.data_docs / "index.html" and {Path(name).suffix for name in pages} == {".html"}
    assert sum("&lt;img src=x&gt;" in page for page in pages.values()) == 1
    for name, page in pages.items():
        assert not re.search(r"//[\w.]+\.\w|<script|<img|@import|url\(|\son\w+=", page), name
        assert "default-src 'none'" in page
        for link in re.findall(r'href="?([^"> ]+)', page):
            if link[:5] != "data:" and link[0] != "#":
                assert ((paths.data_docs / name).parent / link).is_file(), (name, link)


def test_what_users_add_stays_what_is_damaged_is_made_anew_and_old_results_go(tmp_path: Path) -> None:
    source, paths = shop(tmp_path)
    validate(source, paths)
    gx, project = great_expectations(), paths.expectations
    context = gx.get_context(mode="file", context_root_dir=str(project))
    context.suites.add(gx.ExpectationSuite(name="of_ours"))
    before = json.loads((project / "expectations" / "leads_contract.json").read_text())["id"]
    (project / "expectations" / "leads_raw.json").write_text('{"half')
    (project / "checkpoints" / "accounts_contract.json").write_text("")
    runs = project / RESULTS / "leads_raw" / "leadscore"
    for day in range(RUNS_KEPT + 3):
        (runs / f"202001{day:02d}T000000.000000Z").mkdir()

    plain = load_source(source.path).model_copy(update={"expect": {"leads": source.expect["leads"][:1]}})
    report = validate(plain.with_place(source.path, {}), paths)
    assert len(report.expectations) == 2
    stored = {file.stem for file in (project / "expectations").glob("*.json")}
    assert {"of_ours", "leads_raw", "leads_kept"} <= stored and "leads_kept_verdicts" not in stored
    assert json.loads((project / "expectations" / "leads_contract.json").read_text())["id"] == before
    kept = sorted(run.name for run in runs.iterdir())
    assert len(kept) == RUNS_KEPT and kept[-1] > "2026" and "20200100T000000.000000Z" not in kept
    assert not list(paths.root.glob(".gx.new.*"))


def test_what_users_save_while_it_is_worked_on_stays(tmp_path: Path) -> None:
    with open_project(tmp_path / "gx", "leadscore"):
        pass
    suites = tmp_path / "gx" / "expectations"
    (suites / "mine.json").write_text('{"name": "mine"}')
    (suites / "gone.json").write_text('{"half')
    with open_project(tmp_path / "gx", "leadscore"):
        (suites / "mine.json").write_text('{"name": "mine", "notes": "saved meanwhile"}')
        (suites / "new.json").write_text('{"name": "new"}')
    assert "meanwhile" in (suites / "mine.json").read_text() and (suites / "new.json").exists()
    assert not (suites / "gone.json").exists(), "what cannot be read keeps the library from opening the project"


FAILS = """\
expect:
  leads:
    - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 9}, notes: half an export}
"""


def test_one_that_fails_has_its_own_verdict_and_exit_status(
    tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    source, paths = shop(tmp_path, FAILS)
    with pytest.raises(ExpectationFailedError, match=r"leads, raw rows: expect_table_row_count.*found 5 \(half an"):
        validate(source, paths)
    assert json.loads((paths.validate / "verdict.json").read_text())["verdict"] == "unexpected"
    assert (paths.validate / "validation.html").read_text().count(">fails<") == 2

    asked = ["validate", "--source", str(source.path), "--data-dir", str(paths.data_dir)]
    status, _, err = cli(*asked, "--data-docs")
    assert status == ExitStatus.UNEXPECTED == 27 and "LS052" in err and "Data Docs: " in err
    status, out, _ = cli(*asked, "--no-gate")
    assert status == 0 and "validate: unexpected" in out and "fail: leads, kept rows" in out


def test_raw_rows_that_the_last_ingest_did_not_keep_are_asked_for(tmp_path: Path) -> None:
    source, paths = shop(tmp_path, "")
    path = source.path
    assert path is not None
    path.write_text(path.read_text() + WARNS)
    with pytest.raises(ContractError, match=r"Run: leadscore ingest --source shop"):
        validate(load_source(path), paths)


def test_the_quarantine_holds_the_rows_that_the_library_does_not_expect(tmp_path: Path) -> None:
    """Row rules decide at ingest, as docs/adr says; on the same rows the library finds the same ones."""
    source, paths = shop(tmp_path)
    raws, shapes = read_tables(source, get_data(source, paths), paths)
    rules = [one for one in expectations_of(source) if one.table == "leads" and not one.refers_to]
    own = check(shapes["leads"], raws["leads"].broken, rules, {}, source).quarantine
    batch = (
        great_expectations()
        .get_context(mode="ephemeral")
        .data_sources.add_pandas("raw")
        .add_dataframe_asset("leads")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": shapes["leads"].frame})
    )
    compared = 0
    for rule in rules:
        expectation = library_check(rule)
        if expectation is None or rule.rule is Rule.UNIQUE:
            continue  # of rows with one key one is kept, which the library does not know
        found = batch.validate(expectation.build(), result_format="COMPLETE").result["unexpected_index_list"]
        mine = own[(own["rule"] == str(rule.rule)) & (own["column"] == rule.columns[-1])]["row"]
        assert shapes["leads"].rows[np.asarray(found, dtype=np.int64)].tolist() == mine.tolist(), rule.sentence
        compared += len(mine)
    assert compared == 2
