"""What forms do to a draft: begin it, change points, caps and thresholds, take a rule away, read a file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.errors import PolicyError
from features.rubric.csv_format import from_csv
from features.rubric.csv_lines import COLUMNS
from features.rubric.draft import (
    LARGEST_POINTS,
    Content,
    content_of,
    empty_content,
    next_version,
    place_of,
    points_paths,
    read_content,
    set_points,
    with_rule,
    without_rule,
)
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from models.explaining.language import Language
from serving.auth.api_keys import Caller
from serving.pages.rubric.rule_form import read_number
from serving.results.stored_drafts import StoredDraft, is_too_long, read_draft, save_draft
from serving.state.app_state import AppState

LARGEST_FILE = 200_000  # bytes of a rubric's CSV: thousands of rules
_FARTHEST = 100 * LARGEST_POINTS  # of a threshold or cap
_WAS = "was."


def working_content(app_state: AppState, caller: Caller) -> tuple[Content | None, StoredDraft | None]:
    """The caller's draft, else the rubric in use, else None; and the draft if there is one."""
    draft = read_draft(app_state, caller)
    if draft is not None:
        return draft.content, draft
    active = app_state.find_decided().rubric
    return (None if active is None else content_of(active)), None


def keep_content(app_state: AppState, caller: Caller, content: Content) -> None:
    """Keep a changed draft; the first change of the rubric in use begins one of the next version.

    Raises
    ------
    PolicyError : it is too large
    """
    draft = read_draft(app_state, caller)
    if draft is None:
        content = content | {"version": _next_version(app_state)}
        content.pop("agreed_by", None)
    if is_too_long(content):
        raise PolicyError("this draft is larger than any rubric that people can read; take rules away.")
    based_on = label_of(app_state.find_decided().rubric) if draft is None else draft.based_on
    save_draft(app_state, caller, content, based_on)


def is_overtaken(app_state: AppState, draft: StoredDraft | None) -> bool:
    """Whether another rubric is in use than when the draft was begun."""
    return draft is not None and draft.based_on != label_of(app_state.find_decided().rubric)


def begin_draft(app_state: AppState, caller: Caller, how: str) -> None:
    """A new draft: ``empty``, from ``outcomes`` (the learned scorecard as rules), of the rubric in use (``active``), or
    of a version by its name.
    """
    context, version = app_state.find_decided(), _next_version(app_state)
    name = context.rubric.name if context.rubric is not None else context.source.name
    if how == "outcomes":
        learned = content_of(load_rubric(proposed_file(app_state), context.source))
        content = {key: value for key, value in learned.items() if key != "title"} | {"name": name, "version": version}
    elif how == "active" and context.rubric is not None:
        content = content_of(context.rubric) | {"version": version}
    elif how in (earlier := {label_of(kept.rubric): kept.rubric for kept in context.rubrics.versions}):
        content = content_of(earlier[how]) | {"version": version}
    else:
        content = empty_content(name, version)
    save_draft(app_state, caller, content, label_of(context.rubric))


def proposed_file(app_state: AppState) -> Path:
    """Where the run leaves the rubric that it learned from outcomes."""
    return app_state.paths.thresholds / "proposed_rubric.yaml"


def _next_version(app_state: AppState) -> str:
    return next_version([version.rubric.version for version in app_state.find_decided().rubrics.versions])


def label_of(rubric: Rubric | None) -> str:
    """Name and version, empty for none."""
    return "" if rubric is None else f"{rubric.name} {rubric.version}"


def find_typed(sent: Mapping[str, str]) -> dict[str, str]:
    """A sent form without the boxes that hold what they showed as the page came (``was.`` and the name of the box).

    The page may be older than the draft: what nobody typed would put back what was changed since, in another tab or by
    another version of the rubric.

    >>> find_typed({"do": "saved", "p.trial.0": "5", "was.p.trial.0": "5", "line.mql": "50", "was.line.mql": "45"})
    {'do': 'saved', 'line.mql': '50'}
    """
    boxes = {name: value for name, value in sent.items() if not name.startswith(_WAS)}
    return {name: value for name, value in boxes.items() if sent.get(_WAS + name) != value}


