"""Engagement: what a lead did, per kind, per topic an asset speaks of, and per dimension."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.operations import (
    ActiveDays,
    ActivityBreadth,
    ActivityCount,
    ActivityParams,
    ActivityRecency,
    ActivityRows,
    ActivityStreak,
    ActivityTrend,
    DecayedSum,
    FirstChannel,
    LastChannel,
    StreamPart,
)
from features.schema.source import ActivityKind, Source
from features.schema.vocabulary import Actor, Dimension, Topic

FAMILY = "engagement"

_DIMENSIONS = (Dimension.INTEREST, Dimension.INTENT, Dimension.USAGE)
_NAMES = {Dimension.INTEREST: "interest", Dimension.INTENT: "intent", Dimension.USAGE: "usage"}


def engagement_features(source: Source) -> list[Feature]:
    """Counts over windows, recency and decayed sums per kind; these, breadth, trend, streak and active days per
    dimension; counts per topic of assets; first and last channel.
    """
    if "activities" not in source.tables:
        return []
    kinds = learned_kinds(source)
    features: list[Feature] = []
    for name, kind in kinds.items():
        features += _kind_features(name, kind, source)
    for dimension in _DIMENSIONS:
        features += _dimension_features(dimension, kinds, source)
    return features + (_channels(kinds) if kinds else [])


def learned_kinds(source: Source) -> dict[str, ActivityKind]:
    """Kinds that become features: what only we do (sends, calls by reps) does not, unless declared by actor."""
    return {
        name: kind
        for name, kind in source.activity_kinds.items()
        if not (kind.send and set(kind.actors) == {Actor.LEAD})
    }


def rows_of_kind(name: str, kind: ActivityKind) -> ActivityRows:
    """The activities of one kind, by the actors it is declared for."""
    return ActivityRows(kinds=(name,), actors=_actors(kind))


def _actors(kind: ActivityKind) -> tuple[str, ...]:
    return tuple(str(actor) for actor in kind.actors)


@dataclass(frozen=True)
class _Spec:
    """What is particular to one feature; dimension and topic are those of its kind or stream."""

    name: str
    doc: str
    label: str
    wording: Wording
    params: ActivityParams


def _feature(spec: _Spec, dimension: Dimension, topic: Topic, direction: int = 0) -> Feature:
    units = {Wording.RECENCY: "days", Wording.TREND: "log2 ratio", Wording.CATEGORY: "category"}
    missing = spec.wording in (Wording.RECENCY, Wording.CATEGORY)
    return Feature(
        name=spec.name,
        family=FAMILY,
        dimension=dimension,
        topic=topic,
        type=FeatureType.CATEGORY if spec.wording is Wording.CATEGORY else FeatureType.NUMBER,
        when_empty=None if missing else 0.0,
        doc=spec.doc,
        unit=units.get(spec.wording, "count"),
        known_when="when the activity was known",
        direction=-direction if spec.wording is Wording.RECENCY else direction,
        wording=spec.wording,
        label=spec.label,
        params=spec.params,
    )


def _kind_features(name: str, kind: ActivityKind, source: Source) -> list[Feature]:
    label = kind.label or name.replace("_", " ")
    opening = f"{label[:1].upper()}{label[1:]}"
    rows = rows_of_kind(name, kind)
    specs = [
        _Spec(
            f"{name}_{days}d",
            f"{opening} in the {days} days before as_of.",
            f"{label} in {days} days",
            Wording.COUNT,
            ActivityCount(rows=rows, window_days=days),
        )
        for days in source.windows.counts
    ]
    specs.append(
        _Spec(
            f"{name}_recency",
            f"Days since the latest of: {label}.",
            f"days since {label}",
            Wording.RECENCY,
            ActivityRecency(rows=rows),
        )
    )
    specs.append(
        _Spec(
            f"{name}_decayed",
            f"{opening}, each halving in weight every {kind.half_life_days:g} days.",
            f"{label} lately",
            Wording.DECAYED,
            DecayedSum(rows=rows, half_life_days=kind.half_life_days),
        )
    )

    features = [_feature(spec, kind.dimension, kind.topic, kind.direction) for spec in specs]
    return features + _topic_features(name, kind, label, source)


def _topic_features(name: str, kind: ActivityKind, label: str, source: Source) -> list[Feature]:
    days = max(source.windows.counts)
    features = []
    for topic in dict.fromkeys(kind.assets.values()):
        if topic is kind.topic:
            continue

        assets = tuple(asset for asset, its_topic in kind.assets.items() if its_topic is topic)
        about = f"{label} about {topic.replace('_', ' ')}"
        rows = ActivityRows(kinds=(name,), assets=assets, actors=_actors(kind))
        spec = _Spec(
            f"{name}_{topic}_{days}d",
            f"{about[:1].upper()}{about[1:]} in the {days} days before as_of ({', '.join(assets)}).",
            f"{about} in {days} days",
            Wording.COUNT,
            ActivityCount(rows=rows, window_days=days),
        )
        intent = all(asset in kind.assets_intent for asset in assets)
        features.append(_feature(spec, Dimension.INTENT if intent else kind.dimension, topic, kind.direction))
    return features


def stream_parts(dimension: Dimension, kinds: Mapping[str, ActivityKind]) -> tuple[StreamPart, ...]:
    """Rows of a dimension: its kinds, less their intent assets; intent takes those of all kinds."""
    parts: list[StreamPart] = []
    for name, kind in kinds.items():
        intent = tuple(kind.assets_intent)
        if kind.dimension is dimension:
            away = None if dimension is Dimension.INTENT else intent or None
            parts.append(StreamPart(kinds=(name,), actors=_actors(kind), not_assets=away))
        elif dimension is Dimension.INTENT and intent:
            parts.append(StreamPart(kinds=(name,), actors=_actors(kind), assets=intent))
    return tuple(parts)


def kinds_of(parts: tuple[StreamPart, ...]) -> tuple[str, ...]:
    """Every kind of a stream, once."""
    return tuple(dict.fromkeys(kind for part in parts for kind in part.kinds))


def _dimension_features(dimension: Dimension, kinds: Mapping[str, ActivityKind], source: Source) -> list[Feature]:
    parts = stream_parts(dimension, kinds)
    if not parts:
        return []
    word = _NAMES[dimension]
    rows = ActivityRows(kinds=kinds_of(parts), parts=parts)
    half_lives = {name: kinds[name].half_life_days for name in kinds_of(parts)}
    specs = _dimension_specs(word, rows, half_lives, source)
    return [_feature(spec, dimension, Topic.CONTEXT) for spec in specs]


def _dimension_specs(word: str, rows: ActivityRows, half_lives: Mapping[str, float], source: Source) -> list[_Spec]:
    longest = max(source.windows.counts)
    short, long = source.windows.trend
    one = f"activity of {word}"
    counts = [
        _Spec(
            f"{word}_{days}d",
            f"Activities of {word} in the {days} days before as_of.",
            f"activities of {word} in {days} days",
            Wording.COUNT,
            ActivityCount(rows=rows, window_days=days),
        )
        for days in source.windows.counts
    ]

    return [
        *counts,
        _Spec(
            f"{word}_recency",
            f"Days since the latest {one}.",
            f"days since an {one}",
            Wording.RECENCY,
            ActivityRecency(rows=rows),
        ),
        _Spec(
            f"{word}_decayed",
            f"Activities of {word}, each fading with its kind's half-life.",
            f"activities of {word} lately",
            Wording.DECAYED,
            DecayedSum(rows=rows, half_lives=half_lives),
        ),
        _Spec(
            f"{word}_breadth",
            f"Different pages, documents or areas of {word} in the {longest} days before as_of.",
            f"different assets of {word} in {longest} days",
            Wording.COUNT,
            ActivityBreadth(rows=rows, window_days=longest),
        ),
        _Spec(
            f"{word}_trend",
            f"Rate of {word} in {short} days against the {long - short} days before them (log2, smoothed by one).",
            f"trend of {word}",
            Wording.TREND,
            ActivityTrend(rows=rows, windows_days=(short, long)),
        ),
        _Spec(
            f"{word}_streak",
            f"Weeks in a row up to as_of with an {one}, at most 52.",
            f"weeks in a row with an {one}",
            Wording.COUNT,
            ActivityStreak(rows=rows),
        ),
        _Spec(
            f"{word}_active_days",
            f"Different days (24 hours back from as_of) with an {one}, in {longest} days.",
            f"days with an {one} in {longest} days",
            Wording.COUNT,
            ActiveDays(rows=rows, window_days=longest),
        ),
    ]


def _channels(kinds: Mapping[str, ActivityKind]) -> list[Feature]:
    rows = ActivityRows(kinds=tuple(kinds))
    ends: list[tuple[str, ActivityParams]] = [("first", FirstChannel(rows=rows)), ("last", LastChannel(rows=rows))]
    return [
        _feature(
            _Spec(
                f"{which}_channel",
                f"Channel of the {which} activity that has one.",
                f"{which} channel",
                Wording.CATEGORY,
                params,
            ),
            Dimension.INTEREST,
            Topic.CONTEXT,
        )
        for which, params in ends
    ]
