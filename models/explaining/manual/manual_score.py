"""The manual score beside the model's: points of the rubric, the stage they reach, and where the two disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Texts
from features.assembly.frameless_rows import Values, frame_of_values
from features.rubric.ledger import Ledger, ledger
from features.rubric.schema import Rubric
from features.schema.vocabulary import Stage
from models.explaining.framework import CONTEXT, Framework
from models.explaining.points import round_to_totals
from models.explaining.qualification import RANK

MODEL_ONLY, RUBRIC_ONLY = "model only", "rubric only"  # who would hand the lead off; the words of the swap set
MANUAL_COLUMNS = ("manual_points", "manual_state", "manual_handoff", "manual_version", "disagree")
START, CAPS = "start", "caps"
_CENTS = 100  # points are shown to two decimals, which add up


def version_label(rubric: Rubric) -> str:
    """Which rubric and which version of it, as lists say it."""
    return f"{rubric.name} {rubric.version}"


@dataclass(frozen=True)
class ManualRows:
    """The rubric in force and what its rules read of the rows to be scored; row by row as those."""

    rubric: Rubric
    values: Values


@dataclass(frozen=True)
class ManualScore:
    """A rubric's ledger on scored rows.

    ``model_state`` is the model's state of each, ``undecided`` marks those not handed off yet (None: all), ``let_go``
    those that are proposed to be let go whatever their state (None: nobody); shape (n,).
    """

    book: Ledger
    model_state: Texts
    undecided: Bools | None = None
    let_go: Bools | None = None

    @classmethod
    def of(
        cls, rows: ManualRows, model_state: Texts, undecided: Bools | None = None, let_go: Bools | None = None
    ) -> "ManualScore":
        """Of rows, with what is told of each beside its points."""
        return cls(ledger(rows.rubric, frame_of_values(rows.values)), model_state, undecided, let_go)

    @property
    def rubric(self) -> Rubric:
        """The version that gave the points."""
        return self.book.rubric

    @cached_property
    def disagree(self) -> Texts:
        """Who alone would hand a lead off, '' where both or neither would or the handoff is over; shape (n,).

        The rubric by its own handoff, the model by its state: at least the stage that the rubric hands off (MQL where
        cells of the grade matrix decide), or PQL; nobody hands off whom it proposes to let go.
        """
        line = RANK.get(str(self.rubric.handoff.stage or Stage.MQL), RANK[str(Stage.MQL)])
        ranks = np.array([RANK.get(str(state), -1) for state in self.model_state.tolist()], dtype=np.int64)
        model, manual = ranks >= line, self.book.handed_off
        model = model if self.let_go is None else model & ~self.let_go
        found = np.full(len(ranks), "", dtype=object)
        found[model & ~manual], found[manual & ~model] = MODEL_ONLY, RUBRIC_ONLY
        if self.undecided is not None:
            found[~self.undecided] = ""
        return found

    @cached_property
    def columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """Columns of a scored file, each shape (n,)."""
        length = len(self.book.rules)
        return {
            "manual_points": np.round(self.book.points, 2),
            "manual_state": self.book.stages,
            "manual_handoff": self.book.handed_off,
            "manual_version": np.full(length, version_label(self.rubric), dtype=object),
            "disagree": self.disagree,
        }

    def record(self, row: int, framework: Framework) -> dict[str, Any]:
        """One lead, JSON-ready: points per criterion and per rule; either sum, to the cent, to its points.

        ``criteria`` begins with what every lead starts with and ends with what caps add or take.
        """
        entries = self._entries(row)
        homes = {topic: criterion for criterion in framework.ids for topic in framework.criteria[criterion].topics}
        labels = {name: framework.label(name) for name in (*framework.ids, CONTEXT)}
        groups = {START: 0.0, **dict.fromkeys(labels, 0.0), CAPS: 0.0}
        for entry in entries:
            home = entry["id"] if entry["kind"] == START else CAPS if entry["kind"] == "cap" else ""
            groups[home or homes.get(entry["topic"], CONTEXT)] += entry["points"]
        total = round(float(self.book.points[row]) * _CENTS)
        cents = _whole(list(groups.values()), total)
        exact = _whole([entry["points"] for entry in entries], total)
        return {
            "rubric": self.rubric.name,
            "version": self.rubric.version,
            "points": total / _CENTS,
            "state": str(self.book.stages[row]),
            "handed_off": bool(self.book.handed_off[row]),
            "disagree": str(self.disagree[row]),
            "criteria": [
                {"id": name, "label": labels.get(name, name), "points": points / _CENTS}
                for name, points in zip(groups, cents, strict=True)
                if name not in (START, CAPS) or points
            ],
            "entries": [
                {"id": entry["id"], "label": entry["label"], "kind": entry["kind"], "points": points / _CENTS}
                for entry, points in zip(entries, exact, strict=True)
                if points
            ],
        }

    def _entries(self, row: int) -> list[dict[str, Any]]:
        start = {"id": START, "label": START, "kind": START, "topic": None, "points": self.rubric.start}
        given = self.book.rules.iloc[row]
        rules = [
            {
                "id": rule.id,
                "label": rule.label or rule.id.replace("_", " "),
                "kind": "rule",
                "topic": rule.topic,
                "points": float(given[rule.id]),
            }
            for rule in self.rubric.rules
        ]
        taken = self.book.caps.iloc[row] if len(self.book.caps.columns) else pd.Series(dtype=float)
        caps = [
            {"id": str(name), "label": f"cap: {name}", "kind": "cap", "topic": None, "points": float(points)}
            for name, points in taken.items()
        ]
        return [start, *rules, *caps]


def _whole(parts: list[float], total: int) -> list[int]:
    """Parts in cents that sum exactly to the total."""
    found = round_to_totals(np.array([parts]) * _CENTS, np.array([total], dtype=np.int64))[0]
    return [int(part) for part in found]