def with_sent_points(content: Content, sent: Mapping[str, str], language: Language) -> tuple[Content, dict[str, str]]:
    """The draft with the points, caps and thresholds of the page's form; and what is wrong, by the name of a box."""
    errors: dict[str, str] = {}

    def read(name: str, largest: float = LARGEST_POINTS) -> float | None:
        value, problem = read_number(str(sent[name]), -largest, largest, language)
        if problem:
            errors[name] = problem
        return value

    rules = []
    for rule in content["rules"]:
        changed = rule
        for k, (path, points) in enumerate(points_paths(rule)):
            name = f"p.{rule['id']}.{k}"
            value = read(name) if name in sent else points
            if value is None and name in sent and name not in errors:
                errors[name] = language.text("Type the points, 0 for none.")
            if value is not None and value != points:
                changed = set_points(changed, path, value)
        rules.append(changed)

    groups = {}
    for name, group in content["groups"].items():
        boxes = {"minimum": f"cap.{name}.low", "maximum": f"cap.{name}.high"}
        if any(box in sent for box in boxes.values()):
            held = group.get("cap") or {}
            ends = {end: read(box, _FARTHEST) if box in sent else held.get(end) for end, box in boxes.items()}
            cap = {end: value for end, value in ends.items() if value is not None}
            if len(cap) == 2 and cap["minimum"] > cap["maximum"]:
                errors[f"cap.{name}.low"] = language.text("The lowest points are above the highest.")
            bare = {key: value for key, value in group.items() if key != "cap"}
            group = bare | ({"cap": cap} if cap else {})
        groups[name] = group

    lines = []
    for line in content.get("thresholds", []):
        name = f"line.{line['stage']}"
        value = read(name, _FARTHEST) if name in sent else line["points"]
        if value is None and name not in errors:
            errors[name] = language.text("Type the points, 0 for none.")
        lines.append(line if value is None else dict(line) | {"points": value})
    return content | {"rules": rules, "groups": groups, "thresholds": lines}, errors


def is_box_of(name: str, what: str) -> bool:
    """Whether a box of the form is of a rule, or of a stage's line (``line mql``), and goes with a change of that.

    >>> is_box_of("p.downloads.0", "downloads"), is_box_of("p.downloads_late.0", "downloads")
    (True, False)
    """
    return name == f"line.{what.removeprefix('line ')}" if what.startswith("line ") else name.startswith(f"p.{what}.")


def undo_change(content: Content, active: Rubric | None, what: str) -> Content:
    """The draft with one rule, or the points of one stage, as in the rubric in use."""
    before = content_of(active) if active is not None else None
    if before is None:
        return content
    if what.startswith("line "):
        old = {str(line["stage"]): line["points"] for line in before.get("thresholds", [])}
        stage = what.removeprefix("line ")
        lines = [
            dict(line) | {"points": old[stage]} if line["stage"] == stage and stage in old else line
            for line in content.get("thresholds", [])
        ]
        return content | {"thresholds": lines}
    place = place_of(before, what)
    return without_rule(content, what) if place < 0 else with_rule(content, before["rules"][place])


def with_group_of(content: Content, rule: Content) -> Content:
    """The draft with the group that a rule names, where it is one of the usual ones."""
    name = str(rule["group"])
    if name in content["groups"]:
        return content
    return content | {"groups": content["groups"] | {name: {"dimension": name}}}


@dataclass(frozen=True)
class RefusedFile:
    """What is wrong with a file: lines in the reader's language, or, of its content, in ``english``."""

    lines: Sequence[str]
    english: bool = False


def read_uploaded(
    app_state: AppState, raw: bytes, name: str, language: Language
) -> tuple[Content | None, RefusedFile | None]:
    """The draft of an uploaded CSV, or what is wrong with the file."""
    say, source = language.text, app_state.context.source
    if len(raw) > LARGEST_FILE:
        return None, RefusedFile([say("This file is larger than any rubric; choose another one.")])
    if raw.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return None, RefusedFile([say("This is a workbook. Save its sheet as CSV and upload that.")])
    text = _decode(raw)
    if not text.strip():
        return None, RefusedFile([say("This file is empty.")])
    heads = _heads(text)
    if not set(heads) & set(COLUMNS[:2]):
        return None, RefusedFile(
            [
                say(
                    "This is no rubric: its columns are {found}. A rubric's are {columns}; this page's CSV shows one.",
                    found=", ".join(heads[:8])[:200] or "–",
                    columns=", ".join(COLUMNS),
                )
            ]
        )
    try:
        rubric = from_csv(text, where=name[:100] or "rubric.csv", source=source)
    except PolicyError as problem:
        return None, RefusedFile(problem.message.splitlines(), english=True)
    content = content_of(rubric)
    _, problems = read_content(content, source)
    if problems:
        lines = [f"{problem.rule}: {problem.text}" if problem.rule else problem.text for problem in problems]
        return None, RefusedFile(lines, english=True)
    decided = app_state.find_decided()
    versions = [version.rubric.version for version in decided.rubrics.versions]
    if content.get("version", "1") in versions:
        content["version"] = next_version(versions)
    if decided.rubric is not None:
        content["name"] = decided.rubric.name
    return content, None


def _decode(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _heads(text: str) -> list[str]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return [cell.strip().casefold() for cell in next(csv.reader(io.StringIO(first), delimiter=delimiter))]
    except (csv.Error, StopIteration):
        return []
