"""``summary.json`` is an interface: its keys, their types, and that they agree with each other."""

from features.schema.vocabulary import Verdict
from tests.reference.tiny_run import TinyRun

KEYS = {
    *(
        "source",
        "source_kind",
        "data_cutoff",
        "horizon_days",
        "rows",
        "cohort_rows",
        "base_rate",
        "verdict",
        "verdict_text",
    ),
    *("audit", "candidates", "winner", "test", "thresholds", "bundle", "seconds"),
}


def test_the_interface(tiny_demo: TinyRun) -> None:
    summary = tiny_demo.summary
    assert set(summary) >= KEYS
    assert summary["source_kind"] in ("relational", "flat") and summary["verdict"] in set(Verdict)
    assert isinstance(summary["horizon_days"], int) and 0 < summary["base_rate"] < 1
    for row in summary["rows"].values():
        assert row["read"] == row["kept"] + row["quarantined"]
    for row in summary["audit"]:
        assert {"column", "code", "severity", "message"} <= set(row)
        assert row["severity"] in ("leak", "suspect", "note")
    names = [row["name"] for row in summary["candidates"]]
    assert names == [n for n in ("rate", "rubric", "linear", "scorecard", "booster", "blend") if n in names]
    assert all({"cv_log_loss", "cv_log_loss_se", "cv_auc"} <= set(row) for row in summary["candidates"])
    assert set(summary["winner"]) == {"name", "why"} and summary["winner"]["name"] in names
    assert set(summary["bundle"]) == {"path", "hash", "features"}
    assert set(summary["seconds"]) >= {"ingest", "matrix", "train", "report"}


def test_test_figures_have_their_intervals(tiny_demo: TinyRun) -> None:
    test = tiny_demo.summary["test"]
    assert {row["n"] for row in test.values()} == {next(iter(test.values()))["n"]}
    for row in test.values():
        for metric in ("auc", "ap", "log_loss", "brier", "ece", "wins_at_capacity"):
            low, high = row[f"{metric}_ci"]
            assert low <= high
            assert metric == "ece" or low - 1e-9 <= row[metric] <= high + 1e-9
    for row in tiny_demo.summary["thresholds"]:
        assert {"policy", "threshold", "workload", "wins", "precision", "recall", "wins_ci", "precision_ci"} <= set(row)


def test_the_bundle_it_names_is_there(tiny_demo: TinyRun) -> None:
    from models.bundle import load_bundle

    bundle = tiny_demo.summary["bundle"]
    assert load_bundle(tiny_demo.context.paths.root / bundle["path"], bundle["hash"]).hash == bundle["hash"]
