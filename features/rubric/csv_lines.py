"""The lines of a rubric's CSV as the keys of its schema, each with the line it stands on; nothing is read past."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from features.rubric.csv_cells import from_words, kinds_of, text_of

COLUMNS = ("line", "id", "group", "about", "what", "if", "match", "points", "cap", "label", "topic", "options")
PER = {"occurrence": "each time", "asset": "each asset", "once": "once"}
SINGLE = ("filled", "missing", "otherwise")
RULE_OPTIONS = ("at_least", "within_days", "take", "decay", "assets", "actors", "bots", "scope", "only_in")

_SUBJECTS = ("lead", "account", "answer", "activity")
_NEEDED = ("line", "id", "points")
_HEAD = ("group", "about", "what", "label", "topic", "cap", "options")
_IF = ("value", "pattern", "range", "step", *SINGLE, "none", *PER.values(), "step, each asset")
_CELLS = {
    "rubric": ("points", "cap", "label", "options"),
    "group": ("about", "cap", "label"),
    "rule": COLUMNS[2:],
    "threshold": ("group", "points", "options"),
    "matrix": ("group", "options"),
    "handoff": ("options",),
}
_OPTIONS = {
    "rubric": ("version", "effective_from", "agreed_by"),
    "group": (),
    "rule": RULE_OPTIONS,
    "threshold": ("requires", "any_of"),
    "matrix": ("from_points",),
    "handoff": ("cells",),
}
_KEYS = {"rubric": "name", "group": "groups", "rule": "rules", "handoff": "handoff"}

Row = Mapping[str, str]
Path = tuple[str | int, ...]


@dataclass
class Sheet:
    """What a CSV says: keys of the schema, the line of each part, and what could not be read."""

    data: dict[str, Any] = field(default_factory=lambda: {"groups": {}, "rules": [], "thresholds": []})
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    heads: dict[str, tuple[int, int, Row]] = field(default_factory=dict)  # by rule: its place, first line and cells

    def line_of(self, path: Path) -> int:
        """Line of a part of the rubric, or of what it is part of."""
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 1)

    def once(self, path: Path, number: int, what: str) -> None:
        """Note a part's line; a second line of the same part is an error, as one of the two would be lost."""
        if path in self.lines:
            raise ValueError(f"{what} appears twice, first on line {self.lines[path]}; keep one of the two")
        self.lines[path] = number

    def attempt(self, number: int, read: Callable[..., None], *given: Any) -> None:
        """Read something of a line; what is wrong with it becomes a problem of that line."""
        try:
            read(*given)
        except ValueError as problem:
            self.problems.append((number, str(problem)))


def read_sheet(text: str) -> Sheet:
    """Sheet of a CSV text; commas, semicolons or tabs may separate its columns."""
    sheet, number = Sheet(), 0
    names: tuple[str, ...] = ()
    text = text.removeprefix("\ufeff")

    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            cells = [cell.strip() for cell in cells]
            if number == 1:
                names = tuple(cell.casefold() for cell in cells)
            elif any(cells):
                sheet.attempt(number, _read, sheet, names, cells, number)
    except csv.Error as problem:
        sheet.problems.append(
            (number + 1, f"the sheet cannot be read beyond this line ({problem}); look for an unmatched quote")
        )

    wrong = _header(names)
    if wrong:
        sheet.problems = [(1, wrong)]
    elif not sheet.problems:
        absent = [kind for kind, key in _KEYS.items() if not sheet.data.get(key)]
        sheet.problems = [(1, f"there is no {kind} line; add one") for kind in absent]

    return sheet


def _header(names: tuple[str, ...]) -> str:
    absent = [name for name in _NEEDED if name not in names]
    wrong = [f"column {', '.join(absent)} is missing"] if absent else []
    wrong += [f"column '{name}' is not known" for name in names if name and name not in COLUMNS]
    wrong += [f"column '{name}' appears twice" for name in COLUMNS if names.count(name) > 1]
    return f"{', '.join(wrong)}; columns: {', '.join(COLUMNS)}" if wrong else ""


