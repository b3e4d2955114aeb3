"""States in which a ``champion.json`` may be found: one good one changed, texts of other kinds, and what is no file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOOD = "ab" * 32
POINTER = {
    "path": f"bundles/{GOOD}",
    "hash": GOOD,
    "previous": "cd" * 32,
    "history": [{"at": "2026-01-01T00:00:00+00:00", "hash": GOOD, "how": "gate", "previous": None, "reason": "better"}],
    "version": 1,
}


def changed(**values: Any) -> bytes:
    return json.dumps(POINTER | values).encode()


STATES: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "binary": bytes(range(256)),
    "cut off": json.dumps(POINTER).encode()[:-30],
    "null": b"null",
    "a list": b"[]",
    "a text": b'"champion"',
    "a number": b"17",
    "deep": b"[" * 300_000,
    "deeper": b'{"path": ' * 60_000,
    "nothing in it": b"{}",
    "no hash": json.dumps({"path": f"bundles/{GOOD}", "previous": None}).encode(),
    "not a number": b'{"path": NaN, "hash": NaN, "previous": null}',
    "infinity": b'{"path": Infinity, "hash": null, "previous": null}',
    "a long number": b'{"path": ' + b"9" * 5000 + b', "hash": null, "previous": null}',
    "a number for a hash": changed(hash=17),
    "a list for a hash": changed(hash=[GOOD]),
    "a short hash": changed(hash="ab", path="bundles/ab"),
    "a hash that climbs": changed(hash="../../etc", path="bundles/../../etc"),
    "a hash with a separator": changed(hash=f"{'ab' * 31}/a", path=f"bundles/{'ab' * 31}/a"),
    "a hash with a line's end": changed(hash=GOOD + "\n", path=f"bundles/{GOOD}\n"),
    "a path elsewhere": changed(path="/etc"),
    "a path that climbs": changed(path=f"bundles/../bundles/{GOOD}"),
    "a path without a hash": changed(hash=None),
    "a hash without a path": changed(path=None),
    "a previous that climbs": changed(previous="../x"),
    "a text for a history": changed(history="yes"),
    "a move of nothing": changed(history=[{}]),
    "a move elsewhere": changed(history=[POINTER["history"][0] | {"hash": "../x"}]),  # type: ignore[index]
    "another key": changed(command="rm"),
    "a version of letters": changed(version="one"),
    "a newer version": changed(version=2),
    "a version below 0": changed(version=-1),
    "huge": b" " * (2**20 + 1),
}


def _link(file: Path) -> None:
    (file.parent / "elsewhere.json").write_bytes(changed())
    file.symlink_to("elsewhere.json")


def _dangling(file: Path) -> None:
    file.symlink_to("nowhere")


def _round(file: Path) -> None:
    file.symlink_to(file.name)


MADE: dict[str, Callable[[Path], None]] = {
    "link": _link,
    "link to nothing": _dangling,
    "link to itself": _round,
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
}
