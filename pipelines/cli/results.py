"""Commands that read a finished run: a lead's score, the comparison, the lifecycle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import Csv, DataDir, Debug, Gate, Json, Params, Source, Tiny
from pipelines.cli.output import Options, Output, options
from pipelines.stages.stage_table import STAGES

if TYPE_CHECKING:
    from models.explaining.language import Language

app = typer.Typer()


@app.command()
def explain(
    lead_id: str,
    source: Source = "demo",
    data_dir: DataDir = "data",
    framework: Annotated[str | None, typer.Option("--framework", help="qualification framework")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="ISO timestamp to explain at; default: data cut-off")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="en, ko or pl")] = "en",
    rubric: Annotated[bool, typer.Option("--rubric", help="show the rubric's points instead, rule by rule")] = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show one lead's score, criterion by criterion; or its rubric points, rule by rule."""
    if rubric:
        return ledger_command(options(source, data_dir), lead_id, framework, as_of, language, Output(json))
    return explain_command(options(source, data_dir), lead_id, framework, as_of, language, Output(json))


@app.command()
def compare(
    source: Source = "demo", data_dir: DataDir = "data", csv: Csv = None, json: Json = False, debug: Debug = False
) -> int:
    """Compare rubric and model on the same test leads, from the last run."""
    from pipelines.cli.compare import compare_command

    return compare_command(options(source, data_dir), csv, Output(json))


