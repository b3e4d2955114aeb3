"""Expectations of Great Expectations by name, and what each takes; read without importing the library.

The import takes seconds, and a declaration is checked by every command. ``tests/unit/test_declared_expectations.py``
holds the table to the installed library, name by name and argument by argument.
"""

from collections.abc import Mapping
from types import MappingProxyType

_BETWEEN = "min_value max_value strict_min strict_max"

# argument! is required
_ARGUMENTS = {
    "expect_column_distinct_values_to_be_in_set": "column! value_set!",
    "expect_column_distinct_values_to_contain_set": "column! value_set!",
    "expect_column_distinct_values_to_equal_set": "column! value_set!",
    "expect_column_kl_divergence_to_be_less_than": "column! partition_object threshold internal_weight_holdout "
    "tail_weight_holdout bucketize_data min_value max_value",
    "expect_column_max_to_be_between": f"column! {_BETWEEN}",
    "expect_column_mean_to_be_between": f"column! {_BETWEEN}",
    "expect_column_median_to_be_between": f"column! {_BETWEEN}",
    "expect_column_min_to_be_between": f"column! {_BETWEEN}",
    "expect_column_most_common_value_to_be_in_set": "column! value_set! ties_okay",
    "expect_column_pair_values_a_to_be_greater_than_b": "column_A! column_B! mostly or_equal ignore_row_if",
    "expect_column_pair_values_to_be_equal": "column_A! column_B! mostly ignore_row_if",
    "expect_column_pair_values_to_be_in_set": "column_A! column_B! mostly value_pairs_set! ignore_row_if",
    "expect_column_proportion_of_non_null_values_to_be_between": f"column! {_BETWEEN}",
    "expect_column_proportion_of_unique_values_to_be_between": f"column! {_BETWEEN}",
    "expect_column_quantile_values_to_be_between": "column! quantile_ranges! allow_relative_error",
    "expect_column_stdev_to_be_between": f"column! {_BETWEEN}",
    "expect_column_sum_to_be_between": f"column! {_BETWEEN}",
    "expect_column_to_exist": "column! column_index",
    "expect_column_unique_value_count_to_be_between": f"column! {_BETWEEN}",
    "expect_column_value_lengths_to_be_between": f"column! mostly {_BETWEEN}",
    "expect_column_value_lengths_to_equal": "column! mostly value!",
    "expect_column_value_z_scores_to_be_less_than": "column! mostly threshold! double_sided!",
    "expect_column_values_to_be_between": f"column! mostly {_BETWEEN}",
    "expect_column_values_to_be_dateutil_parseable": "column! mostly",
    "expect_column_values_to_be_decreasing": "column! mostly strictly",
    "expect_column_values_to_be_in_set": "column! mostly value_set!",
    "expect_column_values_to_be_in_type_list": "column! mostly type_list",
    "expect_column_values_to_be_increasing": "column! mostly strictly",
    "expect_column_values_to_be_json_parseable": "column! mostly",
    "expect_column_values_to_be_null": "column! mostly",
    "expect_column_values_to_be_of_type": "column! mostly type_!",
    "expect_column_values_to_be_unique": "column! mostly",
    "expect_column_values_to_match_json_schema": "column! mostly json_schema!",
    "expect_column_values_to_match_regex": "column! mostly regex",
    "expect_column_values_to_match_regex_list": "column! mostly regex_list! match_on",
    "expect_column_values_to_match_strftime_format": "column! mostly strftime_format!",
    "expect_column_values_to_not_be_in_set": "column! mostly value_set!",
    "expect_column_values_to_not_be_null": "column! mostly",
    "expect_column_values_to_not_match_regex": "column! mostly regex!",
    "expect_column_values_to_not_match_regex_list": "column! mostly regex_list!",
    "expect_compound_columns_to_be_unique": "column_list! mostly ignore_row_if",
    "expect_multicolumn_sum_to_equal": "column_list! mostly ignore_row_if sum_total!",
    "expect_multicolumn_values_to_be_equal": "column_list! mostly ignore_row_if",
    "expect_select_column_values_to_be_unique_within_record": "column_list! mostly ignore_row_if",
    "expect_table_column_count_to_be_between": "min_value max_value",
    "expect_table_column_count_to_equal": "value!",
    "expect_table_columns_to_match_ordered_list": "column_list",
    "expect_table_columns_to_match_set": "column_set exact_match",
    "expect_table_row_count_to_be_between": _BETWEEN,
    "expect_table_row_count_to_equal": "value!",
}
KNOWN: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {name: {word.removesuffix("!"): word.endswith("!") for word in words.split()} for name, words in _ARGUMENTS.items()}
)
"""Name of an expectation to its arguments, and whether each is required."""

OF_DATABASES = frozenset(
    {
        "expect_column_type_to_be",
        "expect_column_values_to_match_like_pattern",
        "expect_column_values_to_match_like_pattern_list",
        "expect_column_values_to_not_be_outliers",
        "expect_column_values_to_not_match_like_pattern",
        "expect_column_values_to_not_match_like_pattern_list",
        "expect_query_results_to_match_comparison",
        "expect_table_row_count_to_equal_other_table",
        "unexpected_rows_expectation",
    }
)
"""Those that the library runs on SQL databases only; tables here are data frames."""

COLUMN, COLUMNS, TEXT, TEXTS, VALUES, NUMBER, BOUND, SHARE, FLAG, MAP = (
    "the name of a column",
    "a list of columns",
    "a text",
    "a list of texts",
    "a list",
    "a number",
    "a number or an ISO time",
    "a share from 0 to 1",
    "true or false",
    "a map",
)
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "column": COLUMN,
        "column_A": COLUMN,
        "column_B": COLUMN,
        "column_list": COLUMNS,
        "column_set": COLUMNS,
        "regex": TEXT,
        "strftime_format": TEXT,
        "type_": TEXT,
        "ignore_row_if": TEXT,
        "match_on": TEXT,
        "regex_list": TEXTS,
        "type_list": TEXTS,
        "value_set": VALUES,
        "value_pairs_set": VALUES,
        "min_value": BOUND,
        "max_value": BOUND,
        "value": NUMBER,
        "threshold": NUMBER,
        "sum_total": NUMBER,
        "column_index": NUMBER,
        "internal_weight_holdout": SHARE,
        "tail_weight_holdout": SHARE,
        "mostly": SHARE,
        "strict_min": FLAG,
        "strict_max": FLAG,
        "strictly": FLAG,
        "or_equal": FLAG,
        "ties_okay": FLAG,
        "double_sided": FLAG,
        "exact_match": FLAG,
        "bucketize_data": FLAG,
        "allow_relative_error": FLAG,
        "partition_object": MAP,
        "quantile_ranges": MAP,
        "json_schema": MAP,
    }
)
"""What an argument is, by its name."""
