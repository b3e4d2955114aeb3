"""``champion.json`` and ``cautions.json``: which bundle scores, and what was said against the bundles that are kept.

No stage makes them anew: they outlive runs. A file without a version is read as the first one, whose layout it has.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from features.errors import DataError
from models.bundle_files.plain_files import read_plain_file
from models.bundle_files.strict_json import parse_strictly
from pipelines.artifacts.artifact import VERSION, Record, Versioned
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

_REPAIR = "promote"  # the command that writes the pointer anew
_RESTORE = "restore it from a backup, or remove it: what test blocks said against bundles is then not told"
_MOST_BYTES = 2**20  # 50 moves take 30 kB
_MOST_TEXT = 10_000  # characters of a reason
_HASH = re.compile(r"[0-9a-f]{64}")

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=_MOST_TEXT)]


def is_bundle_hash(text: object) -> bool:
    """Whether a text is the hash of a bundle: it names a folder, so nothing else may stand in its place."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


class MoveRecord(Record):
    """One move of the champion's pointer."""

    at: Text
    hash: Hash
    how: Text
    previous: Hash | None
    reason: Text


class ChampionRecord(Versioned):
    """The pointer: the bundle's path relative to the source's directory, its hash, and the moves, the newest last."""

    STAGE = _REPAIR

    path: str | None
    hash: Hash | None
    previous: Hash | None
    history: Annotated[tuple[MoveRecord, ...], Field(max_length=1_000)] = ()

    @model_validator(mode="after")
    def _point_to_a_kept_bundle(self) -> Self:
        expected = None if self.hash is None else f"bundles/{self.hash}"
        if self.path != expected:
            raise ValueError("path is not 'bundles/' and the hash")
        return self

    @classmethod
    def read(cls, paths: Paths) -> Self | None:
        """The pointer of a source; None before there is a file.

        Raises
        ------
        DataError : it is no plain file, damaged, or was written by a newer leadscore
        """
        where = paths.champion
        try:
            content = parse_strictly(read_plain_file(where, _MOST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise DataError(f"{where} cannot be read ({problem.strerror}); check who may read it.") from problem
        except ValueError as problem:
            raise DataError(f"{where} is damaged ({str(problem)[:200]}); {_way_out(paths)}") from problem

        try:
            return cls.parse(_with_version(content), where, paths.source, cls.STAGE)
        except DataError as problem:
            raise DataError(f"{problem.message} Or {_way_out(paths)}") from problem

    def write(self, paths: Paths) -> None:
        """Write the pointer, atomically."""
        write_json(paths.champion, self.record())


def _way_out(paths: Paths) -> str:
    return (
        "restore the file, or remove it and choose a kept bundle: leadscore promote "
        f"--source {paths.source} --bundle HASH."
    )


class RegistrationRecord(Record):
    """What the stage ``register`` came to: the trained bundle, its role (champion or challenger; None where nothing was
    trained) and who is champion now.
    """

    hash: Hash | None
    role: str | None
    champion: Hash | None


class CautionsRecord(Versioned):
    """What test blocks said against bundles, by hash; empty texts are kept."""

    STAGE = "report"

    texts: dict[str, str]

    @classmethod
    def read(cls, paths: Paths) -> Self:
        """What is known of the bundles of a source; nothing before there is a file.

        Raises
        ------
        DataError : the file is damaged or was written by a newer leadscore
        """
        content = _with_version(read_json(paths.cautions, _RESTORE) if paths.cautions.exists() else {})
        if isinstance(content, Mapping):
            texts = {name: text for name, text in content.items() if name != VERSION}
            content = {VERSION: content[VERSION], "texts": texts}
        return cls.parse(content, paths.cautions, paths.source, cls.STAGE)

    def write(self, paths: Paths) -> None:
        """Write them, atomically: one key per bundle."""
        write_json(paths.cautions, {**self.texts, VERSION: self.VERSION})


def _with_version(content: Any) -> Any:
    return {VERSION: 1, **content} if isinstance(content, dict) else content
