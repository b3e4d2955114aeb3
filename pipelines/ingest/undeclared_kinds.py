"""Kinds of activities in the data that the declaration does not know: named, counted, with a block to paste."""

import json
import re
from collections.abc import Mapping

import pandas as pd

from features.schema.source import Source
from features.schema.vocabulary import Actor

PASTE = "Paste this into the declaration, correct what each kind is evidence of, and run again:"
_SHOWN = 20  # kinds named one by one; a column with more of them holds free text and no kinds
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # a YAML key that needs no quotes
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # plain, but not text


def count_undeclared_kinds(activities: pd.DataFrame, source: Source) -> dict[str, int]:
    """Rows of each kind that ``activity_kinds`` lacks; empty without activities.

    What reps and systems do is left out: it tells of service levels, and becomes a feature only where it is declared.
    """
    if "activities" not in source.tables or activities.empty:
        return {}
    by_leads = ~activities["actor"].isin([str(Actor.REP), str(Actor.SYSTEM)])
    found = activities["kind"][by_leads.to_numpy()].dropna().astype("str").value_counts()
    return {str(kind): int(rows) for kind, rows in found.items() if kind not in source.activity_kinds}


def describe_undeclared_kinds(kinds: Mapping[str, int]) -> str:
    """The warning in one sentence; empty where every kind is declared."""
    if not kinds:
        return ""
    named = ", ".join(f"{kind} {rows:,}" for kind, rows in _most_frequent(kinds))
    more = f" and {len(kinds) - _SHOWN:,} more" if len(kinds) > _SHOWN else ""
    hint = " Many titles become few kinds by 'map_patterns' on the column (docs/sources.md)." if more else ""
    return (
        f"{sum(kinds.values()):,} activities give no feature, as 'activity_kinds' does not declare their kind: "
        f"{named}{more}.{hint}"
    )


def declaration_block(kinds: Mapping[str, int]) -> str:
    """YAML to paste into the declaration, to be corrected by who knows the kinds; empty where there is nothing.

    >>> print(declaration_block({"Page View": 3, "demo": 1}))
    activity_kinds:
      "Page View": {dimension: interest, label: page view}
      demo: {dimension: interest, label: demo}
    """
    if not kinds:
        return ""
    lines = [
        f"  {_key(kind)}: {{dimension: interest, label: {_key(re.sub(r'[_ ]+', ' ', kind).lower())}}}"
        for kind, _ in _most_frequent(kinds)
    ]
    return "\n".join(["activity_kinds:", *lines])


def _most_frequent(kinds: Mapping[str, int]) -> list[tuple[str, int]]:
    """The kinds that are named one by one; a file keeps them by name, so they are put in order again."""
    return sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]


def _key(text: str) -> str:
    """A text as a YAML scalar, in quotes where it needs them."""
    plain = all(_PLAIN.fullmatch(word) for word in text.split(" ")) and text.lower() not in _YAML_WORDS
    return text if plain and (" " not in text or text.islower()) else json.dumps(text, ensure_ascii=False)
