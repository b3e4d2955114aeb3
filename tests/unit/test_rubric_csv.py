"""A rubric survives its way to CSV and back, and a broken CSV names its line."""

from pathlib import Path

import pytest

from features.errors import PolicyError
from features.rubric.csv_format import from_csv, to_csv
from features.rubric.load import load_rubric, parse_rubric
from features.rubric.schema import Rubric
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
  - {id: b, group: engagement, activity: [x, y], points: 2, per: asset, none: -5, within_days: 9}
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
        ("-2.5", "lots", "line 6: points 'lots' cannot be read as a number"),
        ("rule,a,fit", "rule,a,fitt", "line 5: group 'fitt' is not declared"),
        ("rule,b,engagement,activity", "rule,b,engagement,actions", "line 8: rule 'b' is about 'actions'"),
        ("handoff,", "handover,", "line 12: line 'handover' is not known"),
        ("line,id", "lines,id", "line 1: column line is missing"),
        ("group,fit,,fit", "group,fit,,fitness", "line 3: dimension: Input should be 'fit'"),
        (
            "within_days=9",
            "within_day=9",
            "line 8: option 'within_day=9' is not known; write name=value, names: assets",
        ),
        ("within_days=9", "decay=slowly", "line 8: decay 'slowly' is not known; write 'half every 30 days'"),
        ("within_days=9", "within_days=soon", "line 8: option 'within_days' has 'soon', which is not a number"),
    ],
)
def test_a_broken_line_is_named(old: str, new: str, said: str) -> None:
    text = to_csv(MATRIX)
    assert old in text, text
    with pytest.raises(PolicyError, match=said):
        from_csv(text.replace(old, new, 1))


LOST = """\
line,id,group,about,what,if,match,points,cap,label,topic,options
rubric,team,,,,,,0,,,,
group,fit,,fit,,,,,,,,
rule,a,fit,lead,source,value,x,4,..9,Source,,
rule,a,,,,value,y,-2,,,,
rule,a,,,,missing,,-1,,,,
rule,b,fit,activity,visit,each time,,2,,,,decay=half every 9 days
threshold,mql,,,,,,3,,,,
handoff,mql,,,,,,,,,,
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",cap,", ",caps,", "line 1: column 'caps' is not known; columns: line, id"),
        (",topic,", ",label,", "line 1: column 'label' appears twice"),
        ("group,fit,,fit,,,,,,,,", "rubric,two,,,,,,9,,,,", "line 3: the rubric appears twice, first on line 2"),
        ("rule,a,fit", "group,fit,,intent,,,,,,,,\nrule,a,fit", "line 4: group 'fit' appears twice, first on line 3"),
        ("handoff,mql,", "handoff,mql,,,,,,,,,,\nhandoff,sql,", "line 10: the handoff appears twice, first on line 9"),
        ("value,y", "value,x", "line 5: rule 'a': value 'x' appears twice, first on line 4"),
        ("value,y", "value,X", "line 5: rule 'a': 'X' and 'x' are the same value"),
        ("value,y", "missing,", "line 6: rule 'a': missing appears twice, first on line 5"),
        ("rule,a,,,,value,y", "rule,a,fit,account,software,value,y", "line 5: rule 'a' has about 'account', what 'so"),
        (
            "rule,a,,,,value,y",
            "rule,a,fits,,,value,y",
            "line 5: rule 'a' has group 'fits' here, but group 'fit' on",
        ),
        (
            "value,y,-2,,,,",
            "value,y,-2,..3,,,",
            "line 5: rule 'a' has cap '..3' here, but cap '..9' on its first",
        ),
        ("value,y,-2,,,,", "value,y,-2,,Origin,,", "line 5: rule 'a' has label 'Origin' here"),
        ("value,y,-2,,,,", "value,y,-2,,,need,", "line 5: rule 'a' has topic 'need' here, but topic '' on"),
        ("value,y,-2,,,,", "value,y,-2,,,,within_days=4", "line 5: rule 'a' has options 'within_days=4' here"),
        ("value,y,-2,,,,", "value,y,-2,,,,,more", "line 5: 'more' is to the right of the last column"),
        ("missing,,-1", "missing,z,-1", "line 6: rule 'a': missing has no match; found 'z'"),
        ("value,y", "value,", "line 5: rule 'a': value has nothing under 'match'"),
        ("value,y", "valu,y", "line 5: rule 'a': if 'valu' is not known; known: value; pattern"),
        (
            "threshold,mql,,,,,,3,,,,",
            "threshold,mql,,,,,,3,..9,so,need,",
            "line 8: a threshold has no cap '..9', la",
        ),
        ("..9", "0 to 9", "line 4: cap '0 to 9' cannot be read as a number"),
        ("decay=half", "decays=half", "line 7: option 'decays=half every 9 days' is not known"),
        ("decay=half every 9 days", "any_of=a", "line 7: a rule has no option any_of; its options: at_least"),
        ("decay=half every 9 days", "bots=perhaps", "line 7: option 'bots' has 'perhaps'; write yes or no"),
        (",4,", ',"1,000",', "line 4: points '1,000' may be thousands or decimals"),
        ("value,x", "range,10-50", "line 4: range '10-50' cannot be read; write 10..50"),
        ("each time,", "step,5 within 30", "line 7: step '5 within 30' cannot be read; write 5 or"),
        (",Source,", ',"Source,', "the sheet cannot be read beyond this line"),
        ("handoff,mql,,,,,,,,,,\n", "", "line 1: there is no handoff line; add one"),
    ],
)
def test_nothing_people_write_is_dropped_or_merged(old: str, new: str, said: str) -> None:
    assert old in LOST
    with pytest.raises(PolicyError) as error:
        from_csv(LOST.replace(old, new, 1))
    told = str(error.value).removeprefix("rubric.csv cannot be used:\n").splitlines()
    assert len(told) == 1, told
    assert said in told[0]


def test_a_later_line_may_repeat_what_the_first_says_wherever_it_stands() -> None:
    plain = from_csv(LOST)
    again = LOST.replace("rule,a,,,,value,y,-2,,,,", "Rule,a,fit,Lead,source,Value,y,-2,9,Source,context,")
    assert from_csv(again) == plain
    line = "rule,a,,,,missing,,-1,,,,\n"
    assert from_csv(LOST.replace(line, "").replace("threshold", line + "threshold")) == plain


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
