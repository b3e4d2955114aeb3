"""Requests and forms as clients send them, damaged at random: values, fields, encodings, heads and bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from tests.reference.damaged_inputs import damage

_TEXTS = (
    "", " ", "\x00", "\x1b[2J", "\u202e", "é" * 300, "x" * 3_000, "=cmd|'/c'!A0", "'; DROP TABLE answers; --",
    "<script>alert(1)</script>", "../../etc/passwd", "%00", "{{7*7}}", "null", "nan", "-0", "1e309", "9" * 401,
    "2026-02-30", "0001-01-01T00:00:00", "9999-12-31T23:59:59+14:00", "2026-01-01T00:00:00Z", "\U0001f600", "１２",
    "true", "[]", "a\r\nset-cookie: x=1",
)  # fmt: skip
_RAW = (  # JSON as nobody's library would write it
    "1e999", "-1e999", "NaN", "Infinity", "9" * 401, "1" + "0" * 20, '"\\ud800"', '"\\u0000"', "[" * 300 + "]" * 300,
    '{"a":' * 200 + "1" + "}" * 200, "null", "true", "[]", "{}", '""', "-0.0", "1.5", "[null]", '{"": 1}',
)  # fmt: skip
_TOKENS = (b"{", b"}", b'"', b",", b"&", b"=", b"%", b"%00", b"%ff", b"\x00", b"\xff", b"\r\n", b"+", b"[]", b"\\u")
_KINDS = (
    "application/json", "application/json; charset=utf-16", "text/plain", "", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=X", "multipart/form-data", "*/*", "a" * 2_000,
)  # fmt: skip
BOUNDARY = "X7x7X"


@dataclass(frozen=True)
class Sent:
    """A request: method, address, head and body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def damaged_request(sound: Sequence[tuple[str, str, Any]], seed: int) -> Sent:
    """One of the sound requests (method, address, value of the JSON body or None), damaged; one in twenty is sound."""
    rng = np.random.default_rng([1, seed])
    method, path, value = sound[int(rng.integers(len(sound)))]
    headers = {"content-type": "application/json"} if value is not None else {}
    if rng.random() < 0.05:
        return Sent(method, path, headers, b"" if value is None else json.dumps(value).encode())
    marks: dict[str, str] = {}
    for _ in range(int(rng.integers(0, 4))):
        value = _changed(value, rng, marks)
    body = b"" if value is None else json.dumps(value).encode()
    for mark, raw in marks.items():
        body = body.replace(json.dumps(mark).encode(), raw.encode())
    for _ in range(int(rng.integers(1, 4)) if rng.random() < 0.25 else 0):
        body = damage(body, _TOKENS, rng)
    if value is None or rng.random() < 0.15:
        path = _changed_path(path, rng)
    if rng.random() < 0.15:
        headers["content-type"] = _KINDS[int(rng.integers(len(_KINDS)))]
    if rng.random() < 0.15:
        name = ("idempotency-key", "accept-language", "if-none-match", "accept", "range", "x-request-id", "cookie")
        headers[name[int(rng.integers(len(name)))]] = _head_text(rng)
    if rng.random() < 0.03:
        method = ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "GET", "POST")[int(rng.integers(8))]
    return Sent(method, path, headers, body)


def damaged_form(sound: Sequence[tuple[str, Mapping[str, str]]], token: str, seed: int) -> Sent:
    """One of the sound forms (address, fields), damaged; its token is good nine times in ten."""
    rng = np.random.default_rng([2, seed])
    path, given = sound[int(rng.integers(len(sound)))]
    pairs = [*given.items()]
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.95 else 0):
        pairs = _changed_pairs(pairs, rng)
    if rng.random() < 0.9:
        pairs.append(("token", token))
    else:
        pairs = _changed_pairs([*pairs, ("token", token)], rng)
    if rng.random() < 0.1:
        path = _changed_path(path, rng)
    broken = int(rng.integers(1, 4)) if rng.random() < 0.2 else 0
    if rng.random() < 0.4:
        body, kind = _multipart(pairs, rng), f"multipart/form-data; boundary={BOUNDARY}"
    else:
        safe = [(_encodable(name), _encodable(value)) for name, value in pairs]
        body, kind = urlencode(safe).encode(), "application/x-www-form-urlencoded"
    for _ in range(broken):
        body = damage(body, _TOKENS, rng)
    return Sent("POST", path, {"content-type": kind}, body)


def _changed(value: Any, rng: np.random.Generator, marks: dict[str, str]) -> Any:
    """The value with one place of it changed; ``marks`` are texts to be replaced by raw JSON."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        names = list(value)
        name, way = names[int(rng.integers(len(names)))], rng.random()
        if way < 0.12:
            return {key: one for key, one in value.items() if key != name}
        if way < 0.2:
            return value | {_text(rng): value[name]}
        return value | {name: _changed(value[name], rng, marks)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place, way = int(rng.integers(len(value))), rng.random()
        if way < 0.1:
            return value[:place] + value[place + 1 :]
        if way < 0.2:
            return value + [value[place]] * int(rng.choice([1, 2, 300]))
        return [*value[:place], _changed(value[place], rng, marks), *value[place + 1 :]]
    if rng.random() < 0.5:
        return _text(rng)
    mark = f"mark{len(marks)}!"
    marks[mark] = _RAW[int(rng.integers(len(_RAW)))]
    return mark


def _changed_pairs(pairs: list[tuple[str, str]], rng: np.random.Generator) -> list[tuple[str, str]]:
    if not pairs:
        return [(_text(rng), _text(rng))]
    place, way = int(rng.integers(len(pairs))), rng.random()
    name, value = pairs[place]
    if way < 0.15:
        return pairs[:place] + pairs[place + 1 :]
    if way < 0.25:
        return pairs + [pairs[place]] * int(rng.choice([1, 2, 1_500]))
    if way < 0.35:
        return [*pairs, (_text(rng), value)]
    return [*pairs[:place], (name, _text(rng)), *pairs[place + 1 :]]


def _changed_path(path: str, rng: np.random.Generator) -> str:
    """A piece of the address, or a parameter of it, replaced."""
    place, _, query = path.partition("?")
    text = quote(_encodable(_text(rng))[:500], safe="" if rng.random() < 0.7 else "/")
    if query and rng.random() < 0.7:
        names = [one.partition("=")[0] for one in query.split("&")]
        name = names[int(rng.integers(len(names)))]
        return f"{place}?{name}={text}" if rng.random() < 0.7 else f"{path}&{name}={text}&{text}"
    pieces = place.split("/")
    pieces[int(rng.integers(1, len(pieces)))] = text
    return "/".join(pieces) + (f"?{query}" if query else "")


def _multipart(pairs: Sequence[tuple[str, str]], rng: np.random.Generator) -> bytes:
    parts = b""
    for name, value in pairs:
        named = _encodable(name).replace('"', "").replace("\r", "").replace("\n", "")
        file = '; filename="a.csv"' if rng.random() < 0.1 or name == "file" else ""
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{named}"{file}\r\n\r\n'
        parts += head.encode() + _encodable(value).encode() + b"\r\n"
    return parts + f"--{BOUNDARY}--\r\n".encode()


def _text(rng: np.random.Generator) -> str:
    return _TEXTS[int(rng.integers(len(_TEXTS)))]


def _head_text(rng: np.random.Generator) -> str:
    """A text that a client's library lets into a head."""
    return "".join(letter for letter in _text(rng) if " " < letter <= "~") or "x"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
