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
from tests.reference.calls import calls, write_calls

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
