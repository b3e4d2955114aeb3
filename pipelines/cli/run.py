"""Commands that run stages, score files, start declarations and fetch data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.output import Options, Output

if TYPE_CHECKING:
    from pipelines.artifacts.audit_record import FindingRecord
    from pipelines.artifacts.score_record import ScoreRecord
    from pipelines.artifacts.summary_record import SummaryRecord
    from pipelines.workspace.context import Context
    from pipelines.workspace.paths import Paths


def run_command(options: Options, output: Output, *, track: bool = True) -> int:
    """All stages; prints what a newcomer wants to know."""
    context = options.context()
    from pipelines.artifacts.counts_record import CountsRecord, ValidationRecord
    from pipelines.artifacts.score_record import ScoreRecord
    from pipelines.artifacts.tracking_record import TrackRecord
    from pipelines.cli.progress import StageProgress
    from pipelines.ingest.diagnosis.reasons_in_words import describe_quarantine
    from pipelines.ingest.notes_in_words import describe_warnings
    from pipelines.ingest.undeclared_kinds import describe_undeclared_kinds
    from pipelines.posted.noted_commands import noting_champion
    from pipelines.run import RUN, exit_status, run_all
    from pipelines.stages.validate import describe_unmet
    from pipelines.workspace.lock import only_writer

    with (
        noting_champion(context, output.note),
        only_writer(context.paths),
        StageProgress(len(RUN) + int(track)) as progress,
    ):
        summary = run_all(context, progress, track=track)
    report = context.paths.reports / "report.html"
    counts = CountsRecord.read(context.paths)
    warning = describe_undeclared_kinds(counts.undeclared_kinds)
    told = [*describe_quarantine(counts.reasons), *describe_warnings(counts)]
    if ValidationRecord.exists(context.paths):
        told += describe_unmet(ValidationRecord.read(context.paths).expectations)
    untracked = TrackRecord.read(context.paths.track).sentence if track else ""
    text = summary_text(summary, report, warning, told) + worklist_text(ScoreRecord.read(context.paths), context.paths)
    output.show(summary.record() | {"report": str(report)}, text)
    if untracked:
        output.note(untracked)
    return exit_status(summary.verdict)


def stage_command(name: str, options: Options, output: Output, *, gate: bool = True) -> int:
    """One stage; its record as JSON, or its verdict as text.

    ``gate`` off: exit status 0 whatever the verdict, for runners that would stop before the report.
    """
    context = options.context()
    from features.errors import ExitStatus
    from pipelines.artifacts.audit_record import AuditRecord
    from pipelines.artifacts.backtest_record import BacktestRecord
    from pipelines.artifacts.champion_record import RegistrationRecord
    from pipelines.artifacts.tracking_record import TrackRecord
    from pipelines.artifacts.train_record import TrainRecord
    from pipelines.posted.noted_commands import noting_champion
    from pipelines.run import TRAINING_VERDICTS, exit_status, run_stage
    from pipelines.stages.stage_table import TRACK
    from pipelines.workspace.lock import only_writer

    if name == TRACK:
        from pipelines.tracking.mlflow_patience import wait_long

        wait_long()
    if name == "score":
        note_outdated(context, output)
        note_past_tables(context, output)
    with noting_champion(context, output.note), only_writer(context.paths):
        run = run_stage(context, name)
    left = run.left
    if isinstance(left, TrackRecord) and left.problem:
        output.show(run.record(), f"track: {left.sentence}")
        return int(ExitStatus.REGISTRY) if gate else 0
    verdict, text = str(getattr(left, "verdict", "ok")), getattr(left, "verdict_text", getattr(left, "text", ""))
    lines = [f"{name}: {verdict} ({run.seconds:.1f} s). {text}".rstrip()]

    if isinstance(left, AuditRecord):
        lines += _finding_lines(left.findings, "--json and the report show all")
    if isinstance(left, RegistrationRecord) and left.role is not None:
        lines.append(f"bundle {(left.hash or left.champion or '')[:12]} is {left.role}")
    if isinstance(left, BacktestRecord | TrainRecord) and left.left_out:
        lines.append(
            f"  left out: {left.left_out:,} leads of people who object, or are forgotten, since the matrix was built"
        )
    if name == "ingest" and (unwatched := _unwatched_text(context)):
        lines.append(f"  {unwatched}")
    output.show(run.record(), "\n".join(lines))
    return exit_status(verdict) if gate and verdict in TRAINING_VERDICTS else 0


def note_outdated(context: "Context", output: Output) -> None:
    """Say where the tables were read again since the matrix was built whose leads a command speaks of.

    Where no lead is open, test rows are listed: a matrix built anew splits otherwise, so that it takes a training.
    """
    from pipelines.stages.matrix import is_outdated

    if not is_outdated(context.paths):
        return
    name = context.source.name
    said = f"The tables of '{name}' changed since its matrix was built: leads that came or closed since are not seen. "
    if (context.paths.matrix / "open.json").exists():
        output.note(f"{said}'leadscore matrix --source {name}' first builds it anew.")
    else:
        output.note(f"{said}'leadscore run --source {name}' builds it anew and trains on it.")


def note_past_tables(context: "Context", output: Output) -> None:
    """Say where the tables are those of an earlier day, as a retrain as of it left them: leads have closed since."""
    from pipelines.artifacts.counts_record import CountsRecord

    if CountsRecord.exists(context.paths):
        _note_past(context, "tables of", CountsRecord.read(context.paths).as_of, output)


def note_past_list(context: "Context", scored: "ScoreRecord", output: Output) -> None:
    """Say where the list was made from such tables, whatever was read since, or by a bundle that scores no more."""
    from features.errors import LeadScoreError
    from pipelines.artifacts.score_record import OPEN_LEADS
    from pipelines.registry.champion import read_champion

    _note_past(context, "leads listed of", scored.as_of, output)
    try:
        champion = read_champion(context.paths)
    except LeadScoreError as problem:  # the list needs no champion
        output.note(f"Whether the champion scored this list is not known: {problem.message}")
        return
    if scored.kind == OPEN_LEADS and champion is not None and scored.bundle not in (None, champion.hash):
        output.note(
            f"The list was scored by {str(scored.bundle)[:12]}, and the champion is {champion.hash[:12]} since: "
            f"'leadscore score --source {context.source.name}' makes it anew."
        )


def _note_past(context: "Context", what: str, as_of: str | None, output: Output) -> None:
    if as_of is not None:
        name = context.source.name
        output.note(
            f"The {what} '{name}' are as of {as_of[:16].replace('T', ' ')} (retrain --as-of): leads that are open "
            f"in them may be closed by now. 'leadscore run --source {name}', or a retrain without it, takes in today's."
        )


def _unwatched_text(context: "Context") -> str:
    """Files that a source reads and DVC does not watch, although it lists the source; pinned files never change."""
    from pipelines.ingest.reading.fetch import get_data
    from pipelines.workspace.params_file import DEFAULT, watched_data

    source, watched = context.source, watched_data(context.source.name)
    if watched is None or source.generator is not None:
        return ""
    pinned = {table for table, one in source.tables.items() if one.location is not None and one.location.sha256}
    files = [path for table, path in get_data(source, context.paths).items() if table not in pinned]
    others = [path for path in dict.fromkeys(files) if not path.resolve().is_relative_to(watched.resolve())]
    if not others:
        return ""
    return (
        f"{DEFAULT} says that DVC watches {watched} for '{source.name}', but {', '.join(map(str, others))} is read "
        "too: DVC does not see it change. Name a folder that holds all of them."
    )


def validate_command(options: Options, output: Output, *, docs: bool = False, gate: bool = True) -> int:
    """The stage ``validate``, and Data Docs where they are asked for, whatever the verdict.

    ``gate`` off: a declared expectation that does not hold is told, and the exit status is 0.
    """
    context = options.context()
    from pipelines.artifacts.counts_record import ValidationRecord
    from pipelines.ingest.errors import ExpectationFailedError, SuiteFailedError
    from pipelines.run import run_stage
    from pipelines.stages.validate import describe_unmet
    from pipelines.workspace.lock import only_writer

    refused: ExpectationFailedError | SuiteFailedError | None = None
    seconds = ""
    with only_writer(context.paths):
        try:
            seconds = f" ({run_stage(context, 'validate').seconds:.1f} s)"
        except (ExpectationFailedError, SuiteFailedError) as problem:
            refused = problem
        site = {}
        if docs:
            from pipelines.validation.data_docs import build_data_docs

            site = {"data_docs": str(build_data_docs(context.paths.expectations, context.paths.data_docs))}

    lines = [f"Data Docs: {page}" for page in site.values()]
    if refused is not None and (gate or isinstance(refused, SuiteFailedError)):
        for line in lines:
            output.note(line)
        raise refused
    left = ValidationRecord.read(context.paths)
    unmet = [f"  {line}" for line in describe_unmet(left.expectations)[1:]]
    output.show(left.record() | site, "\n".join([f"validate: {left.verdict}{seconds}. {left.text}", *unmet, *lines]))
    return 0


def score_to_command(options: Options, to: str, table: str, input_file: str | None, output: Output) -> int:
    """The stage ``score``, then its list into a table of a database."""
    context = options.context()
    from features.errors import ContractError
    from pipelines.run import run_stage
    from pipelines.scoring.delivery.write_back import write_scores
    from pipelines.workspace.lock import only_writer

    if input_file is not None:
        raise ContractError("--to writes the list of open leads; it does not go with --input. Use --out for a file.")
    note_outdated(context, output)
    note_past_tables(context, output)
    with only_writer(context.paths):
        run = run_stage(context, "score")
        written = write_scores(context, to, table)
    output.show(run.record() | {"written": written.record()}, f"score: {run.seconds:.1f} s\n{written.sentence}")
    return 0


SUSPECTS = 5  # suspect findings printed; the report and --json have all of them


def _finding_lines(findings: Sequence["FindingRecord"], where: str) -> list[str]:
    """A line a finding, of those nobody accepted that are suspect a handful, and how many more there are."""
    suspects = [finding for finding in findings if finding.severity == "suspect" and not finding.accepted]
    left_out = suspects[SUSPECTS:]
    lines = [(_finding_line(finding), finding.severity) for finding in findings if finding not in left_out]
    if not left_out:
        return [line for line, _ in lines]

    place = max(place for place, (_, severity) in enumerate(lines) if severity == "suspect") + 1
    columns = len({finding.column for finding in left_out})
    more = f"  suspect and {len(left_out)} more, of {columns} column{'s' if columns != 1 else ''}: {where}"
    plain = [line for line, _ in lines]
    return [*plain[:place], more, *plain[place:]]


def _finding_line(finding: "FindingRecord") -> str:
    """One line of the audit."""
    accepted = f" Accepted: {finding.accepted}" if finding.accepted else ""
    return f"  {finding.severity:<8}{finding.code}  {finding.column}: {finding.message}{accepted}"


def score_file_command(
    options: Options,
    input_file: str,
    out: str | None,
    bundle: str,
    framework: str | None,
    as_of: str | None,
    output: Output,
) -> int:
    """Score a file of leads."""
    context = options.context()
    from pipelines.scoring.score_file import score_file

    destination = Path(out) if out is not None else Path(input_file).with_suffix(".scored.csv")
    done = score_file(context, Path(input_file), destination, bundle=bundle, framework=framework, as_of=as_of)
    lines = [f"{done.rows} rows in, {done.scored} scored, {done.errors} with an error -> {destination}"]
    lines += [f"  not scored: {line}" for line in done.reasons]
    late = f"warning: {done.late} Or name --as-of." if done.late else ""
    lines += [f"  {line}" for line in (late, *done.unseen) if line]
    if done.missing_columns:
        lines.append(f"  the file lacks {', '.join(done.missing_columns)}: taken from the ingested tables, or missing")
    output.show(asdict(done), "\n".join(lines))
    return 0


def init_command(inputs: Sequence[str], out: str | None, data_dir: str, template: str | None, output: Output) -> int:
    """A starter declaration, printed or written; an existing file is left alone."""
    from features.errors import SourceError
    from pipelines.declaring.exports.open_export import init_export
    from pipelines.workspace.atomic_files import write_text

    if out is not None and Path(out).exists():
        raise SourceError(f"{out} already exists and is not overwritten. Choose another name.")
    text = init_export(inputs, None if out is None else Path(out), Path(data_dir), template)
    if out is None:
        output.show({"declaration": text}, text)
        return 0

    write_text(Path(out), text)
    mark = "# TO EDIT: "
    edits = [line.removeprefix(mark) for line in text.splitlines() if line.startswith(mark)]
    lines = [
        f"wrote {out}: correct the guesses, then leadscore run --source {out}",
        *(f"  to edit: {e}" for e in edits),
    ]
    output.show({"declaration": text, "out": out, "to_edit": edits}, "\n".join(lines))
    return 0


def data_get_command(options: Options, output: Output) -> int:
    """Fetch public data."""
    context = options.context()
    from pipelines.ingest.reading.fetch import get_data

    files = get_data(context.source, context.paths)
    text = "\n".join(f"{table}: {path} (hash checked)" for table, path in files.items())
    output.show({table: str(path) for table, path in files.items()}, text or "this source declares no public data")
    return 0


def summary_text(summary: "SummaryRecord", report: Path, warning: str = "", quarantine: Sequence[str] = ()) -> str:
    """What `run` prints: rows and why some are in quarantine, base rate, winner and why, test figures, wins at
    capacity, where the report is.
    """
    name = f"{summary.source}{' (synthetic)' if summary.synthetic else ''}"
    lines = ["", f"Source {name}, verdict: {summary.verdict}", f"  {summary.verdict_text}"]
    against = summary.caution
    if against and against != summary.verdict_text:
        lines.append(f"  caution: {against.removeprefix(summary.verdict_text).strip()}")
    lines += [f"  {table}: {n.read:,} rows read, {n.describe()}" for table, n in summary.rows.items()]
    lines += [f"  {line}" for line in quarantine]
    if summary.base_rate is not None:
        horizon = f" within {summary.horizon_in_words} days" if summary.horizon_days else ""
        lines.append(f"  base rate: {summary.base_rate:.1%} won{horizon} ({summary.matured_rows:,} matured rows)")
    winner = summary.winner.name
    if winner:
        lines.append(f"  winner: {winner}. {summary.winner.why}")
    for name, row in summary.test.items():
        lines.append(f"  test {name:<10}{_figures(row)}")
    rubric, model = summary.test.get("rubric"), summary.test.get(winner or "")
    if rubric and model:
        wins = [_with_interval(row, "wins_at_capacity", ".0f") for row in (model, rubric)]
        handoffs = model["handoffs_at_capacity"]
        of = "" if summary.compared == "leads" else f" of {summary.compared}"
        lines.append(f"  wins at capacity ({handoffs} handoffs{of}): model {wins[0]}, rubric {wins[1]}")

    lines.append(f"  audit: {_audit_text(summary.audit)}")
    if warning:
        lines.append(f"  warning: {warning} The report has a block to paste into the declaration.")
    open_suspects = [f for f in summary.audit if f.severity == "suspect" and not f.accepted]
    lines += [f"  {line}" for line in _finding_lines(open_suspects, "the report shows all")]
    return "\n".join([*lines, f"Report: {report}"])


def worklist_text(scored: "ScoreRecord", paths: "Paths") -> str:
    """Where the list is and who stands on it; empty where nobody was scored."""
    if scored.kind is None:
        return ""
    return f"\nWorklist: {scored.listed:,} {scored.kind}, best first: {paths.score / 'worklist.parquet'}"


def _audit_text(findings: Sequence["FindingRecord"]) -> str:
    """How many findings, which leaks stop training, and which were accepted, with the declared reason."""
    leaks = [finding for finding in findings if finding.severity == "leak"]
    stopping = dict.fromkeys(finding.column for finding in leaks if finding.blocking)
    accepted = {finding.column: finding.accepted for finding in leaks if finding.accepted}
    parts = [f"{len(findings)} finding{'s' if len(findings) != 1 else ''}"]
    parts += [f"leaks: {', '.join(stopping)}"] if stopping else []
    parts += [f"leaks accepted: {', '.join(f'{name} ({why})' for name, why in accepted.items())}"] if accepted else []
    return ", ".join(parts if leaks else [*parts, "no leak"])


def _figures(row: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name} {_with_interval(row, name, '.3f')}" for name in ("auc", "log_loss", "ece"))
    return f"n={row['n']:,} won={row['won']:,} {shown}"


def _with_interval(row: Mapping[str, Any], name: str, form: str) -> str:
    low, high = row.get(f"{name}_ci") or (None, None)
    value = row[name]
    if value is None:
        return "-"
    interval = "" if low is None or high is None else f" [{low:{form}}, {high:{form}}]"
    return f"{value:{form}}{interval}"
