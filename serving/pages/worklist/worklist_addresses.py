"""Addresses of the worklist: every filter is a link that keeps the others, and every link can be kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from models.standing.unscored_lists import UNSCORED
from serving.state.worklist.worklist_query import WorklistQuery

PATH = "/worklist"
_OF_SCORES = ("unknown", "state", "grade", "minimum", "disagree")  # filters that lists without scores do not have
PAGE_SIZE = 25  # ten rows are seen at once, the rest without another page
_NO_FILTERS = ("list", "sort", "reverse", "page", "size", "search")
_NO_CHOICES = (("show", "open"), ("show", "snoozed"))  # the list as it is, and a tab of its own
_DEFAULTS: Mapping[str, Any] = {"sort": "score", "show": "open", "page": 1, "size": PAGE_SIZE}


@dataclass(frozen=True)
class WorklistAddress:
    """What the page was asked for, by the names of its address."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, query: WorklistQuery, show: str) -> "WorklistAddress":
        """The address of a query."""
        found: dict[str, Any] = {
            "list": query.lead_list, "owner": query.owner, "segment": query.segment, "unknown": query.unknown,
            "stage": query.stage, "state": query.state, "grade": query.grade, "minimum": query.minimum,
            "disagree": "true" if query.disagree else "", "search": query.search, "show": show, "sort": query.sort,
            "reverse": "true" if query.reverse else "", "page": query.page, "size": query.size,
        }  # fmt: skip
        return cls(_keep_asked(found))

    def query_string(self, **changes: Any) -> str:
        """The query with changes, empty where nothing is asked for; a change of a filter starts at the first page."""
        merged = {**self.values, **({} if "page" in changes else {"page": ""}), **changes}
        kept = _keep_asked(merged)
        return f"?{urlencode(kept)}" if kept else ""

    def link(self, **changes: Any) -> str:
        """The page's address with changes."""
        return PATH + self.query_string(**changes)

    @property
    def here(self) -> str:
        """The address as it was asked for."""
        return self.link(page=self.values.get("page", ""))

    def card(self, lead_id: str, saved: str = "") -> str:
        """The address of a lead's card that knows the list it was opened from."""
        return f"/leads/{quote(lead_id, safe='')}{self.query_string(page='', size='')}{saved}"

    def filters(self) -> Iterator[tuple[str, str]]:
        """The filters that are on, as name and value; list, order and page are none."""
        for name, value in self.values.items():
            if name not in _NO_FILTERS and (name, value) not in _NO_CHOICES:
                yield name, str(value)


def _keep_asked(found: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for: neither empty nor as it is anyway, and no filter that the list does not have."""
    left_out = _OF_SCORES if found.get("list") in UNSCORED else ()
    return {
        name: value for name, value in found.items() if value and value != _DEFAULTS.get(name) and name not in left_out
    }
