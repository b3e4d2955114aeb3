"""Mail addresses in the cells of a table: whose a cell is, and whom a text only mentions."""

import re
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd

from features.cohort.email_addresses import normal_email

HIDDEN = "[forgotten]"
_PART = re.compile(r"<[^<>]*>|[^\s,;|<>]+")  # of a list of addresses; each letter is looked at once, however long it is
_QUOTES = "()[]{}\"'"
_NAME = re.compile(r"(?:[\w.+%-]|(?<=\w)'(?=\w))+")  # of an address, read backwards from its @
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LONGEST_NAME, _LONGEST_HOST = 64, 255  # letters, RFC 5321 (4.5.3.1)

Hide = Callable[[str], str]


def addresses_of(cell: str) -> list[str]:
    """The addresses of a cell that is nothing but addresses, each in one spelling; none of running text.

    >>> addresses_of("Lee, Ann <Ann@x.example>; ann+b@y.example"), addresses_of("told ann@x.example")
    (['ann@x.example', 'ann@y.example'], [])
    """
    if "@" not in cell:
        return []
    found, named = list[str](), False
    for part in _PART.findall(cell):
        bare = part.strip("<>" if part.startswith("<") else _QUOTES)
        address = normal_email(bare) if "@" in bare else None
        if address is not None and (part.startswith("<") or not named):
            found.append(address)
            named = False
        elif "@" in bare or part.startswith("<"):
            return []
        else:
            named = True  # the name of whoever has the address in brackets that follows
    return [] if named else found


def addresses_in(cell: str) -> list[str]:
    """The addresses of a cell that is nothing else, or the first that a text mentions."""
    first = normal_email(cell) if "@" in cell else None
    return [] if first is None else addresses_of(cell) or [first]


def hide_addresses(text: str, is_meant: Callable[[str], bool]) -> str:
    """The text with ``[forgotten]`` for every address that is meant, wherever it stands; no part of another's address.

    >>> hide_addresses("by <Ann+b@x.example>, not jo.ann@x.example.", "ann@x.example".__eq__)
    'by <[forgotten]>, not jo.ann@x.example.'
    """
    made, done = list[str](), 0
    at = text.find("@")
    while at >= 0:
        before = text[max(done, at - _LONGEST_NAME) : at][::-1]
        name, host = _NAME.match(before), _HOST.match(text, at + 1, at + 1 + _LONGEST_HOST)
        local = "" if name is None else name[0][::-1].lstrip(".+%-")
        address = normal_email(f"{local}@{host[0]}") if local and host is not None else None
        if address is not None and host is not None and is_meant(address):
            made += [text[done : at - len(local)], HIDDEN]
            done = host.end()
        at = text.find("@", max(at + 1, done))
    return "".join([*made, text[done:]]) if made else text


def hide_in_frame(frame: pd.DataFrame, hide: Hide, skip: Collection[str] = ()) -> tuple[pd.DataFrame, int]:
    """A frame whose texts mention nobody who is meant, but for some columns; in how many cells somebody was."""
    count = 0
    for name in frame.columns:
        cells = frame[name]
        if name in skip or not (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            continue
        codes, texts = pd.factorize(cells.astype("object"))
        hidden = {k: hide(text) for k, text in enumerate(texts) if isinstance(text, str) and "@" in text}
        changed = {k: text for k, text in hidden.items() if text != texts[k]}
        if changed:
            hit = np.isin(codes, list(changed))
            frame = frame.assign(**{name: cells.mask(hit, pd.Series(codes, index=cells.index).map(changed))})
            count += int(hit.sum())
    return frame, count
