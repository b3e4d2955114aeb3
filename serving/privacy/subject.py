"""All that is held of a person and how they were scored: as a record, and in plain words as a page or Markdown."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.cohort.objections import objecting_leads
from features.errors import LeadScoreError
from models.bundle import Bundle
from models.explaining.language import load_language
from pipelines.ingest.identity_files import unresolved_tables
from pipelines.privacy.erase_files import files_below, rows_of_person
from pipelines.privacy.erase_kept import OnePerson, rows_in_kept
from pipelines.privacy.forget import find_held_person
from pipelines.privacy.left_out_rows import id_column
from pipelines.privacy.person import Person
from pipelines.scoring.find_lead import card_of, find_bundle
from pipelines.snapshots.declared_exports import columns_of_export, find_export
from pipelines.snapshots.snapshot_store import read_changes, read_snapshots
from pipelines.workspace.atomic_files import plain_json, read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns
from pipelines.workspace.table_files import load_tables, records_of
from serving.privacy.erase_store import OF_LEADS, holds_value, speaks_of
from serving.privacy.store_of_source import ServerOf
from serving.privacy.subject_words import WORDS
from serving.store.audit_trail import entry_record
from serving.store.engine import Store
from serving.store.tables import AuditRow, ExportedLead, FieldRow, KeptLine, KeptList, OutboxMessage, ScoreRow

_SEEN_SHOWN = 200  # entries of the trail on the page, newest first; the record has all


def collect_subject(context: Context, named: str, server: ServerOf, language: str = "en") -> dict[str, Any]:
    """Everything that is held of a person, JSON-ready.

    Raises
    ------
    UnknownPersonError : nothing is held of such a lead or address
    """
    person = find_held_person(context, named, server)
    tables = unresolved_tables(context.paths, load_tables(context.paths))
    key = NamingColumns(frozenset({id_column(context.source, tables["leads"]) or "lead_id"}))
    held = {name: _rows(frame, person, key) for name, frame in tables.items() if name != "accounts"}
    held |= _elsewhere(context, person)
    told = _from_server(server, person)
    scored = [_score(context, lead, language) for lead in sorted(person.lead_ids)]
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": context.source.name,
        "language": language,
        "leads": sorted(person.lead_ids),
        "addresses": sorted(person.addresses | person.shared),
        "scores": [row for row in scored if row],
        "model": _model(context),
        "rights": _rights(context, tables["leads"], person),
        "retention": {} if context.source.privacy is None else dict(context.source.privacy.retention),
        "tables": {name: rows for name, rows in held.items() if rows},
        **told,
    }


def _rows(frame: pd.DataFrame, person: Person, columns: NamingColumns) -> list[dict[str, Any]]:
    return _records(frame[rows_of_person(frame, person, columns)])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{k: v for k, v in plain_json(row).items() if v is not None} for row in records_of(frame)]


def _elsewhere(context: Context, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Rows in quarantine, in copies of a database's tables and in snapshots."""
    found: dict[str, list[dict[str, Any]]] = {}
    source, paths = context.source, context.paths
    every = naming_columns(source)
    for file in (file for folder in (paths.ingest, paths.refused) for file in files_below(folder)):
        if file.name == "quarantined_rows.parquet":
            found["quarantine"] = [*found.get("quarantine", []), *_rows(read_parquet(file), person, every)]
    for table, rows in rows_in_kept(source, paths, OnePerson(person)).items():
        found[f"copy of the database's {table}"] = _records(rows)
    for export, history in read_snapshots(paths).exports.items():
        named = columns_of_export(source, find_export(source, export), history.key)
        for part in read_changes(paths, export, list(history.snapshots)):
            found.setdefault(f"snapshots of {export}", []).extend(_rows(part, person, named))
    return found


def _from_server(server: ServerOf, person: Person) -> dict[str, Any]:
    """What the server knows: rows, served scores, who saw and changed what, what was passed on, what was uploaded."""
    found: dict[str, Any] = {}
    with server.stores() as stores:
        for store in stores:
            found = _added(found, _from_store(store, person))
    sent = [{k: v for k, v in row.items() if v is not None} for row in server.sent_rows(person)]
    return _added(found, {"posted": {"uploads": [plain_json(row) for row in sent]}}) if sent else found


