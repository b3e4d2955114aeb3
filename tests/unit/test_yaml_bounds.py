"""YAML from strangers: what multiplies by aliases or nests without end is refused at once, with its line."""

import itertools
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from features.errors import SourceError
from features.schema.columns import Column
from features.schema.evidence import EngagementWindows
from features.schema.learning import Cohort, Label
from features.schema.load_source import parse_source
from features.schema.people.privacy import Privacy
from features.schema.yaml_lines import YamlTextError, read_yaml
from models.explaining.profile import Trait
from models.judging.lifecycle.policy import BusinessHours
from models.settings import GateSettings, MonitorSettings, TrainSettings


def laughs(levels: int = 9) -> str:
    """Each line nine times the one before."""
    names = "abcdefghijkl"[:levels]
    first = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in itertools.pairwise(names))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (laughs(), "aliases make this too large"),
        ("a: &a [*a]\n", "aliases make this too large"),
        ("a: &a {b: *a}\n", "aliases make this too large"),
        ("x: 1\ny: " + "[" * 5_000 + "]" * 5_000, "line 2: nested more than 50 levels deep"),
        ("- " * 60 + "x", "nested more than 50 levels deep"),
        ("".join(f"k{n}: {n}\n" for n in range(100_000)), "line 30000: more than 60,000 keys and values"),
        (f"a: [{'1,' * 100_000}]", "more than 60,000 keys and values"),
        (f"a: {'b' * 9_000_000}", "line 1: 9,000,003 characters, more than 8,000,000"),
        ("a: \ud800", "line 1: not valid YAML: unacceptable character"),
    ],
)
def test_what_never_ends_is_refused(text: str, told: str) -> None:
    with pytest.raises(YamlTextError, match=told):
        read_yaml(text)


def test_aliases_and_depth_that_somebody_would_write_are_read() -> None:
    read = read_yaml("points: &p {demo: 10}\nmore:\n  - *p\n  - *p\n")
    assert read.data["more"] == [{"demo": 10}, {"demo": 10}]
    assert read.line(("more", 1)) == 1, "a value stands where it was written"
    deep = "".join(f"{'  ' * k}k{k}:\n" for k in range(40)) + "  " * 40 + "x: 1\n"
    assert read_yaml(deep).line((*(f"k{k}" for k in range(40)), "x")) == 41


def test_as_many_values_as_a_very_wide_export_needs_are_read() -> None:
    wide = "columns:\n" + "".join(f"  c{n}: {{type: number, topic: need, label: l}}\n" for n in range(2_048))
    assert len(read_yaml(wide).data["columns"]) == 2_048


def test_many_values_are_counted_before_python_makes_objects_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml.SafeLoader, "compose_node", lambda *_: pytest.fail("composed"))
    with pytest.raises(YamlTextError, match="more than 60,000"):
        read_yaml("- 1\n" * 100_000)


def test_a_long_value_is_not_repeated_in_full() -> None:
    with pytest.raises(SourceError) as refused:
        parse_source(f"name: {'a' * 100_000}")
    assert len(str(refused.value)) < 1_000


def test_who_changes_what_was_read_changes_it_for_nobody_else() -> None:
    text = "rules: &r [{id: a}]\nagain: *r\n"
    read_yaml(text).data["rules"][0]["id"] = "b"
    found = read_yaml(text).data
    assert found == {"rules": [{"id": "a"}], "again": [{"id": "a"}]}


def test_a_time_of_day_is_no_number_and_numbers_are_as_before() -> None:
    text = "[1:30, 1:30.5, 90, -7, +3, 0x1F, 0b11, 017, 1_000, 1.5, .5, 1.0e+3, -.inf, 12:00:00]"
    expected = ["1:30", "1:30.5", 90, -7, 3, 31, 3, 15, 1000, 1.5, 0.5, 1000.0, float("-inf"), "12:00:00"]
    assert read_yaml(text).data == expected


@pytest.mark.parametrize("days", ["true", "1:30"])
def test_truth_and_times_are_no_days(days: str) -> None:
    with pytest.raises(ValidationError, match=r"horizon_days: true is no number|unable to parse string"):
        Label.model_validate(read_yaml(f"horizon_days: {days}").data)
    assert Label.model_validate(read_yaml("horizon_days: 0x1E").data).horizon_days == 30


@pytest.mark.parametrize(
    ("kind", "written", "where"),
    [
        (Privacy, {"retention": {"leads": True}}, "retention.leads: true"),
        (Label, {"horizon_by_segment": {"smb": 30, "ent": True}}, "horizon_by_segment.ent: true"),
        (Cohort, {"after_days": [0, True]}, "after_days.1: true"),
        (EngagementWindows, {"counts": [7, False]}, "counts.1: false"),
        (EngagementWindows, {"trend": [True, 56]}, "trend.0: true"),
        (MonitorSettings, {"stage_days": {"train": True}}, "stage_days.train: true"),
        (MonitorSettings, {"data_days": True}, "data_days: true"),
        (GateSettings, {"wins": True}, "wins: true"),
        (TrainSettings, {"trials": True}, "trials: true"),
        (Trait, {"attribute": "employees", "minimum": True}, "minimum: true"),
        (BusinessHours, {"start": True}, "start: true"),
    ],
)
def test_truth_is_no_number_wherever_one_is_written(kind: type[BaseModel], written: Any, where: str) -> None:
    with pytest.raises(ValidationError, match=f"{where} is no number"):
        kind.model_validate(written)


def test_truth_is_a_value_where_one_may_stand_and_numbers_are_numbers() -> None:
    assert Label.model_validate({"repeat_wins": True, "horizon_by_segment": {"smb": 30}}).repeat_wins
    assert EngagementWindows.model_validate({"counts": [7], "trend": (1, 2)}).trend == (1, 2)
    assert MonitorSettings.model_validate({"data_days": None, "stage_days": {"train": 2}}).stage_days["train"] == 2


@pytest.mark.parametrize("scale", [".inf", "1.0e+308", "0", "true"])
def test_a_scale_that_makes_no_number_is_refused(scale: str) -> None:
    with pytest.raises(ValidationError, match="scale"):
        Column.model_validate(read_yaml(f"{{type: number, scale: {scale}}}").data)