@app.command(help=STAGES["thresholds"].purpose)
def thresholds(
    source: Source = "demo",
    data_dir: DataDir = "data",
    promised: Annotated[
        float | None, typer.Option("--promise", help="precision to promise, e.g. 0.3; default: twice the base rate")
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", help="confidence of the promise")] = 0.9,
    params: Params = None,
    csv: Csv = None,
    gate: Gate = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """The stage ``thresholds``, with a precision to promise."""
    from pipelines.cli.compare import thresholds_command

    chosen = options(source, data_dir, tiny, params=params)
    return thresholds_command(chosen, promised, confidence, csv, Output(json), gate=gate)


@app.command()
def lifecycle(
    source: Source = "demo",
    data_dir: DataDir = "data",
    csv: Csv = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show funnel, service levels, volumes, capture tools and recycles, from the last run."""
    return lifecycle_command(options(source, data_dir), csv, Output(json))


@app.command()
def features(
    source: Source = "demo",
    data_dir: DataDir = "data",
    out: Annotated[str | None, typer.Option("--out", help="Markdown file to write the page to")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Describe every feature in words, how long activities stay informative, and what the bot filter changes."""
    return features_command(options(source, data_dir), out, Output(json))


_LIKELY = "(90% interval {low} to {high}); above {percentile}% of leads"
_WITHIN = "{probability} likely to be won within {days} days " + _LIKELY
_EVER = "{probability} likely to be won " + _LIKELY
_UNKNOWN = "No outcome is known yet, so nobody can say how likely it is to be won; above {percentile}% of leads"


def explain_command(
    options: Options, lead_id: str, framework: str | None, as_of: str | None, language: str, output: Output
) -> int:
    """One lead's card."""
    context = options.context()
    from pipelines.scoring.find_lead import card_of, find_bundle
    from pipelines.scoring.shown_feedback import mark_card

    card = card_of(context, lead_id, framework=framework, as_of=as_of, language=language)
    card = card if as_of is not None else mark_card(context, card)
    known = card["mode"] != "points" or find_bundle(context).knows_outcomes
    output.show(card, card_text(card, outcomes_known=known))
    return 0


def ledger_command(
    options: Options, lead_id: str, framework: str | None, as_of: str | None, language: str, output: Output
) -> int:
    """One lead's points by the rubric, rule by rule."""
    from features.errors import ContractError
    from pipelines.rubrics.lead_ledger import ledger_of, ledger_text

    if framework is not None or language != "en":
        raise ContractError("--framework and --language apply to the model's card; leave them out with --rubric.")
    found = ledger_of(options.context(), lead_id, as_of)
    output.show(found, ledger_text(found))
    return 0


def write_signed(points: int) -> str:
    """Points in four places with their sign; 0 has none.

    >>> write_signed(3), write_signed(-12), write_signed(0)
    ('  +3', ' -12', '   0')
    """
    return f"{points:>+4}" if points else f"{points:>4}"


def card_text(card: dict[str, Any], *, outcomes_known: bool = True) -> str:
    """A lead card as text in the card's language: the bars add up to the score.

    ``outcomes_known`` is false where points score and no outcome says what they are worth: then no chance is told.
    """
    from models.explaining.language import load_language

    language = load_language(card["language"])
    say = language.text
    lines = [*_head(card, language, outcomes_known=outcomes_known), ""]

    start = say(
        "start (score 50 stands for {probability})", probability=language.share(card["reference_probability"], 1)
    )
    lines += [
        f"{'50':>4}  {start}",
        f"{write_signed(card['points_base'])}  {say('base: what leads are like on average')}",
    ]

    for row in card["criteria"]:
        status = f" [{say(row['status'].replace('_', ' '))}]" if "status" in row else ""
        lines.append(f"{write_signed(row['points'])}  {row['label']}{status}")
        lines += [f"        {fact['sign']} {fact['text']}" for fact in row["facts"]]
        if row.get("differs"):
            lines.append(f"        {row['differs']}")
        if row.get("question"):
            lines.append(f"        ? {row['question']}")
        for field in row.get("fields", ()):
            found = {"field": field["label"], "low": field["score_low"], "high": field["score_high"]}
            lines.append(f"        ? {say('Look up {field}: the score would be {low} to {high}', **found)}")

    if card["points_clip"]:
        lines.append(f"{write_signed(card['points_clip'])}  {say('clipped to 0..100')}")

    scale = say("{framework}, scale {scale}", framework=card["framework"]["title"], scale=card["scale_version"])
    lines.append(f"{'=' + str(card['score']):>4}  {scale}")
    if card.get("manual"):
        lines += ["", *_manual_lines(card["manual"], language)]
    if card.get("silenced"):
        lines += ["", say("Do not contact: sales said so.")]
    if card["question"]:
        asked = "Ask next: {question}" if card["question_felt"] else "Still open: {question}"
        lines += ["", say(asked, question=card["question"])]

    return "\n".join(lines)


def _manual_lines(manual: dict[str, Any], language: "Language") -> list[str]:
    """The rubric's points beside the score, criterion by criterion; they add up."""
    say = language.text
    head = say(
        "Points of the rubric {rubric}: {points}, state {state}",
        rubric=f"{manual['rubric']} {manual['version']}",
        points=f"{manual['points']:g}",
        state=manual["state"],
    )
    parts = ", ".join(f"{say(row['label'])} {row['points']:+g}" for row in manual["criteria"] if row["points"])
    told = {
        "model only": say("Only the model would hand it to sales."),
        "rubric only": say("Only the rubric would hand it to sales."),
    }
    return [head, *([f"  {parts}"] if parts else []), *filter(None, [told.get(manual["disagree"])])]


def _head(card: dict[str, Any], language: "Language", *, outcomes_known: bool) -> list[str]:
    say = language.text
    asked = {"lead": card["lead_id"], "score": card["score"], "grade": card["grade"]}
    likely = {
        "probability": language.chance(card["probability"]),
        "low": language.chance(card["probability_low"]),
        "high": language.chance(card["probability_high"]),
        "percentile": language.percentile(card["percentile"]),
    }

    if card["as_of"]:
        title = say("Lead {lead} as of {when}: score {score}, grade {grade}", when=card["as_of"][:16], **asked)
        chance = say(_WITHIN, days=card["horizon_days"], **likely)
    else:
        title = say("Lead {lead}: score {score}, grade {grade}", **asked)
        chance = say(_EVER, **likely)

    chance = chance if outcomes_known else say(_UNKNOWN, percentile=likely["percentile"])
    stands = card["standing"]
    action = say(card["next_action"].replace("_", " "))
    if card.get("closed"):
        due = [] if card["next_action"] == "none" else [say("Next: {action}", action=action)]
        then = _scores_then(stands, card["closed"], language)
        return [_closed_text(card["closed"], language), title, chance, *then, *due]
    state = say("State {state}, next: {action}", state=card["state"], action=action)
    return [title, chance, *_stage_text(stands, language), state, *filter(None, [stands["why"]])]


def _stage_text(stands: dict[str, Any], language: "Language") -> list[str]:
    """The CRM's stage, since when and whose; nothing where the source records none."""
    if not stands["stage"]:
        return []
    say, stage = language.text, stands["stage"]
    shown = stage.upper() if len(stage) == 3 and stage != "won" else say(stage)
    text = say("Stage in the CRM: {stage} since {day}", stage=shown, day=(stands["stage_since"] or "")[:10])
    owner = f" ({stands['stage_owner']})" if stands["stage_owner"] else ""
    return [text + owner]


def _scores_then(stands: dict[str, Any], closed: dict[str, Any], language: "Language") -> list[str]:
    """The score when sales got the lead and when it closed, or was last open before."""
    if stands["score_at_handoff"] is None or stands["score_at_close"] is None:
        return []
    earlier = closed["open_until"] is not None
    return [
        language.text(
            "Score at the handoff on {day}: {before}, when it was last open: {after}"
            if earlier
            else "Score at the handoff on {day}: {before}, at the close: {after}",
            day=(stands["handed_over_at"] or "")[:10],
            before=stands["score_at_handoff"],
            after=stands["score_at_close"],
        )
    ]


def _closed_text(closed: dict[str, Any], language: "Language") -> str:
    """That the lead is over, how, and what the score below is of."""
    say, outcome = language.text, language.text(closed["outcome"])
    if closed["at"] is None:
        return say("Closed: {outcome}. It is not open any more.", outcome=outcome)
    day = closed["at"][:10]
    if closed["open_until"] is not None:
        return say(
            "Closed: {outcome} on {day}. It is not open any more; the score is of {last}, when it was last open.",
            outcome=outcome,
            day=day,
            last=closed["open_until"][:10],
        )
    return say(
        "Closed: {outcome} on {day}. It is not open any more; the score is the one it had then.",
        outcome=outcome,
        day=day,
    )


def features_command(options: Options, out: str | None, output: Output) -> int:
    """Features by family; after a run also half-lives and the effect of the bot filter."""
    context = options.context()
    from features.catalog.build_catalog import build_catalog
    from features.catalog.reference import feature_page, feature_records
    from pipelines.artifacts.score_record import ScoreRecord
    from pipelines.diagnostics.activity_diagnostics import engagement_of
    from pipelines.workspace.atomic_files import write_text

    catalog = build_catalog(context.source, context.rubric)
    has_run = ScoreRecord.exists(context.paths)
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
            "Half-lives in days (low, high: 90% interval)",
            ("kind", "leads", "declared", "learned", "low", "high", "finding"),
            lives,
        )

    if activities["bots"]:
        output.text(activities["bots"]["sentence"])
    return 0


SHOWN = 20  # leads on which sales and score disagree; the CSV has all of them


def lifecycle_command(options: Options, csv: str | None, output: Output) -> int:
    """Funnel, service levels, volumes, tools and recycles, as text, JSON or CSV files."""
    context = options.context()
    from pipelines.diagnostics.lifecycle_figures import (
        FEEDBACK,
        TITLES,
        feedback_of,
        lifecycle_of,
        parts_of,
        table_rows,
        write_csv,
    )
    from pipelines.workspace.table_files import records_of

    found = lifecycle_of(context)
    feedback = feedback_of(context, found)

    if csv is not None:
        write_csv(found, Path(csv), feedback)

    if output.as_json:
        output.record(found.record() | {name: records_of(frame) for name, frame in feedback.items()})
        return 0

    output.text("\n".join(found.sentences))
    for name in TITLES:
        for title, frame in parts_of(name, getattr(found, name)):
            output.table(f"\n{title}", [str(column) for column in frame.columns], table_rows(frame))
    for name, title in FEEDBACK.items():
        if name in feedback:
            frame = feedback[name].head(SHOWN)
            output.table(f"\n{title}", [str(column) for column in frame.columns], table_rows(frame))

    return 0
