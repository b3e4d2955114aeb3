"""The stages of leads as a declaration: a table of them, columns of dates, or today's status."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.schema.vocabulary import Stage
from pipelines.declaring.exports.deal_outcomes import Wins, leads_of_rows
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.table_recognition import first_column, first_time
from pipelines.declaring.exports.table_references import reference_line
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, subjects_of, words_of
from pipelines.declaring.words.status_words import stage_of, standing_of
from pipelines.declaring.yaml_text import column_line, flow, location_lines, wrap_comment

_STAGE_TIME = re.compile(r"\b(date|time|datetime|on|at|since|entered|became|become|an?|the|stage|lifecycle|pipeline)\b")
_CONVERTED = re.compile(r"opportunit|convert|verkaufschance|oportunidad|szansa|영업기회|商談")
_TOUCHED = re.compile(r"activit|contact|seen|visit|login|engage|open|click|mail|call|touch|referr|submi|session", re.I)
Statuses = Mapping[str, tuple[str, str, Sequence[str]]]
_LEFT_STAGE = re.compile(
    r"\b(from|old|previous|prior|before|last|von|alt\w*|vorher\w*|ancien\w*|anterior|poprzedni\w*)\b|이전|旧|前"
)
_LEAST_WIDE = 0.005  # share of rows that a column of stage dates must fill


@dataclass(frozen=True, kw_only=True)
class StageHistory:
    """A table of stages.

    Parameters
    ----------
    stage, entered : headers of the stage that was entered, and of when
    meant : its values, the most frequent first, with the stage of each; None where nobody can tell
    supposed : values that are some stage of an open lead, by their words no certain one
    """

    table: ExportTable
    stage: str
    entered: str
    meant: Mapping[str, Stage | None]
    supposed: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Values whose words say nothing."""
        return tuple(value for value, stage in self.meant.items() if stage is None)

    def rows(self, *stages: Stage) -> pd.Series:
        """Which rows enter one of these stages."""
        values = [value for value, stage in self.meant.items() if stage in stages]
        return self.table.frame[self.stage].isin(values)


def read_stages(plan: ExportPlan) -> StageHistory | None:
    """The history of stages; None where no table holds one."""
    table = plan.table(Subject.STAGES)
    if table is None:
        return None
    stage, entered = _entered_stage(table), _entered(table)
    if not stage or not entered:
        return None
    values = [str(value) for value in table.frame[stage].dropna().value_counts().index]
    of_deals = Subject.DEALS in subjects_of(table.name)
    meant = {value: _stage_of_row(value, of_deals=of_deals) for value in values}
    supposed = tuple(v for v, found in meant.items() if found is None and standing_of(v) == "open")
    return StageHistory(
        table=table,
        stage=stage,
        entered=entered,
        meant=meant | dict.fromkeys(supposed, Stage.LEAD),
        supposed=supposed,
    )


def wins_of_stages(plan: ExportPlan, history: StageHistory | None) -> Wins | None:
    """Leads that a history of stages says were won, once each; None where it does not say so of any."""
    if history is None:
        return None
    won = history.rows(Stage.WON).to_numpy(dtype=bool)
    if not won.any():
        return None
    at = history.table.moments(history.entered)
    found = pd.DataFrame({"lead": leads_of_rows(plan, history.table).to_numpy(), "at": at.to_numpy()})[won]
    first = found.sort_values("at", kind="stable").drop_duplicates("lead")
    return Wins(first["lead"].astype("str"), first["at"])


def stages_block(plan: ExportPlan, history: StageHistory | None) -> list[str]:
    """Lines of ``tables.stages`` from a table of stages."""
    if history is None:
        return []
    table = history.table
    known = {value: str(found) for value, found in history.meant.items() if found is not None and value != str(found)}
    keys: dict[str, object] = {"from": history.stage} | ({"map": known} if known else {})
    columns = reference_line("lead_id", plan.to_leads[table.name])
    if history.supposed:
        columns += wrap_comment(
            f"Open by their words, taken for the first stage: {', '.join(history.supposed[:10])}. Correct those that "
            f"are one of {', '.join(Stage)}.",
            indent=6,
        )
    if history.unknown:
        columns += wrap_comment(
            f"Not understood, so these rows go to quarantine: {', '.join(history.unknown[:10])}. Map each to one of: "
            f"{', '.join(Stage)}.",
            indent=6,
        )
    ends = ", ".join(
        f"{int(history.rows(stage).sum()):,} {stage}" for stage in (Stage.WON, Stage.LOST, Stage.DISQUALIFIED)
    )
    columns += [column_line("stage", keys, ends), column_line("entered_at", {"from": history.entered})]
    for name, meaning in (("owner", Meaning.OWNER), ("reason", Meaning.REASON)):
        header = first_column(table, meaning)
        if header:
            columns.append(column_line(name, {"from": header}))
    return ["  stages:", *location_lines(table.location), "    columns:", *columns]


def _entered_stage(table: ExportTable) -> str:
    """The column of the stage that was entered, never that of the one that was left."""
    headers = [h for h in table.headers(Meaning.STATUS) if h not in table.times and Meaning.ID not in meanings_of(h)]
    return next((h for h in headers if not _LEFT_STAGE.search(words_of(h))), "")


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


def wide_block(table: ExportTable, key: str, wide: Mapping[str, list[str]], *, has_deals: bool) -> list[str]:
    """Lines of ``tables.stages`` from the dates and the status of a table of leads; empty where it has none.

    ``has_deals`` says that wins and losses are those of a table of deals: a lead that its own status calls lost never
    became one, so it is disqualified. Stages called lost count only where nothing else says how deals ended.
    """
    today: Statuses = dated_statuses(table)
    if has_deals:
        wide, today = _without_lost(wide, today)
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


def _without_lost(wide: Mapping[str, list[str]], today: Statuses) -> tuple[Mapping[str, list[str]], Statuses]:
    """What the dates and the status of leads call lost, as disqualified."""
    lost, junk = str(Stage.LOST), str(Stage.DISQUALIFIED)
    headers = [*wide.get(junk, []), *wide.get(lost, [])]
    dates = {stage: names for stage, names in wide.items() if stage not in (lost, junk)}
    found = [today[stage] for stage in (junk, lost) if stage in today]
    others = {stage: keys for stage, keys in today.items() if stage not in (lost, junk)}
    if found:
        changed, status, _ = found[0]
        others[junk] = (changed, status, [value for _, _, values in found for value in values])
    return dates | ({junk: headers} if headers else {}), others
