"""Templates, what every page needs, and the filters that write values."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse

from pipelines.scoring.shown_columns import company_name, person_name
from serving.auth.api_keys import Caller, form_token
from serving.auth.dependencies import SESSION, get_app_state
from serving.pages.language import language_of, list_languages
from serving.schemas import FeedbackGiven

if TYPE_CHECKING:
    from jinja2 import Environment

STATUS_WORDS = {"met": "met", "not_met": "not met", "indicated": "indicated", "unknown": "unknown"}
STATUS_SIGNS = {"met": "✓", "not_met": "✕", "indicated": "~", "unknown": "?"}
REASONS = tuple(name for name in get_args(FeedbackGiven.model_fields["reason"].annotation) if name)
_COOKIE_SECONDS = 60 * 60 * 24  # a day: the upper bound of LEADSCORE_SERVE_SESSION_HOURS in a browser


@cache
def environment() -> "Environment":
    """The templates; everything is escaped, and an unknown name is an error."""
    from jinja2 import (
        Environment,
        PackageLoader,
        StrictUndefined,
    )  # imported with the first page: scores need no templates

    made = Environment(
        loader=PackageLoader("serving.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "words": to_words,
        "percent": format_percent,
        "signed": format_signed,
        "moment": format_timestamp,
        "day": format_day,
        "web_link": safe_web_link,
        "query": build_query,
        "grouped": format_count,
        "called": lead_name,
        "company": company_name,
    }
    made.globals |= {"status_words": STATUS_WORDS, "status_signs": STATUS_SIGNS, "reasons": REASONS}
    return made


def to_words(text: Any) -> str:
    """``hand_off`` as ``hand off``."""
    return str(text).replace("_", " ")


def format_percent(value: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return "–" if value is None else f"{value * 100:.{digits}f}%"


def format_signed(value: float | None) -> str:
    """A number with its sign; a true minus, so that it lines up."""
    if value is None:
        return "–"
    return f"+{value:g}" if value > 0 else f"−{abs(value):g}" if value < 0 else "0"


def format_count(value: float | None) -> str:
    """A count with separators between thousands."""
    return "–" if value is None else f"{value:,.0f}"


def lead_name(lead: Mapping[str, Any]) -> str:
    """The name of a lead where one is on record, else its id.

    >>> lead_name({"lead_id": "7", "display": {}}), lead_name({"lead_id": "7", "display": {"name": "Ann"}})
    ('7', 'Ann')
    """
    return person_name(lead["display"]) or str(lead["lead_id"])


def format_timestamp(value: Any) -> str:
    """A timestamp to the minute."""
    found = _to_datetime(value)
    return "–" if found is None else f"{found:%Y-%m-%d %H:%M}"


def format_day(value: Any) -> str:
    """A date; other values, such as the first row of a block without clocks, stay as they are."""
    try:
        found = _to_datetime(value)
    except ValueError:
        return str(value)
    return "–" if found is None else f"{found:%Y-%m-%d}"


def _to_datetime(value: Any) -> datetime | None:
    if isinstance(value, str) and value:
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None


def safe_web_link(text: Any) -> str:
    """The address if it is a web address, else empty: ``javascript:`` and the like never become a link.

    >>> safe_web_link("https://crm.example.com/1"), safe_web_link("javascript:alert(1)")
    ('https://crm.example.com/1', '')
    """
    try:
        parts = urlsplit(str(text))
    except ValueError:
        return ""
    return str(text) if parts.scheme in ("http", "https") and parts.netloc else ""


def build_query(values: Mapping[str, Any], **changes: Any) -> str:
    """A query string of values and changes; empty ones are left out."""
    merged = {**values, **changes}
    return "?" + urlencode({name: value for name, value in merged.items() if value not in (None, "", 0)})


def render_page(
    request: Request, template: str, caller: Caller | None, /, status: int = 200, **values: Any
) -> HTMLResponse:
    """A rendered page; a browser without a cookie gets one, so that its forms can carry a token."""
    app_state = get_app_state(request)
    cookie = request.cookies.get(SESSION) or secrets.token_urlsafe(32)
    source = app_state.context.source
    language = language_of(request)

    html = (
        environment()
        .get_template(template)
        .render(
            caller=caller,
            token=form_token(cookie, app_state.secret),
            path=request.url.path,
            source_title=source.title or source.name,
            synthetic=source.synthetic,
            problem=app_state.problem,
            cutoff=app_state.loaded.data.cutoff if app_state.ready else None,
            real_clock=app_state.clock.real,
            language=language,
            languages=list_languages(),
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            _=language.text,
            **values,
        )
    )

    answer = HTMLResponse(html, status_code=status)
    if SESSION not in request.cookies:
        set_cookie(answer, cookie, app_state.settings.only_https)
    return answer


def set_cookie(answer: Any, cookie: str, secure: bool) -> None:
    """Set the session cookie: scripts cannot read it, other sites cannot send it."""
    answer.set_cookie(SESSION, cookie, max_age=_COOKIE_SECONDS, httponly=True, samesite="strict", secure=secure)
