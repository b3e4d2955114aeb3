"""An account gathers its leads: best score, engaged roles, missing seats, and customers on a list of their own."""

from dataclasses import replace

import pandas as pd
import pytest

from features.schema.columns import Column
from features.schema.load_source import load_source
from features.schema.vocabulary import Role
from models.accounts.account_rollup import customers_of, expansion_accounts, map_coverage, roll_up
from models.accounts.accounts_policy import load_accounts
from pipelines.scoring.accounts.account_rollup import count_missing_seats, roll_up_accounts
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.find_declarations import find_policy, find_source
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.table_files import load_tables
from tests.reference.tiny_run import TinyRun

SOURCE = load_source(find_source("demo"))
POLICY = load_accounts(find_policy("accounts"), SOURCE)
NOW = pd.Timestamp("2025-06-01")
BEFORE = NOW - pd.Timedelta(days=10)


def tables() -> dict[str, pd.DataFrame]:
    leads = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c", "d", "late"],
            "account_id": ["A", "A", "B", None, "A"],
            "known_at": [BEFORE] * 4 + [NOW],
            "job_title": ["CEO", "Marketing Manager", "Head of IT", "CEO", "CFO"],
        }
    )
    activities = pd.DataFrame(
        {
            "lead_id": ["b", "a", "c"],
            "kind": ["page_view", "rep_call", "page_view"],
            "actor": ["lead", "rep", "lead"],
            "happened_at": [BEFORE, BEFORE, NOW - pd.Timedelta(days=200)],
        }
    )
    activities["known_at"] = activities["happened_at"]
    outcomes = pd.DataFrame(
        {
            "account_id": ["B", "A"],
            "won": pd.array([True, True], dtype="boolean"),
            "known_at": [BEFORE, NOW],
        }
    )
    return {"leads": leads, "activities": activities, "outcomes": outcomes}


def rolled() -> pd.DataFrame:
    scored = pd.DataFrame(
        {"lead_id": ["a", "b", "c", "d"], "score": [40, 70, 60, 99], "probability": [0.1, 0.5, 0.3, 0.9]}
    )
    keys = pd.DataFrame({"account_id": pd.Series(["A", "A", "B", None], dtype="str")})
    return roll_up(scored, keys, tables(), NOW, source=SOURCE, policy=POLICY)


def test_one_row_per_account_best_first() -> None:
    found = rolled().set_index("account_id")
    assert found.index.tolist() == ["A", "B"]
    assert found.loc["A", ["leads", "engaged", "best_lead", "best_score"]].tolist() == [2, 1, "b", 70]
    assert found.loc["A", "probability_any"] == pytest.approx(1 - 0.9 * 0.5)
    assert found.loc["A", "roles"] == "manager"
    assert found.loc["A", "seats"] == "executive sponsor, economic buyer, champion"
    assert found.loc["A", "contacts"] == 2, "the CFO is not known yet"
    assert "finance" in found.loc["A", "roles_missing"].split(", ")
    assert "champion" not in found.loc["A", "roles_missing"]
    assert found.loc["B", "seats"] == "champion, technical evaluator"
    assert "economic buyer" in found.loc["B", "roles_missing"] and "blocker" not in found.loc["B", "roles_missing"]


def test_a_missing_seat_is_counted_by_its_whole_name() -> None:
    found = pd.DataFrame({"roles_missing": ["buyer, economic buyer (CFO)", "economic buyer (CFO)", ""]})
    assert count_missing_seats(found) == {"buyer": 1, "economic buyer (CFO)": 2}


def test_customers_come_from_wins_known_before_and_expand() -> None:
    assert customers_of(tables()["outcomes"], NOW) == {"B"}
    assert expansion_accounts(rolled())["account_id"].tolist() == ["B"]


def test_the_coverage_map_counts_known_contacts_by_function() -> None:
    keys = pd.DataFrame({"account_id": pd.Series(["A", "B"], dtype="str")})
    found = map_coverage(keys, tables(), NOW, "job_title")
    assert found.loc["A", "marketing"] == 1
    assert found.loc["B", "it"] == 1
    assert "finance" not in found  # the CFO is not known yet


def test_no_accounts_give_an_empty_table() -> None:
    scored = pd.DataFrame({"lead_id": ["d"], "score": [1], "probability": [0.1]})
    keys = pd.DataFrame({"account_id": pd.Series([None], dtype="str")})
    assert not len(roll_up(scored, keys, tables(), NOW, source=SOURCE, policy=POLICY))


def test_an_account_is_shown_as_it_stands_now_whatever_its_columns_are_called(tiny_demo: TinyRun) -> None:
    context, ranked = tiny_demo.context, read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    keys, found = load_matrix(context.paths.matrix, "open").keys, load_tables(context.paths)
    before = found["accounts"].assign(contacts="their own", town="Old Town")
    found["accounts"] = pd.concat([before, before.assign(town="New Town")], ignore_index=True)
    accounts = context.source.tables["accounts"]
    columns = accounts.columns | {name: Column(role=Role.DISPLAY) for name in ("contacts", "town")}
    declared = context.source.tables | {"accounts": accounts.model_copy(update={"columns": columns})}
    source = context.source.model_copy(update={"tables": declared})
    shown = roll_up_accounts(replace(context, source=source), found, ranked, keys)
    assert len(shown) == len(roll_up_accounts(context, found, ranked, keys)) > 0
    assert (shown["town"] == "New Town").all() and pd.api.types.is_integer_dtype(shown["contacts"])
