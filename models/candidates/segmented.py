"""A model with segments: the common one, a line of each segment on top, and models of their own where these won."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import PlainRows, Values, texts_of
from features.catalog.feature import Catalog
from features.schema.people.people_texts import holds_contact, nameable_levels
from models.calibration.segment_levels import COMMON, NO_SEGMENT, SegmentLevels
from models.candidates.blend import explain_by, log_odds_of
from models.candidates.kinds import restore_components
from models.explaining.model_bars import segment_contribution
from models.interfaces import Candidate, Contributions

_OWN_FILE = "segment_{place}_"  # before the names of the files of a segment's own model


def read_segments(values: Values, feature: str) -> npt.NDArray[np.object_]:
    """The segment of each row as text, empty where not on record or where it is an address, shape (n,)."""
    texts = texts_of(values, feature)
    named = (text if isinstance(text, str) and not holds_contact(text) else NO_SEGMENT for text in texts)
    return np.array(list(named), dtype=object)


def read_nameable_segments(values: Values, feature: str) -> npt.NDArray[np.object_]:
    """The segments of many rows, as :func:`read_segments`; empty too where the column tells of people."""
    segments = read_segments(values, feature)
    named = set(nameable_levels(feature, sorted({text for text in segments.tolist() if text != NO_SEGMENT})))
    return np.array([text if text in named else NO_SEGMENT for text in segments.tolist()], dtype=object)


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """A segment's own model, put on the common log-odds: ``slope * sum(weights * log-odds) + shift``.

    Parameters
    ----------
    components : fitted on the rows of this segment alone
    slope, shift : to log-odds before the common calibration
    variance : of the shift, as far as it is not known [log-odds before calibration, squared]; None in older bundles,
        where the segment's line says it
    """

    components: Mapping[str, Candidate]
    slope: float
    shift: float
    variance: float | None = None


class SegmentedModel:
    """The weighted candidates of a bundle with segments, as one component.

    Contributions are those of the model that scored a row, times the factor of its segment's slope, and one more: the
    segment's level, so that they still sum to the log-odds.
    """

    name = "segmented"

    def __init__(
        self,
        feature: str,
        components: Mapping[str, Candidate],
        weights: Mapping[str, float],
        *,
        levels: SegmentLevels = COMMON,
        own: Mapping[str, OwnModel] | None = None,
    ) -> None:
        self.feature = feature
        self.components = dict(components)
        self.weights = dict(weights)
        self.levels = levels
        self.own = dict(own or {})
        self._names: tuple[str, ...] = ()

    def fit(
        self,
        values: pd.DataFrame,
        won: Floats,
        weight: Floats,
        *,
        catalog: Catalog,
        seed: int,
        group: Ints | None = None,
    ) -> Self:
        """The components fitted anew on all rows; lines stay, segments' own models are left out."""
        fitted = {
            name: component.fit(values, won, weight, catalog=catalog, seed=seed, group=group)
            for name, component in self.components.items()
        }
        return type(self)(self.feature, fitted, self.weights, levels=self.levels)

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, before calibration, shape (n,)."""
        segment = read_segments(values, self.feature)
        common = log_odds_of(self.components, self.weights, values)
        found = self.levels.apply(common, segment)
        for name, rows, part in self._own_rows(values, segment):
            own = self.own[name]
            found[rows] = own.slope * log_odds_of(own.components, self.weights, part) + own.shift
        return found

    def contributions(self, values: Values) -> Contributions:
        """Additive parts of :meth:`log_odds`; their sum equals it within 1e-9."""
        return self.explain(values)[1]

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`."""
        segment = read_segments(values, self.feature)
        common, parts = explain_by(self.components, self.weights, values)
        added, factor = self.levels.terms(segment)
        found = np.asarray(factor * common + added, dtype=np.float64)

        # the slope turns the base, too: that part belongs to the segment, and the base stays the same for all rows
        level = added + (factor - 1.0) * parts.base
        names = self._all_names(values, parts)
        total = _spread_out(parts, names) * factor[:, None]
        for name, rows, part in self._own_rows(values, segment):
            own = self.own[name]
            raw, its = explain_by(own.components, self.weights, part)
            found[rows] = own.slope * raw + own.shift
            total[rows] = _spread_out(its.rescale(own.slope), names)
            level[rows] = own.slope * its.base + own.shift - parts.base

        named = (*names, segment_contribution(self.feature))
        return found, Contributions(named, np.column_stack([total, level]), parts.base)

    def level_variance(self, values: Values) -> Floats:
        """What is not known of the level of each row's segment [log-odds before calibration, squared], shape (n,)."""
        segment = read_segments(values, self.feature)
        found = self.levels.variance(segment)
        for name, own in self.own.items():
            if own.variance is not None:
                found[segment == name] = own.variance
        return found

    def _all_names(self, values: Values, common: Contributions) -> tuple[str, ...]:
        """Features of all models, whichever segments the rows are of: sums must not depend on a row's neighbours."""
        if not self._names and self.own and len(values):
            first = _take(values, np.zeros(1, dtype=np.int64))
            lists = [explain_by(one.components, self.weights, first)[1].names for one in self.own.values()]
            self._names = tuple(dict.fromkeys(name for names in (common.names, *lists) for name in names))
        return self._names or common.names

    def _own_rows(self, values: Values, segment: npt.NDArray[np.object_]) -> list[tuple[str, Ints, Values]]:
        """Segments with a model of their own among the rows: name, positions and values."""
        if not self.own:
            return []
        found = []
        for name in self.own:
            rows = np.flatnonzero(segment == name)
            if len(rows):
                found.append((name, rows, _take(values, rows)))
        return found

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {
            "feature": self.feature,
            "components": {name: component.state() for name, component in self.components.items()},
            "weights": self.weights,
            "levels": self.levels.state(),
            "own": {
                name: {
                    "components": {key: component.state() for key, component in one.components.items()},
                    "slope": one.slope,
                    "shift": one.shift,
                    **({} if one.variance is None else {"variance": one.variance}),
                }
                for name, one in self.own.items()
            },
            "files": list(self.files()),
        }

    def files(self) -> Mapping[str, str]:
        """Text files of all components; those of segments' own models are named after their place."""
        found = _files_of(self.components)
        for place, one in enumerate(self.own.values()):
            prefix = _OWN_FILE.format(place=place)
            found |= {f"{prefix}{name}": text for name, text in _files_of(one.components).items()}
        return found

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The model of a :meth:`state` and its text files."""
        own = {
            name: OwnModel(
                components=restore_components(one["components"], files, _OWN_FILE.format(place=place)),
                slope=float(one["slope"]),
                shift=float(one["shift"]),
                variance=float(one["variance"]) if "variance" in one else None,
            )
            for place, (name, one) in enumerate(state["own"].items())
        }
        return cls(
            str(state["feature"]),
            restore_components(state["components"], files),
            state["weights"],
            levels=SegmentLevels.restore(state["levels"]),
            own=own,
        )


def _files_of(components: Mapping[str, Candidate]) -> dict[str, str]:
    return {name: text for component in components.values() for name, text in component.files().items()}


def _spread_out(parts: Contributions, names: tuple[str, ...]) -> Floats:
    """The contributions in columns of ``names``, shape (n, len(names))."""
    if parts.names == names:
        return parts.values
    place = {name: k for k, name in enumerate(names)}
    total = np.zeros((len(parts.values), len(names)))
    if parts.names:
        total[:, [place[name] for name in parts.names]] = parts.values
    return total


def _take(values: Values, rows: Ints) -> Values:
    """The rows at the given positions, of the same form."""
    if not isinstance(values, PlainRows):
        return values.iloc[rows].reset_index(drop=True)
    texts = {name: tuple(column[k] for k in rows.tolist()) for name, column in values.categories.items()}
    return PlainRows(values.numbers, values.block[rows], texts, values.names)
