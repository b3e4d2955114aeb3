"""What moved since training, as rows with bars, and the monitor's checks in the order of their weight."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.explaining.language import Language

_SHOWN = 8
_MOVED = ("moved", "moved a lot")
_LEVELS = ("act", "watch", "cannot tell", "ok")  # the gravest first
_FIRST_TOLD = ("base rate", "calibration", "ages", "volume", "features", "values", "scores")
_PIECES = (
    (re.compile(r"median (.+)"), "median {value}"),
    (re.compile(r"up to (.+) (\d+%)"), "up to {value} {share}"),
    (re.compile(r"over (.+) (\d+%)"), "over {value} {share}"),
    (re.compile(r"(.+) to (.+) (\d+%)"), "{low} to {high} {share}"),
    (re.compile(r"missing (\d+%)"), "missing {share}"),
)


@dataclass(frozen=True, kw_only=True)
class MovedRow:
    """A feature: its distribution then and now, how far it moved, and what chance explains, in per cent of the bar."""

    label: str
    before: str
    after: str
    psi: float
    noise: float
    filled: float
    mark: float
    standing: str
    weight: float


def list_moved(features: Sequence[Mapping[str, Any]], language: Language, shown: int = _SHOWN) -> list[MovedRow]:
    """The features that moved most, in the reader's language."""
    rows = features[:shown]
    longest = max([*(max(row["psi"], row["noise"]) for row in rows), 0.25]) * 1.1
    return [
        MovedRow(
            label=row["label"],
            before=write_distribution(row["before"], language),
            after=write_distribution(row["after"], language),
            psi=row["psi"],
            noise=row["noise"],
            filled=round(100 * row["psi"] / longest, 2),
            mark=round(100 * row["noise"] / longest, 2),
            standing=row["standing"],
            weight=row["weight"],
        )
        for row in rows
    ]


def count_moved(features: Sequence[Mapping[str, Any]]) -> int:
    """Features that moved beyond what single weeks and chance explain."""
    return sum(row["standing"] in _MOVED for row in features)


def write_distribution(text: str, language: Language) -> str:
    """``median 2, up to 1 42%`` in the words of a language; what is no such phrase stays.

    >>> from models.explaining.language import ENGLISH
    >>> write_distribution("median 2, up to 1 42%, over 3 9%", ENGLISH)
    'median 2, up to 1 42%, over 3 9%'
    """
    return ", ".join(_piece(part, language) for part in text.split(", "))


def _piece(part: str, language: Language) -> str:
    for pattern, message in _PIECES:
        found = pattern.fullmatch(part)
        if found is not None:
            names = re.findall(r"{(\w+)}", message)
            return language.text(message, **dict(zip(names, found.groups(), strict=True)))
    return part


def order_checks(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks, the gravest first; of equal weight, those that bear on the score first."""
    told = {name: place for place, name in enumerate(_FIRST_TOLD)}
    return sorted(findings, key=lambda row: (_place(row["level"]), told.get(row["check"], len(told))))


def find_warning(findings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one check to warn of; None where nothing moved."""
    first = next(iter(order_checks(findings)), None)
    return first if first is not None and first["level"] in ("act", "watch") else None


def _place(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)
