"""A rubric that cannot be used is refused with the line, what was found and what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from features.errors import PolicyError
from features.rubric.load import load_rubric, parse_rubric
from features.rubric.rule import Cap, Decay, Part, Range, Rule, Step
from features.rubric.schema import Axis, Rubric, Threshold
from features.rubric.terms import plan_rules, steps_left
from features.schema.source import Source

GOOD = """\
name: team
groups:
  fit: {dimension: fit, cap: 50}
  engagement: {dimension: interest}
rules:
  - {id: industry, group: fit, lead: industry, values: {yes: 10, 1: 3}}
  - {id: opens, group: engagement, activity: email_open, points: 1, per: occurrence}
thresholds:
  - {stage: mql, points: 20}
  - {stage: sql, points: 40, requires: [opens]}
handoff: {stage: mql}
"""
RUBRICS = Path(__file__).parents[2] / "data" / "rubrics"


def refused(text: str, source: Source | None = None) -> str:
    with pytest.raises(PolicyError) as error:
        parse_rubric(text, where="team.yaml", source=source)
    return str(error.value)


def test_words_like_yes_and_numbers_stay_texts() -> None:
    assert parse_rubric(GOOD).rule("industry").values == {"yes": 10.0, "1": 3.0}


def test_the_example_of_the_page_can_be_used() -> None:
    page = (RUBRICS.parents[1] / "docs" / "rubrics.md").read_text(encoding="utf-8")
    example = parse_rubric(page.split("```yaml\n")[1].split("```")[0])
    assert [threshold.stage for threshold in example.thresholds] == ["mql", "sql"]


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("values: {yes: 10, 1: 3}", "valuess: {yes: 10}"), 6, "unknown key"),
        (("group: fit,", "group: fitt,"), 6, "declared groups: fit, engagement"),
        (("dimension: interest}", "dimension: intrest}"), 4, "'fit', 'interest', 'intent' or 'usage'"),
        (("points: 40", "points: 10"), 10, "a later stage must not be easier"),
        (("requires: [opens]", "requires: [clicks]"), 10, "rule 'clicks', which does not exist"),
        (("handoff: {stage: mql}", "handoff: {stage: sal}"), 11, "no threshold; thresholds: mql, sql"),
        (("handoff: {stage: mql}", "handoff: {cells: [A1]}"), 11, "no 'matrix:'"),
        (("id: opens", "id: industry"), 7, "appears twice"),
        (("activity: email_open, points: 1", "activity: email_open, filled: 1"), 7, "only for rules that read a value"),
        (("lead: industry, values", "lead: industry, answer: budget, values"), 6, "exactly one of"),
        (("values: {yes: 10, 1: 3}", "patterns: {'/(/': 1}"), 6, "not a valid regular expression"),
        (
            ("values: {yes: 10, 1: 3}", "ranges: [{from: 1, below: 5, points: 1}, {from: 4, points: 2}]"),
            6,
            "range from 4 overlaps",
        ),
        (
            ("per: occurrence", "per: occurrence, decay: {percent: 25}"),
            7,
            "percent and every_days must be given together",
        ),
        (("name: team", "name: team\nname: again"), 2, "key 'name' appears twice"),
        (("points: 1,", "points: .nan,"), 7, "finite number"),
        (("points: 1,", "points: true,"), 7, "points must be a number"),
        (("cap: 50", "cap: {maximum: true}"), 3, "groups.fit.cap.maximum: must be a number; found true"),
        (("values: {yes: 10, 1: 3}", "ranges: [{from: true, points: 3}]"), 6, "ranges.0.from: must be a number"),
        (("values: {yes: 10, 1: 3}", "values: {~: 10}"), 6, "missing: POINTS"),
        (("values: {yes: 10, 1: 3}", "values: {yes: 10, YES: 3}"), 6, "'YES' and 'yes' are the same value"),
        (("id: industry", "id: opens__1"), 6, "choose another id"),
        (("id: industry", "id: in_mql_sal"), 6, "choose another id"),
        (("cap: 50", "cap: 5"), 10, "no lead can have more than 10"),
        (("requires: [opens]", "group: fit"), 10, "'sql' needs 40 points of group 'fit', but no lead can have more"),
        (
            ("lead: industry,", "lead: industry, actors: [rep], bots: true,"),
            6,
            "drop actors, bots (only for activity rules",
        ),
        (
            ("lead: industry,", "lead: industry, take: sum,"),
            6,
            "drop take (only for activity rules",
        ),
        (("points: 1,", "points: 1, take: sum,"), 7, "take says how steps combine, and there are none"),
        (
            ("points: 1, per: occurrence", "none: -1, decay: {half_life_days: 3}"),
            7,
            "drop decay or add points: none",
        ),
        (("points: 1, per: occurrence", "none: -1, per: asset, at_least: 2"), 7, "drop per, at_least or add points"),
        (("points: 1,", "steps: [{points: 1}],"), 7, "a step gives its points once"),
        (("points: 1,", "points: 0,"), 10, "rule 'opens', which never gives points"),
    ],
)
def test_a_contradiction_is_refused_with_its_line(change: tuple[str, str], line: int, said: str) -> None:
    assert change[0] in GOOD
    text = GOOD.replace(*change, 1)
    if "cap: 5}" in text:
        text = text.replace("per: occurrence", "cap: 5, per: occurrence")
    if "in_mql_sal" in text:
        text = text.replace("per: occurrence", "only_in: [sal, mql], per: occurrence")
    message = refused(text)
    assert f"line {line}:" in message
    assert said in message
    assert message.startswith("team.yaml")


@pytest.mark.parametrize("part", [Cap, Range, Step, Decay, Rule, Threshold, Axis])
def test_truth_is_no_number_of_any_part(part: type[Part]) -> None:
    kinds = part.model_json_schema()["properties"]
    numbers = {
        key: [True, 2, 1] if "prefixItems" in kind else True
        for key, kind in kinds.items()
        if {"number", "integer"}
        & {one.get("type") for one in (kind, *kind.get("anyOf", ()), *kind.get("prefixItems", ()))}
    }
    with pytest.raises(ValidationError) as refused:
        part.model_validate(numbers)
    said = {str(error["loc"][0]) for error in refused.value.errors() if "must be a number; found true" in error["msg"]}
    assert said == numbers.keys() != set()


def test_text_that_is_no_yaml_names_its_line() -> None:
    assert "line 3: not valid YAML" in refused("name: a\nrules:\n  - {id: x]\n")


def test_a_flat_source_refuses_activity_rules_and_unknown_columns() -> None:
    source = Source.model_validate(
        {
            "name": "bank",
            "kind": "flat",
            "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
            "tables": {"leads": {"columns": {"job": {}, "duration": {"role": "ignore", "excluded_because": "a leak"}}}},
        }
    )
    message = refused(GOOD, source)
    assert "line 6: column 'industry' is not declared in leads of 'bank'; columns: job, duration." in message
    assert "line 7: rule 'opens' uses activity, but 'bank' is flat" in message
    assert "may not be used: a leak" in refused(GOOD.replace("lead: industry", "lead: duration"), source)


def test_a_condition_no_value_could_meet_is_refused_with_what_is_declared() -> None:
    columns = {
        "industry": {"values": ["tools", "food"]},
        "size": {"type": "number"},
        "flag": {"type": "boolean"},
        "country": {"type": "category"},
        "note": {"type": "text"},
        "seats": {"type": "category", "values": ["1", "2"]},
    }
    source = Source.model_validate(
        {
            "name": "bank",
            "kind": "flat",
            "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
            "tables": {"leads": {"columns": columns}},
        }
    )
    text = """\
