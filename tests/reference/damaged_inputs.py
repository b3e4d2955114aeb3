"""Inputs damaged at random, one per kind and seed: delimited text, Parquet, JSON, archives, and YAML that people write.

Unlike those of :mod:`tests.reference.hostile_files`, which people might send, these are sound files with bytes changed,
cut, repeated, swapped or put in: what breaks readers rather than declarations.
"""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tests.reference.exports import DECLARATION

_ROOT = Path(__file__).resolve().parents[2]
_YAML = (b":", b"- ", b"&a ", b"*a", b"<<: ", b"!!python/name:os.system ", b"|\n", b"{", b"[", b"\t", b"---\n")
_TOKENS: dict[str, tuple[bytes, ...]] = {
    "csv": (b'"', b'""', b"\r", b"\n", b"\r\r\n", b"\x00", b";", b",", b"\t", b"\xff\xfe", b"\xef\xbb\xbf", b"'"),
    "parquet": (b"PAR1", b"\x00" * 8, b"\xff" * 8, b"\x15\x00", b"\x7f\xff\xff\xff", b"\x19\xfc"),
    "json": (b"[", b"]", b"{", b"}", b'"', b"\\", b"\\u", b"\\ud800", b",", b":", b"NaN", b"1e999", b"null", b"\n"),
    "yaml": _YAML,
    "archive": (b"PK\x03\x04", b"PK\x01\x02", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\xff" * 4, b"\x00" * 4, b"../"),
    "rubric": _YAML,
    "qualification": _YAML,
    "lifecycle": _YAML,
    "accounts": _YAML,
    "framework": _YAML,
}
_POLICIES = {  # our own files of each kind; of frameworks those that ship
    "rubric": "data/rubrics/*.yaml",
    "qualification": "data/policies/qualification*.yaml",
    "lifecycle": "data/policies/lifecycle*.yaml",
    "accounts": "data/policies/accounts*.yaml",
    "framework": "models/explaining/frameworks/*.yaml",
}


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = 40
    return pd.DataFrame(
        {
            "id": [f"L{k}" for k in range(size)],
            "created": pd.date_range("2025-01-06", periods=size, freq="7h"),
            "job": rng.choice(["boss", "clerk", "Müller & Söhne", "김민수"], size),
            "budget": rng.normal(100, 50, size).round(2),
            "seats": pd.array([None if k % 7 == 0 else k for k in range(size)], dtype="Int64"),
            "tags": [["a", "b"][: k % 3] for k in range(size)],
            "won": rng.random(size) < 0.5,
        }
    )


@cache
def _sound(kind: str) -> tuple[tuple[str, bytes], ...]:
    """Names and bytes of sound inputs of a kind."""
    frame = _frame()
    text = frame.assign(tags=frame["tags"].str.join(";")).to_csv(index=False, quoting=1).encode()
    if kind == "csv":
        return ("f.csv", text), ("f.csv", text.replace(b'","', b'";"')), ("f.csv", text.decode().encode("utf-16"))
    if kind == "parquet":
        return tuple(
            ("f.parquet", _packed(lambda out, how=how: frame.to_parquet(out, index=False, compression=how)))
            for how in (None, "snappy", "zstd")
        )
    records = json.loads(frame.to_json(orient="records", date_format="iso"))
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()
    if kind == "json":
        nested = json.dumps({"data": {"leads": [{"id": r["id"], "who": {"job": r["job"]}} for r in records]}}).encode()
        return ("f.jsonl", lines), ("f.json", json.dumps(records).encode()), ("f.json", nested)
    if kind == "yaml":
        return (("f.yaml", DECLARATION.encode()),)
    if kind in _POLICIES:
        return tuple((file.name, file.read_bytes()) for file in sorted(_ROOT.glob(_POLICIES[kind])))
    book = _packed(lambda out: frame.assign(tags="", created="2025-01-06").to_excel(out, index=False))
    packs: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
    )
    return (
        *((f"f.csv.{suffix}", pack(text)) for suffix, pack in packs),
        ("f.zip", _zip({"leads.csv": text, "readme.txt": b"hello"})),
        ("f.zip", _zip({"inner.zip": _zip({"leads.csv": text})})),
        ("f.xlsx", book),
    )


def _packed(write: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


KINDS = tuple(_TOKENS)


def damaged_input(kind: str, seed: int) -> tuple[str, bytes]:
    """Name and bytes of the input of a kind and seed; one in twenty is left sound."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    choices = _sound(kind)
    name, content = choices[int(rng.integers(len(choices)))]
    for _ in range(int(rng.integers(0, 6)) if rng.random() < 0.95 else 0):
        content = damage(content, _TOKENS[kind], rng)
    return name, content


def damage(content: bytes, tokens: tuple[bytes, ...], rng: np.random.Generator) -> bytes:
    """The content with one place of it flipped, cut, repeated, moved, blown up or replaced by a token."""
    at, end = (int(k) for k in sorted(rng.integers(0, len(content) + 1, 2)))
    short = min(end, at + int(rng.integers(1, 200)))
    way = int(rng.integers(8))
    if way == 0:  # flipped
        found = bytearray(content)
        for place in rng.integers(0, max(len(found), 1), int(rng.integers(1, 10))) if found else ():
            found[int(place)] = int(rng.integers(256))
        return bytes(found)
    if way == 1:  # cut off
        return content[:end]
    if way == 2:  # taken out
        return content[:at] + content[short:]
    if way == 3:  # repeated
        return content[:short] + content[at:short] * int(rng.integers(1, 20)) + content[short:]
    if way == 4:  # two places exchanged
        other = int(rng.integers(0, len(content) + 1))
        piece = content[at:short]
        return content[:other] + piece + content[other:]
    if way == 5:  # a long run
        return content[:at] + bytes([int(rng.integers(256))]) * int(rng.choice([100, 5_000, 70_000])) + content[at:]
    token = tokens[int(rng.integers(len(tokens)))]
    return content[:at] + token * (1 if way == 6 else int(rng.choice([2, 50, 3_000]))) + content[at:]