def _read(sheet: Sheet, names: tuple[str, ...], cells: list[str], number: int) -> None:
    beyond = [cell for k, cell in enumerate(cells) if cell and (k >= len(names) or not names[k])]
    if beyond:
        raise ValueError(f"'{beyond[0]}' is to the right of the last column; put it under a column or in quotes")
    row = dict.fromkeys(COLUMNS, "") | {name: cell for name, cell in zip(names, cells, strict=False) if name}
    kind = row["line"].casefold()
    if kind not in _CELLS:
        raise ValueError(f"line '{row['line']}' is not known; known: {', '.join(_CELLS)}")
    lost = [f"{name} '{row[name]}'" for name in COLUMNS[2:] if row[name] and name not in _CELLS[kind]]
    if lost:
        raise ValueError(f"a {kind} has no {', '.join(lost)}; it has id, {', '.join(_CELLS[kind])}")
    _READ[kind](sheet, row, number)


def _rubric(sheet: Sheet, row: Row, number: int) -> None:
    sheet.once(("name",), number, "the rubric")
    cap = {"total": _cap(row["cap"])} if row["cap"] else {}
    start = _number(row["points"] or "0")
    sheet.data |= {"name": row["id"], "title": text_of(row["label"]), "start": start, **cap, **_options("rubric", row)}


def _group(sheet: Sheet, row: Row, number: int) -> None:
    sheet.once(("groups", row["id"]), number, f"group '{row['id']}'")
    sheet.data["groups"][row["id"]] = {"dimension": row["about"], "label": text_of(row["label"])}
    if row["cap"]:
        sheet.data["groups"][row["id"]]["cap"] = _cap(row["cap"])


def _threshold(sheet: Sheet, row: Row, number: int) -> None:
    sheet.lines["thresholds", len(sheet.data["thresholds"])] = number
    group = {"group": row["group"]} if row["group"] else {}
    found = {"stage": row["id"], "points": _number(row["points"]), **group, **_options("threshold", row)}
    sheet.data["thresholds"].append(found)


def _matrix(sheet: Sheet, row: Row, number: int) -> None:
    if row["id"] not in ("letter", "number"):
        raise ValueError(f"matrix '{row['id']}' is not known; known: letter, number")
    sheet.once(("matrix", row["id"]), number, f"matrix '{row['id']}'")
    sheet.lines.setdefault(("matrix",), number)
    sheet.data.setdefault("matrix", {})[row["id"]] = {"group": row["group"], **_options("matrix", row)}


def _handoff(sheet: Sheet, row: Row, number: int) -> None:
    sheet.once(("handoff",), number, "the handoff")
    sheet.data["handoff"] = {**({"stage": row["id"]} if row["id"] else {}), **_options("handoff", row)}


def _rule(sheet: Sheet, row: Row, number: int) -> None:
    """One condition of a rule; its first line says what the rule is about, later lines nothing else."""
    rules = sheet.data["rules"]
    if row["id"] in sheet.heads:
        place, first, head = sheet.heads[row["id"]]
        sheet.attempt(number, _check_repeated_head, row, first, head)
    else:
        place = len(rules)
        sheet.heads[row["id"]] = (place, number, row)
        sheet.lines["rules", place] = number
        rules.append({"id": row["id"]})
        sheet.attempt(number, _read_head, rules[place], row)
    _condition(sheet, place, row, number)


def _read_head(rule: dict[str, Any], row: Row) -> None:
    about = row["about"].casefold()
    if about not in _SUBJECTS:
        raise ValueError(f"rule '{row['id']}' is about '{row['about']}'; known: {', '.join(_SUBJECTS)}")
    what = kinds_of(row["what"]) if about == "activity" else text_of(row["what"])
    if not what:
        raise ValueError(f"rule '{row['id']}' is about {about}, but 'what' is empty; name it there")
    rule |= {"group": row["group"], "label": text_of(row["label"]), about: what, "topic": row["topic"] or "context"}
    rule |= _options("rule", row)
    if row["cap"]:
        rule["cap"] = _cap(row["cap"])


def _check_repeated_head(row: Row, first: int, head: Row) -> None:
    differ = [name for name in _HEAD if row[name] and _parse_cell(name, row[name]) != _parse_cell(name, head[name])]
    if differ:
        now, then = (", ".join(f"{name} '{line[name]}'" for name in differ) for line in (row, head))
        raise ValueError(
            f"rule '{row['id']}' has {now} here, but {then} on its first line {first}; write it on the first line, "
            "leave later lines empty, or give another rule an id of its own"
        )


