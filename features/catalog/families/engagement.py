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


def _feature(
    name: str,
    dimension: Dimension,
    topic: Topic,
    doc: str,
    label: str,
    wording: Wording,
    params: ActivityParams,
    direction: int = 0,
) -> Feature:
    units = {Wording.RECENCY: "days", Wording.TREND: "log2 ratio", Wording.CATEGORY: "category"}
    missing = wording in (Wording.RECENCY, Wording.CATEGORY)
    return Feature(
        name=name,
        family=FAMILY,
        dimension=dimension,
        topic=topic,
        type=FeatureType.CATEGORY if wording is Wording.CATEGORY else FeatureType.NUMBER,
        when_empty=None if missing else 0.0,
        doc=doc,
        unit=units.get(wording, "count"),
        known_when="when the activity was known",
        direction=-direction if wording is Wording.RECENCY else direction,
        wording=wording,
        label=label,
        params=params,
    )


def _kind_features(name: str, kind: ActivityKind, source: Source) -> list[Feature]:
    label = kind.label or name.replace("_", " ")
    rows = rows_of_kind(name, kind)
    features = [
        _feature(
            f"{name}_{days}d",
            kind.dimension,
            kind.topic,
            f"{label[:1].upper()}{label[1:]} in the {days} days before as_of.",
            f"{label} in {days} days",
            Wording.COUNT,
            ActivityCount(rows=rows, window_days=days),
            kind.direction,
        )
        for days in source.windows.counts
    ]
    features.append(
        _feature(
            f"{name}_recency",
            kind.dimension,
            kind.topic,
            f"Days since the latest of: {label}.",
            f"days since {label}",
            Wording.RECENCY,
            ActivityRecency(rows=rows),
            kind.direction,
        )
    )
    half_life = f"{kind.half_life_days:g}"
    features.append(
        _feature(
            f"{name}_decayed",
            kind.dimension,
            kind.topic,
            f"{label[:1].upper()}{label[1:]}, each halving in weight every {half_life} days.",
            f"{label} lately",
            Wording.DECAYED,
            DecayedSum(rows=rows, half_life_days=kind.half_life_days),
            kind.direction,
        )
    )
    return features + _topic_features(name, kind, label, source)


def _topic_features(name: str, kind: ActivityKind, label: str, source: Source) -> list[Feature]:
    days = max(source.windows.counts)
    features = []
    for topic in dict.fromkeys(kind.assets.values()):
        if topic is kind.topic:
            continue
        assets = [asset for asset, its_topic in kind.assets.items() if its_topic is topic]
        intent = all(asset in kind.assets_intent for asset in assets)
        about = f"{label} about {topic.replace('_', ' ')}"
        rows = ActivityRows(kinds=(name,), assets=tuple(assets), actors=_actors(kind))
        features.append(
            _feature(
                f"{name}_{topic}_{days}d",
                Dimension.INTENT if intent else kind.dimension,
                topic,
                f"{about[:1].upper()}{about[1:]} in the {days} days before as_of ({', '.join(assets)}).",
                f"{about} in {days} days",
                Wording.COUNT,
                ActivityCount(rows=rows, window_days=days),
                kind.direction,
            )
        )
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
    return [
        _feature(f"{word}_{spec.name}", dimension, Topic.CONTEXT, spec.doc, spec.label, spec.wording, spec.params)
        for spec in _dimension_specs(word, rows, half_lives, source)
    ]


@dataclass(frozen=True)
class _Spec:
    """What is particular to one feature of a dimension."""

    name: str
    doc: str
    label: str
    wording: Wording
    params: ActivityParams


def _dimension_specs(word: str, rows: ActivityRows, half_lives: Mapping[str, float], source: Source) -> list[_Spec]:
    longest = max(source.windows.counts)
    short, long = source.windows.trend
    one = f"activity of {word}"
    counts = [
        _Spec(
            f"{days}d",
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
            "recency",
            f"Days since the latest {one}.",
            f"days since an {one}",
            Wording.RECENCY,
            ActivityRecency(rows=rows),
        ),
        _Spec(
            "decayed",
            f"Activities of {word}, each fading with its kind's half-life.",
            f"activities of {word} lately",
            Wording.DECAYED,
            DecayedSum(rows=rows, half_lives=half_lives),
        ),
        _Spec(
            "breadth",
            f"Different pages, documents or areas of {word} in the {longest} days before as_of.",
            f"different assets of {word} in {longest} days",
            Wording.COUNT,
            ActivityBreadth(rows=rows, window_days=longest),
        ),
        _Spec(
            "trend",
            f"Rate of {word} in {short} days against the {long - short} days before them (log2, smoothed by one).",
            f"trend of {word}",
            Wording.TREND,
            ActivityTrend(rows=rows, windows_days=(short, long)),
        ),
        _Spec(
            "streak",
            f"Weeks in a row up to as_of with an {one}, at most 52.",
            f"weeks in a row with an {one}",
            Wording.COUNT,
            ActivityStreak(rows=rows),
        ),
        _Spec(
            "active_days",
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
            f"{which}_channel",
            Dimension.INTEREST,
            Topic.CONTEXT,
            f"Channel of the {which} activity that has one.",
            f"{which} channel",
            Wording.CATEGORY,
            params,
        )
        for which, params in ends
    ]
