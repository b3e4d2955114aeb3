"""Which features of another bundle this source has too: by name, else by label, and only of the same type and unit."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalog.feature import Catalog, Feature
from features.errors import BundleError
from features.matrix import Matrix
from models.bundle import Bundle
from models.candidates.prior import PriorCandidate, PriorModel
from models.judging.drift.reference_distribution import unseen

_LEARNED = ("linear", "scorecard", "booster", "segmented")  # components that say something of other leads
_RUBRIC = "rubric"  # may be one of several components
_ANY_UNIT = ("", "as given", "as answered", "category", "count", "score")  # units that say nothing of the scale
_MANY_UNSEEN = 0.2  # share of rows with a value the other bundle never saw, from which it is told
_NAMED = 8  # features named in a sentence; the record holds them all


@dataclass(frozen=True, kw_only=True)
class PriorMapping:
    """What of the other bundle's features is there.

    Parameters
    ----------
    taken : the other's feature to this source's
    missing : features of the other bundle that this source does not have
    refused : features of the same name or label that are something else, with the reason
    rules, rule_names : how many rules of a rubric that the other's model reads are the same here, how many are not; and
        the names of the same
    """

    taken: Mapping[str, str]
    missing: tuple[str, ...]
    refused: Mapping[str, str]
    rules: tuple[int, int] = (0, 0)
    rule_names: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How many were mapped, and which were not."""
        lacking = [*self.missing, *self.refused]
        total = len(self.taken) + len(lacking)
        text = f"{len(self.taken)} of its {total} features are here too"
        if lacking:
            shown = ", ".join(lacking[:_NAMED]) + (
                f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            )
            text += f"; it is not told {shown}"
        if self.rules[1]:
            text += f"; {self.rules[1]} of the {sum(self.rules)} rules of its rubric are not"
        because = "; ".join(f"{name}: {why}" for name, why in list(self.refused.items())[:_NAMED])
        return text + (f" ({because})" if because else "")


def map_features(theirs: Catalog, own: Catalog) -> PriorMapping:
    """Features of the other catalog with this source's: those a model reads, and the rules of a rubric in it."""
    by_label = _unique_labels(own)
    their_labels = _unique_labels(theirs)
    taken, refused, missing = {}, {}, []
    rules: dict[bool, list[str]] = {True: [], False: []}
    for feature in theirs:
        if feature.family == "evidence":
            continue
        if feature.family == "rules":
            same = own.by_name.get(feature.name)
            rules[same is not None and same.params == feature.params].append(feature.name)
            continue
        label = _label(feature)
        found = own.by_name.get(feature.name) or (by_label.get(label) if label in their_labels else None)
        if found is not None and found.name != feature.name and found.name in theirs.by_name:
            found = None  # it is told to the feature of its own name: told twice, its two bars would be one
        if found is None or not _learnable(found):
            missing.append(feature.name)
        elif problem := _difference(feature, found):
            refused[feature.name] = problem
        else:
            taken[feature.name] = found.name
    return PriorMapping(
        taken=taken,
        missing=tuple(missing),
        refused=refused,
        rules=(len(rules[True]), len(rules[False])),
        rule_names=tuple(rules[True]),
    )


def prior_candidate_of(bundle: Bundle, mapping: PriorMapping) -> PriorCandidate:
    """The bundle's model as an unfitted candidate, self-contained.

    Raises
    ------
    BundleError : it has not learned from leads itself, or nothing of what it knows is here
    """
    told = str(bundle.meta.get("source", "?"))
    strange = sorted(set(bundle.weights) - {*_LEARNED, _RUBRIC})
    if strange or not set(bundle.weights) & set(_LEARNED):
        raise BundleError(
            f"the prior bundle, of source '{told}', scores by {', '.join(strange or bundle.weights)} alone, which "
            "learned nothing from leads that another source could lean on. Name a bundle whose model was learned."
        )
    if not mapping.taken:
        raise BundleError(
            f"none of the features of the prior bundle, of source '{told}', is here: they are mapped by name, else by "
            f"label, and must be of the same type and unit. It knows {', '.join(bundle.catalog.names[:_NAMED])}; name "
            "columns (or their labels) alike."
        )
    kept = ("source", "rows", "won", "trained_through", "horizon_days", "outcome", "synthetic")
    model = PriorModel(
        catalog=bundle.catalog,
        components={name: bundle.components[name] for name in bundle.weights},
        weights=bundle.weights,
        calibration=bundle.calibration,
        mapping={**mapping.taken, **{name: name for name in mapping.rule_names}},
        origin={"hash": bundle.hash, **{key: bundle.meta[key] for key in kept if key in bundle.meta}},
    )
    return PriorCandidate(model)


def describe_unseen(bundle: Bundle, mapping: PriorMapping, matrix: Matrix) -> list[str]:
    """Sentences on mapped categories whose values the other bundle mostly never saw: same name, other words."""
    profiles: Mapping[str, Any] = bundle.trained_on.get("features", {})
    found = []
    for theirs, own in mapping.taken.items():
        values = matrix.values[own]
        new = unseen(profiles[theirs], values) if theirs in profiles else None
        known = int(values.notna().sum())
        if new is None or not known or new.sum() / known < _MANY_UNSEEN:
            continue
        example = str(values[np.flatnonzero(new)[0]])
        found.append(
            f"{own}: {int(new.sum())} of {known} rows hold values the prior bundle never saw (e.g. '{example}'), "
            "which it reads as rare."
        )
    return found


def _learnable(feature: Feature) -> bool:
    return feature.family not in ("rules", "evidence")


def _label(feature: Feature) -> str:
    return (feature.label or feature.name.replace("_", " ")).casefold()


def _unique_labels(catalog: Catalog) -> dict[str, Feature]:
    """Features by label, those whose label two features have left out."""
    labels = [_label(feature) for feature in catalog]
    count = Counter(labels)
    return {label: feature for label, feature in zip(labels, catalog, strict=True) if count[label] == 1}


def _difference(theirs: Feature, own: Feature) -> str:
    """Why two features of one name are not the same, empty where they may be."""
    if theirs.type is not own.type:
        return f"a {theirs.type} there, a {own.type} here"
    if theirs.unit != own.unit and theirs.unit not in _ANY_UNIT and own.unit not in _ANY_UNIT:
        return f"in {theirs.unit} there, in {own.unit} here"
    return ""
