"""A rubric as a CSV for people who do not write YAML, and back: one line per condition, nothing lost."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from features.definition import Source
from features.errors import PolicyError
from features.rubric import Rubric
from features.rubric_checks import against_source, contradictions
from features.rubric_rule import Cap, Rule
from features.rubric_words import from_words, to_words

COLUMNS = ("line", "id", "group", "about", "what", "if", "match", "points", "cap", "label", "topic", "options")

_SUBJECTS = ("lead", "account", "answer", "activity")
_CONDITIONS = ("filled", "missing", "otherwise")
_PER = {"occurrence": "each time", "asset": "each asset", "once": "once"}
_RULE_OPTIONS = ("at_least", "within_days", "take", "decay", "assets", "actors", "bots", "scope", "only_in")


def to_csv(rubric: Rubric) -> str:
    """The rubric as CSV text; :func:`from_csv` of it gives an equal rubric."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_lines(rubric))
    return out.getvalue()


def from_csv(text: str, *, where: str = "rubric.csv", source: Source | None = None) -> Rubric:
    """Rubric of a CSV text, checked in itself and, if given, against the source it speaks of.

    Commas, semicolons or tabs may separate the columns, as spreadsheets of different countries write them.

    Raises
    ------
    PolicyError : one line per problem, each with the line of the file
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=_delimiter(text))
    missing = [name for name in ("line", "id", "points") if name not in (reader.fieldnames or ())]
    if missing:
        raise PolicyError(f"{where}: line 1: column {', '.join(missing)} is missing; columns: {', '.join(COLUMNS)}.")
    data: dict[str, Any] = {"groups": {}, "rules": [], "thresholds": []}
    lines: dict[tuple[str | int, ...], int] = {}
    found: list[tuple[int, str]] = []
    for row in reader:
        plain = dict.fromkeys(COLUMNS, "") | {key: (value or "").strip() for key, value in row.items() if key}
        if any(plain.values()):
            try:
                _read(plain, data, lines, reader.line_num)
            except ValueError as problem:
                found.append((reader.line_num, str(problem)))
    if found:
        raise PolicyError(_listed(where, found))
    try:
        rubric = Rubric.model_validate({**data, "rules": [_flat(rule) for rule in data["rules"]]})
    except ValidationError as error:
        problems = [(tuple(p["loc"]), str(p["msg"])) for p in error.errors(include_url=False)]
        raise PolicyError(
            _listed(where, [(_line_of(path, lines), _said(path, message)) for path, message in problems])
        ) from error
    problems = contradictions(rubric) + (against_source(rubric, source) if source is not None else [])
    if problems:
        raise PolicyError(_listed(where, [(_line_of(path, lines), message) for path, message in problems]))
    return rubric


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _said(path: tuple[str | int, ...], message: str) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), "rubric")
    return f"{key}: {message.removeprefix('Value error, ')}."


def _listed(where: str, problems: list[tuple[int, str]]) -> str:
    return f"{where} cannot be used:\n" + "\n".join(f"  line {line}: {text}" for line, text in sorted(problems))


def _lines(rubric: Rubric) -> Iterator[dict[str, Any]]:
    head = rubric.model_dump(mode="json", include={"version", "effective_from", "agreed_by"}, exclude_defaults=True)
    yield _row("rubric", rubric.name, points=rubric.start, cap=rubric.total, label=rubric.title, options=head)
    for name, group in rubric.groups.items():
        yield {**_row("group", name, cap=group.cap, label=group.label), "about": str(group.dimension)}
    for rule in rubric.rules:
        yield from _rule_lines(rule)
    for threshold in rubric.thresholds:
        record = threshold.model_dump(mode="json", include={"requires", "any_of"}, exclude_defaults=True)
        yield {
            **_row("threshold", str(threshold.stage), points=threshold.points, options=record),
            "group": threshold.group or "",
        }
    if rubric.matrix is not None:
        for side, axis in (("letter", rubric.matrix.letter), ("number", rubric.matrix.number)):
            yield {**_row("matrix", side, options={"from_points": list(axis.from_points)}), "group": axis.group}
    handoff = rubric.handoff
    yield _row("handoff", str(handoff.stage or ""), options={"cells": list(handoff.cells)} if handoff.cells else {})


def _row(line: str, name: str, **values: Any) -> dict[str, Any]:
    found = {"line": line, "id": name, "label": values.get("label", "")}
    if values.get("points") is not None:
        found["points"] = f"{values['points']:.12g}"
    if values.get("cap") is not None:
        found["cap"] = _cap_text(values["cap"])
    if values.get("options"):
        found["options"] = to_words(values["options"])
    return found


def _cap_text(cap: Cap) -> str:
    ends = ["" if end is None else f"{end:.12g}" for end in (cap.minimum, cap.maximum)]
    return "..".join(ends)


def _rule_lines(rule: Rule) -> Iterator[dict[str, Any]]:
    record = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    options = {name: record[name] for name in _RULE_OPTIONS if name in record}
    subject = rule.subject
    what = ", ".join(rule.activity) if rule.activity else getattr(rule, subject)
    first = {
        **_row("rule", rule.id, cap=rule.cap, label=rule.label, options=options),
        "group": rule.group,
        "about": subject,
        "what": what,
        "topic": str(rule.topic),
    }
    for number, (condition, match, points) in enumerate(_conditions(rule)):
        line = first if number == 0 else {"line": "rule", "id": rule.id}
        yield {**line, "if": condition, "match": match, "points": f"{points:.12g}"}


def _conditions(rule: Rule) -> Iterator[tuple[str, str, float]]:
    for value, points in rule.values.items():
        yield "value", value, points
    for pattern, points in rule.patterns.items():
        yield "pattern", pattern, points
    for span in rule.ranges:
        ends = ["" if end is None else f"{end:.12g}" for end in (span.from_, span.below)]
        yield "range", "..".join(ends), span.points
    for name in _CONDITIONS:
        if getattr(rule, name) is not None:
            yield name, "", getattr(rule, name)
    if rule.points is not None:
        yield _PER[rule.per], "", rule.points
    for step in rule.steps:
        days = "" if step.within_days is None else f" in {step.within_days} days"
        yield ("step" if rule.per == "once" else "step, " + _PER[rule.per]), f"{step.at_least}{days}", step.points
    if rule.none is not None:
        yield (
            ("none" if rule.per == "once" or rule.points is not None or rule.steps else "none, " + _PER[rule.per]),
            "",
            rule.none,
        )


def _read(row: Mapping[str, str], data: dict[str, Any], lines: dict[tuple[str | int, ...], int], number: int) -> None:
    options = from_words(row["options"])
    cap = {"cap": _cap(row["cap"])} if row.get("cap") else {}
    kind, name = row["line"].lower(), row["id"]
    if kind == "rubric":
        data.update({"name": name, "title": row.get("label", ""), "start": _number(row["points"] or "0"), **options})
        if cap:
            data["total"] = cap["cap"]
    elif kind == "group":
        data["groups"][name] = {"dimension": row.get("about", ""), "label": row.get("label", ""), **cap}
        lines["groups", name] = number
    elif kind == "rule":
        _read_rule(row, options, cap, data, lines, number)
    elif kind == "threshold":
        lines["thresholds", len(data["thresholds"])] = number
        group = {"group": row["group"]} if row.get("group") else {}
        data["thresholds"].append({"stage": name, "points": _number(row["points"]), **group, **options})
    elif kind == "matrix":
        data.setdefault("matrix", {})[name] = {"group": row.get("group", ""), **options}
        lines["matrix", name] = number
    elif kind == "handoff":
        data["handoff"] = {**({"stage": name} if name else {}), **options}
        lines["handoff",] = number
    else:
        raise ValueError(f"line '{row['line']}' is not known; known: rubric, group, rule, threshold, matrix, handoff")


def _read_rule(
    row: Mapping[str, str],
    options: Mapping[str, Any],
    cap: Mapping[str, Any],
    data: dict[str, Any],
    lines: dict[tuple[str | int, ...], int],
    number: int,
) -> None:
    rules = data["rules"]
    if not rules or rules[-1]["id"] != row["id"]:
        about = row.get("about", "")
        if about not in _SUBJECTS:
            raise ValueError(f"rule '{row['id']}' is about '{about}'; known: {', '.join(_SUBJECTS)}")
        what = [part.strip() for part in row["what"].split(",")] if about == "activity" else row["what"]
        topic = {"topic": row["topic"]} if row.get("topic") else {}
        head = {"id": row["id"], "group": row["group"], "label": row.get("label", ""), about: what}
        lines["rules", len(rules)] = number
        rules.append({**head, **topic, **cap, **options})
    rules[-1].setdefault("conditions", []).append((row["if"], row["match"], _number(row["points"])))


def _flat(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule's lines as the keys of the schema."""
    found = {key: value for key, value in rule.items() if key != "conditions"}
    per = {words: name for name, words in _PER.items()}
    for condition, match, points in rule["conditions"]:
        word, _, each = condition.partition(", ")
        if word in ("value", "pattern"):
            found.setdefault(f"{word}s", {})[match] = points
        elif word == "range":
            low, _, high = match.partition("..")
            ends = {"from": low.replace(",", "."), "below": high.replace(",", ".")}
            found.setdefault("ranges", []).append({**{k: v for k, v in ends.items() if v}, "points": points})
        elif word == "step":
            count, _, days = match.partition(" in ")
            within = {"within_days": days.removesuffix(" days")} if days else {}
            found.setdefault("steps", []).append({"at_least": count, **within, "points": points})
        elif word in per:
            found |= {"points": points, "per": per[word]}
        else:
            found[word] = points
        if each:
            found["per"] = per.get(each, each)
    return found


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"points '{text}' are no number") from None


def _cap(text: str) -> dict[str, float]:
    low, dots, high = text.partition("..")
    if not dots:
        return {"maximum": _number(text)}
    return {name: _number(end) for name, end in (("minimum", low), ("maximum", high)) if end}


def _line_of(path: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int]) -> int:
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
