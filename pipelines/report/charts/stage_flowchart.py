"""The process drawn: stages as boxes, the ways between them with how many leads took each; inline SVG for any page."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

_MAIN = ("lead", "iql", "mql", "sal", "sql", "opportunity", "won")
_PLACES: Mapping[str, tuple[float, float]] = {
    **{name: (70 + 160 * k, 100.0) for k, name in enumerate(_MAIN)},
    "pql": (70 + 160 * 2, 225.0),
    "recycled": (70 + 160 * 1.2, 350.0),
    "disqualified": (70 + 160 * 3.6, 350.0),
    "lost": (70 + 160 * 6, 350.0),
}
WIDTH, HEIGHT = 1100, 420
_BOX = (124.0, 52.0)
_RARE = 0.04  # of the leads that left a stage: ways that nobody declared and so few took are only named in words
_FAN = 22.0  # between ways that leave one box on the same side


def flowchart_of(
    stages: Sequence[Mapping[str, Any]],
    ways: Sequence[Mapping[str, Any]],
    say: Callable[[str], str] = str,
    count: Callable[[float], str] = "{:,.0f}".format,
) -> str:
    """SVG of the stage table and transitions of a lifecycle; empty without stages.

    ``say`` translates names and words. Declared ways are solid, the more leads the thicker; ways leads took that nobody
    declared are dashed; declared ways that nobody took are thin. A title on each says it in words.
    """
    entered = {str(row["stage"]): row for row in stages}
    for way in ways:
        if way["to"] not in entered and way["to"] in _PLACES:
            entered[str(way["to"])] = {}
    if not entered:
        return ""
    arrived: dict[str, int] = {}
    for way in ways:
        arrived[str(way["to"])] = arrived.get(str(way["to"]), 0) + int(way["leads"])

    drawn = [way for way in ways if _is_drawn(way)]
    most = max((int(way["leads"]) for way in drawn), default=0) or 1
    fans = _fans(drawn)
    order = sorted(range(len(drawn)), key=lambda k: int(drawn[k]["leads"]))
    parts = [_way(drawn[k], most, fans[k], say, count) for k in order]
    parts += [_box(name, row, arrived.get(name, 0), say, count) for name, row in entered.items() if name in _PLACES]
    label = escape(say("The process: stages, and how many leads took each way"), quote=True)
    head = (
        '<defs><marker id="way" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>'
    )
    return (
        f'<svg class="flow" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
        f'font-family="inherit" font-size="12">{head}{"".join(parts)}</svg>'
    )


def _is_drawn(way: Mapping[str, Any]) -> bool:
    """Whether a way is worth a line: leads took it, or it is declared to or from a stage that nobody enters."""
    if way["from"] not in _PLACES or way["to"] not in _PLACES:
        return False
    start, end = _PLACES[str(way["from"])], _PLACES[str(way["to"])]
    if not way["leads"]:
        return start[1] == end[1] and 0 < end[0] - start[0] <= 160
    return bool(way["declared"]) or (way["share"] is not None and way["share"] >= _RARE)


def _fans(ways: Sequence[Mapping[str, Any]]) -> list[float]:
    """Per way how far from the middle of its box it leaves, so that ways to several rows do not lie on one another."""
    sides: dict[tuple[str, bool], list[int]] = {}
    for k, way in enumerate(ways):
        start, end = _PLACES[str(way["from"])], _PLACES[str(way["to"])]
        if start[1] != end[1]:
            sides.setdefault((str(way["from"]), end[1] > start[1]), []).append(k)
    found = [0.0] * len(ways)
    for members in sides.values():
        members.sort(key=lambda k: _PLACES[str(ways[k]["to"])][0])
        for place, k in enumerate(members):
            found[k] = _FAN * (place - (len(members) - 1) / 2)
    return found


def _box(
    name: str, row: Mapping[str, Any], arrived: int, say: Callable[[str], str], count: Callable[[float], str]
) -> str:
    x, y = _PLACES[name]
    width, height = _BOX
    shown = name.upper() if len(name) == 3 and name != "won" else say(name)
    leads = int(row.get("leads") or arrived)
    now = row.get("in_it_now")
    figures = count(leads) if now is None else f"{count(leads)} · {say('now')} {count(int(now))}"
    meaning = escape(say(str(row.get("meaning") or "")))
    title = f"<title>{meaning}</title>" if meaning else ""
    return (
        f'<g>{title}<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" rx="8" '
        'fill="var(--panel, #f5f7f9)" stroke="currentColor" stroke-opacity=".45"/>'
        f'<g text-anchor="middle" fill="currentColor"><text x="{x:g}" y="{y - 4:g}" font-weight="600">{escape(shown)}'
        f'</text><text x="{x:g}" y="{y + 14:g}">{escape(figures)}</text></g></g>'
    )


def _way(
    way: Mapping[str, Any], most: int, fan: float, say: Callable[[str], str], count: Callable[[float], str]
) -> str:
    start, end = _PLACES[str(way["from"])], _PLACES[str(way["to"])]
    path, middle = _curve(start, end, fan)
    leads = int(way["leads"])
    thick = 1.0 + 4.0 * leads / most if leads else 0.75
    dash = "" if way["declared"] else ' stroke-dasharray="5 4"'
    faint = ".8" if leads else ".25"
    share = "" if way["share"] is None or not leads else f", {100 * way['share']:.0f}%"
    unseen = "" if way["declared"] else f" ({say('nobody declared it')})"
    names = f"{say(str(way['from']))} → {say(str(way['to']))}: {count(leads)}{share}{unseen}"
    label = ""
    if leads:
        label = (
            f'<text x="{middle[0]:g}" y="{middle[1]:g}" text-anchor="middle" font-size="11" fill="currentColor" '
            f'stroke="var(--bg, #fff)" stroke-width="3" paint-order="stroke">{escape(count(leads))}</text>'
        )
    return (
        f'<g><title>{escape(names)}</title><path d="{path}" fill="none" stroke="currentColor" stroke-opacity="{faint}" '
        f'stroke-width="{thick:.2f}"{dash} marker-end="url(#way)"/>{label}</g>'
    )


def _curve(start: tuple[float, float], end: tuple[float, float], fan: float) -> tuple[str, tuple[float, float]]:
    """Path between two boxes and the place of its label: straight to the neighbour, in an arc over others."""
    half, tall = _BOX[0] / 2, _BOX[1] / 2
    (x1, y1), (x2, y2) = start, end
    if y1 == y2 and 0 < x2 - x1 <= 160:
        return f"M{x1 + half:g} {y1:g}H{x2 - half:g}", ((x1 + x2) / 2, y1 - 6)
    if y1 == y2:
        up = y1 < 200
        lift = min(14.0 + 0.05 * abs(x2 - x1), 34.0)
        edge = y1 - tall if up else y1 + tall
        peak = edge - 2 * lift if up else edge + 2 * lift
        return f"M{x1:g} {edge:g}Q{(x1 + x2) / 2:g} {peak:g} {x2:g} {edge:g}", ((x1 + x2) / 2, (edge + peak) / 2 + 4)

    down = y2 > y1
    from_y, to_y = (y1 + tall, y2 - tall) if down else (y1 - tall, y2 + tall)
    arrive = x2 + max(-half + 10, min(half - 10, (x1 - x2) / 12))
    bend = (from_y + to_y) / 2
    path = f"M{x1 + fan:g} {from_y:g}C{x1 + fan:g} {bend:g} {arrive:g} {bend:g} {arrive:g} {to_y:g}"
    step = 14.0 + 13.0 * (round(fan / _FAN + 8) % 2)  # labels of neighbours stand on two lines
    return path, (x1 + fan, from_y + step if down else from_y - step + 8)
