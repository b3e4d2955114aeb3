"""``leadscore threshold``: from which score on leads are handed off, since when and why; set another, or go back."""

from typing import Annotated, Any

import typer

from features.errors import PolicyError
from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

app = typer.Typer(help="The score from which sales gets a lead: show it, set it, go back.", no_args_is_help=True)
Reason = Annotated[str, typer.Option("--reason", help="why; kept with the score")]
Author = Annotated[str | None, typer.Option("--author", help="who sets it; default: you")]


@app.command()
def show(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """The score in force, the declared one, and every decision, the newest first."""
    context = options(source, data_dir).context()
    from pipelines.registry.champion import points_score
    from pipelines.workspace.adopted_thresholds import list_thresholds

    found = list_thresholds(context.thresholds)
    text = "Leads are handed off by evidence, whatever the score."
    if found["score"] is not None:
        declared = "" if found["score"] == found["declared"] else f" (declared: {found['declared']})"
        text = f"Leads are handed off from {found['score']} on{declared}, by policy {found['policy']}."
        text += " The policy asks for evidence as well." if found["asks_for_more"] else ""
    if points_score(context.paths):
        text = f"Points score alone, so the rubric's own thresholds hand leads off. Where a model scores: {text}"
    lines = [f"  {row['adopted_at'][:10]} {row['author']}: {_words(row)}. {row['reason']}" for row in found["adopted"]]
    Output(json).show(found, "\n".join([text, *lines]))
    return 0


@app.command()
def adopt(
    score: Annotated[int, typer.Argument(help="whole score, 0 to 100")],
    reason: Reason,
    author: Author = None,
    replaces: Annotated[
        int | None, typer.Option("--replaces", help="the score in force as you saw it; refused if it is another by now")
    ] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Hand off from this score on; 'leadscore score' lists the open leads by it."""
    return _set(source, data_dir, score, author, reason, json, replaces)


@app.command()
def withdraw(
    reason: Reason,
    author: Author = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Go back to the score that the policy declares."""
    return _set(source, data_dir, None, author, reason, json)


def _set(
    source: str,
    data_dir: str,
    score: int | None,
    author: str | None,
    reason: str,
    json: bool,
    replaces: int | None = None,
) -> int:
    context = options(source, data_dir).context()
    from pipelines.posted.noted_commands import note_command
    from pipelines.registry.champion import points_score
    from pipelines.workspace.adopted_thresholds import adopt_threshold, find_repeated, load_thresholds
    from pipelines.workspace.lock import only_writer, who_runs_this
    from pipelines.workspace.people.register import without_the_forgotten

    if points_score(context.paths):
        raise PolicyError("points score alone here; the rubric's own threshold hands off, set it in the rubric.")
    with only_writer(context.paths):
        reason = without_the_forgotten(context.paths.root, reason)
        before = load_thresholds(context.paths, None if context.thresholds is None else context.thresholds.declared)
        who = author or who_runs_this()
        found = find_repeated(before, score, author=who, reason=reason)
        found = found or adopt_threshold(context.paths, before, score, author=who, reason=reason, replaces=replaces)
    record: dict[str, Any] = found.model_dump()
    detail = {"author": found.author, "replaces": record["replaces"], "reason": found.reason}
    note_command(context.paths, Output(json).note, "threshold.set", str(score), detail)
    text = f"{_words(record).capitalize()}, by {found.author}: {found.reason}"
    Output(json).show(record, f"{text}\n'leadscore score --source {source}' lists the open leads by it.")
    return 0


def _words(row: dict[str, Any]) -> str:
    to = "back to the declared score" if row["score"] is None else f"handed off from {row['score']} on"
    return f"{to} (before: {row['replaces']})"
