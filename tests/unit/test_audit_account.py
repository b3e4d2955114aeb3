"""AUD07 fires when an account, or a row of a joined table, comes with one outcome, and not on random gaps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.schema.source import Source
from models.judging.leakage.aud07_account_linkage import check_account_linkage, find_joins
from models.judging.leakage.finding import Finding
from tests.reference.audit_rows import honest, rows

AS_OF = pd.Timestamp("2025-06-01")


def relational(**account: Any) -> Source:
    leads: dict[str, Any] = {"lead_id": {}, "created_at": {}, "account_id": {"when_known": "at_creation", **account}}
    columns: dict[str, dict[str, Any]] = {"leads": leads, "accounts": {"account_id": {}}, "outcomes": {}}
    history: dict[str, dict[str, Any]] = {
        "activities": {"lead_id": {}, "kind": {}, "happened_at": {}},
        "answers": {"lead_id": {}, "question": {}, "value": {}, "known_at": {}},
    }
    tables = {name: {"columns": held} for name, held in {**columns, **history}.items()}
    return Source.model_validate({"name": "s", "kind": "relational", "tables": tables})


def judge(
    missing: np.ndarray, tables: dict[str, pd.DataFrame] | None = None, base: float = 0.2, **account: Any
) -> list[Finding]:
    frame, won = honest(base=base)
    number = pd.Series(np.arange(len(won))).astype("str")
    keys = pd.DataFrame({"lead_id": number, "as_of": AS_OF, "account_id": ("A" + number).mask(pd.Series(missing))})
    return check_account_linkage(rows(frame, won), find_joins(keys, relational(**account), tables))


def lost_only(share: float, base: float = 0.2) -> np.ndarray:
    _, won = honest(base=base)
    return np.asarray((won == 0) & (np.random.default_rng(1).random(len(won)) < share))


def test_fires_when_accounts_are_set_at_conversion() -> None:
    _, won = honest()
    missing = np.random.default_rng(1).random(len(won)) < np.where(won == 1, 0.02, 0.7)
    found = judge(missing)
    assert [(f.column, f.severity) for f in found] == [("account_id", "leak")]
    assert "Declare leads.account_id 'role: ignore'" in found[0].message


@pytest.mark.parametrize("base", [0.06, 0.65])
def test_no_account_that_comes_with_the_loss_is_a_leak(base: float) -> None:
    missing = lost_only(0.5, base)
    found = judge(missing, base=base)
    assert [(f.column, f.severity) for f in found] == [("account_id", "leak")]
    assert found[0].message.startswith(f"{missing.sum():,} leads have no account_id, none of them won against")


def test_an_account_that_comes_with_the_win_is_a_leak() -> None:
    _, won = honest()
    has = (won == 1) & (np.random.default_rng(1).random(len(won)) < 0.2)
    found = judge(~has)
    assert [(f.column, f.severity) for f in found] == [("account_id", "leak")]
    assert found[0].message.startswith(f"{has.sum():,} leads have an account_id, all of them won against")


def test_an_account_without_a_row_that_comes_with_the_loss_is_a_leak() -> None:
    without = lost_only(0.4)
    missing = np.random.default_rng(2).random(len(without)) < 0.2
    accounts = pd.DataFrame({"account_id": [f"A{i}" for i in np.flatnonzero(~without)]})
    found = judge(missing, {"accounts": accounts})
    assert [(f.column, f.severity) for f in found] == [("account_id", "leak")]
    count = (without & ~missing).sum()
    assert found[0].message.startswith(f"{count:,} leads belong to an account without any row in 'accounts', none of")


@pytest.mark.parametrize("table", ["activities", "answers"])
def test_no_row_before_the_moment_that_comes_with_the_loss_is_suspect_at_most(table: str) -> None:
    """Rows learned of at the moment itself or later do not count: the model does not see them either."""
    without = lost_only(0.4)
    nobody = np.zeros(len(without), dtype=bool)
    known = np.where(without, AS_OF.to_datetime64(), (AS_OF - pd.Timedelta(days=3)).to_datetime64())
    history = pd.DataFrame({"lead_id": np.arange(len(without)).astype(str), "known_at": known})
    found = judge(nobody, {table: history})
    assert [(f.column, f.severity) for f in found] == [(f"({table})", "suspect")]
    assert f"{without.sum():,} leads have no row in '{table}' known by then, none of them won" in found[0].message
    assert "flat" not in found[0].message
    everybody = history.assign(known_at=AS_OF - pd.Timedelta(days=3))
    assert judge(nobody, {table: everybody}) == []


def test_silent_when_missing_at_random_always_or_never() -> None:
    n = len(honest()[1])
    random = np.random.default_rng(1).random(n) < 0.4
    some = pd.DataFrame({"account_id": [f"A{i}" for i in np.flatnonzero(np.random.default_rng(2).random(n) < 0.7)]})
    assert judge(random, {"accounts": some}) == []
    assert judge(np.ones(n, dtype=bool)) == []
    assert judge(np.zeros(n, dtype=bool)) == []


def test_an_account_that_is_declared_out_is_not_asked() -> None:
    assert judge(lost_only(0.5), role="ignore", excluded_because="set at conversion") == []
