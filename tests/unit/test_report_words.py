"""The first lines answer the question; limits are said; bad news is not hidden."""

from typing import Any

import pytest

from features.schema.source import Source
from features.schema.vocabulary import Verdict
from models.judging.evaluation.caution_text import write_test_warning
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.text import HEADLINES, OFF, TURNED, answer, basis, headline, limits, list_excluded
from tests.reference.partial_records import partial_record

FLAT = {
    "name": "calls",
    "kind": "flat",
    "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
    "tables": {
        "leads": {
            "columns": {
                "age": {"role": "sensitive", "accepted_because": "the reference uses it"},
                "sex": {"role": "sensitive"},
                "seconds": {"role": "ignore", "excluded_because": "known after the call"},
                "y": {"role": "display"},
            }
        }
    },
}
SUMMARY = {
    "caution": "",
    "source_kind": "relational",
    "verdict_text": "linear explains 5%.",
    "bundle": {"hash": "ab"},
    "winner": {"name": "linear"},
    "test": {"linear": {"n": 1000, "won": 90, "auc": 0.7, "auc_ci": [0.65, 0.75]}},
}
EVALUATION = {
    "winner": "linear",
    "figures": {"linear": {**SUMMARY["test"]["linear"], "ece": 0.01}},
    "ece_if_perfect": {"mean": 0.01, "p95": 0.02},
    "base_rate_train": 0.1,
    "base_rate_test": 0.26,
    "differences": {"rate": {"log_loss": {"difference": -0.02, "ci": [-0.03, -0.01]}}},
}


def summary(**changes: Any) -> SummaryRecord:
    return partial_record(SummaryRecord, {**SUMMARY, **changes})


def evaluation(**changes: Any) -> EvaluationRecord:
    return partial_record(EvaluationRecord, {**EVALUATION, **changes})


LOW = {"rows": 100, "won": 30, "predicted": 0.2, "observed": 0.3, "ci": [0.22, 0.38], "inside": False}
LOSS = {"difference": 0.02, "ci": [0.01, 0.03]}


@pytest.mark.parametrize(
    ("auc_ci", "loss", "said", "head"),
    [
        ([0.35, 0.45], LOSS, "worse than chance", TURNED),
        ([0.35, 0.45], {"difference": -0.02, "ci": [-0.03, -0.01]}, "worse than chance", TURNED),
        ([0.55, 0.65], LOSS, "the order of leads was better than chance", OFF),
        ([0.45, 0.65], LOSS, "nor was the order of leads better than chance", OFF),
        ([0.45, 0.65], {"difference": 0.02, "ci": [-0.01, 0.03]}, "", HEADLINES[Verdict.OK]),
        ([None, None], {"difference": 0.02, "ci": [None, None]}, "", HEADLINES[Verdict.OK]),
    ],
)
def test_a_test_block_that_speaks_against_the_model_comes_first(
    auc_ci: list[float | None], loss: dict[str, Any], said: str, head: str
) -> None:
    figures = {"linear": {**SUMMARY["test"]["linear"], "auc_ci": auc_ci}}
    text = write_test_warning(figures, {"rate": {"log_loss": loss}}, "linear")
    assert (said in text) if said else text == ""
    changed = {"verdict": Verdict.OK, "test": figures}
    judged = evaluation(differences={"rate": {"log_loss": LOSS}}, caution=text)
    assert headline(summary(**changed), judged) == head.format(rows="rows kept apart")
    assert headline(summary(**changed, bundle={"hash": None}), judged) == HEADLINES[Verdict.OK]
    lines = answer(summary(**changed, caution=text), judged)
    assert (text in lines) is bool(text)


def test_what_is_said_against_the_list_stands_at_the_top_once() -> None:
    weak, old = "linear explains 5%.", "3 of 9 open leads are older than the horizon."
    said = summary(verdict_text=weak, caution=f"{weak} {old}")
    lines = [*answer(said, evaluation()), *basis(said, evaluation())]
    assert lines.count(weak) == lines.count(old) == 1
    assert lines == [line for line in lines if line != f"{weak} {old}"]


def test_every_verdict_has_a_headline() -> None:
    assert set(HEADLINES) == set(Verdict)


