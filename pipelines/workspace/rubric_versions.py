"""Adopted versions of a source's rubric on disk: who made which draft the rubric in force, when and why.

They lie in ``<data-dir>/<source>/rubrics``: a YAML file per version and ``versions.json``. What the source declares is
the version before the first adopted one.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import DataError, PolicyError
from features.rubric.load import parse_rubric
from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory, RubricVersion, rubric_hash
from features.rubric.yaml_format import rubric_yaml
from features.schema.source import Source
from pipelines.workspace.atomic_files import read_json, write_json, write_text
from pipelines.workspace.paths import Paths

_FILE = "versions.json"
_RESTORE = (
    "without it nobody can tell which rubric is in force: restore it from a backup, or remove its folder to begin "
    "again with the declared rubric"
)
LONGEST_REASON = 1_000  # characters


class _Adopted(BaseModel):
    """One line of ``versions.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str
    version: str
    since: str
    adopted_at: str
    author: str
    reason: str


class _Versions(BaseModel):
    """``versions.json``: the declared rubric's hash when the last version was adopted, and all versions in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    declared: str | None
    adopted: tuple[_Adopted, ...]


def load_rubric_history(paths: Paths, source: Source, declared: Rubric | None) -> RubricHistory:
    """The declared rubric and every adopted version.

    Raises
    ------
    DataError : a file is damaged or missing
    PolicyError : a version does not fit the source any more, or the declared rubric was edited after an adoption, so
        that two rubrics claim to be in force
    """
    first = () if declared is None else (RubricVersion(rubric=declared),)
    kept = _read(paths)
    if kept is None:
        return RubricHistory(first)
    now = None if declared is None else rubric_hash(declared)
    if now != kept.declared:
        last = kept.adopted[-1]
        raise PolicyError(
            f"source '{source.name}' now declares another rubric than on {last.adopted_at[:10]}, when {last.author} "
            f"adopted version '{last.version}' in its place; two rubrics claim to be in force. Restore the declared "
            f"one and adopt the edited one (leadscore rubric adopt FILE --source {source.name} --reason TEXT), or "
            f"remove {paths.rubrics} to begin again with the declared one."
        )
    return RubricHistory((*first, *(_load(paths, source, line) for line in kept.adopted)))


def adopt_rubric(
    paths: Paths,
    declared: Rubric | None,
    history: RubricHistory,
    version: RubricVersion,
) -> RubricVersion:
    """Make a rubric the version in force; the versions before it stay, each for its time.

    ``version`` says since when; its ``adopted_at`` is set here.

    Raises
    ------
    PolicyError
        it is the version in force already, has no author or reason, or would begin before the version in force did.
    """
    _check(history, version)
    adopted = RubricVersion(
        rubric=version.rubric,
        since=version.since,
        adopted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        author=version.author.strip(),
        reason=version.reason.strip(),
    )
    kept, own = _read(paths), rubric_hash(adopted.rubric)
    line = _Adopted(
        hash=own,
        name=adopted.rubric.name,
        version=adopted.rubric.version,
        since="" if adopted.since is None else adopted.since.isoformat(),
        adopted_at=adopted.adopted_at,
        author=adopted.author,
        reason=adopted.reason,
    )
    write_text(_text_file(paths, own), rubric_yaml(adopted.rubric))
    found = _Versions(
        declared=None if declared is None else rubric_hash(declared),
        adopted=(*(() if kept is None else kept.adopted), line),
    )
    write_json(paths.rubrics / _FILE, found.model_dump(mode="json"))
    return adopted


def versions_file(paths: Paths) -> Path:
    """Where it is written which rubric is in force."""
    return paths.rubrics / _FILE


def version_record(version: RubricVersion) -> dict[str, Any]:
    """JSON-ready, without the rules."""
    return {
        "name": version.rubric.name,
        "version": version.rubric.version,
        "rules": len(version.rubric.rules),
        "hash": rubric_hash(version.rubric),
        "since": None if version.since is None else version.since.isoformat(),
        "adopted_at": version.adopted_at or None,
        "author": version.author or None,
        "reason": version.reason or None,
        "agreed_by": list(version.rubric.agreed_by),
    }


def _check(history: RubricHistory, version: RubricVersion) -> None:
    if not version.author.strip() or not version.reason.strip():
        raise PolicyError("a version is adopted by somebody and for a reason; give both, they are kept with it.")
    if len(version.reason) > LONGEST_REASON or len(version.author) > LONGEST_REASON:
        raise PolicyError(f"author and reason may have {LONGEST_REASON:,} characters at most; shorten them.")
    if not history.versions:
        return
    last = history.versions[-1]
    if rubric_hash(last.rubric) == rubric_hash(version.rubric):
        raise PolicyError(f"rubric '{version.rubric.name}' ({version.rubric.version}) is the one in force already.")
    if last.since is not None and version.since is not None and version.since < last.since:
        raise PolicyError(
            f"the version in force began on {last.since:%Y-%m-%d %H:%M}; a version adopted now cannot begin on "
            f"{version.since:%Y-%m-%d %H:%M}. History stays judged by the version of its time; give a later day."
        )


def _read(paths: Paths) -> _Versions | None:
    file = paths.rubrics / _FILE
    if not file.exists():
        return None
    try:
        found = _Versions.model_validate(read_json(file, _RESTORE))
    except (ValidationError, ValueError) as problem:
        raise DataError(_damaged(file)) from problem
    if not found.adopted:
        raise DataError(_damaged(file))
    return found


def _load(paths: Paths, source: Source, line: _Adopted) -> RubricVersion:
    file = _text_file(paths, line.hash)
    try:
        rubric = parse_rubric(file.read_text(encoding="utf-8"), where=str(file), source=source)
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(_damaged(file)) from problem
    if rubric_hash(rubric) != line.hash:
        raise DataError(_damaged(file))
    return RubricVersion(
        rubric=rubric,
        since=pd.Timestamp(line.since) if line.since else None,
        adopted_at=line.adopted_at,
        author=line.author,
        reason=line.reason,
    )


def _text_file(paths: Paths, own: str) -> Path:
    return paths.rubrics / f"{own[:16]}.yaml"


def _damaged(file: Path) -> str:
    return f"{file} is damaged or missing; {_RESTORE}."
