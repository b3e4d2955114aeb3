"""The command that documents the features of a source."""

from pathlib import Path
from typing import Any

from pipelines.cli.output import Options, Output


def features_command(options: Options, out: str | None, output: Output) -> int:
    """Features by family; after a run also half-lives and the effect of the bot filter."""
    context = options.context()
    from features.catalog.build_catalog import build_catalog
    from features.catalog.reference import feature_page, feature_records
    from pipelines.diagnostics.activity_diagnostics import engagement_of
    from pipelines.workspace.atomic_files import write_text

    catalog = build_catalog(context.source, context.rubric)
    has_run = (context.paths.score / "score.json").exists()
    activities: dict[str, Any] = engagement_of(context.paths) if has_run else {"bots": {}, "half_lives": []}
    records = feature_records(catalog)
    if out is not None:
        write_text(Path(out), feature_page(catalog, f"Features of {context.source.title or context.source.name}"))
    if output.as_json:
        output.record({"features": records, **activities})
        return 0
    for family in dict.fromkeys(record["family"] for record in records):
        rows = [(r["name"], r["meaning"], r["unit"], r["topic"], r["empty"]) for r in records if r["family"] == family]
        output.table(f"{family} ({len(rows)})", ("name", "meaning", "unit", "topic", "if empty"), rows)
    lives = [
        (r["label"], r["leads"], *(f"{r[key]:g}" for key in ("declared", "learned", "low", "high")), r["finding"])
        for r in activities["half_lives"]
    ]
    if lives:
        output.table(
            "Half-lives in days (low, high: 90 % interval)",
            ("kind", "leads", "declared", "learned", "low", "high", "finding"),
            lives,
        )
    if activities["bots"]:
        output.text(activities["bots"]["sentence"])
    return 0
