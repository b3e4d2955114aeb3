"""Contacts of one account: who is believed where they disagree."""

from collections.abc import Callable

import numpy as np
import pytest

from models.explaining.contacts import RULE, contact_matrix
from models.explaining.evidence import Evidence
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.table_files import load_tables
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


def found(status: list[str], age: list[float]) -> Evidence:
    because = ["stated" if s in ("met", "not_met") else "" for s in status]
    return Evidence(
        np.array(status, dtype=object), np.array(because, dtype=object), np.array(age), np.array(because, dtype=object)
    )


NONE = float("nan")


@pytest.mark.parametrize(
    ("ranks", "status", "age", "expected", "conflict"),
    [
        (["junior", "c_level"], ["met", "not_met"], [1.0, 90.0], ("not_met", "b"), True),  # rank before recency
        (["vp", "vp"], ["met", "not_met"], [9.0, 3.0], ("not_met", "b"), True),  # among equals the youngest
        ([None, "junior"], ["met", "not_met"], [1.0, 9.0], ("not_met", "b"), True),  # an unknown rank comes last
        (["vp", "staff"], ["unknown", "met"], [NONE, 5.0], ("met", "b"), False),  # silence is no vote
        (["vp", "staff"], ["indicated", "not_met"], [NONE, 5.0], ("not_met", "b"), False),  # words before acts
        (["vp", "staff"], ["indicated", "unknown"], [NONE, NONE], ("indicated", "a"), False),
        (["vp", "staff"], ["unknown", "unknown"], [NONE, NONE], ("unknown", None), False),
    ],
)
def test_rank_then_recency_decides(
    ranks: list[str | None], status: list[str], age: list[float], expected: tuple[str, str | None], conflict: bool
) -> None:
    made = contact_matrix(["a", "b"], ranks, {"budget": found(status, age)})
    assert made.resolved["budget"] == expected
    assert bool(made.conflicts) is conflict
    record = made.record()
    assert record["rule"] == RULE and len(record["contacts"]) == 2


def test_an_account_s_table_names_its_contacts_and_conflicts(cli: Cli, tiny_demo: TinyRun) -> None:
    leads = load_tables(tiny_demo.context.paths)["leads"]
    account = leads["account_id"].value_counts().index[0]
    status, out, err = cli("account", str(account), *tiny_demo.args)
    assert (status, err) == (0, "")
    for lead in leads.loc[leads["account_id"] == account, "lead_id"]:
        assert lead in out
    assert "the account" in out
    status, _, err = cli("account", "nobody", *tiny_demo.args)
    assert status != 0 and "has no lead created before" in err


def test_frameworks_say_what_is_unknown_of_ones_own_leads(cli: Cli, tiny_demo: TinyRun) -> None:
    status, out, _ = cli("frameworks", *tiny_demo.args)
    assert status == 0 and "share of leads unknown" in out and "%" in out
    status, out, _ = cli("frameworks")
    assert status == 0 and "%" not in out and "bant" in out
    assert read_json(tiny_demo.context.paths.score / "score.json")["leads"] > 0
