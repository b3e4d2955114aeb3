"""The form of one rule: what stands in its boxes, and the rule that they say, or what is wrong in which box."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from features.rubric.draft import LARGEST_POINTS, Content, check_rule, unused_id
from features.schema.source import Source
from models.explaining.language import Language
from serving.pages.rubric.rule_fields import FieldChoice
from serving.pages.rubric.words import cap_ends, decay_words, subject_of
from serving.pages.written_values import write_count

_SINGLE = ("otherwise", "missing", "filled")
_FORM_KEYS = (
    *("values", "patterns", "ranges", *_SINGLE, "points", "per", "at_least", "within_days"),
    *("cap", "steps", "none", "decay", "assets", "label", "group"),
)
_BLANK_ROWS = 2  # boxes for what is not listed
_LONGEST = 200  # characters of a label or value
_DAYS = (1.0, 3650.0)
KEEP = "keep"  # a choice of the form: what the rule says already and no box can


@dataclass(frozen=True)
class PointsRow:
    """A condition of the form and the points in its box, as typed; ``cells`` are its other boxes."""

    key: str
    text: str
    count: int | None = None
    points: str = ""
    cells: tuple[str, ...] = ()


@dataclass(kw_only=True)
class RuleForm:
    """Boxes of the form with what stands in them; ``errors`` by the name of a box, ``problems`` of the whole rule,
    those of the schema in English.
    """

    choice: FieldChoice
    rule_id: str = ""
    label: str = ""
    group: str = ""
    values: list[PointsRow] = field(default_factory=list)
    texts: list[PointsRow] = field(default_factory=list)
    ranges: list[PointsRow] = field(default_factory=list)
    steps: list[PointsRow] = field(default_factory=list)
    boxes: dict[str, str] = field(default_factory=dict)
    kept_decay: str = ""
    kept_assets: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    english_problems: list[str] = field(default_factory=list)

    def box(self, name: str) -> str:
        """What stands in a box."""
        return self.boxes.get(name, "")

    @property
    def has_more(self) -> bool:
        """Whether any of the boxes that few rules need is filled."""
        filled = any(self.boxes.get(name) for name in ("decay", "none")) or self.boxes.get("at_least", "1") != "1"
        return filled or any(row.points for row in self.steps)

    @property
    def wrong(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors or self.problems or self.english_problems)


def write_form(choice: FieldChoice, rule: Content | None, language: Language) -> RuleForm:
    """The form of a rule, empty for a new one."""
    rule = rule or {}
    form = RuleForm(choice=choice, rule_id=str(rule.get("id", "")), label=str(rule.get("label", "")))
    form.group = str(rule.get("group") or choice.dimension)
    given = dict(rule.get("values", {}))
    if choice.reading == "values" or given:
        listed = dict(choice.values)
        names = [*listed, *(name for name in given if name not in listed)]
        form.values = [
            PointsRow(f"v{k}", name, listed.get(name), write_number(given.get(name))) for k, name in enumerate(names)
        ]
        form.values += [PointsRow(f"v{len(names) + k}", "", None) for k in range(_BLANK_ROWS)]
    patterns = dict(rule.get("patterns", {}))
    if choice.reading == "texts" or patterns:
        rows = [(name, write_number(points)) for name, points in patterns.items()] + [("", "")] * (_BLANK_ROWS + 2)
        form.texts = [PointsRow(f"t{k}", name, None, points) for k, (name, points) in enumerate(rows)]
    if choice.reading == "numbers" or rule.get("ranges"):
        form.ranges = _range_rows(rule, choice)
    if choice.reading == "activity":
        steps = [
            (write_number(step.get("at_least", 1)), write_number(step.get("within_days")), write_number(step["points"]))
            for step in rule.get("steps", ())
        ]
        steps += [("", "", "")] * _BLANK_ROWS
        form.steps = [PointsRow(f"s{k}", "", None, row[2], row[:2]) for k, row in enumerate(steps)]
    form.boxes = _boxes(rule)
    decay, assets = rule.get("decay") or {}, rule.get("assets") or ()
    if decay.get("percent"):
        form.kept_decay, form.boxes["decay"] = decay_words(decay, language), KEEP
    listed_assets = {text for text, _ in choice.values}
    if assets and (len(assets) > 1 or assets[0] not in listed_assets):
        form.kept_assets, form.boxes["asset"] = ", ".join(assets), KEEP
    return form


def _boxes(rule: Content) -> dict[str, str]:
    low, high = cap_ends(rule.get("cap"))
    decay, assets = rule.get("decay") or {}, rule.get("assets") or ("",)
    way = "half" if decay.get("half_life_days") else "gone" if decay.get("lifespan_days") else ""
    return {
        **{name: write_number(rule.get(name)) for name in (*_SINGLE, "points", "none", "within_days")},
        "at_least": write_number(rule.get("at_least", 1)),
        "per": str(rule.get("per", "once")),
        "cap": write_number(high),
        "floor": write_number(low),
        "decay": way,
        "decay_days": write_number(decay.get("half_life_days") or decay.get("lifespan_days")),
        "asset": str(assets[0]),
    }


def _range_rows(rule: Content, choice: FieldChoice) -> list[PointsRow]:
    given = [
        (write_number(part.get("from")), write_number(part.get("below")), write_number(part["points"]))
        for part in rule.get("ranges", ())
    ]
    if not given and not rule:
        ends = ["", *(write_number(edge) for edge in choice.edges), ""]
        given = [(low, high, "") for low, high in pairwise(ends)]
    given += [("", "", "")] * (1 if given else _BLANK_ROWS)
    return [PointsRow(f"r{k}", "", None, row[2], row[:2]) for k, row in enumerate(given)]


def write_number(value: Any) -> str:
    """A number as it stands in a box; empty for none."""
    return "" if value is None else f"{float(value):.10g}"


def read_form(
    choice: FieldChoice,
    sent: Mapping[str, str],
    rule: Content | None,
    taken: Sequence[str],
    source: Source,
    language: Language,
) -> tuple[Content | None, RuleForm]:
    """The rule that a sent form says, None where something is wrong; and the form as it was sent, with what is wrong.

    Parameters
    ----------
    rule : the rule that is changed, None for a new one
    taken : ids of the draft's rules
    """
    form = write_form(choice, rule, language)
    form.label, form.group = sent.get("label", "").strip()[:_LONGEST], sent.get("group", form.group)
    reader = _Reader(sent, form.errors, language)
    form.boxes |= {name: reader.text(name) for name in form.boxes if name in sent}
    form.values = [_sent_row(row, reader, f"{row.key}-text") for row in form.values]
    form.texts = [_sent_row(row, reader, f"{row.key}-text") for row in form.texts]
    form.ranges = [_sent_row(row, reader, "", ("from", "below")) for row in form.ranges]
    form.steps = [_sent_row(row, reader, "", ("count", "days")) for row in form.steps]

    made: Content = {key: value for key, value in (rule or {}).items() if key not in _FORM_KEYS}
    made |= {choice.subject: [choice.name] if choice.subject == "activity" else choice.name}
    if rule is not None and choice.subject == "activity":
        made["activity"] = rule["activity"]
    if "id" not in made:
        made = {"id": unused_id(form.label or choice.name, taken)} | made
        made |= {"topic": choice.topic} if choice.topic != "context" else {}
    made |= {"group": form.group, "label": form.label or choice.label}
    conditions = _activity_keys(form, reader, rule) if choice.reading == "activity" else _value_keys(form, reader, rule)
    made |= conditions
    if not form.errors and not _gives_points(conditions):
        form.problems.append(language.text("No points are given yet: fill at least one box of points."))
    if not form.wrong:
        form.english_problems += check_rule(made, source)
    return (None if form.wrong else made), form


def _gives_points(conditions: Content) -> bool:
    return any(conditions.get(key) not in (None, {}, []) for key in ("values", "patterns", "ranges", "steps")) or any(
        conditions.get(key) is not None for key in (*_SINGLE, "points", "none")
    )


@dataclass(frozen=True)
class _Reader:
    """Reads boxes; what cannot be read is noted by the box."""

    sent: Mapping[str, str]
    errors: dict[str, str]
    language: Language

    def text(self, name: str) -> str:
        return str(self.sent.get(name, "")).strip()[:_LONGEST]

    def points(self, name: str) -> float | None:
        return self.number(name, -LARGEST_POINTS, LARGEST_POINTS)

    def number(self, name: str, low: float, high: float, *, whole: bool = False) -> float | None:
        found, problem = read_number(self.text(name), low, high, self.language, whole=whole)
        if problem:
            self.errors[name] = problem
        return found


def read_number(
    text: str, low: float, high: float, language: Language, *, whole: bool = False
) -> tuple[float | None, str]:
    """The number of a box (None where it is empty), and what is wrong with it.

    >>> from models.explaining.language import ENGLISH
    >>> read_number("-2,5", -1000, 1000, ENGLISH), read_number("", 0, 1, ENGLISH)
    ((-2.5, ''), (None, ''))
    >>> read_number("1e9", -1000, 1000, ENGLISH)[1]
    '1,000,000,000 is above 1,000. Type a number from −1,000 to 1,000.'
    """
    plain = text.strip().replace("−", "-").replace("\u00a0", "").replace(" ", "").removeprefix("+").replace(",", ".")
    if not plain:
        return None, ""
    limits = {"low": _signed(low, language), "high": _signed(high, language)}
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        return None, language.text(
            "'{text}' is not a number. Type a number from {low} to {high}.", text=text[:40], **limits
        )
    if value > high:
        said = _signed(value, language) if abs(value) < 1e15 else text[:40]
        return None, language.text("{value} is above {high}. Type a number from {low} to {high}.", value=said, **limits)
    if value < low:
        said = _signed(value, language) if abs(value) < 1e15 else text[:40]
        return None, language.text("{value} is below {low}. Type a number from {low} to {high}.", value=said, **limits)
    if whole and not value.is_integer():
        return None, language.text("Type a whole number from {low} to {high}.", **limits)
    return value, ""


def _signed(value: float, language: Language) -> str:
    text = write_count(language, abs(value)) if float(value).is_integer() else language.number(abs(value))
    return f"−{text}" if value < 0 else text


def _sent_row(row: PointsRow, reader: _Reader, text_name: str, cells: tuple[str, ...] = ()) -> PointsRow:
    """A row with what was sent for it."""
    text = reader.text(text_name) if text_name and text_name in reader.sent else row.text
    points = reader.text(row.key) if row.key in reader.sent else row.points
    typed = tuple(
        reader.text(f"{row.key}-{name}") if f"{row.key}-{name}" in reader.sent else kept
        for name, kept in zip(cells, row.cells, strict=False)
    )
    return PointsRow(row.key, text, row.count, points, typed or row.cells)


def _value_keys(form: RuleForm, reader: _Reader, rule: Content | None) -> Content:
    say = reader.language.text
    made: Content = {}
    values = {row.text: reader.points(row.key) for row in form.values if row.points}
    if "" in values:
        key = next(row.key for row in form.values if row.points and not row.text)
        reader.errors[f"{key}-text"] = say("Points without a value: type the value, or take the points away.")
    made["values"] = {name: points for name, points in values.items() if points is not None and name}
    listed = {text for text, _ in form.choice.values} | set((rule or {}).get("values", {}))
    for row in form.values:
        if row.text and not row.points and row.text not in listed:
            reader.errors[row.key] = say("Type the points.")
    known = set((rule or {}).get("patterns", {}))
    patterns: dict[str, float] = {}
    for row in form.texts:
        points = reader.points(row.key)
        if not row.text and row.points:
            reader.errors[f"{row.key}-text"] = say("Points without a text: type the text, or take the points away.")
        elif row.text and not row.points and row.text not in known:
            reader.errors[row.key] = say("Type the points.")
        elif row.text and points is not None:
            patterns[row.text if row.text in known or _is_pattern(row.text) else f"*{row.text}*"] = points
    made["patterns"] = patterns
    made["ranges"] = _ranges(form, reader)
    for name in _SINGLE:
        made[name] = reader.points(name)
    if form.choice.subject == "answer":
        made["within_days"] = _days(reader, "within_days")
    if made["values"] and made["patterns"]:
        form.problems.append(say("Points for values and for texts cannot stand in one rule: make a second rule."))
    if made["filled"] is not None and (made["values"] or patterns or made["ranges"] or made["otherwise"] is not None):
        reader.errors["filled"] = say(
            "Points for anything on record leave no room for single values: empty one of the two."
        )
    return {key: value for key, value in made.items() if value not in (None, {}, [])} | _cap(reader)


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text or (len(text) > 2 and text.startswith("/") and text.endswith("/"))


def _ranges(form: RuleForm, reader: _Reader) -> list[Content]:
    found: list[Content] = []
    for row in form.ranges:
        points = reader.points(row.key)
        low = reader.number(f"{row.key}-from", -1e15, 1e15)
        below = reader.number(f"{row.key}-below", -1e15, 1e15)
        if points is None:
            continue
        if low is None and below is None:
            reader.errors.setdefault(
                f"{row.key}-from", reader.language.text("Type where the range begins or ends, or both.")
            )
        elif low is not None and below is not None and low >= below:
            reader.errors[f"{row.key}-below"] = reader.language.text("The range ends before it begins.")
        else:
            ends = {"from": low, "below": below}
            found.append({name: end for name, end in ends.items() if end is not None} | {"points": points})
    return found


def _activity_keys(form: RuleForm, reader: _Reader, rule: Content | None) -> Content:
    say = reader.language.text
    made: Content = {"points": reader.points("points"), "none": reader.points("none")}
    made["within_days"] = _days(reader, "within_days")
    per = form.box("per") if form.box("per") in ("once", "occurrence", "asset") else "once"
    made["per"] = None if per == "once" else per
    count = reader.number("at_least", 1, 10_000, whole=True)
    made["at_least"] = None if count in (None, 1) else int(count or 1)
    steps: list[Content] = []
    for row in form.steps:
        points = reader.points(row.key)
        often = reader.number(f"{row.key}-count", 1, 10_000, whole=True)
        days = _days(reader, f"{row.key}-days")
        if points is not None:
            step = {"at_least": int(often or 1), "points": points} | ({"within_days": days} if days else {})
            steps.append(step)
    made["steps"] = steps
    way = form.box("decay")
    fade_days = reader.number("decay_days", *_DAYS)
    if way == KEEP and rule is not None:
        made["decay"] = rule.get("decay")
    elif way in ("half", "gone"):
        if fade_days is None:
            reader.errors.setdefault("decay_days", say("Type after how many days."))
        made["decay"] = {"half_life_days" if way == "half" else "lifespan_days": fade_days}
    asset = form.box("asset")
    made["assets"] = (rule or {}).get("assets") if asset == KEEP else [asset] if asset else None
    if steps and made["points"] is not None:
        reader.errors["points"] = say("Steps have their own points: empty this box, or the steps.")
    if made.get("decay") and made["within_days"]:
        reader.errors["within_days"] = say("Points that fade need no other limit of days: empty one of the two.")
    return {key: value for key, value in made.items() if value not in (None, {}, [], ())} | _cap(reader)


def _days(reader: _Reader, name: str) -> int | None:
    found = reader.number(name, *_DAYS, whole=True)
    return None if found is None else int(found)


def _cap(reader: _Reader) -> Content:
    ends = {"minimum": reader.points("floor"), "maximum": reader.points("cap")}
    cap = {name: end for name, end in ends.items() if end is not None}
    if len(cap) == 2 and cap["minimum"] > cap["maximum"]:
        reader.errors["floor"] = reader.language.text("The lowest points are above the highest.")
    return {"cap": cap} if cap else {}


def choice_of(rule: Content, choices: Mapping[str, FieldChoice]) -> FieldChoice | None:
    """The field that a rule reads; of several kinds of activity the first."""
    subject, name = subject_of(rule)
    return choices.get(f"{subject}.{name.split(', ')[0]}")
