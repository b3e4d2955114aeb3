"""AUD09: rows of the test block that repeat training rows: identical inputs, shared accounts."""

from typing import Literal

import pandas as pd

from features.cohort.splits import Chop
from features.matrix import Matrix
from models.judging.leakage.finding import Finding

CODE = "AUD09"
TWINS = 0.05  # share of test rows with an identical training row, from which it is worth saying
FEWEST_COLUMNS = 4  # fewer columns have few combinations, so rows repeat of themselves


_KEEP_TOGETHER = {
    "flat": "Declare 'group: identical_inputs' under 'flat:'.",
    "relational": (
        "If leads were entered twice, let 'identity:' merge those of one person; different people who share all inputs "
        "are no harm."
    ),
}


def check_train_test_duplicates(
    matrix: Matrix, chop: Chop, names: list[str], *, kind: Literal["relational", "flat"]
) -> list[Finding]:
    """Identical inputs on both sides of the final split, and accounts on both sides."""
    found = []
    train, test = chop.final.train, chop.final.test
    if len(names) >= FEWEST_COLUMNS and len(train) and len(test):
        hashes = pd.util.hash_pandas_object(matrix.values[names], index=False)
        shared = float(hashes.iloc[test].isin(set(hashes.iloc[train])).mean())
        if shared >= TWINS and chop.kind in ("grouped", "stratified"):
            found.append(
                Finding(
                    "(rows)",
                    CODE,
                    "suspect",
                    f"{shared:.0%} of the test rows have a training row with identical inputs: a model may recognise "
                    f"them. {_KEEP_TOGETHER[kind]}",
                )
            )
        elif shared >= TWINS:
            found.append(
                Finding(
                    "(rows)",
                    CODE,
                    "note",
                    f"{shared:.0%} of the test rows have an earlier training row with identical inputs.",
                )
            )

    accounts = matrix.keys["account_id"]
    before, after = accounts.iloc[train].dropna(), accounts.iloc[test].dropna()
    if len(after) and after.nunique() < len(after):
        seen = float(after.isin(set(before)).mean())
        if seen > 0:
            found.append(
                Finding(
                    "account_id",
                    CODE,
                    "note",
                    f"{seen:.0%} of the test rows belong to accounts that were also trained on; "
                    "seen and unseen accounts are judged separately.",
                )
            )
    return found
