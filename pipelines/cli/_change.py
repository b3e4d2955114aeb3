"""The command that says what changed."""

from typing import Any

from pipelines.cli.output import Options, Output

_WORDS = {
    "decay": "time alone",
    "new_data": "new data",
    "model": "another model",
    "clip": "clipped to 0..100",
}


def change_command(options: Options, lead_id: str, since: str, until: str | None, bundle: str, output: Output) -> int:
    """A lead's movement, part by part."""
    context = options.context()
    from pipelines.scoring.score_change import change_of

    found = change_of(context, lead_id, since, until, bundle_before=bundle)
    output.show(found, change_text(found, context.framework.label))
    return 0


def change_text(found: dict[str, Any], label: Any) -> str:
    """The parts, the criteria they moved, and the newest rows behind them."""
    moved = found["score_after"] - found["score_before"]
    lines = [
        f"Lead {found['lead_id']} from {found['since'][:16]} to {found['until'][:16]}: "
        f"score {found['score_before']} to {found['score_after']} ({moved:+d})"
    ]
    for part, points in found["points"].items():
        if not points and (part == "clip" or (part == "model" and found["bundle_before"] == found["bundle_after"])):
            continue
        where = sorted(found["criteria"].get(part, {}).items(), key=lambda item: -abs(item[1]))
        shown = [f"{'base' if name == 'base' else label(name)} {size:+.1f}" for name, size in where if abs(size) >= 0.5]
        lines.append(f"{points:>+4}  {_WORDS[part]}{': ' if shown else ''}{', '.join(shown[:4])}")
    lines.append(f"{moved:>+4}  in all")
    if found["rows"]:
        lines += ["", f"{found['learned']} rows learned of in between; the newest:"]
        lines += [
            f"      {row['known_at'][:16]}  {row['table']}: {row['what']}" for row in reversed(found["rows"][-8:])
        ]
    return "\n".join(lines)
