"""Features that functions of a user's own compute."""

from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.operations import OwnFunction
from features.schema.source import Source

FAMILY = "own"


def own_features(source: Source) -> list[Feature]:
    """The declared features, in their order."""
    return [
        Feature(
            name=one.name,
            family=FAMILY,
            dimension=one.dimension,
            topic=one.topic,
            type=FeatureType(one.type),
            when_empty=one.when_empty,
            doc=one.doc,
            unit=one.unit or ("category" if one.type == "category" else "value"),
            known_when="when the rows it reads are known",
            direction=one.direction,
            wording=Wording.CATEGORY if one.type == "category" else Wording.AMOUNT,
            label=one.label or one.name.replace("_", " "),
            params=OwnFunction(oracle=one.oracle, function=one.function),
        )
        for one in source.features
    ]
