"""Errors of reading data, one code per kind of problem."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar

from features.errors import ContractError, DataError, ExitStatus, FetchError, SourceError

_LISTED = 40  # names that a message lists; the rest are counted
_LETTERS = 60  # of each, at most


def shorten_name(name: str) -> str:
    """A name as a message shows it: of one that is a whole text only its beginning.

    >>> shorten_name("Lead ID"), len(shorten_name("x" * 5000))
    ('Lead ID', 60)
    """
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 3]}..."


def list_names(names: Iterable[str], *, quoted: bool = False) -> str:
    """Names in a message, which stays readable and short however many there are.

    >>> list_names(["a", "b"]), list_names(map(str, range(99)))[-17:]
    ('a, b', '8, 39 and 59 more')
    """
    found = [shorten_name(name) for name in names]
    more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
    return ", ".join(map(repr, found[:_LISTED]) if quoted else found[:_LISTED]) + more


class MissingColumnError(SourceError):
    """A declared column that the file does not have."""

    code: ClassVar[str] = "LS030"

    def __init__(self, where: str, column: str, header: str, file: str, found: Iterable[str]) -> None:
        names = list(found)
        near = get_close_matches(header, names, n=1, cutoff=0.6)
        folded = [name for name in names if name.casefold() == header.casefold()]
        hint = f" Did you mean '{shorten_name((folded or near)[0])}'?" if folded or near else ""
        super().__init__(
            f"{where}: column '{column}' is read from '{header}', which {file} does not have.{hint} "
            f"It has: {list_names(names) or 'no column'}. Correct 'from:', or remove the column."
        )


class EmptyFileError(DataError):
    """A file without data rows."""

    code: ClassVar[str] = "LS031"


class UnreadableFileError(DataError):
    """A file that may not be opened, or whose bytes are not a table."""

    code: ClassVar[str] = "LS032"
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNREADABLE


class UncertainEncodingError(UnreadableFileError):
    """A file whose bytes make words in more than one code page; ``candidates`` are those, the likeliest first;
    ``readings`` shows what the same bytes are in each.
    """

    code: ClassVar[str] = "LS046"

    def __init__(self, message: str, candidates: tuple[str, ...], readings: str = "") -> None:
        super().__init__(message)
        self.candidates = candidates
        self.readings = readings


class ChangedFileError(UnreadableFileError):
    """A file that was written while it was read."""

    code: ClassVar[str] = "LS049"


class FewerRowsError(ContractError):
    """A file with so many fewer rows than at the last ingest that it may be half written."""

    code: ClassVar[str] = "LS050"


class TooLargeError(UnreadableFileError):
    """A file that unpacks to more bytes, rows, columns or levels than the limits allow."""

    code: ClassVar[str] = "LS051"


class OneClassError(ContractError):
    """A target with a single class."""

    code: ClassVar[str] = "LS033"
    exit_status: ClassVar[ExitStatus] = ExitStatus.ONE_CLASS


class MissingFileError(FetchError):
    """A file that was not found and cannot be fetched."""

    code: ClassVar[str] = "LS034"


class WrongHashError(FetchError):
    """A file whose bytes are not the declared ones."""

    code: ClassVar[str] = "LS035"


class AmbiguousDatesError(ContractError):
    """Dates that could be read in more than one order: ``readings`` are what may come first."""

    code: ClassVar[str] = "LS036"

    def __init__(self, what: str, example: str, *, readings: Sequence[str], holds_both: bool = False) -> None:
        self.readings, self.holds_both = tuple(readings), holds_both
        sign = next((sign for sign in "./-" if sign in example), "/")
        ways = {"day": "'time_format: day_first'", "month": "'time_format: month_first'"}
        ways["year"] = f"'time_format: \"%y{sign}%m{sign}%d\"'"
        super().__init__(
            f"{what}: dates such as '{example}' can be read {' or '.join(f'{one} first' for one in readings)}"
            + (", and the column holds both" if holds_both else "")
            + f". Declare {' or '.join(ways[one] for one in readings)}, or a strptime format that fits the "
            "whole text, e.g. '%d/%m/%Y' or '%m/%d/%Y %H:%M'."
        )


class TurnedDatesError(ContractError):
    """Dates in which a spreadsheet has taken the day for the month."""

    code: ClassVar[str] = "LS042"

    def __init__(self, what: str, told: str, order: str) -> None:
        super().__init__(
            f"{what}: {told}. Export it again and import the column as text, or as 2025-12-31; if each date is "
            f"right as it stands, declare 'time_format: {order}_first'."
        )


class AmbiguousNumbersError(ContractError):
    """Numbers whose sign may be the decimal one or that of thousands."""

    code: ClassVar[str] = "LS047"

    def __init__(
        self,
        where: str,
        example: str,
        *,
        file: str = "",
        decimal: str = "",
        own: str | None = None,
        before: bool = False,
    ) -> None:
        """``file`` is the one of several that does not show the sign ``decimal`` the column is read with.

        ``own`` is the sign it shows itself, if any; ``before`` says that ``decimal`` is that of an earlier file.
        """
        whole, small = re.sub(r"[.,]", "", example), example.replace(",", ".")
        sign, other = ("." if "." in example else ","), ("," if "." in example else ".")
        if file:
            shown = f"what shows it there, in the column or else in all, is mostly '{own}'"
            super().__init__(
                f"{where}: '{example}' in {file} can be {whole} or {small}: the column is read with the decimal sign "
                f"'{decimal}'{', as in the file trained on or read before' if before else ''}, and "
                f"{shown if own else 'most of this file does not show it'}. If this file is written so too, declare "
                f"decimal: '{decimal}' on the column, or under 'csv:' for all files; else export them all with one "
                "decimal sign."
            )
            return
        super().__init__(
            f"{where}: '{example}' can be {whole} or {small}, and no value tells which. Declare the decimal sign: "
            f"decimal: '{other}' if it is {whole}, decimal: '{sign}' if it is {small}; on the column, or under 'csv:' "
            "for the whole file."
        )


class RuinedIdsError(ContractError):
    """Ids that a spreadsheet turned into rounded numbers."""

    code: ClassVar[str] = "LS048"

    def __init__(self, where: str, count: int, distinct: int, example: str) -> None:
        super().__init__(
            f"{where}: {count:,} ids are rounded numbers of a spreadsheet such as '{example}', {distinct:,} different "
            "ones are left of them; which rows belong together cannot be told. Export the table again and do not save "
            "it from a spreadsheet, or import the column there as text; or declare another column as the id."
        )


class TableLostError(ContractError):
    """A table all or most of whose rows went to quarantine."""

    code: ClassVar[str] = "LS037"
    exit_status: ClassVar[ExitStatus] = ExitStatus.TABLE_LOST


class SuiteFailedError(ContractError):
    """Kept rows that break an expectation."""

    code: ClassVar[str] = "LS038"


class ExpectationFailedError(ContractError):
    """Rows that a declared expectation of severity ``fail`` does not hold for."""

    code: ClassVar[str] = "LS052"
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNEXPECTED


class NoLocationError(SourceError):
    """A table without a file."""

    code: ClassVar[str] = "LS039"


class DatabaseError(DataError):
    """A database that does not answer, or a table or query that it refuses."""

    code: ClassVar[str] = "LS040"
    exit_status: ClassVar[ExitStatus] = ExitStatus.UNREADABLE
