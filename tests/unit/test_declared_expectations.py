"""Expectations of a declaration: what may be asked is what the library takes, and a wrong one is told with its line."""

import inspect
from typing import Any

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.expecting.declared_expectation import class_name, snake_case
from features.schema.expecting.known_expectations import KINDS, KNOWN, OF_DATABASES
from features.schema.load_source import parse_source
from pipelines.validation.declared_suites import run_declared
from pipelines.validation.library import great_expectations
from pipelines.validation.project import raised_exception
from tests.reference.exports import DECLARATION

OF_THE_LIBRARY = {"row_condition", "condition_parser", "batch_id", "library_metadata"}
MISLABELLED = {"ExpectMulticolumnValuesToBeUnique"}  # a stub of the library without a name: the rest of it is missing

FRAME = pd.DataFrame(
    {
        "a": [1.0, 2.0, 3.0],
        "b": [1.0, 2.0, 3.0],
        "day": pd.Series(["2025-01-01", "2025-01-02", "2025-01-03"], dtype="str"),
        "json": pd.Series(["1", "2", "3"], dtype="str"),
    }
)
ARGUMENTS = {
    "column": "a",
    "column_A": "b",
    "column_B": "a",
    "column_list": ["a", "b"],
    "column_set": ["a", "b", "day", "json"],
    "value_set": [1.0, 2.0, 3.0],
    "value_pairs_set": [[1.0, 1.0]],
    "regex": "^2025",
    "regex_list": ["^2025"],
    "strftime_format": "%Y-%m-%d",
    "type_": "float64",
    "type_list": ["float64"],
    "json_schema": {"type": "integer"},
    "sum_total": 2,
    "value": 3,
    "threshold": 3,
    "double_sided": True,
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 3]]},
    "partition_object": {"bins": [0.0, 2.0, 4.0], "weights": [0.5, 0.5]},
    "min_value": 0,
    "max_value": 4,
}
DATES = ("regex", "strftime", "dateutil", "value_lengths")


def test_the_table_is_the_installed_library_s_name_by_name_and_argument_by_argument() -> None:
    kinds = great_expectations().expectations
    found = {}
    for name, kind in vars(kinds).items():
        if not (inspect.isclass(kind) and issubclass(kind, kinds.Expectation)) or name in ("Expectation", *MISLABELLED):
            continue
        fields = set(kind.__fields__) - set(kinds.Expectation.__fields__) - OF_THE_LIBRARY
        found[name] = {field: bool(kind.__fields__[field].required) for field in fields}
    assert {class_name(name): dict(takes) for name, takes in KNOWN.items()} == {
        name: takes for name, takes in found.items() if snake_case(name) not in OF_DATABASES
    }
    assert {snake_case(name) for name in found} == set(KNOWN) | OF_DATABASES
    assert {argument for takes in KNOWN.values() for argument in takes} == set(KINDS)


def test_every_known_expectation_runs_on_a_frame() -> None:
    gx = great_expectations()
    batch = (
        gx.get_context(mode="ephemeral")
        .data_sources.add_pandas("frames")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": FRAME})
    )
    suite = gx.ExpectationSuite(name="all")
    for name, takes in KNOWN.items():
        wanted = [key for key, required in takes.items() if required or key in ("regex", "column_list", "column_set")]
        wanted += [key for key in ("min_value", "partition_object", "threshold", "type_list") if key in takes]
        arguments = {key: ARGUMENTS[key] for key in wanted}
        if any(word in name for word in DATES):
            arguments["column"] = "day"
        if "json" in name:
            arguments["column"] = "json"
        suite.add_expectation(getattr(gx.expectations, class_name(name))(**arguments))
    results = batch.validate(suite, result_format="BASIC").to_json_dict()["results"]
    assert len(results) == len(KNOWN)
    assert [one["expectation_config"]["type"] for one in results if raised_exception(one)] == []


