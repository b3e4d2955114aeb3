"""What happened to leads, as a declaration: activities, answers and stages, with what they are evidence of."""

import re
from collections.abc import Mapping

import pandas as pd

from features.schema.vocabulary import Actor, ColumnType, Dimension, Stage, Topic
from pipelines.declaring.column_inference import guess_column
from pipelines.declaring.exports.activity_guesses import KindColumn, KindGuess, guess_kinds
from pipelines.declaring.exports.deal_outcomes import not_before
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.table_recognition import first_column, first_time
from pipelines.declaring.exports.table_references import TableReference
from pipelines.declaring.exports.yaml_text import column_line, flow, location_lines, wrap_comment
from pipelines.declaring.starter_declaration import quote_yaml
from pipelines.declaring.vendor_template import VendorKind
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, subjects_of, words_of
from pipelines.declaring.words.status_words import stage_of

_MOST_QUESTIONS = 40  # more distinct questions than any form has: the column holds something else
_FEW_ANSWERS = 8  # possible answers that are worth listing
_STAGE_TIME = re.compile(r"\b(date|time|datetime|on|at|since|entered|became|become|an?|the|stage|lifecycle|pipeline)\b")
_CONVERTED = re.compile(r"opportunit|convert|verkaufschance|oportunidad|szansa|영업기회|商談")
_TOUCHED = re.compile(r"activit|contact|seen|visit|login|engage|open|click|mail|call|touch|referr|submi|session", re.I)
_LEAST_WIDE = 0.005  # share of rows that a column of stage dates must fill


def reference_line(name: str, reference: TableReference, extra: Mapping[str, object] | None = None) -> list[str]:
    """The column that refers to another table, with the evidence above it; ``extra`` are further keys of it."""
    keys: dict[str, object] = {"from": reference.column}
    if reference.through:
        keys["through"] = list(reference.through)
    lines = [line for text in reference.evidence for line in wrap_comment(text, indent=6)]
    share = f"{reference.filled:.0%} filled, {reference.rows:.0%} of those found"
    return [*lines, column_line(name, keys | dict(extra or {}), share)]


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


def stages_block(plan: ExportPlan) -> list[str]:
    """Lines of ``tables.stages`` from a table of stages."""
    table = plan.table(Subject.STAGES)
    if table is None:
        return []
    stage, entered = first_column(table, Meaning.STATUS), _entered(table)
    if not stage or not entered:
        return []
    values = [str(value) for value in table.frame[stage].dropna().value_counts().index]
    of_deals = Subject.DEALS in subjects_of(table.name)
    meant = {value: _stage_of_row(value, of_deals=of_deals) for value in values}
    known = {value: str(found) for value, found in meant.items() if found is not None and value != str(found)}
    unknown = [value for value, found in meant.items() if found is None]

    keys: dict[str, object] = {"from": stage} | ({"map": known} if known else {})
    columns = reference_line("lead_id", plan.to_leads[table.name])
    if unknown:
        columns += wrap_comment(
            f"Not understood, so these rows go to quarantine: {', '.join(unknown[:10])}. Map each to one of: "
            f"{', '.join(Stage)}.",
            indent=6,
        )
    columns += [column_line("stage", keys), column_line("entered_at", {"from": entered})]
    for name, meaning in (("owner", Meaning.OWNER), ("reason", Meaning.REASON)):
        header = first_column(table, meaning)
        if header:
            columns.append(column_line(name, {"from": header}))
    return ["  stages:", *location_lines(table.location), "    columns:", *columns]


def _stage_of_row(value: str, *, of_deals: bool) -> Stage | None:
    """The stage of a lead, or of the deal that it has become: whatever is open there is an opportunity."""
    stage = stage_of(value)
    if of_deals and stage not in (Stage.WON, Stage.LOST, Stage.DISQUALIFIED):
        return Stage.OPPORTUNITY
    return stage


def _entered(table: ExportTable) -> str:
    return first_time(table, Meaning.ENTERED, Meaning.CREATED, Meaning.HAPPENED, but=(Meaning.CLOSED,))


def wide_stages(table: ExportTable) -> dict[str, list[str]]:
    """Stages that a table of leads writes as one column of dates each: stage to headers."""
    found: dict[str, list[str]] = {}
    for header in map(str, table.frame.columns):
        means = meanings_of(header)
        words = words_of(header)
        no_stage = Meaning.CREATED in means or Meaning.MODIFIED in means or "exited" in words
        if header not in table.times or no_stage or table.filled(header) < _LEAST_WIDE:
            continue
        named = " ".join(_STAGE_TIME.sub(" ", words).split())
        stage = stage_of(named)
        if stage is Stage.OPPORTUNITY and not _CONVERTED.search(named):
            continue  # the date of a demo or a quote
        if stage is not None:
            found.setdefault(str(stage), []).append(header)
    return found


def dated_statuses(table: ExportTable) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Stages told by today's status alone, dated by when the row was last changed: stage to date, header and values."""
    changed = next((h for h in table.headers(Meaning.MODIFIED) if h in table.times and not _TOUCHED.search(h)), "")
    status = _lost_status(table)
    if not changed or not status:
        return {}
    found: dict[str, list[str]] = {}
    for value in map(str, table.frame[status].dropna().unique()):
        stage = stage_of(value)
        if stage in (Stage.DISQUALIFIED, Stage.LOST):
            found.setdefault(str(stage), []).append(value)
    return {stage: (changed, status, tuple(values)) for stage, values in found.items()}


def _lost_status(table: ExportTable) -> str:
    """The column of today's status by which some leads are lost or disqualified, "" if there is none."""
    for header in table.headers(Meaning.STATUS):
        values = [] if header in table.times else map(str, table.frame[header].dropna().unique())
        if any(stage_of(value) in (Stage.DISQUALIFIED, Stage.LOST) for value in values):
            return header
    return ""


def wide_block(table: ExportTable, key: str, wide: Mapping[str, list[str]]) -> list[str]:
    """Lines of ``tables.stages`` from the dates and the status of a table of leads; empty where it has none."""
    today = dated_statuses(table)
    lost = _lost_status(table)
    if lost and not today:
        rows = sum(stage_of(str(v)) in (Stage.DISQUALIFIED, Stage.LOST) for v in table.frame[lost].dropna())
        undated = wrap_comment(
            f"{rows:,} leads are lost by today's '{lost}', but no column says when they were last changed: they stay "
            "on the worklist. Export that date, or the history of the status.",
            indent=2,
        )
    else:
        undated = []
    if not wide and not today:
        return undated
    lines = [*undated, "  stages:", *location_lines(table.location), "    wide:"]
    for stage, headers in wide.items():
        filled = ", ".join(f"{table.filled(header):.0%}" for header in headers)
        value: object = headers if len(headers) > 1 else headers[0]
        lines.append(f"      {stage}: {flow(value)} # {filled} filled")
    for stage, (changed, status, values) in today.items():
        if stage in wide:
            continue
        rows = int(pd.Series(table.frame[status]).isin(values).sum())
        lines += wrap_comment(
            f"'{status}' is today's and has no date of its own; '{changed}' is the latest it can have been. Without "
            f"this, {rows:,} leads would stay on the worklist.",
            indent=6,
        )
        keys = {"from": changed, "rows": {status: list(values)}}
        lines.append(f"      {stage}: {flow(keys)}")
    return [*lines, "    columns:", column_line("lead_id", {"from": key})]
