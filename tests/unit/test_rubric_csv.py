"""A rubric survives its way to CSV and back, and a broken CSV names its line."""

from pathlib import Path

import pytest

from features.errors import PolicyError
from features.rubric import Rubric, load_rubric, parse_rubric
from features.rubric_csv import from_csv, to_csv
from tests.properties.test_rubric_ledger import RUBRIC
from tests.reference.worlds import SOURCE

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
  number: {group: engagement, from_points: [0, -1.5, -3]}
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
        ("group,fit,,fit", "group,fit,,fitness", "line 3: dimension: Input should be 'fit'"),
        (
            "within_days=9",
            "within_day=9",
            "line 8: option 'within_day=9' is not known; write name=value, names: assets",
        ),
        ("within_days=9", "decay=slowly", "line 8: decay 'slowly' is not known; write 'half every 30 days'"),
        ("within_days=9", "within_days=soon", "line 8: option 'within_days' has 'soon', which is no number"),
    ],
)
def test_a_broken_line_is_named(old: str, new: str, said: str) -> None:
    text = to_csv(MATRIX)
    assert old in text, text
    with pytest.raises(PolicyError, match=said):
        from_csv(text.replace(old, new, 1))


def test_a_spreadsheet_user_reads_words_not_code() -> None:
    text = to_csv(RUBRIC)
    assert "{" not in text
    for words in ("decay=half every 14 days", "decay=gone in 56 days", "decay=-50% of the rest every 7 days"):
        assert words in text


def test_options_words_could_not_carry_survive_as_json() -> None:
    odd = MATRIX.model_copy(update={"agreed_by": ("Ann, of sales; and = Bob",)})
    assert from_csv(to_csv(odd)) == odd


def test_a_sheet_saved_with_semicolons_and_decimal_commas_is_read() -> None:
    import csv
    import io

    rows = list(csv.reader(io.StringIO(to_csv(MATRIX))))
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(
        [cell.replace(".", ",") if cell == "-2.5" else cell for cell in row] for row in rows
    )
    assert "-2,5" in out.getvalue()
    assert from_csv(out.getvalue()) == MATRIX


def test_what_a_source_does_not_have_is_named_with_the_line_of_the_sheet() -> None:
    text = to_csv(RUBRIC).replace(",lead,job_title,", ",lead,job_titel,")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "job_titel" in row)
    with pytest.raises(PolicyError, match=f"  line {line}: column 'job_titel' is not declared in leads"):
        from_csv(text, source=SOURCE)


def test_every_broken_line_is_named_at_once() -> None:
    text = to_csv(MATRIX).replace("-2.5", "lots").replace("within_days=9", "decay=slowly")
    with pytest.raises(PolicyError) as error:
        from_csv(text)
    assert "line 6:" in str(error.value) and "line 8:" in str(error.value)
