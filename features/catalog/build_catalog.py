"""The catalog of a source: every family derived from the declaration, rubric rules and evidence compiled in."""

from collections.abc import Sequence
from dataclasses import replace

from features.catalog.families.answers import answer_features
from features.catalog.families.attributes import attribute_features
from features.catalog.families.committee import committee_features
from features.catalog.families.engagement import engagement_features
from features.catalog.families.own import own_features
from features.catalog.families.rules import evidence_features, rule_features
from features.catalog.families.stages import stage_features
from features.catalog.feature import Catalog, Feature
from features.rubric.schema import Rubric
from features.schema.source import Source


def build_catalog(source: Source, rubric: Rubric | None = None) -> Catalog:
    """Every feature of a source, in the order attributes, engagement, answers, stages, committee, own, rules, evidence.

    Flat sources have no clocks: their catalog holds attributes, and those rules that read attributes.

    Raises
    ------
    ContractError
        for columns that may not be features as declared, or two features of one name.
    """
    rules = [] if rubric is None else rule_features(rubric, source)
    if source.kind == "flat":
        kept = [f for f in rules if f.params.table in ("leads", "constant")]
        return Catalog.of(attribute_features(source), kept)
    derived = [
        *engagement_features(source),
        *answer_features(source, source.answer_channels),
        *stage_features(source),
        *committee_features(source),
    ]
    attributes = _disambiguate(attribute_features(source), derived)
    return Catalog.of(attributes, derived, own_features(source), rules, evidence_features(source))


def _disambiguate(attributes: Sequence[Feature], derived: Sequence[Feature]) -> list[Feature]:
    """The attributes, those named like a derived feature under their table's name, so that the audit can judge both."""
    taken = {feature.name for feature in derived}
    return [
        replace(
            feature,
            name=f"{feature.params.table}_{feature.name}",
            label=f"{feature.label or feature.name.replace('_', ' ')} as recorded",
        )
        if feature.name in taken
        else feature
        for feature in attributes
    ]
