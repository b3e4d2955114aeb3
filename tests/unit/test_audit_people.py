"""AUD14 names a column of people, which no model learns from, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.schema.source import Source
from models.judging.columns_of_people import columns_of_people
from models.judging.leakage.audit import audit
from serving.pages.language import page_language
from serving.pages.told_sentences import find_language
from tests.reference.toy import toy_matrix

NAMES = ["Anna Meyer", "Peter Kowalski", "Marta Nowak", "Jan Berg", "John Smith", "Li Wei"]


def source(**columns: dict[str, str]) -> Source:
    return Source.model_validate(
        {
            "name": "flat",
            "kind": "flat",
            "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
            "tables": {"leads": {"columns": {"v": {}, "h1": {}, **columns}}},
        }
    )


def column_of(values: list[str], name: str) -> pd.DataFrame:
    return pd.Series(np.resize(np.array(values, dtype=object), 120), name=name, dtype="str").to_frame()


def test_the_audit_says_it_as_a_suspect() -> None:
    world = toy_matrix(300)
    names = pd.Series(np.resize(np.array(NAMES, dtype=object), len(world)), dtype="str")
    matrix = replace(world, values=world.values.assign(title=names))
    found = [finding for finding in audit(matrix, source()) if finding.code == "AUD14"]
    assert [(finding.column, finding.severity, finding.blocking) for finding in found] == [("title", "suspect", False)]
    assert "AUD14" not in {finding.code for finding in audit(world, source())}


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("angelegt_von", NAMES, "'angelegt_von' holds names of people: none is kept"),
        ("found_by", ["Web", "Fair", "ann@corp.com"], "in 1 of 3 different values: none of these is kept"),
        ("notes", ["spoke with Peter Lindgren", "call back"], "'notes' holds notes about people: values that name"),
    ],
)
def test_a_column_of_people_is_told_with_its_remedy(name: str, values: list[str], told: str) -> None:
    ((column, message),) = columns_of_people(column_of(values, name))
    assert column == name and told in message and "'role: personal'" in message
    assert not any(value in message for value in values)
    for code in ("ko", "pl"):
        assert find_language(page_language(code), message) == code


def test_others_are_not() -> None:
    assert list(columns_of_people(column_of(["New York", "San Jose", "Kansas City"], "town"))) == []
    assert list(columns_of_people(column_of(["Google Ads", "Trade Fair", "Acme Corp"], "referred_by"))) == []
