"""The command that says what to ask."""

from typing import Any

from pipelines.cli_shared import Options, Output


def questions_command(options: Options, lead_id: str | None, as_of: str | None, output: Output) -> int:
    """What to ask one lead; without a lead, which fields a form should have."""
    context = options.context()
    from pipelines.questions import form_questions, lead_questions

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
