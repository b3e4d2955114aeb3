"""Documentation of the features, generated from the catalog; nothing here is typed by hand."""

from collections.abc import Mapping, Sequence

from features.catalog.feature import Catalog, Feature

COLUMNS = ("name", "meaning", "unit", "dimension", "topic", "empty", "known")
_FAMILIES: Mapping[str, str] = {
    "attributes": "Attributes",
    "titles": "Job titles",
    "engagement": "Engagement",
    "answers": "Qualification answers",
    "stages": "Lifecycle",
    "committee": "Account and buying committee",
    "rules": "Inputs of the rubric (not learned from)",
    "evidence": "Inputs of the evidence statuses (not learned from)",
}


def feature_records(catalog: Catalog) -> list[dict[str, str]]:
    """One record per feature: family, name, meaning, unit, dimension, topic, what empty means, when known."""
    return [
        {
            "family": feature.family,
            "name": feature.name,
            "meaning": feature.doc,
            "unit": feature.unit or "as given",
            "dimension": str(feature.dimension),
            "topic": feature.topic.replace("_", " "),
            "empty": _when_empty(feature),
            "known": feature.known_when,
            "direction": {1: "more helps", -1: "more hurts"}.get(feature.direction, "free"),
        }
        for feature in catalog
    ]


def feature_page(catalog: Catalog, title: str = "Features") -> str:
    """The features of a catalog as a Markdown page, a table per family in catalog order."""
    records = feature_records(catalog)
    parts = [f"# {title}", f"{len(records)} features, generated from the catalog `{catalog.hash[:12]}`."]
    for family in dict.fromkeys(record["family"] for record in records):
        rows = [record for record in records if record["family"] == family]
        parts.append(f"## {_FAMILIES.get(family, family)}")
        parts.append(_table(rows))
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    head = "| " + " | ".join(COLUMNS) + " |"
    line = "|" + "---|" * len(COLUMNS)
    body = ["| " + " | ".join(row[column].replace("|", "\\|") for column in COLUMNS) + " |" for row in rows]
    return "\n".join([head, line, *body])


def _when_empty(feature: Feature) -> str:
    if feature.when_empty is None:
        return "missing: nothing is on record"
    if isinstance(feature.when_empty, str):
        return f"'{feature.when_empty}'"
    return f"{feature.when_empty:g}: nothing is on record"
