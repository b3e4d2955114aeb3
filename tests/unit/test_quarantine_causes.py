"""A table lost in quarantine names its cause: what is wrong with the ids, the values or the rows, and what to do."""

import pandas as pd
import pytest

from pipelines.ingest.diagnosis.cause import Cause
from pipelines.ingest.diagnosis.id_causes import explain_repeated, explain_unmatched
from pipelines.ingest.diagnosis.row_causes import explain_after_cutoff, explain_clock_order, explain_field_count
from pipelines.ingest.diagnosis.value_causes import (
    explain_booleans,
    explain_bound,
    explain_not_allowed,
    explain_numbers,
    explain_times,
)

LONG = [f"00Qabcdefg{k:05d}AAA" for k in range(30)]

UNMATCHED = {
    "15 against 18": ([text[:15] for text in LONG], LONG, "15 characters here and 18 in leads.lead_id"),
    "18 against 15": (LONG, [text[:15] for text in LONG], "18 characters here and 15 in leads.lead_id"),
    "point zero": ([f"{k}.0" for k in range(100, 130)], [str(k) for k in range(100, 130)], "'.0'"),
    "lost zeros": ([str(k) for k in range(1, 30)], [f"{k:06d}" for k in range(1, 30)], "lost the zeros"),
    "case": (["ab-1", "ab-2"], ["AB-1", "AB-2"], "upper and lower case"),
    "invisible": (["L1\u200b", "L2\u200b"], ["L1", "L2"], "invisible"),
    "full width": (["Ｌ１", "Ｌ２"], ["L1", "L2"], "full-width"),
    "braces": (["{a-1}", "{a-2}"], ["A1", "A2"], "punctuation"),
    "prefix": (["lead-1001", "lead-1002"], ["1001", "1002"], "prefix"),
    "scientific": (["1.23457E+17"] * 3, ["123456789012345678", "123456789012345679"], "rounded numbers here"),
    "scientific there": (["123456789012345678"], ["1.23457E+17"], "rounded numbers in leads.lead_id"),
    "others": (["L90", "L91"], ["L1", "L2"], "look like those of leads.lead_id"),
    "another kind": (["ann@example.org"], ["L1", "L2"], "no known change of form"),
    "empty": (["L1"], [], "holds no id"),
}


@pytest.mark.parametrize(("ids", "parents", "said"), UNMATCHED.values(), ids=UNMATCHED.keys())
def test_ids_that_find_no_partner_say_in_what_they_differ(ids: list[str], parents: list[str], said: str) -> None:
    cause = explain_unmatched(ids, frozenset(parents), place="leads.lead_id", own={}, others={})
    assert said in cause.sentence and cause.advice


def test_a_swapped_column_is_named_on_either_side() -> None:
    parents, ids = frozenset(["L1", "L2"]), ["C7", "C8"]
    cause = explain_unmatched(ids, parents, place="leads.lead_id", own={"Lead": ["L1", "L2"]}, others={})
    assert "column 'Lead' of this file" in cause.sentence
    cause = explain_unmatched(ids, parents, place="leads.lead_id", own={}, others={"Contact": frozenset(ids)})
    assert "column 'Contact' of that file" in cause.sentence


REPEATED = {
    "scientific": (["1.23457E+17"] * 9, 0, {}, "rounded numbers"),
    "last digits lost": (["123456789012345000", "123456789012346000"], 0, {}, "more digits than a spreadsheet keeps"),
    "rows repeat": (["1", "2"], 2, {}, "same rows"),
    "no id": (["Acme", "Acme"], 0, {"Company": ["Acme", "Acme"], "Id": ["1", "2"]}, "different in every row: 'Id'"),
}


@pytest.mark.parametrize(("ids", "repeats", "columns", "said"), REPEATED.values(), ids=REPEATED.keys())
def test_ids_that_repeat_say_why(ids: list[str], repeats: int, columns: dict[str, list[str]], said: str) -> None:
    assert said in explain_repeated(ids, "id", repeats=repeats, columns=columns).sentence


