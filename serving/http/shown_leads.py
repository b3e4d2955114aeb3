"""Which leads an answer shows: read from the answer itself where it is JSON or a page, so that no route is left out;
files note the leads they hold.
"""

import json
import re
from urllib.parse import unquote_to_bytes

from serving.http.request_view import kept_by_request

_KEY = "leads that the answer shows"
_UNTOLD = "leads that the answer repeats and does not show"
_IN_JSON = re.compile(rb'"(?:lead_id|best_lead)":\s*("(?:[^"\\]|\\.)*")')
_LISTED = re.compile(rb'"(?:leads|lead_ids)":\s*(\["(?:[^"\\]|\\.)*"(?:,\s*"(?:[^"\\]|\\.)*")*\])')
_IN_PAGES = re.compile(rb'href="/leads/([^"?#/]+)')


def note_shown(lead: object) -> None:
    """Note a lead that the file holds which answers this request."""
    kept = kept_by_request()
    if kept is not None:
        kept.setdefault(_KEY, {})[str(lead)] = None


def note_untold(lead: object) -> None:
    """Note a lead who is forgotten: the answer repeats the id it was sent, the trail must not hold it."""
    kept = kept_by_request()
    if kept is not None:
        kept.setdefault(_UNTOLD, {})[str(lead)] = None


def leads_noted(kept: dict[object, object]) -> list[str]:
    """The leads that a request noted, in the order in which they are shown."""
    found, untold = kept.get(_KEY, {}), kept.get(_UNTOLD, {})
    if not isinstance(found, dict) or not isinstance(untold, dict):
        return []
    return [lead for lead in found if lead not in untold]


def note_leads_in(content: bytes, media_type: str) -> None:
    """Note the leads that a piece of an answer names; files of other types note theirs as they are written."""
    if media_type.startswith("application/json"):
        for text in _IN_JSON.findall(content):
            note_shown(json.loads(text))
        for texts in _LISTED.findall(content):
            for lead in json.loads(texts):
                note_shown(lead)
    elif media_type.startswith("text/html"):
        for quoted in _IN_PAGES.findall(content):
            note_shown(unquote_to_bytes(quoted).decode(errors="replace"))
