"""Engagement: what a lead did, per kind, per topic an asset speaks of, and per dimension."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from features.catalog.feature import Feature, FeatureType, Wording
from features.schema.source import ActivityKind, Source
from features.schema.vocabulary import Actor, Dimension, Topic

FAMILY = "engagement"
Params = Mapping[str, Any]

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


def activity_params(op: str, **changes: Any) -> dict[str, Any]:
    """Parameters of an activity feature with every key present."""
    return {
        "table": "activities",
        "op": op,
        "kinds": None,
        "assets": None,
        "actors": [str(Actor.LEAD)],
        "window_days": None,
        "exclude_bots": True,
        "scope": "lead",
        "distinct_assets": False,
        **changes,
    }


def _feature(
    name: str,
    dimension: Dimension,
    topic: Topic,
    doc: str,
    label: str,
    wording: Wording,
    params: Params,
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
        params=MappingProxyType(dict(params)),
    )


def _kind_features(name: str, kind: ActivityKind, source: Source) -> list[Feature]:
    label = kind.label or name.replace("_", " ")
    base = {"kinds": [name], "actors": [str(actor) for actor in kind.actors]}
    features = [
        _feature(
            f"{name}_{days}d",
            kind.dimension,
            kind.topic,
            f"{label[:1].upper()}{label[1:]} in the {days} days before as_of.",
            f"{label} in {days} days",
            Wording.COUNT,
            activity_params("count", window_days=days, **base),
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
            activity_params("recency", **base),
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
            activity_params("decayed", half_life_days=kind.half_life_days, **base),
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
        params = activity_params(
            "count", kinds=[name], assets=assets, actors=[str(a) for a in kind.actors], window_days=days
        )
        features.append(
            _feature(
                f"{name}_{topic}_{days}d",
                Dimension.INTENT if intent else kind.dimension,
                topic,
                f"{about[:1].upper()}{about[1:]} in the {days} days before as_of ({', '.join(assets)}).",
                f"{about} in {days} days",
                Wording.COUNT,
                params,
                kind.direction,
            )
        )
    return features


def stream_parts(dimension: Dimension, kinds: Mapping[str, ActivityKind]) -> list[dict[str, Any]]:
    """Rows of a dimension: its kinds, less their intent assets; intent takes those of all kinds."""
    parts: list[dict[str, Any]] = []
    for name, kind in kinds.items():
        base: dict[str, Any] = {"kinds": [name], "actors": [str(actor) for actor in kind.actors]}
        if kind.dimension is dimension:
            away = [] if dimension is Dimension.INTENT else list(kind.assets_intent)
            parts.append({**base, "not_assets": away} if away else base)
        elif dimension is Dimension.INTENT and kind.assets_intent:
            parts.append({**base, "assets": list(kind.assets_intent)})
    return parts


def _dimension_features(dimension: Dimension, kinds: Mapping[str, ActivityKind], source: Source) -> list[Feature]:
    parts = stream_parts(dimension, kinds)
    if not parts:
        return []
    word = _NAMES[dimension]
    named = list(dict.fromkeys(kind for part in parts for kind in part["kinds"]))
    half_lives = {name: kinds[name].half_life_days for name in named}
    return [
        _feature(
            f"{word}_{name}",
            dimension,
            Topic.CONTEXT,
            doc,
            label,
            wording,
            activity_params(op, kinds=named, parts=parts, **changes),
        )
        for name, doc, label, wording, op, changes in _dimension_specs(word, half_lives, source)
    ]


_Spec = tuple[str, str, str, Wording, str, dict[str, Any]]


def _dimension_specs(word: str, half_lives: Mapping[str, float], source: Source) -> list[_Spec]:
    """Name, meaning, label, wording, operation and its parameters of each feature of a dimension."""
    longest = max(source.windows.counts)
    short, long = source.windows.trend
    one = f"activity of {word}"
    specs: list[_Spec] = []
    for days in source.windows.counts:
        doc, label = f"Activities of {word} in the {days} days before as_of.", f"activities of {word} in {days} days"
        specs.append((f"{days}d", doc, label, Wording.COUNT, "count", {"window_days": days}))
    doc = f"Days since the latest {one}."
    specs.append(("recency", doc, f"days since an {one}", Wording.RECENCY, "recency", {}))
    doc, label = f"Activities of {word}, each fading with its kind's half-life.", f"activities of {word} lately"
    specs.append(("decayed", doc, label, Wording.DECAYED, "decayed", {"half_lives": dict(half_lives)}))
    doc = f"Different pages, documents or areas of {word} in the {longest} days before as_of."
    label = f"different assets of {word} in {longest} days"
    specs.append(("breadth", doc, label, Wording.COUNT, "breadth", {"window_days": longest}))
    doc = f"Rate of {word} in {short} days against the {long - short} days before them (log2, smoothed by one)."
    specs.append(("trend", doc, f"trend of {word}", Wording.TREND, "trend", {"windows_days": [short, long]}))
    doc, label = f"Weeks in a row up to as_of with an {one}, at most 52.", f"weeks in a row with an {one}"
    specs.append(("streak", doc, label, Wording.COUNT, "streak", {}))
    doc = f"Different days (24 hours back from as_of) with an {one}, in {longest} days."
    label = f"days with an {one} in {longest} days"
    specs.append(("active_days", doc, label, Wording.COUNT, "active_days", {"window_days": longest}))
    return specs


def _channels(kinds: Mapping[str, ActivityKind]) -> list[Feature]:
    base = {"kinds": list(kinds)}
    return [
        _feature(
            f"{which}_channel",
            Dimension.INTEREST,
            Topic.CONTEXT,
            f"Channel of the {which} activity that has one.",
            f"{which} channel",
            Wording.CATEGORY,
            activity_params(f"{which}_channel", **base),
        )
        for which in ("first", "last")
    ]
