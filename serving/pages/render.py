"""Templates, what every page needs, and the filters that write values."""

import math
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse

from models.explaining.language import ENGLISH
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from pipelines.scoring.shown_columns import company_name, person_name
from serving.auth.api_keys import Caller, form_token
from serving.auth.dependencies import SESSION, get_app_state
from serving.pages import written_values
from serving.pages.display_choices import keys_on, theme_of
from serving.pages.glossary import GLOSSARY, words_on
from serving.pages.language import language_of, list_languages
from serving.pages.told_sentences import find_language, tell
from serving.results.result_files import describe_unreadable
from serving.schemas import FeedbackGiven

if TYPE_CHECKING:
    from jinja2 import Environment

VERDICT_WORDS = {"accept": "accepted", "reject": "returned", "snooze": "put aside", "override": "pinned"}
STATUS_WORDS = {"met": "met", "not_met": "not met", "indicated": "indicated", "unknown": "unknown"}
REASONS = tuple(name for name in get_args(FeedbackGiven.model_fields["reason"].annotation) if name)
_ANONYMOUS_HOURS = 24.0  # of a cookie that only lets forms carry a token: nobody is signed in by it


@cache
def environment() -> "Environment":
    """The templates; everything is escaped, and an unknown name is an error."""
    # imported with the first page: scores need no templates
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("serving.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"words": to_words, "web_link": safe_web_link, "query": build_query}
    made.filters |= {"called": lead_name, "company": company_name, "tel": to_tel_link, "mailto": to_mail_link}
    made.filters |= {"initials": initials_of, "capitalise": capitalise, "verdict": verdict_words, "marked": split_code}
    made.filters |= {name: _in_language(write) for name, write in _WRITERS.items()}
    made.filters |= {name: _in_language_this_year(write) for name, write in _DATED.items()}
    made.globals |= {
        "status_words": STATUS_WORDS,
        "reasons": REASONS,
        "glossary": GLOSSARY,
    }
    return made


_WRITERS: Mapping[str, Callable[..., str]] = {
    "percent": written_values.write_percent,
    "chance": written_values.write_in_hundred,
    "signed": written_values.write_points,
    "grouped": written_values.write_count,
    "decimal": written_values.write_decimal,
    "hours": written_values.write_hours,
    "within": written_values.write_within,
    "of_hundred": written_values.write_of_hundred,
    "money": written_values.write_money,
    "age": written_values.write_age,
    "to": written_values.write_span,
    "label": translate_label,
    "value": translate_value,
    "tell": tell,
    "told_in": find_language,
}
_DATED: Mapping[str, Callable[..., str]] = {
    "day": written_values.write_day,
    "moment": written_values.write_moment,
}


def _in_language(write: Callable[..., str]) -> Callable[..., str]:
    """A filter that writes in the language of the page."""
    from jinja2 import pass_context

    @pass_context
    def written(context: Any, *values: Any, **named: Any) -> str:
        return write(context["language"], *values, **named)

    return written


def _in_language_this_year(write: Callable[..., str]) -> Callable[..., str]:
    """A filter of dates, which leaves out the year the page is of."""
    from jinja2 import pass_context

    @pass_context
    def written(context: Any, value: Any, *, full: bool = False) -> str:
        return write(context["language"], value, None if full else context["this_year"])

    return written


def verdict_words(verdict: Any) -> str:
    """What sales said of a lead, as something that was done; other words as they are.

    >>> verdict_words("reject"), verdict_words("do_not_contact"), verdict_words("won")
    ('returned', 'do not contact', 'won')
    """
    return VERDICT_WORDS.get(str(verdict), to_words(verdict))


def split_code(text: str) -> list[tuple[bool, str]]:
    """A text in parts, each with whether it stands between backticks.

    >>> split_code("Send `as_of` or nothing.")
    [(False, 'Send '), (True, 'as_of'), (False, ' or nothing.')]
    """
    return [(bool(k % 2), part) for k, part in enumerate(re.split(r"`+", text)) if part]


def to_words(text: Any) -> str:
    """``hand_off`` as ``hand off``."""
    return str(text).replace("_", " ")


def format_percent(value: float | None, digits: int = 1) -> str:
    """A share in per cent, in English; templates write it in the page's language."""
    return written_values.write_percent(ENGLISH, value, digits)


def format_signed(value: float | None) -> str:
    """A number with its sign, in English; a true minus, so that it lines up."""
    return written_values.write_points(ENGLISH, value)


def format_count(value: float | None) -> str:
    """A count with separators between thousands, in English."""
    return written_values.write_count(ENGLISH, value)


def lead_name(lead: Mapping[str, Any]) -> str:
    """The name of a lead where one is on record, else its id.

    >>> lead_name({"lead_id": "7", "display": {}}), lead_name({"lead_id": "7", "display": {"name": "Ann"}})
    ('7', 'Ann')
    """
    return person_name(lead["display"]) or str(lead["lead_id"])


def initials_of(name: Any) -> str:
    """Up to two letters that stand for a name.

    >>> initials_of("Inés Søndergaard"), initials_of("L003778"), initials_of("")
    ('IS', 'L', '?')
    """
    parts = [part[0] for part in str(name).split() if part[0].isalpha()]
    return "".join((parts[0], parts[-1]) if len(parts) > 1 else parts[:1]).upper() or "?"


def to_tel_link(text: Any) -> str:
    """The address by which a phone number is called, empty where there is none in the text.

    >>> to_tel_link("+00 555 003-778"), to_tel_link("none")
    ('tel:+00555003778', '')
    """
    kept = re.sub(r"(?!^\+)[^0-9]", "", str(text).strip())
    return f"tel:{kept}" if len(kept.lstrip("+")) > 3 else ""


def to_mail_link(text: Any) -> str:
    """The address by which a mail is written, empty where the text is none.

    >>> to_mail_link("ann@example.com"), to_mail_link("ann@example.com?bcc=all")
    ('mailto:ann@example.com', '')
    """
    return f"mailto:{text}" if re.fullmatch(r"[^@\s?&]+@[^@\s?&]+", str(text)) else ""


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

    cutoff = app_state.loaded.data.cutoff if app_state.ready else None

    html = (
        environment()
        .get_template(template)
        .render(
            caller=caller,
            token=form_token(cookie, app_state.secret),
            once=secrets.token_urlsafe(12),  # marks this showing: a form of it that is sent twice is stored once
            path=request.url.path,
            source_title=source.title or source.name,
            synthetic=source.synthetic,
            problem=app_state.problem or ("" if caller is None else describe_unreadable(app_state)),
            cutoff=cutoff,
            this_year=None if cutoff is None else cutoff.year,
            theme=theme_of(request),
            keys=keys_on(request),
            navigation=[] if caller is None else request.app.state.navigation,
            page_words=[] if caller is None else words_on(request.url.path),
            real_clock=app_state.clock.real,
            past_cutoff=app_state.clock.passes_cutoff,
            language=language,
            languages=list_languages(),
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            _=language.text,
            plural=language.plural,
            **values,
        )
    )

    answer = HTMLResponse(html, status_code=status)
    if SESSION not in request.cookies:
        set_cookie(answer, cookie, app_state.settings.only_https)
    return answer


def render_counting(request: Request, caller: Caller, heading: str) -> HTMLResponse:
    """The page while its figures are worked out: the browser asks again by itself, with and without scripts."""
    answer = render_page(request, "home/counting.html", caller, heading=heading)
    answer.headers["refresh"] = "2"
    return answer


def set_cookie(answer: Any, cookie: str, secure: bool, hours: float = _ANONYMOUS_HOURS) -> None:
    """Set the session cookie, as long-lived as the session: scripts cannot read it, other sites cannot send it."""
    seconds = max(1, math.ceil(hours * 3600))
    answer.set_cookie(SESSION, cookie, max_age=seconds, httponly=True, samesite="strict", secure=secure)