VALUES = {
    "per cent": (explain_numbers(["10%", "12 %"]), "percentages", ""),
    "Swiss": (explain_numbers(["2'871.97", "3'406.28"]), "thousands are grouped", ""),
    "comma": (explain_numbers(["1,5", "27,25"]), "decimal comma", "decimal: ','"),
    "unit": (explain_numbers(["12 EUR", "9 EUR"]), "unit or currency", ""),
    "ranges": (explain_numbers(["1-10", "11-50", "500+"]), "ranges", "category"),
    "dates": (explain_numbers(["2025-01-02"]), "dates", ""),
    "words": (explain_numbers(["many", "few"]), "words, not numbers", "category"),
    "German": (explain_booleans(["Ja", "Nein", "Ja"]), "another language", "'Ja': \"true\", 'Nein': \"false\""),
    "own words": (explain_booleans(["Deal", "No deal"]), "the export's own", "'Deal': ..."),
    "American": (explain_times(["01/13/2025 9:05 PM"], None), "not recognised", "%m/%d/%Y %I:%M %p"),
    "other than declared": (explain_times(["13.01.2025"], "%Y-%m-%d"), "not written as '%Y-%m-%d'", "%d.%m.%Y"),
    "serial": (explain_times(["45299.375", "45300"], None), "serial", ""),
    "fillers": (explain_times(["9999-12-31", "0001-01-01"], None), "1900 to 2199", "missing"),
    "no time": (explain_times(["soon", "later"], None), "words, not times", "from"),
    "renamed": (
        explain_not_allowed(["Closed won", "Won!"], ["Closed Won", "Lost"], {}, {"Closed Won"}.__contains__),
        "allowed are Closed Won, Lost",
        "'Closed won': 'Closed Won'",
    ),
    "swapped": (
        explain_not_allowed(["Ann"], ["Won", "Lost"], {"Status": ["Won", "Lost"]}, {"Won", "Lost"}.__contains__),
        "column 'Status' holds the allowed values",
        "'Status'",
    ),
    "sign": (explain_bound([-5.0, -7.0], 0.0, low=True), "negative", ""),
    "cents": (explain_bound([9900.0, 10_000.0], 100.0, low=False), "100 times", ""),
    "fields": (explain_field_count(["a,b,c,d", "1,2,3,4"], 3, ",", '"'), "100% of them have 4 fields", "quotes"),
    "giant": (explain_field_count(["a," + "x" * 200_000], 3, ",", '"'), "100% of them have 2 fields", ""),
    "cut": (explain_field_count(["a,b"], 3, ",", '"'), "their end is missing", ""),
}


@pytest.mark.parametrize(("cause", "said", "advised"), VALUES.values(), ids=VALUES.keys())
def test_values_say_which_other_form_they_have(cause: Cause, said: str, advised: str) -> None:
    assert said in cause.sentence and advised in cause.advice


def test_clocks_say_whether_it_is_a_time_zone() -> None:
    happened = pd.Series(pd.to_datetime(["2025-01-01 10:00", "2025-02-01 10:00"]))
    zones = explain_clock_order(happened, happened - pd.Timedelta(hours=2), ("happened_at", "known_at"))
    assert "2 hours before" in zones.sentence and "timezone" in zones.advice
    swapped = explain_clock_order(happened, happened - pd.to_timedelta([3, 40], unit="D"), ("happened_at", "known_at"))
    assert "exchanged" in swapped.advice


def test_dates_after_the_cut_off_say_whether_the_export_is_newer() -> None:
    moments, cutoff = pd.Series(pd.to_datetime(["2026-03-01", "2026-04-01"])), pd.Timestamp("2026-01-01")
    assert "data_cutoff" in explain_after_cutoff(moments, cutoff, declared=True).advice
    assert "day and month" in explain_after_cutoff(moments, cutoff, declared=False).advice
