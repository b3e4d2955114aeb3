"""``leadscore lifecycle``: the lifecycle's tables."""

from pathlib import Path

from pipelines.cli.output import Options, Output

SHOWN = 20


def lifecycle_command(options: Options, csv: str | None, output: Output) -> int:
    """Funnel, service levels, volumes, tools and recycles, as text, JSON or CSV files."""
    context = options.context()
    from pipelines.diagnostics.lifecycle_figures import (
        FEEDBACK,
        TITLES,
        feedback_of,
        lifecycle_of,
        table_rows,
        write_csv,
    )

    found = lifecycle_of(context)
    feedback = feedback_of(context, found)
    if csv is not None:
        write_csv(found, Path(csv), feedback)
    if output.as_json:
        plain = {name: frame.astype(object).where(frame.notna(), None) for name, frame in feedback.items()}
        output.record(found.record() | {name: frame.to_dict(orient="records") for name, frame in plain.items()})
        return 0
    output.text("\n".join(found.sentences))
    for name, title in TITLES.items():
        frame = getattr(found, name)
        output.table(f"\n{title}", [str(column) for column in frame.columns], table_rows(frame))
    for name, title in FEEDBACK.items():
        if name in feedback:
            frame = feedback[name].head(SHOWN)
            output.table(f"\n{title}", [str(column) for column in frame.columns], table_rows(frame))
    return 0
