"""What becomes a feature and what is refused: roles, clocks, titles, topics, flat sources."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.flat_matrix import flat_at, flat_matrix
from features.catalog.build_catalog import build_catalog
from features.catalog.families.attributes import AccountWithoutClockError, OverwrittenColumnError
from features.catalog.families.job_titles import job_function, seniority
from features.catalog.feature import Catalog, FeatureType
from features.errors import ContractError, DataError, ExitStatus
from features.schema.source import Source
from features.schema.vocabulary import Dimension, Topic
from tests.reference.worlds import SOURCE


def relational(columns: dict[str, Any], accounts: dict[str, Any] | None = None) -> Source:
    tables: dict[str, Any] = {"leads": {"columns": columns}, "outcomes": {}}
    if accounts is not None:
        tables["accounts"] = {"columns": accounts}
    return Source.model_validate({"name": "s", "kind": "relational", "tables": tables})


FLAT = {
    "name": "f",
    "kind": "flat",
    "tables": {
        "leads": {
            "columns": {
                "size": {"type": "number"},
                "country": {"type": "category"},
                "vip": {"type": "boolean"},
                "y": {"type": "category"},
                "phone": {"type": "text", "role": "display"},
            }
        }
    },
    "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
}
TABLE = pd.DataFrame(
    {
        "size": [1.0, np.nan, 3.0, 1.0],
        "country": pd.Series(["de", "pl", None, "de"], dtype="str"),
        "vip": pd.array([True, None, False, True], dtype="boolean"),
        "y": pd.Series(["yes", "no", "NO", "yes"], dtype="str"),
        "phone": pd.Series(["1", "2", "3", "4"], dtype="str"),
    }
)


def flat(**changes: Any) -> Source:
    return Source.model_validate({**FLAT, "flat": {**FLAT["flat"], **changes}})  # type: ignore[dict-item]


def test_only_declared_features_are_learned_from() -> None:
    source = relational(
        {
            "size": {"type": "number"},
            "email": {"type": "text", "role": "personal"},
            "phone": {"type": "text", "role": "display"},
            "old": {"type": "number", "role": "ignore"},
            "age": {"type": "number", "role": "sensitive"},
            "gender": {"type": "category", "role": "sensitive", "accepted_because": "audited by slice"},
            "crm_id": {"type": "id"},
        }
    )
    names = {f.name for f in build_catalog(source) if f.family == "attributes"}
    assert names == {"size", "gender"}


def test_an_overwritten_column_is_refused_with_the_remedy() -> None:
    with pytest.raises(OverwrittenColumnError, match="when_known: history") as refused:
        build_catalog(relational({"rating": {"type": "category", "when_known": "overwritten"}}))
    assert refused.value.code == "LS021"
    assert refused.value.exit_status is ExitStatus.CONTRACT


@pytest.mark.parametrize("name", ["stage", "lead_status", "deal_stage", "is_won", "converted"])
def test_a_stage_as_an_attribute_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(OverwrittenColumnError, match=f"'leads.{name}'.*'stages'.*role: ignore"):
        build_catalog(relational({name: {"type": "category"}}))
    accepted = {"type": "category", "role": "sensitive", "accepted_because": "never edited"}
    assert name in build_catalog(relational({name: accepted})).names


def test_on_one_file_a_column_named_like_a_stage_is_left_to_the_audit() -> None:
    source = Source.model_validate(
        {
            "name": "one_file",
            "kind": "flat",
            "flat": {"target": {"column": "y", "won": ["yes"], "lost": ["no"]}},
            "tables": {"leads": {"columns": {"current_stage": {}, "status": {}}}},
        }
    )
    assert {"current_stage", "status"} <= set(build_catalog(source).names)
    overwritten = source.model_dump(mode="json", exclude_defaults=True)
    overwritten["tables"]["leads"]["columns"]["status"] = {"when_known": "overwritten"}
    with pytest.raises(OverwrittenColumnError):
        build_catalog(Source.model_validate(overwritten))


@pytest.mark.parametrize("name", ["marital_status", "backstage", "stage_name"])
def test_a_column_that_only_sounds_like_a_stage_is_kept(name: str) -> None:
    assert name in build_catalog(relational({name: {"type": "category"}})).names


def test_account_features_need_to_know_since_when_a_lead_has_its_account() -> None:
    with pytest.raises(AccountWithoutClockError, match="when_known: at_creation"):
        build_catalog(relational({"account_id": {}}, {"revenue": {"type": "number"}}))
    with pytest.raises(AccountWithoutClockError):
        build_catalog(relational({}, {"revenue": {"type": "number"}}))
    fine = relational({"account_id": {"when_known": "at_creation"}}, {"revenue": {"type": "number"}})
    assert "account_revenue" in build_catalog(fine).names


def test_an_account_that_is_declared_out_takes_its_columns_along() -> None:
    """What LS022 advises is enough: no second refusal follows it."""
    with pytest.raises(AccountWithoutClockError, match=r"declare leads\.account_id 'role: ignore'"):
        build_catalog(relational({"account_id": {}}, {"revenue": {"type": "number"}}))
    out = relational({"account_id": {"role": "ignore"}, "vip": {"type": "boolean"}}, {"revenue": {"type": "number"}})
    assert {f.params.table for f in build_catalog(out) if f.family == "attributes"} == {"leads"}
    assert [f.name for f in build_catalog(out) if f.family == "committee"] == []


def test_every_feature_says_what_it_is() -> None:
    catalog = build_catalog(SOURCE)
    assert {"page_view_30d", "intent_trend", "job_title_seniority", "account_intent", "answer_seats"} <= set(
        catalog.names
    )
    for feature in catalog:
        assert feature.doc.endswith("."), feature.name
        assert feature.unit or feature.family == "attributes" or feature.params.table == "answers", feature.name
        assert feature.known_when, feature.name
    assert catalog["page_view_budget_90d"].topic is Topic.BUDGET
    assert catalog["page_view_budget_90d"].dimension is Dimension.INTENT
    assert catalog["demo_decayed"].direction == 1
    assert catalog["demo_recency"].direction == -1
    assert "email_send_7d" not in catalog.names


def test_a_catalog_survives_json() -> None:
    catalog = build_catalog(SOURCE)
    again = Catalog.from_records(json.loads(json.dumps(catalog.records())))
    assert again == catalog and again.hash == catalog.hash


@pytest.mark.parametrize(
    ("title", "level", "function"),
    [
        ("VP of Sales", "vp", "sales"),
        ("V.P. Marketing", "vp", "marketing"),
        ("Senior Vice President, Finance", "vp", "finance"),
        ("Head of IT", "head", "it"),
        ("CFO", "c_level", "finance"),
        ("Chief Information Officer", "c_level", "it"),
        ("Co-Founder & CEO", "owner", "general_management"),
        ("Managing Director", "c_level", "general_management"),
        ("Marketing Manager", "manager", "marketing"),
        ("Executive Assistant to the CEO", "junior", "general_management"),
        ("Senior Software Engineer", "senior", "engineering"),
        ("Geschäftsführer", "c_level", "general_management"),
        ("Leiterin Einkauf", "head", "purchasing"),
        ("Vertriebsleiter", "head", "sales"),
        ("Bereichsleiter Finanzen", "director", "finance"),
        ("Directeur général", "c_level", "general_management"),
        ("Directrice marketing", "director", "marketing"),
        ("Responsable informatique", "head", "it"),
        ("Director de Ventas", "director", "sales"),
        ("Jefa de Compras", "head", "purchasing"),
        ("Gerente General", "c_level", "general_management"),
        ("Prezes Zarządu", "c_level", "general_management"),
        ("Kierownik działu IT", "head", "it"),
        ("Dyrektor ds. sprzedaży", "director", "sales"),
        ("대표이사", "c_level", "general_management"),
        ("영업 부장", "head", "sales"),
        ("마케팅 이사", "director", "marketing"),
        ("Praktikant", "junior", None),
        ("Wizard of Light Bulb Moments", None, None),
        ("", None, None),
    ],
)
def test_titles_are_read_in_many_languages(title: str, level: str | None, function: str | None) -> None:
    assert (seniority(title), job_function(title)) == (level, function)


def test_a_flat_table_becomes_attributes_and_a_label() -> None:
    made = flat_matrix(TABLE, flat())
    assert made.catalog.names == ("size", "country", "vip")
    assert made.catalog["country"].type is FeatureType.CATEGORY
    assert made.values["vip"].tolist()[::2] == [1.0, 0.0]
    assert made.values["country"].isna().tolist() == [False, False, True, False]
    assert str(made.values["country"].dtype) == "str"
    assert made.label.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert not made.ordered
    assert made.matured.all()
    assert made.keys["lead_id"].tolist() == ["1", "2", "3", "4"]


def test_row_order_may_be_time_order() -> None:
    made = flat_matrix(TABLE, flat(order="row"))
    assert made.ordered
    assert made.keys["order"].tolist() == [0, 1, 2, 3]


def test_an_order_column_orders_and_is_not_learned_from() -> None:
    made = flat_matrix(TABLE.assign(size=[3.0, 1.0, 1.0, 2.0]), flat(order="size"))
    assert made.keys["order"].tolist() == [2, 0, 0, 1]
    assert "size" not in made.catalog.names


def test_identical_inputs_are_one_group() -> None:
    group = flat_matrix(TABLE, flat(group="identical_inputs")).keys["group"]
    assert group[0] == group[3]
    assert group.nunique() == 3


def test_a_group_column_groups_and_a_missing_one_stands_alone() -> None:
    group = flat_matrix(TABLE, flat(group="country")).keys["group"]
    assert group.tolist() == ["group:de", "group:pl", "row:3", "group:de"]


def test_a_strange_target_value_is_named() -> None:
    with pytest.raises(DataError, match=r"1 values that are neither won \(yes\) nor lost \(no\), e.g. maybe in row 2"):
        flat_matrix(TABLE.assign(y=["yes", "maybe", "no", "no"]), flat())
    with pytest.raises(DataError, match="no such column"):
        flat_matrix(TABLE.drop(columns="y"), flat())
    with pytest.raises(DataError, match="no rows"):
        flat_matrix(TABLE.iloc[:0], flat())


def test_scoring_flat_rows_gives_the_training_values() -> None:
    made = flat_matrix(TABLE, flat())
    scored = flat_at(TABLE.drop(columns="y"), made.catalog, flat())
    pd.testing.assert_frame_equal(scored.values, made.values)
    assert np.isnan(scored.label).all()


def test_parameters_no_family_knows_are_refused() -> None:
    catalog = build_catalog(SOURCE)
    record = catalog["demo_7d"].record()

    for changed, words in (
        ({"op": "magic"}, "'demo_7d' asks for 'magic' of activities; known are count"),
        ({"table": "mails"}, "asks for 'count' of mails; known tables are constant|known tables are leads"),
        ({"window": 7}, "'demo_7d' .count of activities. cannot be read: unknown key 'window'"),
        ({"half_life_days": 7}, "unknown key 'half_life_days'"),
        ({"scope": "world"}, "'scope' is 'world'; known are lead, account"),
        ({"kinds": "demo"}, "'kinds' is 'demo', not a list"),
        ({"op": "decayed"}, "unknown key 'window_days'"),
        ({"op": "linear", "window_days": None}, "key 'lifespan_days' is missing"),
        ({"op": "recency", "window_days": None, "distinct_assets": True}, "unknown key 'distinct_assets'"),
    ):
        with pytest.raises(ContractError, match=words):
            Catalog.from_records([{**record, "params": {**record["params"], **changed}}])