NOT_NULL = "type: expect_column_values_to_not_be_null"
SCHEMA = "type: expect_column_values_to_match_json_schema, kwargs: {column: size, json_schema:"
COUNT = "type: expect_table_row_count_to_equal, kwargs: {value: 3"
WRONG = {
    "type: expect_column_values_to_match_regexp, kwargs: {column: age}": "(did you mean 'expect_column_values_to_",
    f"{NOT_NULL}, kwargs: {{column: agee}}": "'agee' is no column of leads that is read (did you mean 'age'?)",
    f"{NOT_NULL}, kwargs: {{column: converted}}": "'converted' is no column of leads that is read",
    f"{NOT_NULL}, kwargs: {{colum: age}}": "takes no 'colum' (did you mean 'column'?); it takes column, mostly",
    f"{NOT_NULL}, kwargs: {{column: age, mostly: 95}}": "is a share from 0 to 1; found 95",
    "type: expect_column_values_to_be_in_set, kwargs: {column: size}": "needs value_set under 'kwargs'",
    "type: expect_column_values_to_match_regex, kwargs: {column: size, regex: '('}": "the pattern '(' cannot be read",
    "type: unexpected_rows_expectation": "runs on SQL databases only",
    f"{SCHEMA} {{$ref: 'http://h.example/s.json'}}}}": "'http://h.example/s.json' in 'json_schema' is fetched from",
    f"{SCHEMA} {{$id: 'http://h.example/', items: {{anyOf: [{{$ref: sub}}]}}}}}}": "'sub' in 'json_schema' is fetched",
    f"{SCHEMA} {{properties: {{a: {{$dynamicRef: 'file:///etc/hosts'}}}}}}}}": "'file:///etc/hosts' in 'json_schema'",
    f"{COUNT}, row_condition: 'age > 1'}}": "'row_condition' is evaluated as code",
    f"{COUNT}}}, severity: critical": "Input should be 'warn' or 'fail'",
    f"{COUNT}}}, rows: all": "Input should be 'raw' or 'kept'",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_one_is_told_with_its_line_and_what_to_write_instead(wrong: str) -> None:
    text = f"{DECLARATION}expect:\n  leads:\n    - {{{wrong}}}\n"
    with pytest.raises(SourceError) as caught:
        parse_source(text)
    assert f"line {len(text.splitlines())}: expect.leads.0" in caught.value.message
    assert WRONG[wrong] in caught.value.message


def test_a_schema_may_refer_to_itself() -> None:
    own = "{properties: {$ref: {$ref: '#/$defs/a'}}, $defs: {a: {type: object}}}"
    found = parse_source(f"{DECLARATION}expect:\n  leads:\n    - {{{SCHEMA} {own}}}}}\n")
    assert found.expect["leads"][0].kwargs["json_schema"]["$defs"] == {"a": {"type": "object"}}


REFUSED = {
    "type: expect_column_values_to_be_between, kwargs: {column: age}": "min_value and max_value cannot both be None",
    "type: expect_column_values_to_be_between, kwargs: {column: age, min_value: old}": "min_value: value is not a",
    "type: expect_column_values_to_match_regex_list, kwargs: {column: size, regex_list: [a], match_on: some}": "'any'",
    "type: expect_multicolumn_sum_to_equal, kwargs: {column_list: [age], sum_total: 3}": "at least two columns",
}


@pytest.mark.parametrize("asked", REFUSED)
def test_arguments_that_the_library_does_not_take_are_told_with_their_line(asked: str) -> None:
    text = f"{DECLARATION}expect:\n  leads:\n    - {{{asked}}}\n"
    project: Any = None  # nothing is run
    rows = {"leads": FRAME}
    with pytest.raises(SourceError) as caught:
        run_declared(project, parse_source(text), {"raw": rows, "kept": rows})
    assert f"line {len(text.splitlines())}: expect.leads.0: Great Expectations does not take" in caught.value.message
    assert REFUSED[asked] in caught.value.message


def test_a_table_that_the_source_does_not_have_is_told() -> None:
    asked = "expect:\n  lead:\n    - {type: expect_table_row_count_to_equal, kwargs: {value: 3}}\n"
    with pytest.raises(SourceError, match="'lead' is no table of this source; it has accounts, leads, activities"):
        parse_source(DECLARATION + asked)


def test_what_is_expected_changes_no_hash_and_reads_names_as_classes() -> None:
    asked = "expect:\n  leads:\n    - {type: ExpectColumnValuesToNotBeNull, kwargs: {column: age}}\n"
    plain, expecting = parse_source(DECLARATION), parse_source(DECLARATION + asked)
    assert plain.model_dump_json() == expecting.model_dump_json()
    (one,) = expecting.expect["leads"]
    assert (one.type, one.severity, one.rows) == ("expect_column_values_to_not_be_null", "fail", ("raw", "kept"))
