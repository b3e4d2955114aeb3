"""Cells of a rubric's sheet: options as words (``within_days=90; decay=half every 30 days``), texts kept as is."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from features.spreadsheet_cells import is_formula

_LISTS = ("assets", "actors", "only_in", "requires", "any_of", "agreed_by", "cells")
_COUNTS = ("at_least", "within_days")
_TEXTS = ("take", "scope", "version", "effective_from")
KNOWN = (*_LISTS, *_COUNTS, *_TEXTS, "from_points", "bots", "decay")

_LOST = re.compile(r"[\x00-\x1f]")  # a spreadsheet or a change of line ends would not give these back
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

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
    text = "; ".join(f"{name}={_write_option(name, value)}" for name, value in options.items())
    try:
        same = from_words(text) == dict(options)
    except ValueError:
        same = False
    return text if same and not _LOST.search(text) else json.dumps(dict(options), ensure_ascii=False)


def from_words(text: str) -> dict[str, Any]:
    """Options of a text written by :func:`to_words`, or of JSON.

    Raises
    ------
    ValueError : what was found and what is allowed

    >>> from_words("decay=-25% every 30 days; only_in=mql")
    {'decay': {'percent': 25.0, 'every_days': 30}, 'only_in': ['mql']}
    """
    if text.lstrip().startswith("{"):
        return _json_options(text)
    options: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in KNOWN:
            raise ValueError(f"option '{part}' is not known; write name=value, names: {', '.join(KNOWN)}")
        if name in options:
            raise ValueError(f"option '{name}' appears twice; keep one of the two")
        options[name] = _read_option(name, value)
    return options


def cell_of(text: str) -> str:
    """A text as a cell; in quotes, as JSON, where a sheet would trim it, break its line or take it for a formula.

    >>> cell_of("*manager*"), cell_of(" x "), cell_of("=SUM(A1)")
    ('*manager*', '" x "', '"=SUM(A1)"')
    """
    formula = is_formula(text) and not re.fullmatch(r"-\d+([.,]\d+)?", text)
    kept = text == text.strip() and not formula and not text.startswith('"') and not _LOST.search(text)
    return text if kept else json.dumps(text, ensure_ascii=False)


def text_of(cell: str) -> str:
    """The text of a cell; quotes that are not JSON are part of the text.

    >>> text_of('" x "'), text_of('"a" or "b"')
    (' x ', '"a" or "b"')
    """
    if not cell.startswith('"'):
        return cell
    try:
        found = json.loads(cell)
    except ValueError:
        return cell
    return found if isinstance(found, str) else cell


def cell_of_kinds(kinds: Sequence[str]) -> str:
    """Activity kinds as a cell: with commas between, or as a JSON list where a kind holds one or needs quotes.

    >>> cell_of_kinds(["page_view", "demo"]), cell_of_kinds(["odd, kind"])
    ('page_view, demo', '["odd, kind"]')
    """
    plain = all(kind and "," not in kind and kind[0] != "[" and cell_of(kind) == kind for kind in kinds)
    return ", ".join(kinds) if plain else json.dumps(list(kinds), ensure_ascii=False)


def kinds_of(cell: str) -> list[str]:
    """Activity kinds of a cell written by :func:`cell_of_kinds` or by hand.

    Raises
    ------
    ValueError : text in brackets that is not a JSON list
    """
    if not cell.startswith("["):
        return [kind for part in cell.split(",") if (kind := part.strip())]
    try:
        found = json.loads(cell)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(kind, str) for kind in found):
        raise ValueError(f'kinds \'{cell}\' is not a list; write page_view, demo or ["page_view", "demo"]')
    return found


def _json_options(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as problem:
        raise ValueError(f"options '{text}' are not valid JSON ({problem}); write name=value; name=value") from None
    for name in found:
        if name not in KNOWN:
            raise ValueError(f"option '{name}' is not known; names: {', '.join(KNOWN)}")
    return found


def _write_option(name: str, value: Any) -> str:
    if name == "decay":
        return _decay_words(value)
    if name == "bots":
        return "yes" if value else "no"
    if name == "from_points":
        return ", ".join(f"{number:.12g}" for number in value)
    return ", ".join(value) if name in _LISTS else str(value)


def _read_option(name: str, value: str) -> Any:
    if name == "decay":
        return _decay(value)
    if name == "bots":
        return _truth(value)
    if name in _LISTS:
        return [item.strip() for item in value.split(",") if item.strip()]
    if name in _TEXTS:
        return value
    try:
        return [float(item) for item in value.split(",")] if name == "from_points" else int(value)
    except ValueError:
        raise ValueError(f"option '{name}' has '{value}', which is not a number") from None


def _truth(value: str) -> bool:
    if value.casefold() not in _TRUTH:
        raise ValueError(f"option 'bots' has '{value}'; write yes or no")
    return _TRUTH[value.casefold()]


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
