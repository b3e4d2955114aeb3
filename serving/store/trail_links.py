"""How the entries of the audit trail are chained.

The hash of an entry covers the hash before it, when, who and what was done, and a digest of the rest: whom it was about
and the details. The digest is salted. Who is forgotten is blanked together with the salt; the digest moves into the
entry that says so, and everything else of the blanked entry is covered as before. The digest without its salt tells
nobody whom it was about. A hash begins with the day of its entry, so that a head noted elsewhere says how old it is.

Entries of before (:func:`link_plain`) are covered as a whole, and what is left of a blanked one no more: entries
``trail.sealed`` cover these (:func:`seal_entry`), each apart, so that whatever is removed by rule leaves the others
covered. They stand directly behind the entries that they seal.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

START = "0" * 64  # before the first entry of a trail that was never pruned
PRUNED, REDACTED, SEALED = "trail.pruned", "trail.redacted", "trail.sealed"
OF_THE_TRAIL = (PRUNED, REDACTED, SEALED)  # entries about entries, which are never blanked
AUDIT_DAYS = 730.0  # for which entries stay, unless the server is told otherwise
ALIAS = "forgotten:"  # begins what stands for somebody who is forgotten
SHOWED = "showed"  # an entry with the leads that an answer showed beside the one of its address
_DAY = "%Y%m%d"
_DAY_LETTERS = 9  # with the dash behind it
_LETTERS = 64  # of a hash, as the store keeps it
_SEALED_LETTERS = 32


def link_dated(before: str, row: Mapping[str, Any], content: str) -> str:
    """The hash of an entry behind the one of that hash: its day, a dash, and 220 bits."""
    said = [before, _moment(row["at"]), row["actor"], row["action"], content]
    return f"{row['at']:{_DAY}}-{_digest(said)[: _LETTERS - _DAY_LETTERS]}"


def digest_content(row: Mapping[str, Any]) -> str:
    """What stands in an entry's hash for its salt, whom it is about, and the details."""
    return _digest([row["salt"], row["subject"], row["detail"]])


def link_plain(before: str, row: Mapping[str, Any]) -> str:
    """The hash of an entry as it was before hashes had a day: over all of its content."""
    said = [_moment(row["at"]), *(row[name] for name in ("actor", "action", "subject"))]
    return _digest([before, *said, row["detail"]])


def seal_plain(row: Mapping[str, Any]) -> str:
    """A hash of what is left of such an entry once it is blanked."""
    return link_plain("redacted", row)


def seal_entry(before: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """Under what such an entry is sealed, and a hash of what stays of it whoever is forgotten.

    It covers when, who, what, the entry's own hash and the one before it, and begins with the day.
    """
    return sealed_under(row["chain"]), link_dated(before, row, row["chain"])


def sealed_under(chain: str) -> str:
    """The beginning of a hash, 128 bits: long enough that nobody finds another one for it."""
    return chain[:_SEALED_LETTERS]


def day_of(chain: str) -> date | None:
    """The day with which a hash begins, None of one without."""
    if chain[_DAY_LETTERS - 1 : _DAY_LETTERS] != "-":
        return None
    try:
        return datetime.strptime(chain[: _DAY_LETTERS - 1], _DAY).date()
    except ValueError:
        return None


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _digest(said: list[Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
