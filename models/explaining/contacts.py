"""Several contacts of one account: who says what about each criterion, and whom to believe where they disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalog.families.job_titles import Seniority
from features.schema.vocabulary import EvidenceStatus
from models.explaining.evidence import Evidence

RULE = "the contact with the highest rank decides; among equals, the most recent answer"
_RANK: Mapping[str, int] = {str(level): len(Seniority) - k for k, level in enumerate(Seniority)}
_SAID = (str(EvidenceStatus.MET), str(EvidenceStatus.NOT_MET))


@dataclass(frozen=True)
class Cell:
    """What one contact says of a criterion: status, what it rests on, its age in days (NaN: none)."""

    status: str
    because: str
    age_days: float


@dataclass(frozen=True)
class ContactMatrix:
    """Contacts by criteria, and the account's status per criterion.

    Parameters
    ----------
    contacts : lead ids
    ranks : seniority of each contact, empty where its title does not say
    cells : per criterion one :class:`Cell` per contact
    resolved : per criterion the account's status and the contact it rests on (None: no contact's)
    conflicts : criteria on which one contact says met and another not met
    """

    contacts: tuple[str, ...]
    ranks: tuple[str, ...]
    cells: dict[str, tuple[Cell, ...]]
    resolved: dict[str, tuple[str, str | None]]
    conflicts: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rule": RULE,
            "contacts": [
                {
                    "lead_id": lead,
                    "rank": rank,
                    "criteria": {
                        name: {"status": c[k].status, "because": c[k].because, "age_days": _age_or_none(c[k].age_days)}
                        for name, c in self.cells.items()
                    },
                }
                for k, (lead, rank) in enumerate(zip(self.contacts, self.ranks, strict=True))
            ],
            "account": {name: {"status": status, "from": lead} for name, (status, lead) in self.resolved.items()},
            "conflicts": list(self.conflicts),
        }


def _age_or_none(age: float) -> float | None:
    """An age in days for JSON, which has no NaN."""
    return None if np.isnan(age) else round(age, 1)


def contact_matrix(
    contacts: Sequence[str], ranks: Sequence[str | None], found: Mapping[str, Evidence]
) -> ContactMatrix:
    """The matrix of an account's contacts.

    Contacts that say met or not met go before those whose acts only indicate; see :data:`RULE` for disagreements.

    Parameters
    ----------
    ranks : seniority per contact, as read from the title; None if unknown
    found : evidence per criterion, rows as ``contacts``
    """
    cells = {
        name: tuple(Cell(str(s), str(b), float(a)) for s, b, a in zip(e.status, e.source_of, e.age_days, strict=True))
        for name, e in found.items()
    }
    known = tuple(rank if rank in _RANK else "" for rank in ranks)
    resolved = {name: _resolve(tuple(contacts), known, row) for name, row in cells.items()}
    split = tuple(name for name, row in cells.items() if {*_SAID} <= {cell.status for cell in row})
    return ContactMatrix(tuple(contacts), tuple(str(rank or "") for rank in known), cells, resolved, split)


def _resolve(contacts: Sequence[str], ranks: Sequence[str | None], row: Sequence[Cell]) -> tuple[str, str | None]:
    """An account's status on one criterion and the contact it rests on, by :data:`RULE`."""
    for wanted in (_SAID, (str(EvidenceStatus.INDICATED),)):
        speaking = [k for k, cell in enumerate(row) if cell.status in wanted]
        if speaking:
            best = min(
                speaking, key=lambda k: (-_RANK.get(ranks[k] or "", 0), _sortable_age(row[k].age_days), contacts[k])
            )
            return row[best].status, contacts[best]
    return str(EvidenceStatus.UNKNOWN), None


def _sortable_age(age: float) -> float:
    """An age in days; none sorts after all others."""
    return np.inf if np.isnan(age) else age
