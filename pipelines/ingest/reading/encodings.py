"""Bytes of a text file to text: byte order marks, UTF-16, UTF-8, and code pages by what their letters would say."""

import codecs
import re
from dataclasses import dataclass

from pipelines.ingest.errors import UncertainEncodingError, UnreadableFileError
from pipelines.ingest.reading.code_pages import read_code_pages

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp"))
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SAMPLE = 65_536  # bytes or characters looked at: binary headers and zero bytes show at once
_TEXT_PER_CONTROL = 200  # a text export may hold a stray control character; binary files hold far more


@dataclass(frozen=True)
class DecodedText:
    """Text of a file; ``damaged`` if some lines hold bytes its encoding does not know (as surrogates).

    ``note`` tells, where the encoding had to be guessed, which it is and what speaks for it.
    """

    text: str
    encoding: str
    damaged: bool = False
    note: str = ""


def decode(content: bytes, declared: str | None, *, what: str) -> DecodedText:
    """Text of ``content``, in the declared encoding or the one its bytes speak for.

    Raises
    ------
    UnreadableFileError
        if the declared encoding is unknown, or the bytes are not text.
    UncertainEncodingError
        if nothing is declared and several code pages make words of the bytes.
    """
    encoding = declared or _marked_encoding(content)
    try:
        found = _decode(content, encoding) if encoding else _guess(content, what)
    except LookupError as problem:
        raise UnreadableFileError(
            f"{what}: the declared encoding '{declared}' is unknown; leave 'csv.encoding' out to have it detected."
        ) from problem
    except UnicodeError as problem:  # some codecs of Python tell no byte
        byte = f" (byte {problem.start})" if isinstance(problem, UnicodeDecodeError) else ""
        raise UnreadableFileError(
            f"{what} cannot be read as {encoding}{byte}. Save it as UTF-8, or correct 'csv.encoding'."
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


def _marked_encoding(content: bytes) -> str | None:
    r"""The encoding that the bytes prove: a mark, zero bytes, escapes, or UTF-8; a few damaged rows do not matter.

    >>> _marked_encoding("Zürich".encode()), _marked_encoding(b"a\0;\0"), _marked_encoding("Zürich".encode("latin-1"))
    ('utf-8', 'utf-16-le', None)
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name

    sample = content[:_SAMPLE]
    # UTF-16 without a mark: signs of ASCII have a zero byte each, and a table has many, whatever its language
    if sample.count(0) > len(sample) // 20:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    for escape, name in _ESCAPES:
        if escape in sample and content.isascii():
            return name

    if content.isascii():
        return "utf-8"
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")

    damaged = len(re.findall(r"[\udc80-\udcff]+", text))
    intact = len(re.findall(r"[^\x00-\x7f\udc80-\udcff]", text))
    return "utf-8" if intact > damaged else None  # more valid multi-byte characters than broken ones


def _guess(content: bytes, what: str) -> DecodedText:
    """Text in the code page whose letters make words, where no other comes near it."""
    readings = read_code_pages(content)
    if not readings.certain:
        raise UncertainEncodingError(
            f"{what}: the bytes are not UTF-8, and more than one code page makes words of them: {readings.in_words()}. "
            f"Declare the right one, e.g. csv: {{encoding: {readings.candidates[0].encoding}}}, or save the file as "
            "UTF-8.",
            tuple(reading.encoding for reading in readings.candidates),
            readings.in_words(),
        )
    encoding = readings.best.encoding
    found = content.decode(encoding, errors="surrogateescape")
    damaged = any("\udc80" <= c <= "\udcff" for c in found)
    words = ", ".join(f"'{text}'" for text in readings.examples)
    return DecodedText(found, encoding, damaged, f"read as {encoding}, which no mark says but its words do: {words}.")
