"""A bundle's model card: the figures of its evaluation, for whom it holds, its limits, and nobody's name."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from features.catalog.families import job_titles
from features.catalog.families.title_forms import TITLE_FORMS, find_unequal_forms
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.report.model_card.card import CardSection, CardTable, ModelCard, to_html, to_markdown
from pipelines.report.model_card.sections import model_card_of
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


def test_every_figure_is_one_of_the_evaluation(tiny_demo: TinyRun) -> None:
    summary = tiny_demo.summary_record
    card = model_card_of(tiny_demo.context, summary)
    assert card is not None and card.bundle == summary.bundle.hash and card.synthetic
    tables = {table.caption: table for section in card.sections for table in section.tables}
    sections = {section.title: section for section in card.sections}

    evaluation, comparison = (
        EvaluationRecord.read(tiny_demo.context.paths),
        ComparisonRecord.read(tiny_demo.context.paths),
    )
    chosen = summary.test[str(summary.winner.name)]
    judged = sections["Metrics"].tables[0].rows
    assert len(judged) == len(summary.test) and judged[0][0] == f"{summary.winner.name} (chosen)"
    assert judged[0][1].startswith(f"{chosen['log_loss']:.4f} (") and judged[0][2].startswith(f"{chosen['auc']:.4f} (")
    assert len(sections["Metrics"].tables[1].rows) == len(evaluation.reliability)
    assert len(sections["Beside the manual points"].tables[0].rows) == len(comparison.policies)
    assert sections["Beside the manual points"].sentences == comparison.sentences
    assert f"wins at capacity on the {summary.compared} among them" in sections["Metrics"].tables[0].caption
    assert "about 0 would" not in sections["For whom it holds"].sentences[0]
    held = sections["For whom it holds"].tables[0].rows
    assert len(held) == len(comparison.calibration_by_segment)
    assert {"Employees", "Country"} <= {row[0].split(":")[0] for row in held}
    assert [row[0] for row in held if row[0].startswith("Employees")][:2] == [
        "Employees: 1 to 9",
        "Employees: 10 to 49",
    ]
    assert all(len(row) == len(table.head) for table in tables.values() for row in table.rows)
    assert any("synthetic" in said for said in sections["Cautions and limits"].sentences)


def test_titles_of_women_and_men_are_told_as_they_are_read(tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        card = model_card_of(tiny_demo.context, tiny_demo.summary_record)
        assert card is not None
        (section,) = [one for one in card.sections if one.title == "Titles of women and men"]
        return " ".join(section.sentences)

    pairs = len(TITLE_FORMS)
    assert f"Of {pairs} pairs" in said() and f"languages, {pairs} are read as the same seniority and function" in said()
    monkeypatch.setitem(job_titles.DERIVATIONS, "seniority", lambda text: "junior" if text.endswith("in") else "lead")
    unequal = len(find_unequal_forms())
    assert unequal > 10 and f"languages, {pairs - unequal} are read as the same" in said(), (
        "a rule that is unfair shows"
    )


def test_the_report_writes_it_and_nobody_is_named(tiny_demo: TinyRun) -> None:
    reports = tiny_demo.context.paths.reports
    texts = [(reports / name).read_text(encoding="utf-8") for name in ("model_card.md", "model_card.html")]
    with (tiny_demo.context.paths.raw / "leads.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))[:300]
    for text in texts:
        assert str(tiny_demo.summary["bundle"]["hash"]) in text
        assert not [row for row in people if row["Email"] and row["Email"] in text]
        assert not [row for row in people if len(row["Full Name"]) > 5 and row["Full Name"] in text]


def test_text_of_data_is_text() -> None:
    table = CardTable(caption="*c*", head=("a", "b"), rows=(("x | y\n<script>", "`z`"),))
    card = ModelCard(title="t <b>", bundle="h", synthetic=False, sections=(CardSection(title="s", tables=(table,)),))
    assert "| x \\| y &lt;script> | \\`z\\` |" in to_markdown(card)
    assert "<script>" not in to_html(card) and "x | y\n&lt;script&gt;" in to_html(card)


def test_the_command_prints_and_writes_it(cli: Cli, tiny_demo: TinyRun, tmp_path: Path) -> None:
    out = tmp_path / "card.html"
    status, text, _ = cli("model-card", *tiny_demo.args, "--out", str(out))
    assert status == 0 and text.startswith("# Model card: ") and out.read_text("utf-8").startswith("<!doctype")
    status, _, said = cli("model-card", *tiny_demo.args, "--out", str(out.with_suffix(".pdf")))
    assert status == 2 and ".md or .html" in said


def test_without_a_model_there_is_none(tiny_demo: TinyRun) -> None:
    summary = tiny_demo.summary_record
    nothing = summary.model_copy(update={"bundle": summary.bundle.model_copy(update={"hash": None})})
    assert model_card_of(tiny_demo.context, nothing) is None
