"""``leadscore compare`` and ``leadscore thresholds``: rubric and model on the same leads, and what may be promised."""

from pathlib import Path
from typing import Any

from models.judging.handoff.policy_names import policy_label
from pipelines.cli.output import Options, Output


def compare_command(options: Options, csv: str | None, output: Output) -> int:
    """The comparison of the last run as text, JSON or CSV files."""
    context = options.context()
    from pipelines.report.comparison_tables import write_csv
    from pipelines.workspace.atomic_files import read_json

    record = read_json(context.paths.thresholds / "comparison.json")
    if csv is not None:
        write_csv(context.paths.thresholds, Path(csv))

    if output.as_json:
        output.record(record)
        return 0

    if not record.get("policies"):
        output.text(f"Nothing was compared, the last run's verdict is {record['verdict']}. {record['verdict_text']}")
        return 0
    _print_policies(record, output)
    _print_differences(record, output)
    for note in record.get("notes", []):
        output.text(note)
    return 0


def thresholds_command(
    options: Options, promised: float | None, confidence: float, csv: str | None, output: Output, *, gate: bool
) -> int:
    """Run the stage; policies, the promised threshold, capacity and the rubric's rules as text, JSON or CSV files."""
    context = options.context()
    from pipelines.report.comparison_tables import write_csv
    from pipelines.run import TRAINING_VERDICTS, exit_status, run_stage
    from pipelines.stages.thresholds import CONFIDENCE, run_thresholds
    from pipelines.workspace.lock import only_writer

    with only_writer(context.paths):
        if promised is None and confidence == CONFIDENCE:
            record = run_stage(context, "thresholds")[0]
        else:
            record = run_thresholds(context, promised=promised, confidence=confidence)

    if csv is not None:
        write_csv(context.paths.thresholds, Path(csv))
    if output.as_json:
        output.record(record)
    else:
        _print_thresholds(record, output)

    verdict = str(record["verdict"])
    return exit_status(verdict) if gate and verdict in TRAINING_VERDICTS else 0


def _print_thresholds(record: dict[str, Any], output: Output) -> None:
    if not record.get("policies"):
        output.text(f"thresholds: {record['verdict']}. {record.get('verdict_text', '')}")
        return
    _print_policies(record, output)

    promise, plan, repair = record.get("promise"), record.get("plan"), record.get("repair")
    if promise:
        output.text(promise["sentence"])
        if promise.get("mapped"):
            output.text(promise["mapped"]["sentence"])

        heads = ("leads", "share", "wins", "precision", "lower bound", "passed")
        rows = [
            (
                f"{step['workload']:,}",
                f"{step['share']:.1%}",
                step["wins"],
                f"{step['precision']:.1%}",
                f"{step['lower_bound']:.1%}",
                "yes" if step["passed"] else "no",
            )
            for step in promise["tested"]
        ]
        output.table(f"\nTested for {promise['promised']:.0%} at {promise['confidence']:.0%} confidence", heads, rows)

    if plan:
        output.text("\n".join(plan["sentences"]))
    if repair:
        output.text("\n".join(["", "What each rule of the rubric is worth", *(r["sentence"] for r in repair["worth"])]))


def _print_policies(record: dict[str, Any], output: Output) -> None:
    from pipelines.report.comparison_tables import HEADS, policy_rows

    output.text("\n".join(record.get("sentences", [])))
    output.table("\nPolicies on the test block", HEADS, policy_rows(record))


def _print_differences(record: dict[str, Any], output: Output) -> None:
    for row in record.get("differences", []):
        low, high = row["wins_ci"]
        span = "" if low is None else f" (90 % interval {low:+.0f} to {high:+.0f})"
        names = [policy_label(row[side]) for side in ("first", "second")]
        output.text(f"{names[0]} minus {names[1]}: {row['wins']:+d} wins{span}.")
