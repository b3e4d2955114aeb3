"""``leadscore rubric``: convert, try, compare and adopt rubrics, see their versions, and simulate decay."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

app = typer.Typer(help="Convert rubrics; compare a draft, adopt it, simulate decay.", no_args_is_help=True)
SHOWN = 10  # leads of a side printed; JSON has all
File = Annotated[str, typer.Argument(help="a rubric, .yaml or .csv")]


@app.command()
def convert(
    file: File,
    out: Annotated[str, typer.Option("--out", help="file to write, .csv or .yaml")],
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Rewrite a rubric as CSV for a spreadsheet, or a CSV as YAML; nothing is lost either way."""
    from pipelines.rubrics.rubric_files import read_rubric, write_rubric

    rubric = read_rubric(Path(file))
    write_rubric(rubric, Path(out))
    found = {"rubric": rubric.name, "rules": len(rubric.rules), "written": out}
    Output(json).show(found, f"{rubric.name}: {len(rubric.rules)} rules written to {out}")
    return 0


@app.command(name="try")
def try_(
    file: File, source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False
) -> int:
    """Replay a rubric on past leads, beside the model of the last run if there is one; nothing is saved."""
    context = options(source, data_dir).context()
    from pipelines.report.comparison_tables import HEADS, policy_rows
    from pipelines.rubrics.rubric_backtest import try_rubric
    from pipelines.rubrics.rubric_files import read_rubric

    rubric = read_rubric(Path(file), context.source)
    record = try_rubric(context, rubric)
    output = Output(json)

    if json:
        output.record(record)
        return 0

    for sentence in record["sentences"]:
        output.text(sentence)
    output.table(f"{rubric.name} on {context.source.name}", HEADS, policy_rows(record["policies"]))
    return 0


@app.command()
def show(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Show the rubric in force and every version before it: since when, adopted by whom and why."""
    context = options(source, data_dir).context()
    from pipelines.rubrics.rubric_adoption import list_versions

    found = list_versions(context)
    Output(json).show(found, _versions_text(found))
    return 0


@app.command()
def compare(
    file: File,
    source: Source = "demo",
    data_dir: DataDir = "data",
    since: Annotated[str | None, typer.Option("--since", help="judge only looks from this day on")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Compare a draft with the rubric in force on the same leads: who enters, who leaves, and by which rule."""
    context = options(source, data_dir).context()
    from pipelines.rubrics.rubric_comparison import compare_with_active
    from pipelines.rubrics.rubric_files import read_rubric

    found = compare_with_active(context, read_rubric(Path(file), context.source), since=since)
    output = Output(json)
    if json:
        output.record(found)
        return 0
    for sentence in found["sentences"]:
        output.text(sentence)
    if found["rules"]:
        heads = ("change", "", "leads", "enter", "won", "leave", "won", "wins, 90% interval")
        output.table("\nEach change alone", heads, [_rule_row(row) for row in found["rules"]])
    moves = _first_of_sides(found["moves"])
    if moves:
        names = ("lead", "", "week", "won", "points", "because")
        rows = [
            (
                row["lead_id"],
                row["side"],
                str(row["handed_off_at"])[:10],
                "won" if row["won"] else "",
                f"{row['points_active']:g} to {row['points_draft']:g}",
                row["because"],
            )
            for row in moves
        ]
        output.table(f"\nWho enters and leaves, {len(moves)} of {len(found['moves']):,}", names, rows)
    for row in _first_of_sides(found["now"]["moves"]):
        points = f"{row['points_active']:g} to {row['points_draft']:g}"
        output.text(f"  now {row['lead_id']} {row['side']}: {points} points; {row['because']}")
    for note in found["notes"]:
        output.text(note)
    return 0


@app.command()
def adopt(
    file: File,
    reason: Annotated[str, typer.Option("--reason", help="why; kept with the version")],
    author: Annotated[str | None, typer.Option("--author", help="who adopts it; default: you")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="moment from which it judges leads; default: the data cut-off")
    ] = None,
    replaces: Annotated[
        str | None,
        typer.Option(
            "--replaces", help="name and version in force when you drafted it; refused if it is another by now"
        ),
    ] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Make a draft the rubric in force; earlier weeks stay judged by the version of their time."""
    context = options(source, data_dir).context()
    from pipelines.posted.noted_commands import note_command
    from pipelines.rubrics.rubric_adoption import adopt as adopt_draft
    from pipelines.rubrics.rubric_files import read_rubric
    from pipelines.workspace.lock import only_writer, who_runs_this

    draft = read_rubric(Path(file), context.source)
    with only_writer(context.paths):
        who = author or who_runs_this()
        found = adopt_draft(context, draft, author=who, reason=reason, since=since, replaces=replaces, resume=True)
    detail = {name: found[name] for name in ("author", "replaces", "since", "reason")}
    note_command(context.paths, Output(json).note, "rubric.adopted", str(found["hash"]), detail)
    begins = f" from {found['since'][:16]} on" if found["since"] else ""
    before = f" in place of {found['replaces']}" if found["replaces"] else ""
    scores = "It scores alone from now on." if found["champion"] else "The model's scores stay as they are."
    text = (
        f"{found['name']} {found['version']} is in force{begins}{before}, adopted by {found['author']}: "
        f"{found['reason']}\n{scores} 'leadscore score --source {source}' lists the open leads with its points; the "
        "next run judges it on outcomes."
    )
    Output(json).show(found, text)
    return 0


@app.command()
def decay(
    lead_id: Annotated[str | None, typer.Argument(help="one lead, rule by rule; default: all open leads")] = None,
    days: Annotated[str, typer.Option("--days", help="days of silence, by commas")] = "30,60,90",
    draft: Annotated[str | None, typer.Option("--draft", help="another rubric than the one in force")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Simulate decay: the points leads will have by the rubric if they stay silent, and who falls below a threshold."""
    context = options(source, data_dir).context()
    from pipelines.rubrics.rubric_decay import decay_text, simulate_decay
    from pipelines.rubrics.rubric_files import read_rubric

    try:
        wanted = [int(part) for part in days.split(",") if part.strip()]
    except ValueError:
        raise typer.BadParameter(f"--days '{days}' are not whole numbers; write them as 30,60,90.") from None
    other = None if draft is None else read_rubric(Path(draft), context.source)
    found = simulate_decay(context, lead_id, wanted, other)
    Output(json).show(found, decay_text(found))
    return 0


def _first_of_sides(moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first leads that enter and the first that leave."""
    return [row for side in ("enters", "leaves") for row in [move for move in moves if move["side"] == side][:SHOWN]]


def _rule_row(row: dict[str, Any]) -> tuple[Any, ...]:
    low, high = row["wins_ci"]
    span = "" if low is None else f"{low:+.0f} to {high:+.0f}"
    counts = (row["leads"], row["enter"], row["enter_won"], row["leave"], row["leave_won"])
    return (row["label"], row["change"], *(f"{count:,}" for count in counts), span)


def _versions_text(found: dict[str, Any]) -> str:
    if not found["versions"]:
        return "No rubric is declared or adopted."
    lines = []
    for place, row in enumerate(found["versions"]):
        since = f"since {row['since'][:16]}" if row["since"] else "from the beginning"
        who = f", adopted by {row['author']} on {row['adopted_at'][:10]}: {row['reason']}" if row["author"] else ""
        mark = "in force" if place == 0 else "before"
        lines.append(f"{mark}: {row['name']} {row['version']} ({row['rules']} rules) {since}{who or ', as declared'}")
    return "\n".join(lines)
