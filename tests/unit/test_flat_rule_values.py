"""Rules of any rubric read rows of a source without clocks by their leads, not by their places in the table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.flat_matrix import flat_matrix
from features.assembly.rule_values import read_rule_values
from features.cohort.objections import OBJECTS
from features.errors import DataError
from features.rubric.load import parse_rubric
from features.schema.load_source import load_source
from tests.reference.calls import DECLARATION, calls, write_calls

RUBRIC = parse_rubric(
    """\
name: age
groups: {fit: {dimension: fit}}
rules:
  - {id: grown, group: fit, lead: age, ranges: [{from: 40, points: 10}]}
thresholds: [{stage: mql, points: 10}]
handoff: {stage: mql}
"""
)


def test_rows_are_read_of_their_leads_whoever_objected_since_and_in_any_order(tmp_path: Path) -> None:
    source = load_source(write_calls(tmp_path, calls(60)))
    leads = calls(60).assign(lead_id=[f"L{k}" for k in range(60)])
    past = flat_matrix(leads, source).take(np.array([7, 3, 40]))
    found = read_rule_values(source, {"leads": leads}, RUBRIC, past)
    assert found["age"].tolist() == leads["age"].iloc[[7, 3, 40]].tolist()
    objecting = leads.assign(**{OBJECTS: leads["lead_id"] == "L0"})
    for later in (objecting, leads.sample(frac=1.0, random_state=1), leads.iloc[2:]):
        pd.testing.assert_frame_equal(read_rule_values(source, {"leads": later}, RUBRIC, past), found)
    with pytest.raises(DataError, match="no longer hold every lead"):
        read_rule_values(source, {"leads": leads.iloc[4:]}, RUBRIC, past)


def rows_with_an_empty_age() -> pd.DataFrame:
    leads = calls(60).astype({"age": "float64"})
    leads.loc[7, "age"] = np.nan
    return leads


def test_rows_that_have_numbers_alone_keep_them_where_the_file_goes_on_as_it_was(tmp_path: Path) -> None:
    source, leads = load_source(write_calls(tmp_path, calls(60))), rows_with_an_empty_age()
    past = flat_matrix(leads, source).take(np.array([7, 3, 40]))
    found = read_rule_values(source, {"leads": leads}, RUBRIC, past)
    longer = pd.concat([leads, leads.iloc[:5]], ignore_index=True)
    for later in (longer, leads.assign(**{OBJECTS: leads.index == 3})):
        pd.testing.assert_frame_equal(read_rule_values(source, {"leads": later}, RUBRIC, past), found)


@pytest.mark.parametrize("change", ["inserted", "removed", "sorted"])
def test_a_number_that_is_somebody_elses_now_lends_no_values(tmp_path: Path, change: str) -> None:
    source, leads = load_source(write_calls(tmp_path, calls(60))), rows_with_an_empty_age()
    past = flat_matrix(leads, source).take(np.array([7, 3, 40]))
    later = {
        "inserted": pd.concat([leads.iloc[:5], leads.tail(1), leads.iloc[5:]], ignore_index=True),
        "removed": leads.iloc[4:].reset_index(drop=True),
        "sorted": leads.sort_values("age", ignore_index=True),
    }[change]
    with pytest.raises(DataError, match=r"of 3 rows of 'calls' that have no id.*leadscore matrix --source calls"):
        read_rule_values(source, {"leads": later}, RUBRIC, past)


def test_of_rows_with_ids_and_without_those_without_are_held_to_their_values(tmp_path: Path) -> None:
    declared = DECLARATION.replace("flat:\n", "flat:\n  lead_id: id\n").replace(
        "      job:", "      id: {}\n      job:"
    )
    source = load_source(write_calls(tmp_path, calls(60), declared))
    ids = pd.Series([f"L{k}" for k in range(60)])
    leads = calls(60).assign(lead_id=ids.mask(ids == "L3", "row 4"))
    past = flat_matrix(leads, source).take(np.array([7, 3, 40]))
    found = read_rule_values(source, {"leads": leads}, RUBRIC, past)
    edited = leads.assign(age=leads["age"] + (leads["lead_id"] == "L7"))
    assert (
        read_rule_values(source, {"leads": edited}, RUBRIC, past)["age"].tolist() == (found["age"] + [1, 0, 0]).tolist()
    )
    edited = leads.assign(age=leads["age"] + (leads["lead_id"] == "row 4"))
    with pytest.raises(DataError, match=r"1 of 1 rows.*the first is row 4:"):
        read_rule_values(source, {"leads": edited}, RUBRIC, past)
