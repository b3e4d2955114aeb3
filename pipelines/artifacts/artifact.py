"""A JSON file as a typed value with a version: how every artifact is read, written and refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import DataError
from pipelines.workspace.atomic_files import plain_json, read_json, write_json
from pipelines.workspace.paths import Paths

VERSION = "version"
Number = int | float
Figure = int | float | None  # None: not to be had from these data, NaN in memory
Span = tuple[Figure, Figure]  # low, high; 90% unless said otherwise


class Record(BaseModel):
    """A frozen part of an artifact; a key that nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The record of computed values: arrays become lists, NaN becomes None, as in a file."""
        return cls.model_validate(plain_json(dict(values)))

    def record(self) -> dict[str, Any]:
        """JSON-ready, as a file holds it: keys that were not given are left out."""
        held = plain_json(self.model_dump(exclude_unset=True))
        return {str(name): value for name, value in held.items()}


class Versioned(Record):
    """The content of a file and the version of its layout.

    ``VERSION`` goes up when keys change their meaning or go away. Keys that a stage did not reach are left out of the
    file, and read as the field's default.
    """

    VERSION: ClassVar[int] = 1
    STAGE: ClassVar[str]
    version: int = 1

    def record(self) -> dict[str, Any]:
        """JSON-ready, as the file holds it."""
        return super().record() | {VERSION: self.VERSION}

    def content(self) -> dict[str, Any]:
        """JSON-ready, the version left out."""
        return {name: value for name, value in self.record().items() if name != VERSION}

    @classmethod
    def parse(cls, content: Any, path: Path, source: str, stage: str) -> Self:
        """The artifact of a parsed file.

        Raises
        ------
        DataError : another leadscore wrote it, or it is damaged; says which stage to run
        """
        again = f"run stage '{stage}' again: leadscore {stage} --source {source}"
        check_version(content, path, cls.VERSION, again)
        try:
            return cls.model_validate(content)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise DataError(f"{path} is damaged ({where}: {first['msg']}); {again}.") from problem


class Artifact(Versioned):
    """An artifact in its own file: ``FILE``, below the source's directory, is written by ``STAGE`` alone."""

    FILE: ClassVar[str]

    @classmethod
    def path(cls, paths: Paths) -> Path:
        """Where the artifact of a source lies."""
        return paths.root / cls.FILE

    @classmethod
    def exists(cls, paths: Paths) -> bool:
        """Whether the stage left it."""
        return cls.path(paths).exists()

    @classmethod
    def read(cls, paths: Paths) -> Self:
        """What the stage left.

        Raises
        ------
        DataError : it is missing, damaged or of another version; says which stage to run
        """
        path = cls.path(paths)
        return cls.parse(read_json(path), path, paths.source, cls.STAGE)

    @classmethod
    def read_if_any(cls, paths: Paths) -> Self | None:
        """As :meth:`read`; None where the stage had nothing to say (:meth:`write_nothing`)."""
        path = cls.path(paths)
        content = read_json(path)
        if isinstance(content, dict) and content == {VERSION: cls.VERSION}:
            return None
        return cls.parse(content, path, paths.source, cls.STAGE)

    def write(self, folder: Path) -> None:
        """Write it into its stage's directory, atomically."""
        write_json(folder / Path(self.FILE).name, self.record())

    @classmethod
    def write_nothing(cls, folder: Path) -> None:
        """Say that the stage ran and had nothing to say."""
        write_json(folder / Path(cls.FILE).name, {VERSION: cls.VERSION})

    @classmethod
    def write_if_any(cls, folder: Path, values: Mapping[str, Any]) -> None:
        """Write the artifact of computed values; where there are none, say so."""
        if values:
            cls.of(values).write(folder)
        else:
            cls.write_nothing(folder)


def check_version(content: Any, path: Path, known: int, again: str) -> None:
    """Refuse a file of another version.

    Raises
    ------
    DataError : it was written by an older or a newer leadscore; ``again`` says how it is made anew
    """
    found = content.get(VERSION) if isinstance(content, dict) else None
    if found == known:
        return
    if isinstance(found, int) and found > known:
        raise DataError(f"{path} was written by a newer leadscore; update this one, or {again}.")
    raise DataError(f"{path} was written by an older leadscore; {again}.")


def read_rows(path: Path, source: str, stage: str, known: int = 1) -> list[dict[str, Any]]:
    """The rows of a file that holds a list; each carries the version, which is left out here.

    Raises
    ------
    DataError : it is missing, damaged or of another version; says which stage to run
    """
    again = f"run stage '{stage}' again: leadscore {stage} --source {source}"
    rows = read_json(path)
    if not isinstance(rows, list):
        raise DataError(f"{path} is damaged (not a list); {again}.")
    for row in rows:
        check_version(row, path, known, again)
    return [{name: value for name, value in row.items() if name != VERSION} for row in rows]


def write_rows(path: Path, rows: list[dict[str, Any]], known: int = 1) -> None:
    """Write rows as a list, each with the version."""
    write_json(path, [{**row, VERSION: known} for row in rows])
