"""Qualification answers: the answer in force, its age, and how many questions are answered, also by channel."""

from collections.abc import Iterable

from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.operations import AnswerAge, AnswerCount, AnswerValue, ReadAs
from features.schema.snapshots import snapshot_columns
from features.schema.source import Question, Source
from features.schema.vocabulary import ColumnType, Dimension, Topic

FAMILY = "answers"


def answer_features(source: Source, channels: Iterable[str] = ()) -> list[Feature]:
    """Value and age per declared question, and the count of questions answered, in all and per channel."""
    if not source.questions or not ("answers" in source.tables or snapshot_columns(source)):
        return []
    features: list[Feature] = []
    for name, question in source.questions.items():
        features += [_value(name, question), _age(name, question)]
    features.append(_count(source, None))
    return features + [_count(source, channel) for channel in dict.fromkeys(channels)]


def _value(name: str, question: Question) -> Feature:
    reading: dict[ColumnType, tuple[FeatureType, str, Wording, ReadAs | None]] = {
        ColumnType.NUMBER: (FeatureType.NUMBER, "", Wording.AMOUNT, None),
        ColumnType.BOOLEAN: (FeatureType.NUMBER, "flag", Wording.FLAG, None),
        ColumnType.TIMESTAMP: (FeatureType.NUMBER, "days", Wording.AGE, "moment"),
        ColumnType.TEXT: (FeatureType.NUMBER, "flag", Wording.FLAG, "filled"),
    }
    category: tuple[FeatureType, str, Wording, ReadAs | None] = (FeatureType.CATEGORY, "category", Wording.ANSWER, None)

    kind, unit, wording, read_as = reading.get(question.type, category)
    label = question.label or name.replace("_", " ")

    return Feature(
        name=f"answer_{name}",
        family=FAMILY,
        dimension=question.dimension,
        topic=question.topic,
        type=kind,
        when_empty=0.0 if read_as == "filled" else None,
        doc=f'Answer in force to "{question.text}"; missing where never answered or withdrawn.',
        unit=unit or "as answered",
        known_when="when the answer was known",
        direction=question.direction,
        wording=wording,
        label=label,
        params=AnswerValue(question=name, read_as=read_as),
    )


def _age(name: str, question: Question) -> Feature:
    label = question.label or name.replace("_", " ")
    return Feature(
        name=f"answer_{name}_age",
        family=FAMILY,
        dimension=question.dimension,
        topic=question.topic,
        type=FeatureType.NUMBER,
        when_empty=None,
        doc=f"Days since the answer in force on {label} was given; missing without one.",
        unit="days",
        known_when="when the answer was known",
        wording=Wording.AGE,
        label=f"age of the answer on {label}",
        params=AnswerAge(question=name),
    )


def _count(source: Source, channel: str | None) -> Feature:
    by = "" if channel is None else f"_by_{channel.lower().replace(' ', '_').replace('-', '_')}"
    words = "" if channel is None else f" by {channel}"
    return Feature(
        name=f"questions_answered{by}",
        family=FAMILY,
        dimension=Dimension.INTEREST,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER,
        when_empty=0.0,
        doc=f"Declared questions with an answer in force{words}.",
        unit="count",
        known_when="when the answers were known",
        wording=Wording.COUNT,
        label=f"questions answered{words}",
        params=AnswerCount(questions=tuple(source.questions), channel=channel),
    )