def test_the_answer_is_plain_and_its_figures_stand_below() -> None:
    lines = answer(summary(), evaluation())
    assert lines[0] == "You can sort by the score."
    assert lines[1].startswith("The share won rose from 10.0% before the test block to 26.0% in it.")
    assert len(answer(summary(), evaluation(base_rate_test=0.11))) == 1
    figures = basis(summary(), evaluation())
    assert figures[0] == "linear explains 5%."
    assert "AUC 0.700 (90% interval 0.650 to 0.750)" in figures[1] and "-0.0200" in figures[1]


@pytest.mark.parametrize(("error", "said"), [(0.01, "as right as chance lets one see"), (0.05, "they were too low")])
def test_a_moved_base_rate_never_contradicts_the_calibration(error: float, said: str) -> None:
    figures = {"linear": {**SUMMARY["test"]["linear"], "ece": error}}
    assert said in answer(summary(), evaluation(figures=figures, reliability=[LOW]))[-1]


def test_on_which_side_chances_were_is_measured_and_not_inferred() -> None:
    figures = {"linear": {**SUMMARY["test"]["linear"], "ece": 0.05}}
    fell = evaluation(figures=figures, reliability=[LOW], base_rate_train=0.26, base_rate_test=0.1)
    assert "were off the other way: on average too low" in answer(summary(), fell)[-1]
    for kind in ("time", "stratified"):
        nobody = answer(summary(bundle={"hash": None}), evaluation(figures=figures, reliability=[LOW], split_kind=kind))
        assert len(nobody) == 1 and "26.0%" in nobody[0] and "chances" not in nobody[0]


def test_no_test_line_without_a_model() -> None:
    nothing = partial_record(EvaluationRecord, {})
    assert answer(summary(bundle={"hash": None}), nothing) == []
    assert basis(summary(bundle={"hash": None}), nothing) == ["linear explains 5%."]


def test_limits_of_a_flat_source() -> None:
    counts = partial_record(CountsRecord, {"undeclared_columns": {"leads": ["x"]}})
    audit = partial_record(AuditRecord, {"accepted": {"z": "why"}})
    text = "\n".join(limits(Source.model_validate(FLAT), counts, audit))
    for said in (
        "no clocks",
        "no horizon",
        "No order in time",
        "Sensitive column 'age'",
        "the reference uses it",
        "'z'",
        "not used: x",
    ):
        assert said in text
    assert "synthetic" not in text
    ordered = Source.model_validate(FLAT | {"flat": {**FLAT["flat"], "order": "row"}, "synthetic": True})
    text = "\n".join(limits(ordered, counts, audit))
    assert "declared, not verified" in text and "synthetic" in text and "No order in time" not in text


def test_excluded_columns_say_why_and_an_accepted_one_is_not_among_them() -> None:
    rows = {row["column"]: row["because"] for row in list_excluded(Source.model_validate(FLAT))}
    assert rows["seconds"] == "known after the call"
    assert "sensitive" in rows["sex"] and "age" not in rows


LATER = "The model tells won from lost leads, and it does so on later data."


@pytest.mark.parametrize(
    ("kind", "source_kind", "head", "rows"),
    [
        ("time", "relational", LATER, "later rows"),
        ("ordered", "flat", LATER, "later rows"),
        ("grouped", "relational", "in accounts it has not seen.", "rows of accounts kept apart"),
        ("grouped", "flat", "in groups it has not seen.", "rows of groups kept apart"),
        ("stratified", "flat", "on rows it has not seen.", "rows drawn at random and kept apart"),
    ],
)
def test_only_a_split_in_time_speaks_of_later_rows(kind: str, source_kind: str, head: str, rows: str) -> None:
    made = summary(verdict=Verdict.OK, source_kind=source_kind)
    judged = evaluation(split_kind=kind)
    text = headline(made, judged)
    assert head in text
    assert ("this test cannot show" in text) is (kind in ("grouped", "stratified"))
    assert f"On 1,000 {rows} (90 won)" in basis(made, judged)[1]
    assert ("before the test block" in answer(made, judged)[-1]) is (kind in ("time", "ordered"))

    off = headline(made, evaluation(split_kind=kind, caution="worse"))
    assert off.startswith(f"On {rows} the probabilities were worse")


def test_a_split_without_time_has_no_past_that_could_have_reversed() -> None:
    figures = {"linear": {**SUMMARY["test"]["linear"], "auc_ci": [0.35, 0.45]}}
    assert "has since reversed" in write_test_warning(figures, {}, "linear")
    apart = write_test_warning(figures, {}, "linear", in_time=False)
    assert "does not carry over to rows kept apart" in apart and "newer" not in apart
