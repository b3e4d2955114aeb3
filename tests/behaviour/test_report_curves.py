"""What DVC compares: ten figures and four curves beside the report, and they are those of ``summary.json``."""

import numpy as np
import pytest

from models.judging.evaluation.metrics import auc
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.charts.curves import CURVES, curves_of
from pipelines.stages.report import nest
from pipelines.workspace.atomic_files import read_json
from tests.reference.tiny_run import TinyRun


def test_ten_figures_of_the_chosen_model_under_names_of_their_own(tiny_demo: TinyRun) -> None:
    summary = tiny_demo.summary
    chosen, found = summary["test"][summary["winner"]["name"]], tiny_demo.summary_record.headline()
    names = {"log_loss", "auc", "ap", "brier", "ece", "n", "wins_at_capacity"}
    assert set(found) == {f"test.{n}" for n in names} | {"base_rate", "cv.log_loss", "test.rubric_wins_at_capacity"}
    assert {name: found[f"test.{name}"] for name in names} == {name: chosen[name] for name in names}
    assert found["test.rubric_wins_at_capacity"] == summary["test"]["rubric"]["wins_at_capacity"]
    cv = {row["name"]: row["cv_log_loss"] for row in summary["candidates"]}
    assert found["cv.log_loss"] == cv[summary["winner"]["name"]]
    assert read_json(tiny_demo.context.paths.reports / "metrics.json") == nest(found)


def test_a_run_without_a_model_has_the_figures_it_reached(tiny_demo: TinyRun) -> None:
    none = {"winner": {"name": None, "why": "a leak"}, "test": {}, "candidates": []}
    assert SummaryRecord.of(tiny_demo.summary | none).headline() == {"base_rate": tiny_demo.summary["base_rate"]}


def test_the_curves_are_those_of_the_figures(tiny_demo: TinyRun) -> None:
    summary, paths = tiny_demo.summary, tiny_demo.context.paths
    comparison = ComparisonRecord.read(paths)
    curves = {name: read_json(paths.reports / "plots" / f"{name}.json") for name in CURVES}
    assert set(curves_of(tiny_demo.context)) == set(CURVES)
    chosen = summary["test"][summary["winner"]["name"]]

    false, true = (np.array([row[f"{side}_positive_rate"] for row in curves["roc"]]) for side in ("false", "true"))
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1) and len(false) <= 200
    assert np.trapezoid(true, false) == pytest.approx(chosen["auc"], abs=0.005)
    assert auc(np.array([1.0, 0.0]), np.array([0.9, 0.1]), np.ones(2)) == 1  # the same side up

    calibration = curves["calibration"]
    assert sum(row["rows"] for row in calibration) == chosen["n"]
    assert all(row["low"] <= row["observed"] <= row["high"] for row in calibration)
    wins = curves["wins_by_workload"]
    assert [row["handoffs"] for row in wins] == sorted(row["handoffs"] for row in wins)
    assert all(row["rubric"] <= row["handoffs"] and row["model"] <= row["handoffs"] for row in wins)
    assert {(row["handoffs"], row["model"]) for row in wins} <= {
        (point["workload"], point["wins"]) for point in comparison.curves["model"]
    }
    rubric = {point["workload"]: point["wins"] for point in comparison.curves["rubric"]}
    for row in wins:
        around = [
            rubric[max(n for n in rubric if n <= row["handoffs"])],
            rubric[min(n for n in rubric if n >= row["handoffs"])],
        ]
        assert min(around) <= row["rubric"] <= max(around)
    assert len(wins) > len(comparison.curves["model"]) / 2
    assert {"score", "share", "precision", "wins", "handoffs"} == set(curves["thresholds"][0])
