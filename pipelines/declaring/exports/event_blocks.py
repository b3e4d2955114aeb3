"""What happened to leads, as a declaration: activities, answers and stages, with what they are evidence of."""

import re

from features.schema.vocabulary import Actor, ColumnType, Dimension, Topic
from pipelines.declaring.column_inference import guess_column
from pipelines.declaring.exports.activity_guesses import KindColumn, KindGuess, guess_kinds
from pipelines.declaring.exports.deal_outcomes import not_before
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.table_recognition import first_column, first_time
from pipelines.declaring.exports.table_references import reference_line
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, words_of
from pipelines.declaring.words.vendor_template import VendorKind
from pipelines.declaring.yaml_text import column_line, flow, location_lines, quote_yaml, wrap_comment

_MOST_QUESTIONS = 40  # more distinct questions than any form has: the column holds something else
_FEW_ANSWERS = 8  # possible answers that are worth listing


def activities_block(plan: ExportPlan) -> tuple[list[str], list[str]]:
    """Lines of ``tables.activities`` and of ``activity_kinds``; both empty where nothing says what happened."""
    table = plan.table(Subject.ACTIVITIES)
    kinds = None if table is None else guess_kinds(table)
    if table is None or kinds is None:
        return [], []
    happened, known = _clocks(table)
    if not happened:
        return [], []

    columns = []
    key = plan.keys.get(table.name)
    if key is not None:
        columns.append(column_line("activity_id", {"from": key}, "repeated ids are duplicates"))
    columns += reference_line("lead_id", plan.to_leads[table.name])
    kind: dict[str, object] = {"from": kinds.header}
    if kinds.patterns:
        kind["map_patterns"] = dict(kinds.patterns)
    columns.append(column_line("kind", kind, f"{table.frame[kinds.header].nunique():,} distinct"))
    columns.append(column_line("happened_at", {"from": happened}))
    if known:
        columns.append(column_line("known_at", {"from": known}, "never before it happened"))
    columns += _actor_lines(table, kinds)
    columns += _asset_lines(table, kinds)

    lines = ["  activities:", *location_lines(table.location), "    columns:", *columns]
    return lines, ["activity_kinds:", *_kind_lines(kinds)]


def _clocks(table: ExportTable) -> tuple[str, str]:
    """When a thing happened, and when it was recorded if that is another column and never earlier."""
    edited = (Meaning.MODIFIED,)
    created = first_time(table, Meaning.CREATED, but=edited)
    happened = first_time(table, Meaning.HAPPENED, but=(*edited, Meaning.CREATED)) or created
    known = first_time(table, Meaning.LOGGED, but=edited) or created
    if not happened:
        return "", ""
    if known and known != happened and not not_before(table, known, happened):
        return (created, "") if created else (happened, "")
    return happened, known if known != happened else ""


def _actor_lines(table: ExportTable, kinds: KindColumn) -> list[str]:
    """Who did it: a column that says so, else what the kinds suggest."""
    for header in table.headers(Meaning.ACTOR):
        values = {str(value).lower() for value in table.frame[header].dropna().unique()}
        if values and len(values & set(Actor)) >= len(values) / 2:
            return [column_line("actor", {"from": header}, "lead, rep or system")]
    others = {kind.pattern or kind.examples[0]: str(kind.actor) for kind in kinds.kinds if kind.actor is not Actor.LEAD}
    if not others:
        return []
    keys = {"from": kinds.header, "map_patterns": {**others, "*": "lead"}}
    return [
        *wrap_comment(
            "No column says who acted; guessed by the words of the kind. What reps and systems do is no engagement of "
            "the lead: correct this first.",
            indent=6,
        ),
        column_line("actor", keys),
    ]


def _asset_lines(table: ExportTable, kinds: KindColumn) -> list[str]:
    asset = first_column(table, Meaning.ASSET)
    channel = first_column(table, Meaning.CHANNEL)
    lines = []
    if asset and asset != kinds.header:
        lines.append(column_line("asset", {"from": asset}))
    elif kinds.patterns:
        lines.append(column_line("asset", {"from": kinds.header}, "the whole subject"))
    if channel and channel not in (asset, kinds.header):
        lines.append(column_line("channel", {"from": channel}))
    return lines


