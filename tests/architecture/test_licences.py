"""Locked packages are listed with their licences, a run needs none that binds its users, advisories are looked up."""

import json
import os
import re
import time
import zipfile
from pathlib import Path

import pytest

from tests.reference.advisories import FOUND, UNCHECKED, check, locked_versions
from tests.reference.licence_table import END, PAGE, PERMISSIVE, ROOT, RUN, START, locked, packages, table

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


def advisory(name: str, *, withdrawn: bool = False, **affected: object) -> dict[str, object]:
    found: dict[str, object] = {
        "id": f"PYSEC-{name}",
        "summary": "bad",
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


def test_it_says_when_it_could_not_check(tmp_path: Path) -> None:
    broken, old = tmp_path / "broken.zip", export(tmp_path / "old.zip", [])
    broken.write_bytes(b"no archive")
    long_ago = time.time() - 40 * 86_400
    os.utime(old, (long_ago, long_ago))
    for file in (None, tmp_path / "absent.zip", broken, old):
        status, lines = check(file, LOCK)
        assert status == UNCHECKED and lines[-1].startswith("NOT CHECKED"), file
