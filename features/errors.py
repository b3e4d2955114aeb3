"""Errors a user can act on: what, where, what was found, what to do next."""

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """Exit status of the command line, one per kind of outcome."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    SOURCE = 10
    DATA = 11
    CONTRACT = 12
    TOO_LITTLE_DATA = 13
    LEAK = 14
    NO_SIGNAL = 15
    BUNDLE = 16
    REGISTRY = 17
    FETCH = 18
    POLICY = 19
    BUSY = 20
    UNREADABLE = 21
    ONE_CLASS = 22
    NOT_PROMOTED = 23
    ACT = 24
    TABLE_LOST = 25
    STORAGE = 26
    UNEXPECTED = 27
    CHALLENGER_BETTER = 30
    CHAMPION_KEPT = 31
    INCONCLUSIVE = 32
    RETRAIN_REFUSED = 33


class LeadScoreError(Exception):
    """Base of every error shown to a user without a traceback.

    Subclasses set ``code`` (stable, documented) and ``exit_status`` (per kind).
    """

    code: ClassVar[str] = "LS000"
    exit_status: ClassVar[ExitStatus] = ExitStatus.INTERNAL

    @property
    def message(self) -> str:
        """The sentence the user reads."""
        return str(self)


class SourceError(LeadScoreError):
    """A source declaration that cannot be used: unknown key, unknown column, wrong type."""

    code = "LS010"
    exit_status = ExitStatus.SOURCE


class DataError(LeadScoreError):
    """Data that cannot be read: missing, empty, undecodable, or without a declared column."""

    code = "LS011"
    exit_status = ExitStatus.DATA


class ContractError(LeadScoreError):
    """Data that can be read but may not be used as declared."""

    code = "LS012"
    exit_status = ExitStatus.CONTRACT


class TooLittleDataError(LeadScoreError):
    """Too few won or lost leads for the step asked for."""

    code = "LS013"
    exit_status = ExitStatus.TOO_LITTLE_DATA


class LeakError(LeadScoreError):
    """A column that carries the outcome."""

    code = "LS014"
    exit_status = ExitStatus.LEAK


class BundleError(LeadScoreError):
    """A bundle that is damaged, foreign, or does not fit the catalog."""

    code = "LS016"
    exit_status = ExitStatus.BUNDLE


class RegistryError(LeadScoreError):
    """A registry that is away, or an alias that does not exist."""

    code = "LS017"
    exit_status = ExitStatus.REGISTRY


class FetchError(LeadScoreError):
    """Public data that could not be fetched or whose hash is wrong."""

    code = "LS018"
    exit_status = ExitStatus.FETCH


class PolicyError(LeadScoreError):
    """A rubric, framework or qualification policy that cannot be used."""

    code = "LS019"
    exit_status = ExitStatus.POLICY


class OvertakenError(PolicyError):
    """What a decision was to replace was replaced by somebody else meanwhile."""

    code = "LS024"


class PromotionError(LeadScoreError):
    """A challenger the gate keeps back."""

    code = "LS023"
    exit_status = ExitStatus.NOT_PROMOTED
