"""The worklist as a file for a CRM or a spreadsheet; no cell of it can run as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

Form = Literal["csv", "salesforce", "hubspot"]
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "csv": {name: name for name in (
        "lead_id", "as_of", "score", "probability", "probability_low", "probability_high", "grade", "state",
        "next_action", "question", "reason_1", "reason_2", "reason_3", "percentile", "scale_version", "bundle_hash",
    )},
    "salesforce": {
        "lead_id": "Leadscore_Lead_Id__c", "score": "Leadscore_Score__c", "probability": "Leadscore_Probability__c",
        "grade": "Leadscore_Grade__c", "state": "Leadscore_State__c", "next_action": "Leadscore_Next_Action__c",
        "question": "Leadscore_Question__c", "reason_1": "Leadscore_Reason_1__c", "reason_2": "Leadscore_Reason_2__c",
        "as_of": "Leadscore_As_Of__c",
    },
    "hubspot": {
        "lead_id": "leadscore_lead_id", "score": "leadscore_score", "probability": "leadscore_probability",
        "grade": "leadscore_grade", "state": "leadscore_state", "next_action": "leadscore_next_action",
        "question": "leadscore_question", "reason_1": "leadscore_reason_1", "reason_2": "leadscore_reason_2",
        "as_of": "leadscore_as_of",
    },
}  # fmt: skip
STATES = ("lead", "iql", "mql", "pql", "sal", "sql")


def escape_formula(value: Any) -> Any:
    """A cell that no spreadsheet runs as a formula: such texts get an apostrophe, numbers stay numbers.

    >>> escape_formula("=HYPERLINK(1)"), escape_formula("@SUM(A1)"), escape_formula(-0.5), escape_formula("plain")
    ("'=HYPERLINK(1)", "'@SUM(A1)", -0.5, 'plain')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.replace("\x00", "")
        return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text
    return value


def format_reason(text: Any) -> str:
    """A reason whose sign is a word: a leading + or - would be read as a formula."""
    reason = str(text or "")
    for sign, word in (("+ ", "for"), ("- ", "against")):
        if reason.startswith(sign):
            return f"{word}: {reason.removeprefix(sign)}"
    return reason


def _with_zone(text: Any) -> str:
    """A timestamp as CRMs import it: with its zone, as they would assume the importing user's."""
    return f"{text}Z" if text else ""


def export_lines(
    rows: Iterable[Mapping[str, Any]], form: Form, from_state: str | None, *, changed: bool
) -> Iterator[str]:
    """Lines of the file: the upsert key first; only leads from a state up, only those whose score or state moved within
    a week if asked. Leads without a score of a week ago (new ones, or all of a very long list) are exported.
    """
    yield format_heading(form)
    for row in rows:
        if state_rank(row["state"]) < state_rank(from_state):
            continue
        if changed and row.get("change") == 0 and row.get("state_before") == row["state"]:
            continue
        yield format_line(row, form)


def state_rank(state: str | None) -> int:
    """How close a state is to a deal, from 0; other states count as the first.

    >>> state_rank("mql") > state_rank("iql") > state_rank(None)
    True
    """
    return STATES.index(state) if state in STATES else 0


def format_heading(form: Form) -> str:
    """The file's first line."""
    return _csv_line(_FIELDS[form].values())


def format_line(row: Mapping[str, Any], form: Form) -> str:
    """The line of one lead."""
    record = {
        **row,
        "as_of": _with_zone(row.get("as_of")),
        **{name: format_reason(row.get(name)) for name in ("reason_1", "reason_2", "reason_3")},
    }
    return _csv_line(escape_formula(record.get(name)) for name in _FIELDS[form])


def _csv_line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(list(cells))
    return buffer.getvalue()
