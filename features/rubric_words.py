"""A rule's options as words a spreadsheet user can read and write: ``within_days=90; decay=half every 30 days``."""

import json
import re
from collections.abc import Mapping
from typing import Any

_LISTS = ("assets", "actors", "only_in", "requires", "any_of", "agreed_by", "cells")
_COUNTS = ("at_least", "within_days")
_TEXTS = ("take", "scope", "version", "effective_from")
KNOWN = (*_LISTS, *_COUNTS, *_TEXTS, "from_points", "bots", "decay")

_HALF, _GONE = r"half every ([\d.]+) days", r"gone in ([\d.]+) days"
_STEPS = r"-?([\d.]+) ?%( of the rest)? every (\d+) days"
_DECAYS = "'half every 30 days', 'gone in 90 days', '-25% every 30 days' or '-25% of the rest every 30 days'"


def to_words(options: Mapping[str, Any]) -> str:
    """Options as text; JSON where a text of theirs would be misread.

    >>> to_words({"within_days": 90, "assets": ["pricing", "demo*"], "decay": {"half_life_days": 30.0}})
    'within_days=90; assets=pricing, demo*; decay=half every 30 days'
    """
    if not options:
        return ""
    text = "; ".join(f"{name}={_worded(name, value)}" for name, value in options.items())
    try:
        same = from_words(text) == dict(options)
    except ValueError:
        same = False
    return text if same else json.dumps(dict(options), ensure_ascii=False)


def from_words(text: str) -> dict[str, Any]:
    """Options of a text written by :func:`to_words`, or of JSON.

    Raises
    ------
    ValueError : what was found and what is allowed

    >>> from_words("decay=-25% every 30 days; only_in=mql")
    {'decay': {'percent': 25.0, 'every_days': 30}, 'only_in': ['mql']}
    """
    if text.lstrip().startswith("{"):
        found: dict[str, Any] = json.loads(text)
        return found
    options: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in KNOWN:
            raise ValueError(f"option '{part}' is not known; write name=value, names: {', '.join(KNOWN)}")
        if name in options:
            raise ValueError(f"option '{name}' stands twice; keep one of the two")
        options[name] = _read(name, value)
    return options


def _worded(name: str, value: Any) -> str:
    if name == "decay":
        return _decay_words(value)
    if name == "bots":
        return "yes" if value else "no"
    if name == "from_points":
        return ", ".join(f"{number:.12g}" for number in value)
    return ", ".join(value) if name in _LISTS else str(value)


def _read(name: str, value: str) -> Any:
    if name == "decay":
        return _decay(value)
    if name == "bots":
        return value.casefold() in ("yes", "true", "1")
    if name in _LISTS:
        return [item.strip() for item in value.split(",") if item.strip()]
    if name in _TEXTS:
        return value
    try:
        return [float(item) for item in value.split(",")] if name == "from_points" else int(value)
    except ValueError:
        raise ValueError(f"option '{name}' has '{value}', which is no number") from None


def _decay_words(decay: Mapping[str, Any]) -> str:
    if "half_life_days" in decay:
        return f"half every {decay['half_life_days']:.12g} days"
    if "lifespan_days" in decay:
        return f"gone in {decay['lifespan_days']:.12g} days"
    rest = " of the rest" if decay.get("of") == "remaining" else ""
    return f"-{decay['percent']:.12g}%{rest} every {decay['every_days']} days"


def _decay(text: str) -> dict[str, Any]:
    for pattern, name in ((_HALF, "half_life_days"), (_GONE, "lifespan_days")):
        found = re.fullmatch(pattern, text)
        if found:
            return {name: float(found[1])}
    steps = re.fullmatch(_STEPS, text)
    if steps is None:
        raise ValueError(f"decay '{text}' is not known; write {_DECAYS}")
    return {"percent": float(steps[1]), "every_days": int(steps[3])} | ({"of": "remaining"} if steps[2] else {})
