"""Letters that links, pages and mails write as codes, ``%40``, ``&#64;`` or ``=40``, read as what they stand for."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from html import unescape

AT = r"(?:@|%(?:25)*40|&(?:amp;)*(?:#0*64|#[xX]0*40|commat);|=40|\\u0040)"  # as it stands in an address, in any form
# In each a letter is read a bounded number of times. Of what quoted-printable text codes only the @ and what a name
# may hold: "=ab" is mostly a parameter's value; "=40" before another @ is one, too.
_CODES = re.compile(
    r"(?P<bytes>(?:%(?:25)*[0-9A-Fa-f]{2})+)"
    r"|&(?:amp;)*(?P<entity>(?:#[0-9]{1,9}|#[xX][0-9A-Fa-f]{1,7}|[A-Za-z]{2,31});)"
    r"|=(?P<quoted>40(?![\w.+-]*@)|2[BDE]|5F)"
    r"|\\u00(?P<escaped>[0-9A-Fa-f]{2})"
)
_BYTE = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_ANY_AT = re.compile(AT)


@dataclass(frozen=True)
class Decoded:
    """A text with letters in place of codes, and where each letter stood."""

    text: str
    after: list[int]
    there: list[int]

    def place(self, at: int) -> int:
        """Where a letter of the text began before."""
        k = bisect_right(self.after, at) - 1
        return self.there[k] + at - self.after[k]


def holds_at(text: str) -> bool:
    """Whether a text holds an @, or a code for one: without it there is no address.

    >>> [holds_at(text) for text in ("a@b", "a%40b", "a%2540b", "a&#64;b", "a=40b", "40 %")]
    [True, True, True, True, True, False]
    """
    return "@" in text or _ANY_AT.search(text) is not None


def decode(text: str) -> Decoded | None:
    """The text with letters in place of its codes, of a link in a link, too; None where there is none."""
    parts, after, there, done, length = list[str](), [0], [0], 0, 0
    for code in _CODES.finditer(text):
        parts.append(text[done : code.start()])
        length += code.start() - done
        for letters, start in _letters(code):
            after.append(length)
            there.append(start)
            parts.append(letters)
            length += len(letters)
        done = code.end()
        after.append(length)
        there.append(done)
    return Decoded("".join([*parts, text[done:]]), after, there) if done else None


def without_codes(text: str) -> str:
    """The text with letters in place of its codes.

    >>> without_codes("ann%2540x.example"), without_codes("&#97;nn&amp;#64;x.example"), without_codes("jos%C3%A9=40x")
    ('ann@x.example', 'ann@x.example', 'josé@x')
    """
    found = decode(text)
    return text if found is None else found.text


def _letters(code: re.Match[str]) -> list[tuple[str, int]]:
    """What a code, or bytes in a row, stand for, each with its place."""
    if code["entity"]:
        return [(unescape(f"&{code['entity']}"), code.start())]
    if not code["bytes"]:
        return [(chr(int(code["quoted"] or code["escaped"], 16)), code.start())]
    found = list(_BYTE.finditer(code["bytes"]))
    text = bytes(int(one[1], 16) for one in found).decode("utf-8", "surrogateescape")
    letters, k = list[tuple[str, int]](), 0
    for letter in text:
        known = "\ufffd" if "\ud800" <= letter <= "\udfff" else letter  # half a letter can be neither kept nor hashed
        letters.append((known, code.start() + found[k].start()))
        k += len(letter.encode("utf-8", "surrogateescape"))
    return letters
