"""What moved since training, as rows with bars, and the monitor's checks in the order of their weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.explaining.language import Language
from models.explaining.wording.labels import translate_label
from serving.pages.told_sentences import tell

_SHOWN = 8
_MOVED = ("moved", "moved a lot")
_LEVELS = ("act", "watch", "cannot tell", "ok")  # the gravest first
_FIRST_TOLD = ("base rate", "calibration", "ages", "volume", "features", "values", "scores")


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
            label=translate_label(language, row["label"]),
            before=tell(language, row["before"]),
            after=tell(language, row["after"]),
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


def order_checks(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks, the gravest first; of equal weight, those that bear on the score first."""
    told = {name: place for place, name in enumerate(_FIRST_TOLD)}
    return sorted(findings, key=lambda row: (_place(row["level"]), told.get(row["check"], len(told))))


def find_warning(findings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one check to warn of; None where nothing moved."""
    first = next(iter(order_checks(findings)), None)
    return first if first is not None and first["level"] in ("act", "watch") else None


def nothing_moved(findings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether that may be said: features were held against those trained on, and there is nothing to warn of."""
    judged = any(row["check"] == "features" and row["level"] == "ok" for row in findings)
    return judged and find_warning(findings) is None


def _place(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)
