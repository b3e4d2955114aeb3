"""Views of the worklist that a reader keeps by name: in a cookie of the browser, so that they need no account."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request

COOKIE = "leadscore_views"
MOST_VIEWS, LONGEST_NAME, _LONGEST_QUERY = 8, 40, 300
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
    """The views with this one: in the place of one of its name, or first; the oldest of too many is dropped."""
    if not name.strip() or not _is_query(query):
        return views
    kept = SavedView(" ".join(name.split())[:LONGEST_NAME], query)
    return [kept, *(view for view in views if view.name != kept.name)][:MOST_VIEWS]


def write_views(answer: Any, views: list[SavedView], *, secure: bool) -> None:
    """Keep the views in the browser."""
    text = base64.urlsafe_b64encode(json.dumps([[view.name, view.query] for view in views]).encode()).decode()
    answer.set_cookie(COOKIE, text, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=secure)
