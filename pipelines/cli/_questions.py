"""The command that says what to ask."""

from pathlib import Path
from typing import Any

from pipelines.cli.output import Options, Output


def questions_command(options: Options, lead_id: str | None, as_of: str | None, output: Output) -> int:
    """What to ask one lead; without a lead, which fields a form should have."""
    context = options.context()
    from pipelines.scoring.next_questions import form_questions, lead_questions

    rows = form_questions(context) if lead_id is None else lead_questions(context, lead_id, as_of)
    if output.as_json:
        output.record(rows)
    elif lead_id is None:
        _form(rows, output)
    else:
        _lead(lead_id, rows, output)
    return 0


def _form(rows: list[dict[str, Any]], output: Output) -> None:
    shown = [
        (
            row["text"],
            f"{row['silent']:.0%}",
            f"{row['gain']:.2f}",
            f"{row['spread']:.1f}",
            f"{row['crossing']:.1%}",
            row["answered_rows"],
        )
        for row in rows
    ]
    columns = ("question", "not answered", "gain", "points", "crosses 50", "rows behind it")
    output.table("What a form should ask, most useful first", columns, shown)
    output.text(
        "gain: wins per 1,000 open leads from deciding with the answer instead of without it, at score 50; points: "
        "standard deviation of the score over plausible answers of the silent leads."
    )


def _lead(lead_id: str, rows: list[dict[str, Any]], output: Output) -> None:
    if not rows:
        output.text(f"Lead {lead_id}: every question the model uses has an answer on record, if perhaps an old one.")
    for row in rows:
        output.text(
            f"{row['text']}\n  moves the score by {row['spread']:.1f} points, over 50 or back {row['crossing']:.0%}"
        )
        for answer in row["answers"]:
            output.text(f"    {answer['share']:>4.0%}  {answer['answer']}: score {answer['score']}")


def shortlist_command(options: Options, state: str | None, limit: int, csv: str | None, output: Output) -> int:
    """Leads one answer short of a better state."""
    context = options.context()
    import numpy as np

    from pipelines.scoring.one_answer_short import shortlisted

    found = shortlisted(context, state)
    if csv is not None:
        folder = Path(csv)
        folder.mkdir(parents=True, exist_ok=True)
        found.assign(answers=found["answers"].str.join("; ")).to_csv(folder / "shortlist.csv", index=False)
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
    output.text("chance: share of leads of the same standing that gave such an answer.")
    return 0
