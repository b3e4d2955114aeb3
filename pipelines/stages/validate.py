"""Validate: rows against the contract and what the declaration expects, and a page about what was found."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord, ExpectationResult, ValidationRecord
from pipelines.artifacts.verdict_record import RowsVerdict
from pipelines.ingest.column_profile import profile_columns
from pipelines.ingest.diagnosis.reasons_in_words import describe_reason
from pipelines.ingest.errors import ExpectationFailedError, SuiteFailedError, TableLostError
from pipelines.ingest.expectations import SENTENCES, Rule, expectations_of
from pipelines.ingest.notes_in_words import describe_counts
from pipelines.ingest.quarantine_files import QUARANTINE, WARNINGS
from pipelines.ingest.undeclared_kinds import declaration_block, describe_undeclared_kinds
from pipelines.validation.contract_suites import RuleResult, contract_suite, run_contract
from pipelines.validation.declared_suites import run_declared, suite_names
from pipelines.validation.project import open_project
from pipelines.validation.raw_rows import raw_tables
from pipelines.workspace.atomic_files import read_json, read_parquet, stage_dir, write_text
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

EXAMPLES = 3
RUN_NAME = "leadscore"  # of results in the project, beside runs of its users


def validate(source: Source, paths: Paths) -> ValidationRecord:
    """Check what ingest kept, and write ``validation.json``, ``validation.html`` and ``verdict.json``.

    Suites, checkpoints and results are stored in the source's project of Great Expectations (``gx/``).

    Raises
    ------
    TableLostError
        if the last ingest was refused; the tables of the one before stay as they are.
    SuiteFailedError
        after writing, if kept rows break a rule.
    ExpectationFailedError
        after writing, if an expectation of severity ``fail`` does not hold.
    """
    refused = paths.refused / Path(CountsRecord.FILE).name
    if refused.exists():
        raise TableLostError(CountsRecord.parse(read_json(refused), refused, paths.source, "ingest").text)
    counts = CountsRecord.read(paths)
    tables = load_tables(paths)
    cutoff = pd.Timestamp(counts.data_cutoff) if counts.data_cutoff else None
    raw = raw_tables(source, paths, tables, counts)
    with open_project(paths.expectations, RUN_NAME) as project:
        results = run_contract(project, tables, expectations_of(source, cutoff), source)
        expected = run_declared(project, source, {"raw": raw, "kept": tables})
        project.forget_suites([name for table in TABLES for name in (contract_suite(table), *suite_names(table))])
    failed = [r for r in results if not r.success and not r.warns]
    unexpected = [one for one in expected if not one.success and one.severity == "fail"]

    report = ValidationRecord.of(
        {
            **counts.content(),
            "title": source.title or source.name,
            "verdict": "failed" if failed else "unexpected" if unexpected else "ok",
            "text": _verdict(counts, results, failed, expected),
            "results": [vars(r) for r in results],
            "expectations": [one.record() for one in expected],
            "quarantine": _summary(read_parquet(paths.ingest / QUARANTINE)),
            "warning_rows": _summary(read_parquet(paths.ingest / WARNINGS)),
            "rows": {table: counts.rows[table].record() for table in TABLES if table in counts.rows},
            "columns": {table: _profiles(tables[table], table, source) for table in TABLES if table in counts.rows},
        }
    )
    with stage_dir(paths.validate) as out:
        report.write(out)
        write_text(out / "validation.html", render_page(report))
        RowsVerdict.of({"stage": "validate", "verdict": report.verdict, "text": report.text}).write(out)

    if failed:
        raise SuiteFailedError(
            f"{len(failed)} rules do not hold on the rows kept: "
            + "; ".join(f"{r.table}: {r.sentence}" for r in failed[:EXAMPLES])
            + f". See {paths.validate / 'validation.html'}; run ingest again."
        )
    if unexpected:
        raise ExpectationFailedError(
            f"{describe_unmet(expected)[0]}\n"
            + "\n".join(f"  {one.line}" for one in unexpected)
            + f"\nNothing is learned from such rows. See {paths.validate / 'validation.html'}; correct the export, or "
            f"the expectation ({source.where('expect', unexpected[0].table)}; severity: warn only tells)."
        )
    return report


def describe_unmet(expected: Sequence[ExpectationResult]) -> list[str]:
    """How many declared expectations do not hold in a sentence, then a line for each; nothing where all do."""
    unmet = sorted((one for one in expected if not one.success), key=lambda one: one.severity != "fail")
    if not unmet:
        return []
    fails = sum(one.severity == "fail" for one in unmet)
    warns = len(unmet) - fails
    told = " and ".join(f"{count} ({word})" for count, word in ((fails, "fail"), (warns, "warn")) if count)
    return [
        f"Of {len(expected)} declared expectations {told} do not hold.",
        *(f"{one.severity}: {one.line}" for one in unmet),
    ]


def _verdict(
    counts: CountsRecord, results: list[RuleResult], failed: list[RuleResult], expected: list[ExpectationResult]
) -> str:
    if failed:
        return f"{len(failed)} of {len(results)} rules do not hold on the rows kept."
    out = sum(n.quarantined for n in counts.rows.values())
    read = sum(n.read for n in counts.rows.values())
    kept = "no row was quarantined" if not out else f"{out:,} of {read:,} rows ({out / read:.2%}) were quarantined"
    warning = describe_undeclared_kinds(counts.undeclared_kinds)
    told = f"All {len(results)} rules hold on the rows kept; {kept}."
    if expected:
        told += " " + (describe_unmet(expected) or [f"All {len(expected)} declared expectations hold."])[0]
    return told + (f" Warning: {warning}" if warning else "")


def _profiles(frame: pd.DataFrame, table: str, source: Source) -> list[dict[str, Any]]:
    return [asdict(column) for column in profile_columns(frame, table, source)]


def _summary(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Broken rules by table, rule and column, most frequent first, with a few examples (row and value)."""
    found = []
    for (table, rule, column), part in rows.groupby(["table", "rule", "column"], sort=False):
        found.append(
            {
                "table": table,
                "rule": rule,
                "column": column,
                "meaning": SENTENCES[Rule(str(rule))],
                "rows": int(part["row"].nunique()),
                "examples": part[["row", "value"]].head(EXAMPLES).to_dict("records"),
            }
        )
    return sorted(found, key=lambda r: (-r["rows"], r["table"], r["rule"], r["column"]))


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("pipelines.ingest", "templates")
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(
        "validation.html.j2"
    )


def render_page(report: ValidationRecord) -> str:
    """The validation page: one self-contained HTML file, nothing fetched."""
    return _template().render(
        report=report,
        lines=describe_counts(report).splitlines(),
        reasons=[
            f"{reason.table}: {describe_reason(reason)}"
            for table in report.reasons.values()
            for reason in table
            if reason.cause
        ],
        kinds_warning=describe_undeclared_kinds(report.undeclared_kinds),
        kinds_block=declaration_block(report.undeclared_kinds),
    )
