"""Known vulnerabilities of what is locked, in a copy of the OSV database; says so where it could not look.

Run as ``python -m tests.reference.advisories ALL.zip``: the export of the PyPI advisories that OSV publishes (one JSON
document each, https://google.github.io/osv.dev/data/), or set ``LEADSCORE_ADVISORIES``. Nothing is fetched here.
Exit status 0: nothing known; 1: something is; 3: it could not be checked.
"""

import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from tests.reference.licence_table import ALL, ROOT

OLDEST_DAYS = 30.0  # of a copy: what was found since is not in it
FOUND, UNCHECKED = 1, 3
# what an archive, its members' bytes, their JSON and its shape raise where they are damaged
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError,
)  # fmt: skip


@dataclass(frozen=True)
class Advisory:
    """A known vulnerability of a locked version."""

    package: str
    version: str
    id: str
    summary: str


def locked_versions(text: str) -> dict[str, set[str]]:
    """Versions by normalised name; some packages are locked in one for each Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE):
        found.setdefault(_normalise(name), set()).add(version)
    return found


def find_advisories(documents: Iterator[Mapping[str, Any]], locked: Mapping[str, set[str]]) -> list[Advisory]:
    """Advisories that name a locked version and were not withdrawn."""
    found = []
    for document in documents:
        if document.get("withdrawn"):
            continue
        for affected in document.get("affected", ()):
            name = _normalise(str(affected.get("package", {}).get("name", "")))
            if affected.get("package", {}).get("ecosystem") != "PyPI":
                continue
            for version in sorted(locked.get(name, ())):
                if _is_affected(version, affected):
                    found.append(Advisory(name, version, str(document["id"]), str(document.get("summary", ""))))
    return sorted(set(found), key=lambda one: (one.package, one.id))


def _is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(
        _is_in_range(version, one.get("events", ()))
        for one in affected.get("ranges", ())
        if one.get("type") == "ECOSYSTEM"
    )


def _is_in_range(version: str, events: Sequence[Mapping[str, str]]) -> bool:
    """Whether a version lies behind an ``introduced`` and before the next ``fixed`` (or up to ``last_affected``)."""
    try:
        ours, inside = Version(version), False
        for event in events:
            if "introduced" in event:
                inside = inside or event["introduced"] == "0" or ours >= Version(event["introduced"])
            elif ("fixed" in event and ours >= Version(event["fixed"])) or (
                "last_affected" in event and ours > Version(event["last_affected"])
            ):
                inside = False
    except InvalidVersion:
        return False
    return inside


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_documents(file: Path) -> list[Mapping[str, Any]]:
    """The documents of an export; ValueError if one is none."""
    with zipfile.ZipFile(file) as archive:
        found = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")]
    if not all(isinstance(document, Mapping) and "id" in document for document in found):
        raise ValueError("not all of it are advisories")
    return found


def _age_days(documents: Sequence[Mapping[str, Any]]) -> float:
    """Days since the newest advisory about PyPI was changed; the file's own date is that of its copying.

    ValueError if there is none: an empty export knows nothing, and that of another registry nothing of ours.
    """
    ours = [
        document
        for document in documents
        if any(affected.get("package", {}).get("ecosystem") == "PyPI" for affected in document.get("affected", ()))
    ]
    if not ours:
        raise ValueError("no advisory about PyPI")
    newest = max(datetime.fromisoformat(str(document["modified"])) for document in ours)
    return (datetime.now(UTC) - newest.astimezone(UTC)).total_seconds() / 86_400


def check(file: Path | None, lock: str) -> tuple[int, list[str]]:
    """Exit status and lines to print; a copy that is damaged anywhere is one that was not looked into."""
    if file is None or not file.is_file():
        where = "none was given" if file is None else f"{file} is not there"
        return UNCHECKED, [f"NOT CHECKED for known vulnerabilities: no copy of the OSV database ({where})."]
    try:
        documents = read_documents(file)
        days = _age_days(documents)
        found = find_advisories(iter(documents), locked_versions(lock))
    except _UNREADABLE as problem:
        return UNCHECKED, [f"NOT CHECKED for known vulnerabilities: {file} cannot be read ({problem!r})."]
    lines = [f"{one.package} {one.version}: {one.id} {one.summary}".rstrip() for one in found]
    if days > OLDEST_DAYS:
        old = f"NOT CHECKED for what was found in the last {days:.0f} days: the copy {file} is that old."
        return FOUND if found else UNCHECKED, [*lines, old]
    return (FOUND, lines) if found else (0, ["no known vulnerability of a locked version"])


def main() -> int:
    """Check the lock file of everything."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LEADSCORE_ADVISORIES")
    status, lines = check(None if not given else Path(given), (ROOT / ALL).read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
