"""Whether the parts of a bundle fit each other: features that are in the catalog, widths, weights, file names."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from features.catalog.feature import FeatureType
from features.rubric.schema import Rubric
from features.rubric.terms import plan_rules
from models.bundle_files.component_schema import (
    BoosterState,
    FeatureRecord,
    Learned,
    LinearState,
    PriorState,
    RubricState,
    ScorecardState,
    SegmentedState,
)
from models.bundle_files.document_schema import Document
from models.candidates.booster_text import MOST_LOG_ODDS

MOST_FILES = 256  # a booster each: three, times segments with a model of their own
_FILE_NAME = re.compile(r"[a-z0-9_]{1,80}\.txt")

Types = Mapping[str, FeatureType]


def listed_files(document: Any) -> list[str]:
    """Names of the text files that the components list.

    Raises
    ------
    ValueError : the document has no components, or names a file that is none of a bundle
    """
    components = document.get("components") if isinstance(document, dict) else None
    if not isinstance(components, dict) or not all(isinstance(state, dict) for state in components.values()):
        raise ValueError("components: there are none that can be read")
    lists = [state.get("files", []) for state in components.values()]
    if not all(isinstance(names, list) for names in lists):
        raise ValueError("components: 'files' is not a list")
    names = [name for found in lists for name in found]
    if len(names) > MOST_FILES or len(names) != len({str(name) for name in names}):
        raise ValueError(f"components: {len(names)} files are listed, at most {MOST_FILES} different ones are read")
    odd = next((name for name in names if not isinstance(name, str) or not _FILE_NAME.fullmatch(name)), None)
    if odd is not None:
        raise ValueError(
            "components: a file's name is not one that training writes: it may name a file outside its directory"
        )
    return names


def check_parts(document: Document) -> None:
    """Raise a ValueError that says which parts of a document do not fit each other."""
    types = _types_of(document.catalog)
    _check_weights(document.weights, document.components.names, "weights")
    _check_learned(document.components, types, "components")
    if document.components.segmented is not None:
        _check_segmented(document.components.segmented, types, "components.segmented")
    if document.components.prior is not None:
        _check_prior(document.components.prior, types)

    if document.rubric is not None:
        _check_rubric(document.rubric, types, "rubric")

    for name, fact in document.facts.items():
        _check_type(name, fact.kind, types, "facts")
    for question in document.questions:
        if question.feature not in types:
            raise ValueError(f"questions: '{question.question}' asks for a feature that is not in the catalog")
    if document.trained_on is not None:
        for name, profile in document.trained_on.features.items():
            _check_type(name, profile.kind, types, "trained_on")


def _types_of(catalog: Iterable[FeatureRecord]) -> Types:
    return {feature.name: feature.type for feature in catalog}


def _check_weights(weights: Mapping[str, float], components: Collection[str], where: str) -> None:
    if absent := sorted(set(weights) - set(components)):
        raise ValueError(f"{where}: there is no component '{absent[0][:60]}'")


def _check_type(name: str, kind: str, types: Types, where: str) -> None:
    """The feature is in the catalog, and of that type."""
    if name not in types:
        raise ValueError(f"{where}: feature '{name[:60]}' is not in the catalog")
    if types[name] != kind:
        raise ValueError(f"{where}: feature '{name[:60]}' is a {types[name]} in the catalog, not a {kind}")


def _check_unique(names: Collection[str], where: str) -> None:
    if len(names) != len(set(names)):
        raise ValueError(f"{where}: a feature comes twice")


def _check_learned(components: Learned, types: Types, where: str) -> None:
    if components.rubric is not None:
        _check_rubric(components.rubric, types, f"{where}.rubric")
    if components.linear is not None:
        _check_linear(components.linear, types, f"{where}.linear")
    if components.scorecard is not None:
        _check_scorecard(components.scorecard, types, f"{where}.scorecard")
    if components.booster is not None:
        _check_booster(components.booster, types, f"{where}.booster")


def _check_rubric(state: RubricState, types: Types, where: str) -> None:
    try:
        rubric = Rubric.model_validate(state.rubric)
        terms = [term for plan in plan_rules(rubric) for term in plan.terms]
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ValueError(f"{where}: its rubric cannot be read ({type(problem).__name__})") from None
    if absent := sorted({term.feature for term in terms} - set(types)):
        raise ValueError(f"{where}: feature '{absent[0][:60]}' is not in the catalog")
    most = max([abs(rubric.start), *(abs(term.points) for term in terms)])
    if max(most, state.slope * most) > MOST_LOG_ODDS:
        raise ValueError(f"{where}: a rule gives points worth more than {MOST_LOG_ODDS:,.0f}")


def _check_linear(state: LinearState, types: Types, where: str) -> None:
    codes = state.encoder.codes
    _check_unique([name for name, _ in codes], where)
    for name, code in codes:
        _check_type(name, "number" if code.is_number else "category", types, where)
    width = 1 + sum(code.width for _, code in codes)
    if len(state.theta) != width:
        raise ValueError(f"{where}: {len(state.theta)} coefficients for {width} columns")


def _check_scorecard(state: ScorecardState, types: Types, where: str) -> None:
    _check_unique([name for name, _, _ in state.card], where)
    for name, binned, _ in state.card:
        _check_type(name, "number" if binned.levels is None else "category", types, where)


def _check_booster(state: BoosterState, types: Types, where: str) -> None:
    columns = state.columns
    _check_unique([*columns.numbers, *(name for name, _ in columns.categories)], where)
    for name in columns.numbers:
        _check_type(name, "number", types, where)
    for name, _ in columns.categories:
        _check_type(name, "category", types, where)
    if state.files != [f"booster_{k}.txt" for k in range(len(state.files))]:
        raise ValueError(f"{where}: its files are not booster_0.txt, booster_1.txt, ...")


def _check_segmented(state: SegmentedState, types: Types, where: str) -> None:
    _check_type(state.feature, "category", types, where)
    _check_weights(state.weights, state.components.names, f"{where}.weights")
    _check_learned(state.components, types, f"{where}.components")
    for name, own in state.own.items():
        there = f"{where}.own.{name[:60]}"
        _check_weights(state.weights, own.components.names, there)
        _check_learned(own.components, types, there)


def _check_prior(state: PriorState, types: Types) -> None:
    """The other bundle, as strictly as this one; what is mapped is of one type on both sides."""
    where, theirs = "components.prior", _types_of(state.catalog)
    _check_weights(state.weights, state.components.names, f"{where}.weights")
    _check_learned(state.components, theirs, f"{where}.components")
    if state.components.segmented is not None:
        _check_segmented(state.components.segmented, theirs, f"{where}.components.segmented")
    _check_unique(list(state.mapping.values()), f"{where}.mapping")
    for other, own in state.mapping.items():
        if other not in theirs:
            raise ValueError(f"{where}.mapping: the other catalog has no feature '{other[:60]}'")
        _check_type(own, theirs[other], types, f"{where}.mapping")
