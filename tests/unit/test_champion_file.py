"""``champion.json`` in any state is a pointer, no pointer, or a message that says what to do."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from pipelines.registry.champion import Champion, ensure_pointer, read_champion
from pipelines.workspace.paths import Paths
from tests.reference.champion_states import GOOD, MADE, STATES, changed


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
