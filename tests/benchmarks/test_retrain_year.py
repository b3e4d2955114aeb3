"""A scripted year of retrains on PostgreSQL and an MLflow server: each month ends with the decision that it should."""

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import ExitStatus
from tests.benchmarks.bench_retrain_year import ROOT, Line, play, prepare
from tests.reference.mlflow_server import new_database, run_mlflow
from tests.reference.postgres import run_postgres

ORDINARY = (ExitStatus.OK, ExitStatus.CHAMPION_KEPT, ExitStatus.INCONCLUSIVE)


@pytest.mark.prove
@pytest.mark.postgres
def test_each_month_of_a_year_ends_with_the_decision_that_it_should(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with run_postgres() as postgres, run_mlflow(tmp_path / "servers", new_database(postgres, "mlflow")) as (url, _):
        year = prepare(ROOT / ".cache" / "prove" / "year", postgres, url)
        found = play(year)
    record_property("table", (year.folder / "year.md").read_text())

    def lines(month: int) -> list[Line]:
        return [line for line in year.lines if line.month == month]

    assert [line.status for line in lines(1)] == [ExitStatus.OK], (
        "the first champion: a model, or the points of the rubric"
    )
    for month in (2, 4, 6, 9, 11, 12):
        assert [line.status in ORDINARY for line in lines(month)] == [True], f"month {month}: {lines(month)}"

    assert lines(3)[0].status == -9 and found["after the kill"] == found["before the kill"]
    assert found["rerun"]["trained"] == found["undisturbed"]["trained"]
    assert found["rerun"]["decision"] == found["undisturbed"]["decision"] or found["rerun"]["decision"] == "promoted"

    assert found["broken"]["decision"] == "refused" and "activities" in found["broken"]["sentence"]
    assert lines(5)[0].monitor == ExitStatus.ACT and lines(5)[1].status in ORDINARY
    broken, mended = (found[name]["new"]["tables"]["activities"] for name in ("broken", "mended"))
    assert mended["new"] > broken["new"] and mended["late"] == 0, "a retrain that was refused has seen nothing"

    assert lines(7)[0].status == ExitStatus.SOURCE and "'Job Title'" in found["schema"]["error"]
    assert "Title" in found["schema"]["error"].partition("It has:")[2] and lines(7)[1].status in ORDINARY

    for name in ("leak", "leak accepted"):
        assert found[name]["decision"] == "refused" and "lead_source" in found[name]["sentence"], name
    assert "carries the outcome" in found["leak accepted"]["sentence"] and lines(8)[2].status in ORDINARY

    assert found["promote worse"] == ExitStatus.NOT_PROMOTED and lines(10)[0].status in ORDINARY
    assert all(line.champion != found["worse"][:12] for line in year.lines), "the worse one never scored"
