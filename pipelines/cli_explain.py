"""Commands that show scores, frameworks and comparisons."""

from typing import Any

from pipelines.cli_shared import Options, Output


def explain_command(options: Options, lead_id: str, framework: str | None, as_of: str | None, output: Output) -> int:
    """One lead's card."""
    context = options.context()
    from pipelines.lookup import card_of

    card = card_of(context, lead_id, framework=framework, as_of=as_of)
    output.show(card, card_text(card))
    return 0


def card_text(card: dict[str, Any]) -> str:
    """A lead card as text: the bars add up to the score."""
    when = f" as of {card['as_of'][:16]}" if card["as_of"] else ""
    horizon = f" within {card['horizon_days']} days" if card["as_of"] else ""
    lines = [
        f"Lead {card['lead_id']}{when}: score {card['score']}, grade {card['grade']}",
        f"{card['probability']:.1%} likely to be won{horizon} (90 % interval {card['probability_low']:.1%} to "
        f"{card['probability_high']:.1%}); above {card['percentile']:.0f} % of leads",
        f"State {card['state']}, next: {card['next_action'].replace('_', ' ')}",
        "",
        f"{'50':>4}  start (score 50 stands for {card['reference_probability']:.1%})",
        f"{card['points_base']:>+4}  base: what leads are like on average",
    ]
    for row in card["criteria"]:
        status = f" [{row['status'].replace('_', ' ')}]" if "status" in row else ""
        lines.append(f"{row['points']:>+4}  {row['label']}{status}")
        lines += [f"        {fact['sign']} {fact['text']}" for fact in row["facts"]]
        if row.get("question"):
            lines.append(f"        ? {row['question']}")
    if card["points_clip"]:
        lines.append(f"{card['points_clip']:>+4}  clipped to 0..100")
    lines += [f"{'=' + str(card['score']):>4}  {card['framework']['title']}, scale {card['scale_version']}"]
    if card["question"]:
        lines += ["", f"Ask next: {card['question']}"]
    return "\n".join(lines)


def frameworks_command(output: Output) -> int:
    """Frameworks and their trade-offs."""
    from models.explaining.framework import framework_names, load_framework

    found = [load_framework(name) for name in framework_names()]
    if output.as_json:
        output.record([framework.model_dump(mode="json") for framework in found])
        return 0
    rows = [(f.name, ", ".join(c.label for c in f.criteria.values()), f.tradeoff) for f in found]
    output.table("Frameworks", ("name", "criteria", "trade-off"), rows)
    return 0


def compare_command(options: Options, output: Output) -> int:
    """The comparison of the last run."""
    context = options.context()
    from pipelines.store import read_json

    record = read_json(context.paths.thresholds / "comparison.json")
    if output.as_json:
        output.record(record)
        return 0
    for sentence in record.get("sentences", []):
        output.text(sentence)
    rows = [
        (r["policy"], r["workload"], r["wins"], _share(r["precision"]), _share(r["recall"]), r["missed"])
        for r in record.get("policies", [])
    ]
    output.table("Policies on the test block", ("policy", "handoffs", "wins", "precision", "recall", "missed"), rows)
    return 0


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
