"""Licences of everything the lock files install: told from the packages' own metadata, written into docs/licences.md.

Run as ``python -m tests.reference.licence_table`` after ``make lock``, in an environment with the extras.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "licences.md"
START, END = "<!-- licences: written by tests.reference.licence_table -->", "<!-- end of licences -->"
RUN, ALL = "requirements.lock", "requirements-dev.lock"

# read in the package's own licence file where its metadata say nothing
UNSAID = {"axe-playwright-python": "MIT AND MPL-2.0", "huey": "MIT", "skops": "MIT"}
_PERMISSIVE = (
    r"MIT(-0|-CMU)?|MIT License|(3-Clause )?BSD( License)?|BSD-[23]-Clause|0BSD|Apache[- ]2\.0|Apache License 2\.0"
    r"|Apache Software License|ISC( License)?( \(ISCL\))?|PSF-2\.0|Python Software Foundation License|Zlib|CC0-1\.0"
    r"|Zope Public License|ZPL-2\.1|Unlicense|Apache-2\.0 WITH LLVM-exception"
    r"|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)"  # of files, which are not changed here
)
PERMISSIVE = re.compile(rf"({_PERMISSIVE})((; | AND | OR )\(?({_PERMISSIVE})\)?)*")


@dataclass(frozen=True)
class Package:
    """A locked package, its licence as it says, and whether a run needs it or only an extra or the tests."""

    name: str
    licence: str
    needed: bool


def locked(file: str) -> list[str]:
    """Names in a lock file, each once."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return sorted({match.group(1) for line in lines if (match := re.match(r"([A-Za-z0-9._-]+)==", line))})


def licence_of(name: str) -> str:
    """What a package's metadata say: the expression, else the classifiers, else the field's first line."""
    found = metadata(name)
    classifiers = [text for text in found.get_all("Classifier") or () if text.startswith("License ::")]
    named = "; ".join(
        text.rpartition(" :: ")[2] for text in classifiers if text.rpartition(" :: ")[2] != "OSI Approved"
    )
    field = (found.get("License") or "").strip().splitlines()
    return found.get("License-Expression") or named or (field[0][:60] if field else "") or UNSAID.get(name, "unsaid")


def packages() -> Iterator[Package]:
    """Everything that the lock files name and this machine has."""
    needed = set(locked(RUN))
    for name in locked(ALL):
        try:
            yield Package(name, licence_of(name), name in needed)
        except PackageNotFoundError:  # of another Python or system
            continue


def table() -> str:
    """The page's table."""
    rows = [f"| {one.name} | {one.licence} | {'run' if one.needed else 'extra or tests'} |" for one in packages()]
    return "\n".join([START, "| package | licence | needed by |", "|---|---|---|", *rows, END])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    PAGE.write_text(before + table() + after, encoding="utf-8")
