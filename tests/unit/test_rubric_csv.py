"""A rubric survives its way to CSV and back, and a broken CSV names its line."""

from pathlib import Path

import pytest

from features.errors import PolicyError
from features.rubric import Rubric, load_rubric, parse_rubric
from features.rubric_csv import from_csv, to_csv
from tests.properties.test_rubric_ledger import RUBRIC

RUBRICS = sorted((Path(__file__).parents[2] / "data" / "rubrics").glob("*.yaml"))
MATRIX = parse_rubric(
    """
name: cells
effective_from: 2025-01-01
agreed_by: [Ann, Bob]
groups: {fit: {dimension: fit}, engagement: {dimension: intent, cap: {minimum: -3}}}
rules:
  - {id: a, group: fit, lead: industry, values: {"a, b": 10, '7': -2.5}, missing: 0}
  - {id: b, group: engagement, activity: [x, y], none: -5, per: asset, within_days: 9}
matrix:
  letter: {group: fit, from_points: [9, 5, 1]}
  number: {group: engagement, from_points: [9, 5, 1]}
handoff: {cells: [A1, B2]}
"""
)


@pytest.mark.parametrize("rubric", [RUBRIC, MATRIX, *(load_rubric(p) for p in RUBRICS)], ids=lambda r: r.name)
def test_nothing_is_lost_on_the_way(rubric: Rubric) -> None:
    assert from_csv(to_csv(rubric)) == rubric
    assert from_csv("\ufeff" + to_csv(rubric).replace("\n", "\r\n")) == rubric


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("-2.5", "lots", "line 6: points 'lots' are no number"),
        ("rule,a,fit", "rule,a,fitt", "line 5: group 'fitt' is not declared"),
        ("rule,b,engagement,activity", "rule,b,engagement,actions", "line 8: rule 'b' is about 'actions'"),
        ("handoff,", "handover,", "line 11: line 'handover' is not known"),
        ("line,id", "lines,id", "line 1: column line is missing"),
        ("group,fit,,fit", "group,fit,,fitness", "line 3: Input should be 'fit'"),
    ],
)
def test_a_broken_line_is_named(old: str, new: str, said: str) -> None:
    text = to_csv(MATRIX)
    assert old in text, text
    with pytest.raises(PolicyError, match=said):
        from_csv(text.replace(old, new, 1))
