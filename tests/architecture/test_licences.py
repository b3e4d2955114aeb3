"""Locked packages are listed with their licences, a run needs none that binds its users, advisories are looked up."""

import json
import os
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.reference.advisories import FOUND, UNCHECKED, check, locked_versions
from tests.reference.licence_table import ALL, END, PAGE, PERMISSIVE, ROOT, RUN, START, locked, packages, table

# not needed by a run; why each may be there stands in docs/licences.md
OTHERS = {"asyncssh", "dulwich", "grandalf", "odfpy", "psycopg", "psycopg-binary", "pygit2"}


def test_the_table_is_what_the_packages_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = text[text.index(START) : text.index(END) + len(END)]
    assert written == table(), "run: python -m tests.reference.licence_table"


def test_a_run_needs_permissive_licences_only() -> None:
    found = list(packages())
    bound = {one.name: one.licence for one in found if not PERMISSIVE.fullmatch(one.licence)}
    assert {one.name for one in found if one.needed} & set(bound) == set(), bound
    assert set(bound) <= OTHERS, bound
    assert len(found) > 200


@pytest.mark.parametrize("licence", ["GPL-3.0", "MIT AND GPL-2.0", "AGPL-3.0-only", "unsaid", "LGPL-3.0"])
def test_a_licence_that_is_not_on_the_list_is_seen(licence: str) -> None:
    assert not PERMISSIVE.fullmatch(licence)


def test_dvc_is_an_extra_that_nothing_here_imports() -> None:
    assert not {"dvc", "grandalf", "pygit2"} & set(locked(RUN))
    for room in ("features", "models", "pipelines", "serving"):
        for file in (ROOT / room).rglob("*.py"):
            assert not re.search(r"^\s*(import|from) dvc\b", file.read_text(encoding="utf-8"), re.MULTILINE), file


MODIFIED = datetime.now(UTC).isoformat()


def advisory(name: str, *, withdrawn: bool = False, **affected: object) -> dict[str, object]:
    found: dict[str, object] = {
        "id": f"PYSEC-{name}",
        "summary": "bad",
        "modified": MODIFIED,
        "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}],
    }
    return found | ({"withdrawn": "2026-01-01T00:00:00Z"} if withdrawn else {})


def in_range(*events: dict[str, str]) -> dict[str, object]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


DOCUMENTS = [
    advisory("By_Version", versions=["1.0"]),
    advisory("fixed", **in_range({"introduced": "0"}, {"fixed": "1.0"})),
    advisory("open", **in_range({"introduced": "0.9"}, {"fixed": "1.0.1"})),
    advisory("later", **in_range({"introduced": "1.1"})),
    advisory("last", **in_range({"introduced": "0"}, {"last_affected": "1.0"})),
    advisory("gone", withdrawn=True, versions=["1.0"]),
    advisory("absent", versions=["1.0"]),
]
LOCK = "".join(f"{name}==1.0 ; python_version < '3.12' \\\n    --hash=sha256:0\n" for name in
               ("by-version", "fixed", "open", "later", "last", "gone"))  # fmt: skip


def export(file: Path, documents: list[dict[str, object]]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for number, document in enumerate(documents):
            archive.writestr(f"{number}.json", json.dumps(document))
    return file


def test_advisories_of_locked_versions_are_found(tmp_path: Path) -> None:
    status, lines = check(export(tmp_path / "all.zip", DOCUMENTS), LOCK)
    assert (status, [line.split(" ")[0] for line in lines]) == (FOUND, ["by-version", "last", "open"])
    assert check(export(tmp_path / "few.zip", DOCUMENTS[-1:]), LOCK)[0] == 0
    assert locked_versions("a-B.c==1.0 \\\na_b-c==2.0\n") == {"a-b-c": {"1.0", "2.0"}}


def damaged(file: Path, content: bytes) -> Path:
    """An archive of one document whose packed bytes were changed, so that its directory is still right."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.json", content)
    packed = bytearray(file.read_bytes())
    start = 30 + len("0.json")
    packed[start : start + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(packed)
    return file


def packed(file: Path, content: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("0.json", content)
    return file


def test_it_says_when_it_could_not_check(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"no archive")
    old = export(tmp_path / "old.zip", [advisory("absent", versions=["1.0"]) | {"modified": "2020-01-01T00:00:00Z"}])
    elsewhere = advisory("open") | {
        "affected": [{"package": {"ecosystem": "npm", "name": "open"}, "versions": ["1.0"]}]
    }
    files = {
        "none": None,
        "absent": tmp_path / "absent.zip",
        "no archive": tmp_path / "broken.zip",
        "old, though copied just now": old,
        "empty": export(tmp_path / "empty.zip", []),
        "of another registry": export(tmp_path / "npm.zip", [elsewhere]),
        "damaged": damaged(tmp_path / "damaged.zip", json.dumps(DOCUMENTS[0]).encode() * 9),
        "a list": packed(tmp_path / "list.zip", b"[1]"),
        "list for affected": export(tmp_path / "shape.zip", [advisory("open") | {"affected": ["open"]}]),
        "not UTF-8": packed(tmp_path / "latin.zip", b'{"id": "\xff\xfe"}'),
        "undated": export(tmp_path / "undated.zip", [{**advisory("open"), "modified": "lately"}]),
    }
    for why, file in files.items():
        status, lines = check(file, LOCK)
        assert status == UNCHECKED and lines[-1].startswith("NOT CHECKED"), why


def test_every_version_of_our_own_lock_is_looked_up(tmp_path: Path) -> None:
    lock = (ROOT / ALL).read_text(encoding="utf-8")
    locked = locked_versions(lock)
    named = [advisory(name, versions=sorted(versions)) for name, versions in locked.items()]
    status, lines = check(export(tmp_path / "all.zip", named), lock)
    assert status == FOUND and len(lines) == sum(map(len, locked.values())) > 200
    assert len(re.findall("^[A-Za-z0-9]", lock, re.MULTILINE)) == len(lines), "a line of the lock that is not read"


@pytest.mark.prove
def test_no_vulnerability_of_the_lock_is_known_to_the_copy_there_is(record_property: Any) -> None:
    """The same as the command; where no copy was given the figures say that nothing was checked."""
    given = os.environ.get("LEADSCORE_ADVISORIES")
    status, lines = check(Path(given) if given else None, (ROOT / ALL).read_text(encoding="utf-8"))
    record_property("advisories", "; ".join(lines))
    assert status != FOUND, lines
    assert status == UNCHECKED or given, "looked nowhere and found nothing"
