"""Errors of snapshots: what was refused and why, an unknown date, no snapshot yet."""

from typing import ClassVar

from features.errors import ContractError, DataError


class SnapshotRefusedError(ContractError):
    """An export that does not look like the same table as before, or not like a later one."""

    code: ClassVar[str] = "LS060"


class UnknownTakenAtError(DataError):
    """An export that does not say when it was taken."""

    code: ClassVar[str] = "LS061"


class NoSnapshotError(DataError):
    """A source that declares snapshots, none of which was taken yet."""

    code: ClassVar[str] = "LS062"