name: team
groups: {fit: {dimension: fit}}
rules:
  - {id: one, group: fit, lead: COLUMN, CONDITION}
thresholds: [{stage: mql, points: 1}]
handoff: {stage: mql}
"""
    for column, condition, said in (
        ("industry", "values: {Tools: 1, foot: 2}", "'industry' is never 'foot'; its declared values: tools, food"),
        ("industry", "ranges: [{from: 1, points: 2}]", "by range, but column 'industry' holds no numbers"),
        ("flag", "ranges: [{from: 1, points: 2}]", "by range, but column 'flag' holds no numbers (boolean)"),
        ("country", "ranges: [{from: 1, points: 2}]", "no numbers (category); use values or patterns, or declare it"),
        ("note", "ranges: [{from: 1, points: 2}]", "column 'note' holds no numbers (text)"),
    ):
        message = refused(text.replace("COLUMN", column).replace("CONDITION", condition), source)
        assert "line 4: rule 'one'" in message and said in message
    for column, condition in (
        ("industry", "values: {TOOLS: 1}"),
        ("size", "ranges: [{from: 1, points: 2}]"),
        ("seats", "ranges: [{from: 1, points: 2}]"),
    ):
        parse_rubric(text.replace("COLUMN", column).replace("CONDITION", condition), source=source)


def test_starter_rubrics_load_and_survive_json() -> None:
    for path in sorted(RUBRICS.glob("*.yaml")):
        rubric = load_rubric(path)
        record = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        assert Rubric.model_validate(record) == rubric
        names = [t.feature for p in plan_rules(rubric) for t in p.terms]
        assert len(names) == len(set(names)), path.name


def test_a_missing_file_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load_rubric(tmp_path / "none.yaml")


def test_percent_decay_of_the_remaining_ends_below_one_percent() -> None:
    left = steps_left(Decay(percent=50, every_days=30, of="remaining"))
    assert left == [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]
