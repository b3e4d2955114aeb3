"""The worklist as it is shown, as a file that people read: names, rounded figures, words of the reader's language."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from models.explaining.framework import Framework
from models.explaining.language import Language
from pipelines.workspace.csv_files import MARK, csv_line
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.worklist.worklist_record import describe_closed, describe_rows
from serving.state.app_state import AppState

_ENDING = "\r\n"
_SCORED_AT_ONCE = 500
_STATUS = {"met": "met", "not_met": "not met", "indicated": "indicated", "unknown": "unknown"}
Column = tuple[str, Callable[[Mapping[str, Any]], Any]]


def write_open(
    app_state: AppState, rows: Iterable[dict[str, Any]], framework: Framework, language: Language, currency: str
) -> Iterator[str]:
    """Lines of a file of open leads, best first; no cell can run as a formula."""
    columns = _open_columns(framework, language, currency)
    yield MARK + csv_line([language.text(title) for title, _ in columns], _ENDING)
    waiting = iter(rows)
    while block := list(islice(waiting, _SCORED_AT_ONCE)):
        described = describe_rows(app_state, block, WorklistAddress({}), framework, language)
        for row, said in zip(block, described, strict=True):
            yield csv_line([value(row | {"said": said}) for _, value in columns], _ENDING)


def _open_columns(framework: Framework, language: Language, currency: str) -> list[Column]:
    def said(name: str) -> Callable[[Mapping[str, Any]], Any]:
        return lambda row: row["said"][name]

    def reason(side: str) -> Callable[[Mapping[str, Any]], Any]:
        return lambda row: next((text for found, text in row["said"]["reasons"] if found == side), "")

    def status(name: str) -> Callable[[Mapping[str, Any]], Any]:
        return lambda row: language.text(_STATUS[row[f"status_{name}"]])

    return [
        ("Name", said("name")), ("Company", said("company")), ("Owner", said("owner")),
        ("Score", said("score")), ("Grade", said("grade")), ("Change in a week", said("change")),
        ("Chance in 100", lambda row: _in_hundred(row["probability"])),
        ("Next step", said("step")), ("What speaks for it", reason("for")), ("What to mind", reason("against")),
        *((framework.label(name), status(name)) for name in framework.ids),
        ("CRM stage", said("stage")), ("Days in the stage", lambda row: _whole(row.get("stage_days"))),
        ("State", said("state")), ("Points of the rubric", said("points")),
        (f"Expected value ({currency})" if currency else "Expected value", lambda row: _whole(row["expected_value"])),
        ("Phone", said("phone")), ("Mail", said("mail")), ("Lead id", said("lead_id")),
    ]  # fmt: skip


def write_closed(rows: Iterable[dict[str, Any]], language: Language, *, resting: bool) -> Iterator[str]:
    """Lines of a file of leads that are over, the newest close first; or of such that rest, the first back first."""
    day = "Back on" if resting else "Closed"
    titles = ("Name", "Company", "Owner", "Outcome", day, "Next step", "Lead id")
    yield MARK + csv_line([language.text(title) for title in titles], _ENDING)
    for row in rows:
        said = describe_closed(row, WorklistAddress({}), language)
        day = (said["closed_at"] or "")[:10]
        cells = (said["name"], said["company"], said["owner"], said["outcome"], day, said["step"], said["lead_id"])
        yield csv_line(cells, _ENDING)


def _in_hundred(chance: float) -> float:
    """A chance as so many in 100; one that is not exactly 0 or 1 never reads as if it were."""
    found = round(100 * chance)
    return found if 0 < found < 100 or chance in (0.0, 1.0) else min(max(round(100 * chance, 1), 0.1), 99.9)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
