"""Lifecycle so far: time in the current stage, the stage itself, recycles, and the lead's age."""

from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.operations import CurrentStage, LeadAge, Params, RecycleCount, TimeInStage
from features.schema.source import Source
from features.schema.vocabulary import Dimension, Topic

FAMILY = "stages"


def stage_features(source: Source) -> list[Feature]:
    """Age of the lead, and what its stage history says where one is mapped."""
    features = [_feature("lead_age", "Days since the lead was created.", "days", Wording.AGE, None, LeadAge())]
    if "stages" not in source.tables:
        return features
    return [
        *features,
        _feature(
            "current_stage", "Lifecycle stage the lead is in.", "category", Wording.CATEGORY, None, CurrentStage()
        ),
        _feature(
            "time_in_stage",
            "Days since the lead entered its latest stage.",
            "days",
            Wording.AGE,
            None,
            TimeInStage(),
        ),
        _feature(
            "recycles",
            "Times the lead was handed back to marketing.",
            "count",
            Wording.COUNT,
            0.0,
            RecycleCount(),
        ),
    ]


def _feature(name: str, doc: str, unit: str, wording: Wording, when_empty: float | None, params: Params) -> Feature:
    return Feature(
        name=name,
        family=FAMILY,
        dimension=Dimension.FIT,
        topic=Topic.CONTEXT,
        type=FeatureType.CATEGORY if wording is Wording.CATEGORY else FeatureType.NUMBER,
        when_empty=when_empty,
        doc=doc,
        unit=unit,
        known_when="at creation" if name == "lead_age" else "when the stage entry was known",
        wording=wording,
        label=name.replace("_", " "),
        params=params,
    )
