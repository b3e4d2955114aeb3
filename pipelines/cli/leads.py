"""Commands beyond a card: what to ask, what changed, frameworks on one's own leads."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import Csv, DataDir, Debug, Json, Source
from pipelines.cli.output import Options, Output, options

if TYPE_CHECKING:
    from pipelines.scoring.next_questions import FormQuestion, LeadQuestion
    from pipelines.scoring.score_change import LeadScoreChange

app = typer.Typer()


@app.command()
def questions(
    lead_id: Annotated[str | None, typer.Argument(help="lead to ask about; default: what a form should ask")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    as_of: Annotated[str | None, typer.Option("--as-of", help="ISO timestamp; default: data cut-off")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show which question to ask next, by what its answer could change."""
    return questions_command(options(source, data_dir), lead_id, as_of, Output(json))


@app.command()
def shortlist(
    source: Source = "demo",
    data_dir: DataDir = "data",
    state: Annotated[str | None, typer.Option("--state", help="only leads that would reach it, e.g. sql")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="leads to print")] = 20,
    csv: Csv = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """List open leads one answer short of qualifying, which answer it is, and what to ask."""
    return shortlist_command(options(source, data_dir), state, limit, csv, Output(json))


@app.command()
def change(
    lead_id: str,
    since: Annotated[str, typer.Option("--since", help="ISO timestamp to compare with")],
    until: Annotated[
        str | None, typer.Option("--until", help="ISO timestamp to compare; default: data cut-off")
    ] = None,
    bundle: Annotated[
        str, typer.Option("--bundle-before", help="bundle that scored at --since: directory or hash; default: champion")
    ] = "champion",
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show what changed a lead's score: new data, time alone, another model."""
    return change_command(options(source, data_dir), lead_id, since, until, bundle, Output(json))


@app.command()
def frameworks(
    source: Annotated[str | None, typer.Option("--source", help="source that was run, for shares of its leads")] = None,
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """List the frameworks that ship, their trade-offs, and how much of each is unknown on your own leads."""
    return frameworks_command(None if source is None else options(source, data_dir), Output(json))


def questions_command(options: Options, lead_id: str | None, as_of: str | None, output: Output) -> int:
    """What to ask one lead; without a lead, which fields a form should have."""
    context = options.context()
    from pipelines.scoring.next_questions import form_questions, lead_questions

    if lead_id is None:
        _show_form_questions(form_questions(context), output)
    else:
        _show_lead_questions(lead_id, lead_questions(context, lead_id, as_of), output)
    return 0


def _show_form_questions(rows: Sequence["FormQuestion"], output: Output) -> None:
    if output.as_json:
        output.record([asdict(row) for row in rows])
        return
    shown = [
        (
            row.text,
            f"{row.silent:.0%}",
            f"{row.gain:.2f}",
            f"{row.spread:.1f}",
            f"{row.crossing:.1%}",
            row.answered_rows,
        )
        for row in rows
    ]
    columns = ("question", "not answered", "gain", "points", "crosses 50", "rows behind it")
    output.table("What a form should ask, most useful first", columns, shown)
    output.text(
        "gain: wins per 1,000 open leads from deciding with the answer instead of without it, at score 50; points: "
        "standard deviation of the score over plausible answers of the silent leads."
    )


def _show_lead_questions(lead_id: str, rows: Sequence["LeadQuestion"], output: Output) -> None:
    if output.as_json:
        output.record([asdict(row) for row in rows])
        return
    if not rows:
        output.text(f"Lead {lead_id}: every question the model uses has an answer on record, perhaps an old one.")
    for row in rows:
        output.text(f"{row.text}\n  moves the score by {row.spread:.1f} points, over 50 or back {row.crossing:.0%}")
        for answer in row.answers:
            output.text(f"    {answer.share:>4.0%}  {answer.answer}: score {answer.score}")


def shortlist_command(options: Options, state: str | None, limit: int, csv: str | None, output: Output) -> int:
    """Leads one answer short of a better state."""
    context = options.context()
    import numpy as np

    from pipelines.scoring.one_answer_short import shortlist_leads
    from pipelines.scoring.shown_columns import read_and_name_leads
    from pipelines.workspace.csv_files import write_csv

    found = shortlist_leads(context, state)

    if csv is not None:
        folder = Path(csv)
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(folder / "shortlist.csv", read_and_name_leads(context, found))

    if output.as_json:
        output.record(found.to_dict(orient="records"))
        return 0

    label = context.framework.label
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in found.to_dict(orient="records")]
    shown = [
        (
            row["lead_id"],
            f"{row['score']} {row['state'].upper()}",
            f"{row['score_then']} {row['next_state'].upper()}",
            "-" if np.isnan(row["chance"]) else f"{row['chance']:.0%}",
            f"{label(row['criterion'])}: {', '.join(row['answers'])}",
        )
        for row in rows[:limit]
    ]

    output.table(f"One answer short: {len(found):,} open leads", ("lead", "now", "then", "chance", "with"), shown)
    for criterion, text in {row["criterion"]: row["text"] for row in rows[:limit]}.items():
        output.text(f"{label(criterion)}: {text}")
    output.text("chance: share of leads in the same position that gave such an answer.")
    return 0


_WORDS = {
    "decay": "time alone",
    "new_data": "new data",
    "model": "another model",
    "clip": "clipped to 0..100",
}


def change_command(options: Options, lead_id: str, since: str, until: str | None, bundle: str, output: Output) -> int:
    """A lead's score change, part by part."""
    context = options.context()
    from pipelines.scoring.score_change import explain_score_change

    found = explain_score_change(context, lead_id, since, until, bundle_before=bundle)
    output.show(found.record(), change_text(found, context.framework.label))
    return 0


def change_text(found: "LeadScoreChange", label: Callable[[str], str]) -> str:
    """The parts, the criteria they moved, and the newest rows behind them."""
    before, after = found.change.score
    lines = [
        f"Lead {found.lead_id} from {found.since:%Y-%m-%dT%H:%M} to {found.until:%Y-%m-%dT%H:%M}: "
        f"score {before} to {after} ({after - before:+d})"
    ]

    same_model = found.bundle_before == found.bundle_after
    for part, points in found.change.points.items():
        if not points and (part == "clip" or (part == "model" and same_model)):
            continue
        where = sorted(found.change.criteria.get(part, {}).items(), key=lambda item: -abs(item[1]))
        shown = [f"{'base' if name == 'base' else label(name)} {size:+.1f}" for name, size in where if abs(size) >= 0.5]
        lines.append(f"{points:>+4}  {_WORDS[part]}{': ' if shown else ''}{', '.join(shown[:4])}")
    lines.append(f"{after - before:>+4}  in all")

    if found.rows:
        lines += ["", f"{found.learned} rows learned of in between; the newest:"]
        lines += [f"      {row.known_at[:16]}  {row.table}: {row.what}" for row in reversed(found.rows[-8:])]
    return "\n".join(lines)


def frameworks_command(options: Options | None, output: Output) -> int:
    """Frameworks, their trade-offs and, after a run, the share of leads each criterion is unknown for."""
    from models.explaining.framework import framework_names, load_framework

    found = [load_framework(name) for name in framework_names()]
    shares: dict[str, dict[str, float]] = {}
    if options is not None:
        from pipelines.scoring.accounts.account_evidence import unknown_shares

        shares = unknown_shares(options.context(), found)

    if output.as_json:
        output.record([f.model_dump(mode="json") | {"unknown": shares.get(f.name)} for f in found])
        return 0

    columns = ("name", "criteria", "trade-off")
    rows = [(f.name, ", ".join(_criteria(f, shares.get(f.name))), f.tradeoff) for f in found]
    output.table("Frameworks" + (" (share of leads unknown)" if shares else ""), columns, rows)
    return 0


def _criteria(framework: Any, shares: dict[str, float] | None) -> list[str]:
    return [
        criterion.label if shares is None else f"{criterion.label} {shares[name]:.0%}"
        for name, criterion in framework.criteria.items()
    ]
