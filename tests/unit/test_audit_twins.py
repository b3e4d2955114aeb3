"""AUD09 names test rows that training rows already hold, and stays silent on rows of their own."""

import numpy as np
import pandas as pd

from features.cohort.splits import Block, Chop, SplitKind
from models.judging.leakage.aud09_train_test_duplicates import check_train_test_duplicates
from tests.unit.test_audit_matrix import matrix


def split(kind: SplitKind, n: int) -> Chop:
    return Chop(kind, (), Block(name="final", train=np.arange(n // 2), test=np.arange(n // 2, n)), "")


def frame(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"c{k}": rng.normal(size=n) for k in range(5)})


def test_fires_on_identical_inputs_and_shared_accounts() -> None:
    half = frame(100)
    doubled = matrix(pd.concat([half, half], ignore_index=True), np.tile([0.0, 1.0], 100))
    names = list(half.columns)
    assert [
        (f.column, f.severity)
        for f in check_train_test_duplicates(doubled, split("stratified", 200), names, kind="flat")
    ] == [("(rows)", "suspect")]
    assert [f.severity for f in check_train_test_duplicates(doubled, split("ordered", 200), names, kind="flat")] == [
        "note"
    ]
    doubled.keys["account_id"] = pd.Series([f"A{i % 50}" for i in range(200)], dtype="str")
    assert (
        "100% of the test rows belong to accounts"
        in check_train_test_duplicates(doubled, split("ordered", 200), names, kind="flat")[-1].message
    )


def test_silent_on_rows_of_their_own() -> None:
    own = matrix(frame(200), np.tile([0.0, 1.0], 100))
    assert check_train_test_duplicates(own, split("stratified", 200), list(own.values.columns), kind="flat") == []


def test_only_a_flat_source_is_told_of_flat() -> None:
    half = frame(100)
    doubled = matrix(pd.concat([half, half], ignore_index=True), np.tile([0.0, 1.0], 100))
    chop, names = split("grouped", 200), list(half.columns)
    flat = check_train_test_duplicates(doubled, chop, names, kind="flat")[0].message
    assert "Declare 'group: identical_inputs' under 'flat:'" in flat
    relational = check_train_test_duplicates(doubled, chop, names, kind="relational")[0].message
    assert "flat" not in relational and "'identity:'" in relational
