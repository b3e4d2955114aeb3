"""What a bundle saw of each feature in training, asked of new rows: levels never seen, numbers far outside."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from features.assembly.frameless_rows import Values, frame_of_values
from features.schema.operations import ColumnValue
from models.bundle import Bundle
from models.candidates.linear import LinearCandidate
from models.encoding.linear_encoder import NumberCode
from models.judging.drift.reference_distribution import fingerprint

# Times the width of the trained range (without its outer 0.5% at either end) beyond it. Cents for euros, or a lost
# decimal sign, lie 50 to 100 widths away; the far end of an honest long tail seldom more than a few.
_FAR = 10.0
_FEWEST = 5  # rows a column needs before all of them being unseen is called a renamed list; fewer may be new customers
_SHOWN = 3  # values named in a line


@dataclass(frozen=True)
class UnseenValue:
    """One value of one row that training never saw; ``value`` is empty where it may not be shown."""

    feature: str
    label: str
    value: str
    far: bool = False

    def describe(self) -> str:
        """The value in words."""
        shown = f" '{self.value}'" if self.value else ""
        if self.far:
            return f"{self.label}:{shown} lies far outside what training saw"
        return f"{self.label}:{shown} never seen in training"


@dataclass
class UnseenColumn:
    """Values of one feature that training never saw, over many rows."""

    feature: str
    label: str
    far: bool
    rows: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def describe(self, filled: int, read: int, spelled: Mapping[str, str]) -> str:
        """The column in a line; a warning where no value at all was seen before.

        Parameters
        ----------
        filled : rows that have a value
        read : all rows
        spelled : casefolded level to the level as training saw it
        """
        named = ", ".join(f"'{value}' {rows:,}" for value, rows in self.values.most_common(_SHOWN) if value)
        more = f" and {len(self.values) - _SHOWN:,} more" if len(self.values) > _SHOWN else ""
        shown = f" ({named}{more})" if named else ""
        if self.far:
            return (
                f"{self.label}: far outside what training saw in {self.rows:,} of {read:,} rows{shown}; check the unit"
            )
        line = f"{self.label}: values never seen in training in {self.rows:,} of {read:,} rows{shown}"
        if self.rows < filled or filled < _FEWEST:
            return line
        again = next((spelled[v.casefold()] for v in self.values if v.casefold() in spelled), "")
        cause = f"training wrote '{again}'" if again else "no value of the column was ever seen"
        return f"warning: {line}: {cause}. Was the list renamed? Map the new values ('map:'), or train again"


@dataclass(frozen=True)
class TrainedValues:
    """What is known of each feature's values in training.

    Parameters
    ----------
    seen : category to the fingerprints of its levels; without those of which there were too many to keep
    spelled : category to its frequent levels by their casefolded text
    ranges : number to its trained range
    labels : feature to its name in words
    hidden : features whose values may not be shown
    """

    seen: Mapping[str, frozenset[str]]
    spelled: Mapping[str, Mapping[str, str]]
    ranges: Mapping[str, tuple[float, float]]
    labels: Mapping[str, str]
    hidden: frozenset[str]

    @classmethod
    def of(cls, bundle: Bundle, hidden: Collection[str] = ()) -> Self:
        """Of a bundle; nothing is known to bundles without a training distribution."""
        profiles: Mapping[str, Any] = bundle.trained_on.get("features", {})
        categories = {name: own for name, own in profiles.items() if own["kind"] == "category" and own["seen"]}
        return cls(
            seen={name: frozenset(own["seen"]) for name, own in categories.items()},
            spelled={name: {level.casefold(): level for level in own["levels"]} for name, own in categories.items()},
            ranges=_ranges(bundle),
            labels={feature.name: feature.label or feature.name.replace("_", " ") for feature in bundle.catalog},
            hidden=frozenset(hidden),
        )

    def unseen_in(self, row: Mapping[str, Any]) -> list[UnseenValue]:
        """Values of one row, by feature name, that training never saw."""
        found = []
        for name, levels in self.seen.items():
            value = row.get(name)
            if isinstance(value, str) and fingerprint(value) not in levels:
                found.append(self._value(name, value))
        for name, (low, high) in self.ranges.items():
            number = row.get(name)
            if isinstance(number, float | int) and _is_far(float(number), low, high):
                found.append(self._value(name, f"{float(number):,.6g}", far=True))
        return found

    def _value(self, name: str, text: str, *, far: bool = False) -> UnseenValue:
        return UnseenValue(name, self.labels.get(name, name), "" if name in self.hidden else text, far)

    def unseen_per_row(self, values: Values) -> list[list[UnseenValue]]:
        """Values of each row that training never saw; every different text is looked up once."""
        frame = frame_of_values(values)
        found: list[list[UnseenValue]] = [[] for _ in range(len(frame))]
        for name, levels in self.seen.items():
            if name not in frame:
                continue
            new = [text for text in frame[name].dropna().unique() if fingerprint(str(text)) not in levels]
            for place in np.flatnonzero(frame[name].isin(new).to_numpy(dtype=bool)) if new else ():
                found[place].append(self._value(name, str(frame[name].iloc[place])))
        for name, (low, high) in self.ranges.items():
            if name not in frame:
                continue
            numbers, width = frame[name].to_numpy(dtype=np.float64), _FAR * (high - low)
            far = (numbers < low - width) | (numbers > high + width)
            for place in np.flatnonzero(far):
                found[place].append(self._value(name, f"{numbers[place]:,.6g}", far=True))
        return found

    def describe(self, rows: Sequence[Sequence[UnseenValue]], values: Values) -> list[str]:
        """A line per column with unseen values, warnings first, then the most frequent."""
        frame = frame_of_values(values)
        columns: dict[tuple[str, bool], UnseenColumn] = {}
        for row in rows:
            for one in row:
                column = columns.setdefault((one.feature, one.far), UnseenColumn(one.feature, one.label, one.far))
                column.rows += 1
                column.values[one.value] += 1
        lines = [
            column.describe(int(frame[column.feature].notna().sum()), len(rows), self.spelled.get(column.feature, {}))
            for column in sorted(columns.values(), key=lambda column: -column.rows)
        ]
        return sorted(lines, key=lambda line: not line.startswith("warning"))


def _ranges(bundle: Bundle) -> dict[str, tuple[float, float]]:
    """Trained ranges of declared number columns, where the bundle has a linear component that keeps them.

    What leads do (counts, days since) has no unit to confuse, and ages have their own note.
    """
    linear = bundle.components.get(LinearCandidate.name)
    if not isinstance(linear, LinearCandidate):
        return {}
    columns = {feature.name for feature in bundle.catalog if isinstance(feature.params, ColumnValue)}
    return {
        name: (code.low, code.high)
        for name, code in linear.encoder.codes.items()
        if name in columns and isinstance(code, NumberCode) and code.high > code.low
    }


def _is_far(number: float, low: float, high: float) -> bool:
    width = _FAR * (high - low)
    return math.isfinite(number) and not low - width <= number <= high + width
