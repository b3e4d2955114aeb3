"""``champion.json`` and ``cautions.json``: which bundle scores, and what was said against the bundles that are kept.

No stage makes them anew: they outlive runs. A file without a version is read as the first one, whose layout it has.
"""

from collections.abc import Mapping
from typing import Any, Self

from pipelines.artifacts.artifact import VERSION, Record, Versioned
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

_REPAIR = "promote"  # the command that writes the pointer anew


class MoveRecord(Record):
    """One move of the champion's pointer."""

    at: str
    hash: str
    how: str
    previous: str | None
    reason: str


class ChampionRecord(Versioned):
    """The pointer: the bundle's path relative to the source's directory, its hash, and the moves, the newest last."""

    STAGE = _REPAIR

    path: str | None
    hash: str | None
    previous: str | None
    history: tuple[MoveRecord, ...] = ()

    @classmethod
    def read(cls, paths: Paths) -> Self | None:
        """The pointer of a source; None before there is a file.

        Raises
        ------
        DataError : it is damaged or was written by a newer leadscore
        """
        if not paths.champion.exists():
            return None
        return cls.parse(_with_version(read_json(paths.champion)), paths.champion, paths.source, cls.STAGE)

    def write(self, paths: Paths) -> None:
        """Write the pointer, atomically."""
        write_json(paths.champion, self.record())


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
        content = _with_version(read_json(paths.cautions) if paths.cautions.exists() else {})
        if isinstance(content, Mapping):
            texts = {name: text for name, text in content.items() if name != VERSION}
            content = {VERSION: content[VERSION], "texts": texts}
        return cls.parse(content, paths.cautions, paths.source, cls.STAGE)

    def write(self, paths: Paths) -> None:
        """Write them, atomically: one key per bundle."""
        write_json(paths.cautions, {**self.texts, VERSION: self.VERSION})


def _with_version(content: Any) -> Any:
    return {VERSION: 1, **content} if isinstance(content, dict) else content
