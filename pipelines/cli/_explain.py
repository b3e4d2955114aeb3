"""Commands that show scores, frameworks and comparisons."""

from typing import TYPE_CHECKING, Any

from pipelines.cli.output import Options, Output

if TYPE_CHECKING:
    from models.explaining.language import Language

_LIKELY = "(90 % interval {low} to {high}); above {percentile} % of leads"
_WITHIN = "{probability} likely to be won within {days} days " + _LIKELY
_EVER = "{probability} likely to be won " + _LIKELY


def explain_command(
    options: Options, lead_id: str, framework: str | None, as_of: str | None, language: str, output: Output
) -> int:
    """One lead's card."""
    context = options.context()
    from pipelines.scoring.find_lead import card_of

    card = card_of(context, lead_id, framework=framework, as_of=as_of, language=language)
    output.show(card, card_text(card))
    return 0


def ledger_command(
    options: Options, lead_id: str, framework: str | None, as_of: str | None, language: str, output: Output
) -> int:
    """One lead's points by the rubric, rule by rule."""
    from features.errors import ContractError
    from pipelines.rubrics.lead_ledger import ledger_of, ledger_text

    if framework is not None or language != "en":
        raise ContractError("--framework and --language speak of the model's card; leave them out beside --rubric.")
    found = ledger_of(options.context(), lead_id, as_of)
    output.show(found, ledger_text(found))
    return 0


def card_text(card: dict[str, Any]) -> str:
    """A lead card as text in the card's language: the bars add up to the score."""
    from models.explaining.language import load_language

    language = load_language(card["language"])
    say = language.text
    lines = [*_head(card, language), ""]
    start = say(
        "start (score 50 stands for {probability})", probability=language.share(card["reference_probability"], 1)
    )
    lines += [f"{'50':>4}  {start}", f"{card['points_base']:>+4}  {say('base: what leads are like on average')}"]
    for row in card["criteria"]:
        status = f" [{say(row['status'].replace('_', ' '))}]" if "status" in row else ""
        lines.append(f"{row['points']:>+4}  {row['label']}{status}")
        lines += [f"        {fact['sign']} {fact['text']}" for fact in row["facts"]]
        if row.get("question"):
            lines.append(f"        ? {row['question']}")
    if card["points_clip"]:
        lines.append(f"{card['points_clip']:>+4}  {say('clipped to 0..100')}")
    scale = say("{framework}, scale {scale}", framework=card["framework"]["title"], scale=card["scale_version"])
    lines.append(f"{'=' + str(card['score']):>4}  {scale}")
    if card["question"]:
        lines += ["", say("Ask next: {question}", question=card["question"])]
    return "\n".join(lines)


def _head(card: dict[str, Any], language: "Language") -> list[str]:
    say = language.text
    asked = {"lead": card["lead_id"], "score": card["score"], "grade": card["grade"]}
    likely = {
        "probability": language.share(card["probability"], 1),
        "low": language.share(card["probability_low"], 1),
        "high": language.share(card["probability_high"], 1),
        "percentile": ">99" if card["percentile"] > 99 else language.decimal(card["percentile"], 0),
    }
    if card["as_of"]:
        title = say("Lead {lead} as of {when}: score {score}, grade {grade}", when=card["as_of"][:16], **asked)
        chance = say(_WITHIN, days=card["horizon_days"], **likely)
    else:
        title = say("Lead {lead}: score {score}, grade {grade}", **asked)
        chance = say(_EVER, **likely)
    action = say(card["next_action"].replace("_", " "))
    return [title, chance, say("State {state}, next: {action}", state=card["state"], action=action)]
