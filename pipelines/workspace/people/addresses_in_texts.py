"""Mail addresses in the cells of a table: whose a cell is, and whom a text only mentions."""

import re
from collections.abc import Callable, Collection, Iterator

import numpy as np
import pandas as pd

from features.cohort.email_addresses import normal_email
from pipelines.workspace.people.coded_letters import decode, holds_at, without_codes

HIDDEN = "[forgotten]"
_PART = re.compile(r"<[^<>]*>|[^\s,;|<>]+")  # of a list of addresses; each letter is looked at once, however long it is
_QUOTES = "()[]{}\"'"
_NAME = re.compile(r"(?:[\w.+%-]|(?<=\w)'(?=\w))+")  # of an address, read backwards from its @
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"[/?=&#]")  # a cell with a coded address in a link is no list of addresses
_LONGEST_NAME, _LONGEST_HOST = 64, 255  # letters, RFC 5321 (4.5.3.1)
_LINK_AT = re.compile(r"%(?:25)*40")  # as forms send it, and links hold it
_LINK_ENDS = re.compile(r"[\s\"'<>]")
_LOOK_BACK = 300  # letters, for where the parameters of a link begin

Hide = Callable[[str], str]


def addresses_of(cell: str) -> list[str]:
    """The addresses of a cell that is nothing but addresses, each in one spelling; none of running text.

    >>> addresses_of("Lee, Ann <Ann@x.example>; ann+b@y.example"), addresses_of("told ann@x.example")
    (['ann@x.example', 'ann@y.example'], [])
    """
    if "@" not in cell:
        cell = _read_coded(cell)
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
    cell = cell if "@" in cell else _read_coded(cell)
    first = normal_email(cell) if "@" in cell else None
    return [] if first is None else addresses_of(cell) or [first]


def _read_coded(cell: str) -> str:
    """A cell whose @ is a code; empty where it is none, or part of a link."""
    plain = without_codes(cell) if holds_at(cell) else ""
    return "" if _LINK.search(plain) else plain


def hide_addresses(text: str, is_meant: Callable[[str], bool]) -> str:
    """The text with ``[forgotten]`` for every address that is meant, wherever it stands; no part of another's address.

    >>> hide_addresses("by <Ann+b@x.example>, not jo.ann@x.example.", "ann@x.example".__eq__)
    'by <[forgotten]>, not jo.ann@x.example.'
    >>> hide_addresses("/thanks?mail=ann%2Bb%40x.example&ok", "ann@x.example".__eq__)
    '/thanks?mail=[forgotten]&ok'
    """
    made, done = list[str](), 0
    found = {*_find_meant(text, is_meant), *(_find_coded(text, is_meant) if holds_at(text) else ())}
    for start, end in sorted(found):
        made += [text[done:start], HIDDEN] if start >= done else []
        done = max(done, end)
    return "".join([*made, text[done:]]) if made else text


def _find_coded(text: str, is_meant: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """From where to where addresses stand whose letters are codes.

    Forms send a blank as + and a + as %2B: among parameters, a + before %40 ends a word, and elsewhere it may.
    """
    for reading in (text, text.replace("+", " ")) if "+" in text else (text,):
        decoded = decode(reading)
        if decoded is None:
            return
        for place in _find_meant(decoded.text, is_meant):
            start, end = decoded.place(place[0]), decoded.place(place[1])
            of_link = _LINK_AT.search(text, start, end) is not None
            tagged = "+" in text[start:end]
            if of_link if reading != text else not (of_link and tagged and _is_parameter(text, start)):
                yield start, end


def _is_parameter(text: str, at: int) -> bool:
    """Whether a place of a text is among the parameters of a link, or of a form as it was sent."""
    link = _LINK_ENDS.split(text[max(0, at - _LOOK_BACK) : at])[-1]
    return not set("?=&").isdisjoint(without_codes(link))


def _find_meant(text: str, is_meant: Callable[[str], bool]) -> list[tuple[int, int]]:
    """From where to where addresses stand that are meant."""
    found, done = list[tuple[int, int]](), 0
    at = text.find("@")
    while at >= 0:
        before = text[max(done, at - _LONGEST_NAME) : at][::-1]
        name, host = _NAME.match(before), _HOST.match(text, at + 1, at + 1 + _LONGEST_HOST)
        local = "" if name is None else name[0][::-1].lstrip(".+%-")
        address = normal_email(f"{local}@{host[0]}") if local and host is not None else None
        if address is not None and host is not None and is_meant(address):
            done = host.end()
            found.append((at - len(local), done))
        at = text.find("@", max(at + 1, done))
    return found


def hide_in_frame(frame: pd.DataFrame, hide: Hide, skip: Collection[str] = ()) -> tuple[pd.DataFrame, int]:
    """A frame whose texts mention nobody who is meant, but for some columns; in how many cells somebody was."""
    count = 0
    for name in frame.columns:
        cells = frame[name]
        if name in skip or not (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            continue
        codes, texts = pd.factorize(cells.astype("object"))
        hidden = {k: hide(text) for k, text in enumerate(texts) if isinstance(text, str) and holds_at(text)}
        changed = {k: text for k, text in hidden.items() if text != texts[k]}
        if changed:
            hit = np.isin(codes, list(changed))
            frame = frame.assign(**{name: cells.mask(hit, pd.Series(codes, index=cells.index).map(changed))})
            count += int(hit.sum())
    return frame, count