def _parse_cell(name: str, cell: str) -> Any:
    """What a cell says, so that two ways to write one thing are equal; the cell itself if it cannot be read."""
    read: Callable[[str], Any] = _MEANT.get(name, text_of)
    try:
        return read(cell) if cell or name == "topic" else cell
    except ValueError:
        return cell


def _condition(sheet: Sheet, place: int, row: Row, number: int) -> None:
    rule, name = sheet.data["rules"][place], row["id"]
    condition, match = row["if"].casefold(), row["match"]
    word, _, each = condition.partition(", ")
    if condition not in _IF and not (word in ("step", "none") and each in PER.values()):
        raise ValueError(f"rule '{name}': if '{row['if']}' is not known; known: {'; '.join(_IF)}")

    points = _number(row["points"])
    if word in ("value", "pattern", "range", "step"):
        if not match:
            raise ValueError(f"rule '{name}': {word} has nothing under 'match'; the empty text is written \"\"")
    elif match:
        raise ValueError(f"rule '{name}': {word} has no match; found '{match}', drop it or write value or pattern")

    if word in ("value", "pattern"):
        sheet.once(("rules", place, f"{word}s", text_of(match)), number, f"rule '{name}': {word} '{match}'")
        rule.setdefault(f"{word}s", {})[text_of(match)] = points
    elif word in ("range", "step"):
        parts = rule.setdefault(f"{word}s", [])
        sheet.lines["rules", place, f"{word}s", len(parts)] = number
        parts.append({**(_ends(match) if word == "range" else _step(match)), "points": points})
    else:
        per = {words: key for key, words in PER.items()}
        key = "points" if word in per else word
        sheet.once(("rules", place, key), number, f"rule '{name}': {word}")
        rule[key] = points
        each = word if word in per else each

    if each:
        key = next(key for key, words in PER.items() if words == each)
        if rule.setdefault("per", key) != key:
            raise ValueError(f"rule '{name}' counts {each} here, but {PER[rule['per']]} before; make one rule of each")


def _ends(match: str) -> dict[str, float]:
    low, dots, high = match.partition("..")
    if not dots:
        raise ValueError(f"range '{match}' cannot be read; write 10..50, ..50 or 10..")
    return {key: _number(end, "range") for key, end in (("from", low), ("below", high)) if end}


def _step(match: str) -> dict[str, int]:
    found = re.fullmatch(r"(\d+)(?: in (\d+) days?)?", match)
    if found is None:
        raise ValueError(f"step '{match}' cannot be read; write 5 or 5 in 30 days")
    return {"at_least": int(found[1])} | ({"within_days": int(found[2])} if found[2] else {})


def _options(kind: str, row: Row) -> dict[str, Any]:
    found = from_words(row["options"])
    wrong = [name for name in found if name not in _OPTIONS[kind]]
    if wrong:
        raise ValueError(f"a {kind} has no option {', '.join(wrong)}; its options: {', '.join(_OPTIONS[kind])}")
    return found


def _number(text: str, what: str = "points") -> float:
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", text):
        raise ValueError(f"{what} '{text}' may be thousands or decimals; write it without the comma or with a point")
    try:
        if "_" in text:
            raise ValueError
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"{what} '{text}' cannot be read as a number") from None


def _cap(text: str) -> dict[str, float]:
    low, dots, high = text.partition("..")
    ends = (("minimum", low), ("maximum", high)) if dots else (("maximum", text),)
    try:
        return {name: _number(end, "cap") for name, end in ends if end}
    except ValueError as problem:
        raise ValueError(f"{problem} (a cap is 50, ..50, -20.. or -20..50)") from None


_MEANT: Mapping[str, Callable[[str], Any]] = {
    "about": str.casefold,
    "what": kinds_of,
    "topic": lambda cell: cell or "context",
    "cap": _cap,
    "options": from_words,
}
_READ: Mapping[str, Callable[[Sheet, Row, int], None]] = {
    "rubric": _rubric,
    "group": _group,
    "rule": _rule,
    "threshold": _threshold,
    "matrix": _matrix,
    "handoff": _handoff,
}
