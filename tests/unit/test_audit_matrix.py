"""The audit as a gate: on development rows only, accepted leaks recorded, others stop training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog, Feature, FeatureType
from features.cohort.splits import Block, Chop
from features.errors import LeakError
from features.matrix import Matrix
from features.schema.operations import AnswerValue, ColumnValue
from features.schema.source import Source, TableSource
from features.schema.vocabulary import Dimension, Topic
from models.judging.leakage.audit import accepted_leaks, audit, audit_columns, require_clean
from models.judging.leakage.finding import Finding
from pipelines.workspace.matrix_files import mark_of_matrix
from tests.reference.audit_rows import honest


def source(**columns: dict[str, str]) -> Source:
    return Source.model_validate(
        {
            "name": "flat",
            "kind": "flat",
            "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
            "tables": {"leads": {"columns": {"v": {}, "h1": {}, **columns}}},
        }
    )


def matrix(frame: pd.DataFrame, won: np.ndarray, families: dict[str, str] | None = None) -> Matrix:
    features = [
        Feature(
            name=str(name),
            family=(families or {}).get(str(name), "attributes"),
            dimension=Dimension.FIT,
            topic=Topic.CONTEXT,
            type=FeatureType.NUMBER if frame[name].dtype.kind == "f" else FeatureType.CATEGORY,
            when_empty=None,
            doc="a column",
            unit="",
            known_when="at creation",
            params=ColumnValue(table="leads", column=str(name)),
        )
        for name in frame
    ]
    n = len(won)
    ids = pd.Series([str(i) for i in range(n)], dtype="str")
    keys = pd.DataFrame(
        {
            "lead_id": ids,
            "as_of": pd.Series(pd.NaT, index=range(n), dtype="datetime64[us]"),
            "account_id": pd.Series(pd.NA, index=range(n), dtype="str"),
            "group": ids,
            "episode": 0,
            "order": np.arange(n),
            "age_days": np.nan,
            "segment": pd.Series(pd.NA, index=range(n), dtype="str"),
        }
    )
    return Matrix(
        catalog=Catalog(tuple(features)),
        values=frame,
        keys=keys,
        label=won,
        matured=np.ones(n, dtype=bool),
        label_known_at=keys["as_of"],
        weight=np.ones(n),
        ordered=True,
        amount=np.full(n, np.nan),
    )


def last_quarter(n: int) -> Chop:
    cut = 3 * n // 4
    final = Block(name="final", train=np.arange(cut), test=np.arange(cut, n))
    return Chop("ordered", (), final, "")


def test_a_leak_stops_training_and_names_the_column() -> None:
    frame, won = honest()
    frame["v"] = np.random.default_rng(1).lognormal(5 + 1.5 * won, 0.8)
    found = audit(matrix(frame, won), source(), chop=last_quarter(len(won)))
    assert (found[0].column, found[0].severity, found[0].code) == ("v", "leak", "AUD01")
    with pytest.raises(LeakError, match="1 column carries the outcome"):
        require_clean(found)


def test_an_accepted_leak_keeps_its_reason_and_does_not_stop_training() -> None:
    frame, won = honest()
    frame["v"] = np.random.default_rng(1).lognormal(5 + 1.5 * won, 0.8)
    found = audit(matrix(frame, won), source(v={"accepted_because": "measured before the call"}))
    assert found[0].severity == "leak"
    assert accepted_leaks(found) == {"v": "measured before the call"}
    require_clean(found)


def test_a_leak_in_an_account_column_is_traced_to_it_and_accepted_there() -> None:
    frame, won = honest()
    frame["account_rating"] = np.random.default_rng(1).lognormal(5 + 1.5 * won, 0.8)
    told = matrix(frame, won)
    features = [
        replace(f, params=ColumnValue(table="accounts", column="rating")) if f.name == "account_rating" else f
        for f in told.catalog
    ]
    told = replace(told, catalog=Catalog(tuple(features)))

    def declared(**rating: str) -> Source:
        tables = {
            "leads": {"columns": {"rating": {"accepted_because": "another column of this name"}}},
            "accounts": {"columns": {"account_id": {}, "rating": {"when_known": "known_at", **rating}}},
            "outcomes": {},
        }
        return source().model_copy(
            update={"tables": {name: TableSource.model_validate(table) for name, table in tables.items()}}
        )

    found = audit(told, declared())
    assert (found[0].column, found[0].blocking) == ("account_rating", True)
    assert "made from column 'rating' of accounts" in found[0].message
    found = audit(told, declared(accepted_because="rated once a year by an agency"))
    assert accepted_leaks(found) == {"account_rating": "rated once a year by an agency"}


def test_the_test_block_is_never_looked_at() -> None:
    frame, won = honest()
    chop = last_quarter(len(won))
    frame["v"] = np.random.default_rng(1).normal(size=len(won))
    frame.loc[chop.final.test, "v"] = won[chop.final.test] * 50
    assert [f for f in audit(matrix(frame, won), source(), chop=chop) if f.column == "v"] == []


def test_rubric_features_are_not_audited_and_clocked_ones_are_never_called_leaks() -> None:
    frame, won = honest()
    frame["v"], frame["w"] = won, won * 2
    families = {"v": "rules", "w": "engagement"}
    found = audit(matrix(frame, won, families), source())
    assert {f.column for f in found} == {"w"}
    assert {f.severity for f in found} == {"suspect"}


def test_too_few_outcomes_are_said_and_honest_columns_pass() -> None:
    frame, won = honest(60)
    assert audit(matrix(frame, won), source())[0].code == "AUD00"
    assert audit(matrix(*honest()), source(), chop=last_quarter(2000)) == []


def test_raw_columns_are_audited_on_demand() -> None:
    frame, won = honest()
    frame["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(2000) + 300 * won, unit="D")
    frame["flag"] = pd.array(won == 1, dtype="boolean")
    frame["text number"] = pd.Series(np.random.default_rng(1).integers(0, 9, 2000).astype(str), dtype="str")
    found = audit_columns(frame, won, order=np.arange(2000))
    assert {f.column for f in found if f.severity == "leak"} == {"when", "flag"}


def test_the_gravest_finding_of_a_check_wins() -> None:
    assert not Finding("a", "AUD01", "suspect", "").blocking
    assert Finding("a", "AUD01", "leak", "").blocking
    assert not Finding("a", "AUD01", "leak", "", accepted="known before").blocking


def test_a_declared_direction_that_the_rows_contradict_is_noted_and_stops_nothing() -> None:
    frame, won = honest(1000)
    frame["v"] = np.random.default_rng(1).normal(size=1000) - 0.5 * won
    made = matrix(frame, won)
    turned = Catalog(tuple(replace(f, direction=1) if f.name == "v" else f for f in made.catalog))
    found = [f for f in audit(replace(made, catalog=turned), source()) if f.column == "v"]
    assert [(f.code, f.severity) for f in found] == [("AUD13", "note")]
    require_clean(found)
    assert "AUD13" not in {f.code for f in audit(made, source())}


def test_a_text_that_is_empty_for_lost_leads_only_is_a_leak_though_its_feature_is_a_flag() -> None:
    frame, won = honest()
    empty = (won == 0) & (np.random.default_rng(1).random(len(won)) < 0.5)
    frame["v"] = np.where(empty, 0.0, 1.0)
    made = matrix(frame, won)
    flag = ColumnValue(table="leads", column="v", read_as="filled")
    given = Catalog(tuple(replace(f, params=flag) if f.name == "v" else f for f in made.catalog))
    found = {f.code: f for f in audit(replace(made, catalog=given), source()) if f.column == "v"}
    assert found["AUD02"].severity == "leak"
    assert f"'v' is empty on {empty.sum():,} rows, none of them won" in found["AUD02"].message


def test_words_for_today_are_read_in_the_file_and_a_reason_or_a_history_answers_them() -> None:
    frame, won = honest(400)
    frame["v"] = np.random.default_rng(1).normal(size=400)
    made = matrix(frame, won)

    def said(declared: Source, of: Matrix = made) -> list[tuple[str, str, str]]:
        return [(f.code, f.severity, f.accepted) for f in audit(of, declared) if f.column == "v"]

    assert said(source()) == []
    assert said(source(v={"from": "Last Activity"})) == [("AUD05", "suspect", "")]
    reason = "entered once, by the form"
    assert said(source(v={"from": "Last Activity", "accepted_because": reason})) == [("AUD05", "suspect", reason)]


def test_a_value_read_from_its_history_has_a_clock_whatever_its_name_says() -> None:
    frame, won = honest(400)
    frame["last_activity"] = np.random.default_rng(1).normal(size=400)
    made = matrix(frame, won)
    assert [(f.column, f.code) for f in audit(made, source(last_activity={}))] == [("last_activity", "AUD05")]
    read = AnswerValue(question="last_activity")
    features = [replace(f, params=read) if f.name == "last_activity" else f for f in made.catalog]
    assert audit(replace(made, catalog=Catalog(tuple(features))), source(last_activity={})) == []


def test_no_account_is_one_finding_and_not_one_of_every_account_column() -> None:
    """A lead without an account has none of its columns; among those with one, the column tells nothing."""
    frame, won = honest()
    missing = (won == 0) & (np.random.default_rng(1).random(len(won)) < 0.6)
    frame["account_current_vendor"] = np.where(missing, np.nan, np.random.default_rng(2).normal(size=len(won)))
    made = matrix(frame, won)
    made.keys["account_id"] = ("A" + made.keys["lead_id"]).mask(pd.Series(missing))
    read = ColumnValue(table="accounts", column="current_vendor")
    features = [replace(f, params=read) if f.name == "account_current_vendor" else f for f in made.catalog]
    made = replace(made, catalog=Catalog(tuple(features)))

    def said(known: str = "known_at", **account: str) -> list[tuple[str, str, str, bool]]:
        vendor = {"type": "number", "when_known": known}
        leads = {"lead_id": {}, "created_at": {}, "account_id": {"when_known": "at_creation", **account}}
        tables = {"leads": leads, "accounts": {"account_id": {}, "current_vendor": vendor}, "outcomes": {}}
        declared = {"name": "s", "kind": "relational", "tables": {k: {"columns": v} for k, v in tables.items()}}
        found = audit(made, Source.model_validate(declared))
        return [(f.column, f.code, f.severity, f.blocking) for f in found if f.code in ("AUD02", "AUD05", "AUD07")]

    assert said() == [("account_id", "AUD07", "leak", True)]
    assert said(accepted_because="matched by the mail's domain") == [("account_id", "AUD07", "leak", False)]
    assert ("account_current_vendor", "AUD05", "suspect", False) in said("at_creation")


def test_an_audit_is_of_this_very_matrix_to_the_last_byte(tmp_path: Path) -> None:
    values, keys = tmp_path / "matrix_values.parquet", tmp_path / "matrix_keys.parquet"
    content = bytes(300_000)
    values.write_bytes(content)
    keys.write_bytes(content)
    mark = mark_of_matrix(tmp_path)
    for file in (values, keys):
        for place in (0, 150_000, 299_999):  # a label swapped with another leaves sizes and the file's end as they were
            file.write_bytes(content[:place] + b"1" + content[place + 1 :])
            assert mark_of_matrix(tmp_path) != mark, f"{file.name}, byte {place}"
        file.write_bytes(content)
    assert mark_of_matrix(tmp_path) == mark, "written again as it was"
