"""Bytes of a text file to text: byte order marks, UTF-16, UTF-8 and the Western single-byte encodings."""

import codecs
import re
from dataclasses import dataclass

from pipelines.ingest.errors import UnreadableFileError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SAMPLE = 65_536  # bytes or characters looked at: binary headers and zero bytes show at once
_TEXT_PER_CONTROL = 200  # a text export may hold a stray control character; binary files hold far more


@dataclass(frozen=True)
class DecodedText:
    """Text of a file; ``damaged`` if some lines hold bytes its encoding does not know (as surrogates)."""

    text: str
    encoding: str
    damaged: bool = False


def decode(content: bytes, declared: str | None, *, what: str) -> DecodedText:
    """Text of ``content``, in the declared encoding or the one its bytes speak for.

    Raises
    ------
    UnreadableFileError
        if the declared encoding is unknown, or the bytes are not text.
    """
    encoding = declared or _encoding_of(content)

    try:
        found = _decode(content, encoding)
    except LookupError as problem:
        raise UnreadableFileError(
            f"{what}: the declared encoding '{declared}' is unknown; leave 'csv.encoding' out to have it detected."
        ) from problem
    except UnicodeDecodeError as problem:
        raise UnreadableFileError(
            f"{what} cannot be read as {encoding} (byte {problem.start}). Save it as UTF-8, or correct 'csv.encoding'."
        ) from problem

    sample = found.text[:_SAMPLE].rstrip("\x1a")
    if len(_CONTROL.findall(sample)) * _TEXT_PER_CONTROL > len(sample):
        raise UnreadableFileError(
            f"{what} is not a text file: its first bytes are {content[:8].hex(' ')}. Export it as CSV or Parquet."
        )
    return found


def _decode(content: bytes, encoding: str) -> DecodedText:
    plain = codecs.lookup(encoding).name
    try:
        text = content.decode(encoding)
        return DecodedText(text.removeprefix("\ufeff"), plain)
    except UnicodeDecodeError:
        if plain not in ("utf-8", "utf-8-sig", "ascii", "cp1252"):
            raise
        text = content.decode(encoding, errors="surrogateescape")
        return DecodedText(text.removeprefix("\ufeff"), plain, damaged=True)


def _encoding_of(content: bytes) -> str:
    r"""UTF-8 unless the bytes speak against it; a few damaged rows do not.

    >>> _encoding_of("Zürich".encode("latin-1")), _encoding_of("Zürich".encode()), _encoding_of(b"a\0;\0")
    ('cp1252', 'utf-8', 'utf-16-le')
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name

    sample = content[:_SAMPLE]
    zeros = sample.count(0)
    if zeros > len(sample) // 4:  # UTF-16 without a mark: every second byte of Western text is zero
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"

    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")

    damaged = len(re.findall(r"[\udc80-\udcff]+", text))
    intact = len(re.findall(r"[^\x00-\x7f\udc80-\udcff]", text))
    if intact > damaged:  # more valid multi-byte characters than broken ones: UTF-8 with some damaged rows
        return "utf-8"

    try:
        content.decode("cp1252")
        return "cp1252"
    except UnicodeDecodeError:
        return "latin-1"
