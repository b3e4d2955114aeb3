"""``leadscore compare`` and ``leadscore thresholds``: rubric and model on the same leads, and what may be promised."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from models.judging.handoff.policy_names import policy_label
from models.judging.handoff.precision_guarantee import write_promise
from pipelines.cli.output import Options, Output

if TYPE_CHECKING:
    from pipelines.artifacts.comparison_record import ComparisonRecord


def compare_command(options: Options, csv: str | None, output: Output) -> int:
    """The comparison of the last run as text, JSON or CSV files."""
    context = options.context()
    from pipelines.artifacts.comparison_record import ComparisonRecord
    from pipelines.report.comparison_tables import write_csv
    from pipelines.scoring.shown_columns import read_and_name_leads

    found = ComparisonRecord.read(context.paths)
    if csv is not None:
        write_csv(context.paths, Path(csv), partial(read_and_name_leads, context))
    if output.as_json:
        output.record(found.record())
        return 0
    if not found.policies:
        output.text(f"Nothing was compared, the last run's verdict is {found.verdict}. {found.verdict_text}")
        return 0
    _print_policies(found, output)
    _print_differences(found, output)
    for note in found.notes:
        output.text(note)
    return 0


def thresholds_command(
    options: Options, promised: float | None, confidence: float, csv: str | None, output: Output, *, gate: bool
) -> int:
    """Run the stage; policies, the promised threshold, capacity and the rubric's rules as text, JSON or CSV files."""
    context = options.context()
    from pipelines.artifacts.comparison_record import ComparisonRecord
    from pipelines.report.comparison_tables import write_csv
    from pipelines.run import exit_status, run_stage
    from pipelines.scoring.shown_columns import read_and_name_leads
    from pipelines.stages.thresholds import CONFIDENCE, PromiseAsked, run_thresholds
    from pipelines.workspace.lock import only_writer

    with only_writer(context.paths):
        if promised is None and confidence == CONFIDENCE:
            run_stage(context, "thresholds")
        else:
            run_thresholds(context, PromiseAsked(promised, confidence))
    found = ComparisonRecord.read(context.paths)
    if csv is not None:
        write_csv(context.paths, Path(csv), partial(read_and_name_leads, context))
    if output.as_json:
        output.record(found.record())
    else:
        _print_thresholds(found, output)
    return exit_status(found.verdict) if gate else 0


def _print_thresholds(found: "ComparisonRecord", output: Output) -> None:
    if not found.policies:
        output.text(f"thresholds: {found.verdict}. {found.verdict_text}")
        return
    _print_policies(found, output)
    promise = found.promise
    if promise is not None:
        output.text(promise.sentence)
        if promise.mapped is not None:
            output.text(promise.mapped.sentence)
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
            for step in promise.tested
        ]
        output.table(
            f"\nTested for {write_promise(promise.promised)} at {write_promise(promise.confidence)} confidence",
            heads,
            rows,
        )
    if found.plan is not None:
        output.text("\n".join(found.plan.sentences))
    if found.repair is not None:
        rules = (rule["sentence"] for rule in found.repair.worth)
        output.text("\n".join(["", "What each rule of the rubric is worth", *rules]))


def _print_policies(found: "ComparisonRecord", output: Output) -> None:
    from pipelines.report import comparison_tables as tables

    said = [] if found.population is None else [found.population.sentence]
    output.text("\n".join([*said, *found.sentences]))
    alone = all(row["by"] == "rubric" for row in found.policies)
    title = "Policies on all matured rows" if alone else "Policies on the test block"
    output.table(f"\n{title}", tables.HEADS, tables.policy_rows(found.policies))
    if found.scores is not None and found.scores.points:
        output.table("\nScores to hand off from", tables.SCORE_HEADS, tables.score_rows(found.scores))
    if len(found.ranking) > 1:
        output.table(
            "\nWho is won, and how well each is ordered", tables.RANKING_HEADS, tables.ranking_rows(found.ranking)
        )


def _print_differences(found: "ComparisonRecord", output: Output) -> None:
    for row in found.differences:
        low, high = row["wins_ci"]
        span = "" if low is None else f" (90% interval {low:+.0f} to {high:+.0f})"
        names = [policy_label(policy) for policy in (row["first"], row["second"])]
        output.text(f"{names[0]} minus {names[1]}: {row['wins']:+d} wins{span}.")
