"""Versions of a rubric: adopted with author and reason, each in force for its time."""

import json
from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError, PolicyError
from features.rubric.load import parse_rubric
from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory, RubricVersion, changed_rules, rubric_hash
from pipelines.workspace.paths import Paths
from pipelines.workspace.rubric_versions import adopt_rubric, load_rubric_history
from tests.reference.worlds import SOURCE

TEXT = """
name: team
version: "{version}"
groups: {{fit: {{dimension: fit}}}}
rules: [{{id: title, group: fit, lead: job_title, patterns: {{"*chief*": {points}}}}}]
thresholds: [{{stage: mql, points: 5}}]
handoff: {{stage: mql}}
"""


def rubric(version: str = "1", points: int = 10) -> Rubric:
    return parse_rubric(TEXT.format(version=version, points=points))


def moment(day: str) -> pd.Timestamp:
    return pd.Timestamp(day)


def by(made: Rubric, since: str | None = None, author: str = "kim", reason: str = "a test") -> RubricVersion:
    return RubricVersion(rubric=made, since=None if since is None else moment(since), author=author, reason=reason)


def test_each_moment_has_the_version_of_its_time() -> None:
    first, second, third = rubric("1"), rubric("2", 20), rubric("3", 30)
    history = RubricHistory((RubricVersion(rubric=first), by(second, "2026-02-01"), by(third, "2026-03-01")))
    when = pd.Series([moment(d) for d in ("2025-01-01", "2026-01-31 23:59:59.999999", "2026-02-01", "2026-03-01")])
    assert history.places(when).tolist() == [0, 0, 1, 2]
    assert history.active == third == history.at(None) and history.at(moment("2026-02-15")) == second
    assert history.places(pd.Series(pd.to_datetime([None, None]))).tolist() == [2, 2], "no clocks: the one in force"
    assert RubricHistory().active is None and RubricHistory().at(moment("2026-01-01")) is None
    only_later = RubricHistory((by(second, "2026-02-01"),))
    assert only_later.at(moment("2025-01-01")) == second, "there was no other to judge by"


def test_an_adopted_version_is_read_back_with_everything_that_was_said(tmp_path: Path) -> None:
    paths, declared = Paths(tmp_path, "x"), rubric()
    history = load_rubric_history(paths, SOURCE, declared)
    assert history.active == declared and not paths.rubrics.exists()
    adopted = adopt_rubric(paths, declared, history, by(rubric("2", 20), "2026-02-01", " kim ", " downloads mislead "))
    again = load_rubric_history(paths, SOURCE, declared)
    assert again.versions[-1] == adopted and again.active == rubric("2", 20)
    assert (adopted.author, adopted.reason, len(adopted.adopted_at)) == ("kim", "downloads mislead", 25)
    adopt_rubric(paths, declared, again, by(declared, "2026-03-01"))
    assert load_rubric_history(paths, SOURCE, declared).active == declared, "an older version may come back"


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (by(rubric(), "2026-02-01"), "in force already"),
        (by(rubric("2", 20), author=" "), "by somebody and for a reason"),
        (by(rubric("2", 20), reason=""), "by somebody and for a reason"),
        (by(rubric("2", 20), "2025-12-31"), "cannot begin on 2025-12-31"),
        (by(rubric("2", 20), reason="x" * 1001), "1,000 characters"),
    ],
)
def test_what_is_no_adoption_is_refused(tmp_path: Path, version: RubricVersion, says: str) -> None:
    history = RubricHistory((by(rubric(), "2026-01-01"),))
    with pytest.raises(PolicyError, match=says):
        adopt_rubric(Paths(tmp_path, "x"), None, history, version)
    assert not Paths(tmp_path, "x").rubrics.exists()


def test_two_rubrics_in_force_and_damaged_files_are_refused(tmp_path: Path) -> None:
    paths, declared = Paths(tmp_path, "x"), rubric()
    adopt_rubric(paths, declared, RubricHistory((RubricVersion(rubric=declared),)), by(rubric("2", 20), "2026-02-01"))
    with pytest.raises(PolicyError, match="two rubrics claim to be in force"):
        load_rubric_history(paths, SOURCE, rubric("1", 11))
    file = paths.rubrics / "versions.json"
    kept = json.loads(file.read_text())
    text = paths.rubrics / f"{rubric_hash(rubric('2', 20))[:16]}.yaml"
    text.write_text(text.read_text().replace("20", "21"))
    with pytest.raises(DataError, match="damaged or missing"):
        load_rubric_history(paths, SOURCE, declared)
    for wrong in ("{", "[]", json.dumps(kept | {"adopted": []}), json.dumps(kept | {"more": 1})):
        file.write_text(wrong)
        with pytest.raises(DataError, match=r"damaged.*: restore it from a backup, or remove its folder") as told:
            load_rubric_history(paths, SOURCE, declared)
        assert "run stage" not in str(told.value)


def test_a_label_changes_no_rule_and_points_do() -> None:
    first = rubric()
    renamed = first.model_copy(update={"rules": (first.rules[0].model_copy(update={"label": "Title"}),)})
    assert changed_rules(first, renamed) == []
    assert changed_rules(first, rubric("1", 11)) == ["title"]
