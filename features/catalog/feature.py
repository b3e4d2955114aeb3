"""The feature catalog: every feature a frozen value from which matrix, docs and topic map derive."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from features.errors import ContractError
from features.schema.operation_records import params_from_record, params_record
from features.schema.operations import Params
from features.schema.vocabulary import Dimension, Topic


class FeatureType(StrEnum):
    """How a feature column is held: float64, or text categories."""

    NUMBER = "number"
    CATEGORY = "category"


class Wording(StrEnum):
    """How a feature's value reads in a sentence."""

    COUNT = "count"
    RECENCY = "recency"
    DECAYED = "decayed"
    AGE = "age"
    FLAG = "flag"
    SHARE = "share"
    TREND = "trend"
    AMOUNT = "amount"
    CATEGORY = "category"
    ANSWER = "answer"


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of the matrix.

    Parameters
    ----------
    name : unique column name, lower case with underscores
    family : the family that computes it (``attributes``, ``engagement``, ...)
    dimension, topic : what it is evidence of; ``Topic.CONTEXT`` when it speaks of no criterion
    type : ``number`` (float64, missing = NaN) or ``category`` (text, missing = NA)
    when_empty : the value where nothing is on record; None means missing. It has no default: 0 or
        missing is a decision.
    doc : one sentence: what it measures
    unit : unit of the value, e.g. ``count``, ``days``, ``EUR``
    known_when : when the value is known, in words
    direction : +1 if more can only help, -1 if it can only hurt, 0 if free (monotone constraint)
    wording : how a value reads in a sentence
    label : the plain-words noun phrase a rep reads ("pricing-page views in 30 days")
    params : the operation that computes it, with its parameters; part of the catalog hash
    """

    name: str
    family: str
    dimension: Dimension
    topic: Topic
    type: FeatureType
    when_empty: float | str | None
    doc: str
    unit: str
    known_when: str
    direction: int = 0
    wording: Wording = Wording.AMOUNT
    label: str = ""
    params: Params

    def record(self) -> dict[str, Any]:
        """The feature as a JSON-ready mapping."""
        return {
            "name": self.name,
            "family": self.family,
            "dimension": str(self.dimension),
            "topic": str(self.topic),
            "type": str(self.type),
            "when_empty": self.when_empty,
            "doc": self.doc,
            "unit": self.unit,
            "known_when": self.known_when,
            "direction": self.direction,
            "wording": str(self.wording),
            "label": self.label or self.name.replace("_", " "),
            "params": params_record(self.params),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Feature":
        """Rebuild a feature from :meth:`record`.

        Raises
        ------
        ContractError
            for parameters that no operation has.
        """
        return cls(
            **{
                **record,
                "dimension": Dimension(record["dimension"]),
                "topic": Topic(record["topic"]),
                "type": FeatureType(record["type"]),
                "wording": Wording(record["wording"]),
                "params": params_from_record(record["params"], record["name"]),
            }
        )


@dataclass(frozen=True)
class Catalog:
    """An ordered set of features with unique names."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise ContractError(
                    f"feature '{feature.name}' ({feature.family}) is declared twice; "
                    "rename one of the two columns, kinds or questions it comes from."
                )
            seen.add(feature.name)

    @classmethod
    def of(cls, *families: Iterable[Feature]) -> "Catalog":
        """Catalog of several families, in order."""
        return cls(tuple(feature for family in families for feature in family))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, name: str) -> Feature:
        if name not in self.by_name:
            raise ContractError(f"feature '{name}' is not in the catalog of {len(self)} features.")
        return self.by_name[name]

    @cached_property
    def by_name(self) -> Mapping[str, Feature]:
        """Features by name."""
        return MappingProxyType({feature.name: feature for feature in self.features})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all features, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the number features, in order."""
        return tuple(f.name for f in self.features if f.type is FeatureType.NUMBER)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Names of the category features, in order."""
        return tuple(f.name for f in self.features if f.type is FeatureType.CATEGORY)

    @cached_property
    def number_places(self) -> tuple[int, ...]:
        """Where the numbers stand among all features."""
        return tuple(k for k, f in enumerate(self.features) if f.type is FeatureType.NUMBER)

    @cached_property
    def category_places(self) -> tuple[int, ...]:
        """Where the categories stand among all features."""
        return tuple(k for k, f in enumerate(self.features) if f.type is FeatureType.CATEGORY)

    def of_family(self, family: str) -> tuple[Feature, ...]:
        """Features of one family, in order; empty for a family that has none."""
        return self._families.get(family, ())

    @cached_property
    def _families(self) -> Mapping[str, tuple[Feature, ...]]:
        found: dict[str, tuple[Feature, ...]] = {}
        for feature in self.features:
            found[feature.family] = (*found.get(feature.family, ()), feature)
        return found

    def select(self, names: Iterable[str]) -> "Catalog":
        """Catalog of the named features, in catalog order."""
        wanted = set(names)
        return Catalog(tuple(f for f in self.features if f.name in wanted))

    def records(self) -> list[dict[str, Any]]:
        """The features as JSON-ready mappings, as a bundle stores them."""
        return [feature.record() for feature in self.features]

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> "Catalog":
        """Rebuild a catalog from :meth:`records`; ContractError for what no feature has."""
        return cls(tuple(Feature.from_record(r) for r in records))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its features: what is derived from them is derived again."""
        return type(self), (self.features,)

    def __hash__(self) -> int:
        """Of the content, so that a catalog can be the key of a cache."""
        return hash(self.hash)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the catalog: a bundle refuses a matrix of another catalog."""
        text = json.dumps(self.records(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