def _added(found: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What two places hold: lists one after the other, counts as a sum."""
    made = dict(found)
    for name, part in more.items():
        if isinstance(part, Mapping):
            made[name] = _added(made.get(name, {}), part)
        else:
            made[name] = made[name] + part if name in made else part
    return made


def _from_store(store: Store, person: Person) -> dict[str, Any]:
    ids = person.spellings
    with store.reading() as session:
        posted = {}
        for table in (*OF_LEADS, FieldRow):
            rows = session.scalars(select(table).where(table.lead_id.in_(ids))).all()
            posted[table.__tablename__] = [_record(row) for row in rows]
        entries = [entry_record(row) for row in session.scalars(select(AuditRow).order_by(AuditRow.id.desc()))]
        seen = [entry for entry in entries if speaks_of(entry, person)]
        kept_list = _in_kept_list(session, ids)
        messages = sum(holds_value(payload, person) for payload in session.scalars(select(OutboxMessage.payload)))
    scores = posted.pop(ScoreRow.__tablename__)
    scores += [_served_in_list(row) for row in posted.pop(KeptLine.__tablename__)]
    scores += kept_list
    exports = posted.pop(ExportedLead.__tablename__)
    return {
        "served_scores": scores,
        "posted": {name: rows for name, rows in posted.items() if rows},
        "seen_and_changed": [
            {"at": e["at"], "actor": e["actor"], "action": e["action"], "detail": _of_nobody_else(e["detail"], person)}
            for e in seen
        ],
        "passed_on": {"exports": [row["ledger"] for row in exports], "messages": messages},
    }


def _of_nobody_else(detail: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """The details of an entry without the other leads of a list that showed the person."""
    listed = detail.get("leads")
    return dict(detail) | ({"leads": list(filter(person.is_lead, listed))} if isinstance(listed, list) else {})


def _served_in_list(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the list that is kept for the server's next start, among the scores that were served."""
    line = kept["line"]
    shown = {name: line.get(name) for name in ("lead_id", "as_of", "score", "state", "bundle_hash")}
    return {**shown, "written_at": kept["written_at"], "origin": "list", "line": line}


def _in_kept_list(session: Session, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The person's rows of the whole list that is kept for the server's next start."""
    found = []
    for kept in session.scalars(select(KeptList)):
        frame = pd.read_parquet(io.BytesIO(kept.rows))
        rows = frame[frame["lead_id"].astype("str").isin(ids)].to_dict(orient="records")
        found += [_served_in_list({"line": plain_json(row), "written_at": plain_json(kept.written_at)}) for row in rows]
    return found


def _record(row: Any) -> dict[str, Any]:
    return {str(k): v for k, v in plain_json({c.name: getattr(row, c.name) for c in row.__table__.columns}).items()}


def _score(context: Context, lead: str, language: str) -> dict[str, Any]:
    """Score, chance, stage, state and main reasons; of a lead without a score why there is none."""
    try:
        card = card_of(context, lead, language=language)
    except LeadScoreError as problem:
        return {"lead_id": lead, "score": None, "why": problem.message}
    stands = card["standing"]
    kept = ("lead_id", "as_of", "score", "probability", "probability_low", "probability_high", "horizon_days", "state")
    found = {name: card[name] for name in kept} | {"stage": stands["stage"], "next_action": card["next_action"]}
    points = {row["label"]: row["points"] for row in card["criteria"]}
    return plain_json(found | {"for": card["for"], "against": card["against"], "points": points})


def _model(context: Context) -> dict[str, Any]:
    try:
        bundle: Bundle = find_bundle(context)
    except LeadScoreError:
        return {}
    through = bundle.meta.get("trained_through")
    features = [feature.label or feature.name.replace("_", " ") for feature in bundle.catalog]
    rows = bundle.meta.get("rows")
    return plain_json({"bundle": bundle.hash, "trained_through": through, "features": features, "rows": rows})


def _rights(context: Context, leads: pd.DataFrame, person: Person) -> dict[str, Any]:
    """Objection, and consent by channel."""
    key = id_column(context.source, leads)
    if key is None:
        return {}
    own = leads[leads[key].astype("str").isin(person.lead_ids).to_numpy(dtype=bool)]
    consent = {} if context.source.privacy is None else context.source.privacy.consent
    agreed = {
        channel: bool(own[one.column].fillna(False).any()) for channel, one in consent.items() if one.column in own
    }
    return {"objects_to_profiling": bool(objecting_leads(own, context.source).any()), "consent": agreed}


@dataclass(frozen=True)
class Section:
    """A heading, sentences below it, and a table."""

    heading: str
    sentences: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def sections_of(found: Mapping[str, Any]) -> list[Section]:
    """The record in plain words."""
    say = WORDS[found["language"]]
    made = say["made"].format(date=found["made_at"][:10], ids=", ".join([*found["leads"], *found["addresses"]]))
    sections = [Section(say["title"], [made])]
    for row in found["scores"]:
        sections.append(Section(f"{say['scored']} ({row['lead_id']})", *_score_parts(row, say)))
    model = found["model"]
    if model:
        rows = _figure(model["rows"], found["language"])
        statement = say["statement"].format(features=len(model["features"]), rows=rows)
        sections.append(Section(say["automated"], [statement, say["rights"]]))
    sections.append(Section(say["consent"], _rights_in_words(found["rights"], say) or [say["nothing"]]))
    served = [[str(row[name] or "")[:19] for name in ("as_of", "score", "state", "origin")]
              for row in found.get("served_scores", ())]  # fmt: skip
    sections.append(
        Section(say["history"], [] if served else [say["nothing"]], ("as_of", "score", "state", ""), served)
    )
    for name, rows in {**found["tables"], **found.get("posted", {})}.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        cells = [[str(row.get(column, "")) for column in columns] for row in rows]
        sections.append(Section(f"{say['data']}: {name} ({len(rows)})", [], columns, cells))
    seen = [[e["at"][:19], e["actor"], e["action"]] for e in found.get("seen_and_changed", ())[:_SEEN_SHOWN]]
    sections.append(Section(say["seen"], [] if seen else [say["nothing"]], ("", "", ""), seen))
    passed = found.get("passed_on", {"exports": [], "messages": 0})
    given = [say["exports"].format(count=len(passed["exports"]))] * bool(passed["exports"])
    given += [say["messages"].format(count=passed["messages"])] * bool(passed["messages"])
    sections.append(Section(say["given"], given or [say["nothing"]]))
    kept = [say["kept_days"].format(table=table, days=days) for table, days in found["retention"].items()]
    sections.append(Section(say["retention"], kept or [say["kept"]]))
    return sections


def _figure(count: Any, language: str) -> str:
    return load_language(language).number(count) if isinstance(count, int) else "-"


def _score_parts(row: Mapping[str, Any], say: Mapping[str, str]) -> tuple[list[str], Sequence[str], list[list[str]]]:
    if row["score"] is None:
        return [say["no_score"].format(why=row["why"])], (), []
    date = "" if row["as_of"] is None else str(row["as_of"])[:10]
    chance = f"{row['probability']:.0%} ({row['probability_low']:.0%} - {row['probability_high']:.0%})"
    first = say["score"].format(score=row["score"], chance=chance, days=row["horizon_days"] or "-", date=date)
    second = say["stage"].format(stage=row["stage"] or "-", state=str(row["state"]).upper())
    reasons = [["+", text] for text in row["for"]] + [["-", text] for text in row["against"]]
    return [first, second], ("", f"{say['for']} (+) / {say['against']} (-)"), reasons


def _rights_in_words(rights: Mapping[str, Any], say: Mapping[str, str]) -> list[str]:
    """Objection and consent, a sentence each."""
    if not rights:
        return []

    def answer(agreed: bool) -> str:
        return say["yes" if agreed else "no"]

    consent = rights["consent"].items()
    lines = [say["objects"].format(answer=answer(rights["objects_to_profiling"]))]
    return lines + [say["agrees"].format(channel=channel, answer=answer(agreed)) for channel, agreed in consent]


def to_markdown(sections: Sequence[Section]) -> str:
    """The sections as Markdown."""
    lines: list[str] = []
    for place, one in enumerate(sections):
        lines += [f"{'#' if place == 0 else '##'} {one.heading}", "", *(f"{text}\n" for text in one.sentences)]
        if one.rows:
            lines += ["| " + " | ".join(one.columns) + " |", "|" + "---|" * len(one.columns)]
            lines += [
                "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |" for row in one.rows
            ]
            lines.append("")
    return "\n".join(lines) + "\n"


def to_html(sections: Sequence[Section], language: str) -> str:
    """The sections as a page that needs nothing else."""
    style = "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}"
    style += "td,th{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}div{overflow-x:auto}"
    parts = [f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(sections[0].heading)}']
    parts.append(f"</title><style>{style}</style></head><body>")
    for place, one in enumerate(sections):
        level = 1 if place == 0 else 2
        parts.append(f"<h{level}>{escape(one.heading)}</h{level}>")
        parts += [f"<p>{escape(text)}</p>" for text in one.sentences]
        if one.rows:
            head = "".join(f"<th>{escape(name)}</th>" for name in one.columns)
            rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in one.rows)
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            parts.append(f"<div><table><tr>{head}</tr>{body}</table></div>")
    return "\n".join(parts) + "</body></html>\n"
