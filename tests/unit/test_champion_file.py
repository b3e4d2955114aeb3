"""``champion.json`` in any state is a pointer, no pointer, or a message that says what to do."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from pipelines.registry.champion import Champion, ensure_pointer, read_champion
from pipelines.workspace.paths import Paths

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


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, "demo")
    found.root.mkdir()
    return found


def test_a_good_one_is_read(paths: Paths) -> None:
    paths.champion.write_bytes(changed())
    champion = read_champion(paths)
    assert champion is not None and (champion.hash, champion.folder) == (GOOD, paths.bundles / GOOD)
    paths.champion.write_bytes(b'{"path": null, "hash": null, "previous": null}')
    assert read_champion(paths) is None


@pytest.mark.parametrize("state", STATES)
def test_any_other_state_is_a_message(paths: Paths, state: str) -> None:
    paths.champion.write_bytes(STATES[state])
    with pytest.raises(DataError, match=r"champion\.json") as told:
        read_champion(paths)
    assert len(told.value.message) < 1_000 and "leadscore promote" in told.value.message


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


@pytest.mark.parametrize("kind", MADE)
def test_what_is_no_file_is_a_message_and_never_waited_for(paths: Paths, kind: str) -> None:
    MADE[kind](paths.champion)
    with pytest.raises(DataError, match=r"is a (link|folder|pipe)"):
        read_champion(paths)
    ensure_pointer(paths)
    assert paths.champion.is_symlink() or not paths.champion.is_file()  # nothing was put in its place


def mutate(seed: int) -> bytes:
    draw = random.Random(seed)
    document: Any = json.loads(changed())
    for _ in range(draw.choice((1, 1, 2, 3))):
        node = draw.choice((document, document, document["history"][0])) if isinstance(document, dict) else document
        key = draw.choice((*node, "x"))
        value = draw.choice((None, True, 0, -1, 2**70, 1e308, float("nan"), "", "x", "../x", "\x00", [], {}, [[]], GOOD,
                             GOOD.upper(), GOOD + "/", "bundles", "a" * 20_000))  # fmt: skip
        if draw.random() < 0.2:
            node.pop(key, None)
        else:
            node[key] = value
        if not isinstance(document.get("history"), list) or not document["history"] or document["history"] == [[]]:
            break
    text = bytearray(json.dumps(document).encode())
    if draw.random() < 0.3:
        for _ in range(draw.choice((1, 2, 8))):
            text[draw.randrange(len(text))] = draw.randrange(256)
    if draw.random() < 0.1:
        del text[draw.randrange(len(text)) :]
    return bytes(text)


def judge(paths: Paths, seeds: range) -> tuple[int, int]:
    """How many were read and refused; whatever else comes of one is raised."""
    read = refused = 0
    for seed in seeds:
        paths.champion.write_bytes(mutate(seed))
        try:
            found = read_champion(paths)
        except DataError as problem:
            assert str(paths.champion) in problem.message
            refused += 1
            continue
        read += 1
        if found is not None:
            assert isinstance(found, Champion) and found.folder == paths.bundles / found.hash
            assert len(found.hash) == 64 and set(found.hash) <= set("0123456789abcdef")
    return read, refused


def test_mutants_are_read_or_refused(paths: Paths) -> None:
    read, refused = judge(paths, range(400))
    assert refused > 200 and read > 5


@pytest.mark.prove
def test_5000_mutants_are_read_or_refused(paths: Paths, record_property: Callable[[str, object], None]) -> None:
    read, refused = judge(paths, range(10_000, 15_000))
    record_property("read", read)
    record_property("refused", refused)
    assert read + refused == 5_000
