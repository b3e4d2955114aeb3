"""``leadscore lifecycle``: the lifecycle's tables."""

from pathlib import Path

from pipelines.cli_shared import Options, Output


def lifecycle_command(options: Options, csv: str | None, output: Output) -> int:
    """Funnel, service levels, volumes, tools and recycles, as text, JSON or CSV files."""
    context = options.context()
    from pipelines.lifecycle import TITLES, lifecycle_of, table_rows, write_csv

    found = lifecycle_of(context)
    if csv is not None:
        write_csv(found, Path(csv))
    if output.as_json:
        output.record(found.record())
        return 0
    output.text("\n".join(found.sentences))
    for name, title in TITLES.items():
        frame = getattr(found, name)
        output.table(f"\n{title}", [str(column) for column in frame.columns], table_rows(frame))
    return 0
