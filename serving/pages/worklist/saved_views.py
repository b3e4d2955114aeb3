"""Views of the worklist that a reader keeps by name: in a cookie of the browser, so that they need no account."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from serving.problems import InvalidError

COOKIE = "leadscore_views"
MOST_VIEWS, LONGEST_NAME, _LONGEST_QUERY = 8, 40, 300
_LARGEST = 3900  # signs: browsers drop a cookie of more than 4,096 bytes with its name and attributes
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class SavedView:
    """A name and the query it stands for, which starts with ``?`` or is empty."""

    name: str
    query: str


def read_views(request: Request) -> list[SavedView]:
    """The views of this browser; a cookie that somebody else wrote gives none."""
    try:
        rows = json.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        found = [SavedView(str(name)[:LONGEST_NAME], str(query)) for name, query in rows]
    except (ValueError, TypeError):
        return []
    return [view for view in found if _is_query(view.query)][:MOST_VIEWS]


def _is_query(text: str) -> bool:
    return len(text) <= _LONGEST_QUERY and (not text or text.startswith("?")) and text.isprintable()


def keep_view(views: list[SavedView], name: str, query: str) -> list[SavedView]:
    """The views with this one: in the place of one of its name, or first; the oldest of too many is dropped.

    Raises
    ------
    InvalidError : it has no name, or is no view of the list or too long a one
    """
    if not name.strip():
        raise InvalidError("give the view a name, so that it can be kept.")
    if not _is_query(query):
        raise InvalidError("this view cannot be kept: it has too many filters, or is no view of the list.")
    kept = SavedView(" ".join(name.split())[:LONGEST_NAME], query)
    return [kept, *(view for view in views if view.name != kept.name)][:MOST_VIEWS]


def write_views(answer: Any, views: list[SavedView], *, secure: bool) -> None:
    """Keep the views in the browser: as many as it takes, the oldest go first."""
    while len(text := _to_text(views)) > _LARGEST:
        views = views[:-1]
    answer.set_cookie(COOKIE, text, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=secure)


def _to_text(views: list[SavedView]) -> str:
    rows = json.dumps([[view.name, view.query] for view in views], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(rows.encode()).decode()