def _kind_lines(kinds: KindColumn) -> list[str]:
    lines = []
    rows = dict[str, int]()
    for kind in kinds.kinds:
        rows[kind.name] = rows.get(kind.name, 0) + kind.rows
    for kind in sorted(kinds.kinds, key=lambda kind: -kind.rows):
        count = rows.pop(kind.name, None)  # a kind of several patterns is one
        if count is None:
            continue
        what = f"{count:,} rows" + (f", e.g. {', '.join(kind.examples)}" if kind.pattern else "")
        lines.append(f"  {quote_yaml(kind.name)}: {flow(_kind_keys(kind))} # {what}")
    if kinds.others:
        lines += wrap_comment(
            f"{kinds.others:,} rows of rarer kinds are not declared, e.g. {', '.join(kinds.other_examples)}; ingest "
            "names them.",
            indent=2,
        )
    return lines


def _kind_keys(kind: KindGuess) -> dict[str, object]:
    if kind.known is not None:
        return _known_keys(kind.known)
    words = words_of(kind.name.replace("_", " "))
    keys: dict[str, object] = {"dimension": str(kind.dimension)}
    if kind.topic is not Topic.CONTEXT:
        keys["topic"] = str(kind.topic)
    keys["label"] = words
    if kind.actor is not Actor.LEAD:
        keys["actors"] = [str(kind.actor)]
    if kind.actor is Actor.SYSTEM and re.search(r"\bsent\b|newsletter|mail", words):
        keys["send"] = True
    elif re.search(r"click", words) and kind.dimension is Dimension.INTEREST:
        keys["bot_prone"] = True
    if re.search(r"unsubscri|abmeld|desabonn|수신거부", words):
        keys["direction"] = -1
    return keys


def _known_keys(kind: VendorKind) -> dict[str, object]:
    keys: dict[str, object] = {"dimension": str(kind.dimension)}
    if kind.topic is not Topic.CONTEXT:
        keys["topic"] = str(kind.topic)
    keys["label"] = kind.label
    if kind.actors != (Actor.LEAD,):
        keys["actors"] = [str(actor) for actor in kind.actors]
    return keys | {name: True for name in ("send", "bot_prone") if getattr(kind, name)}


def answers_block(plan: ExportPlan) -> tuple[list[str], list[str]]:
    """Lines of ``tables.answers`` and of ``questions``: replies to questions, else the history of fields."""
    table = plan.table(Subject.ANSWERS) or plan.table(Subject.HISTORY)
    if table is None:
        return [], []
    question, value = first_column(table, Meaning.QUESTION), _value_column(table)
    given = first_time(table, Meaning.HAPPENED, but=(Meaning.LOGGED, Meaning.CREATED))
    known = first_time(table, Meaning.LOGGED, Meaning.CREATED, Meaning.ENTERED, Meaning.HAPPENED)
    if not question or not value or not known:
        return [], []
    given = given or next((h for h in sorted(table.times) if h != known and not_before(table, known, h)), "")

    columns = [*reference_line("lead_id", plan.to_leads[table.name]), column_line("question", {"from": question})]
    columns.append(column_line("value", {"from": value}))
    if given and given != known and not_before(table, known, given):
        columns.append(column_line("happened_at", {"from": given}))
    columns.append(column_line("known_at", {"from": known}))
    channel = first_column(table, Meaning.CHANNEL)
    if channel:
        columns.append(column_line("channel", {"from": channel}))
    lines = ["  answers:", *location_lines(table.location), "    columns:", *columns]
    return lines, _question_lines(table, question, value)


def _value_column(table: ExportTable) -> str:
    """The answer, or the new value of a field."""
    found = [
        h for h in table.headers(Meaning.VALUE) if h not in table.times and Meaning.OLD_VALUE not in meanings_of(h)
    ]
    return next((h for h in found if "new" in words_of(h)), found[0] if found else "")


def _question_lines(table: ExportTable, question: str, value: str) -> list[str]:
    counts = table.frame[question].dropna().value_counts()
    if len(counts) > _MOST_QUESTIONS:
        return wrap_comment(f"{question} holds {len(counts):,} distinct texts; declare the questions that matter.")
    lines = ["questions:"]
    for name, rows in counts.items():
        texts = table.frame[value][(table.frame[question] == name).to_numpy(dtype=bool)]
        guess = guess_column(texts.rename(str(name)), None, ".")
        known = guess.type in (ColumnType.NUMBER, ColumnType.BOOLEAN)
        keys: dict[str, object] = {"topic": str(guess.topic)}
        if known:
            keys["type"] = str(guess.type)
        keys |= {"text": f"{words_of(str(name)).capitalize()}?", "label": words_of(str(name))}
        answers = sorted(map(str, texts.dropna().unique()))
        if not known and len(answers) <= _FEW_ANSWERS:
            keys["values"] = answers
        lines.append(f"  {quote_yaml(str(name))}: {flow(keys)} # {rows:,} rows; say what is met: [...]")
    return lines
