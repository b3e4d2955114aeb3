"""The synthetic demo keeps its word: seeded, complete, with a truth that is true and leaks that leak."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import SourceError
from models.judging.evaluation.metrics import auc
from pipelines.synth import generate_demo, write_demo
from pipelines.synth.market import TOPICS
from pipelines.synth.write import Demo


@cache
def demo() -> Demo:
    return generate_demo(seed=3, leads=3000, months=18)


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    first, again, other = (generate_demo(seed=s, leads=120, months=8) for s in (1, 1, 2))
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name])
    assert not first.tables["leads"].equals(other.tables["leads"])


def test_every_table_is_filled() -> None:
    for name, frame in demo().tables.items():
        assert len(frame) > 100, name
        for column in frame.columns:
            assert frame[column].astype("str").str.strip().ne("").any(), f"{name}.{column}"


def test_truth_parts_sum_to_the_weekly_log_odds() -> None:
    truth = demo().truth
    parts = truth[[f"part_{topic}" for topic in TOPICS] + ["part_context"]].sum(axis=1)
    np.testing.assert_allclose(parts, truth["hazard_log_odds"], atol=1e-9)
    np.testing.assert_allclose(truth["log_odds"], np.log(truth["probability"] / (1 - truth["probability"])), atol=1e-9)


def test_truth_is_calibrated_against_what_happened() -> None:
    """Mean probability by decile lies within four standard errors of the observed share of wins."""
    truth = demo().truth.copy()
    deals = demo().tables["outcomes"]
    deals = deals[deals["Won"].eq("yes") & deals["Lead ID"].ne("")].drop_duplicates("Deal ID")
    closed = pd.to_datetime(deals.set_index("Lead ID")["Closed"], utc=True).dt.tz_localize(None)
    at = truth["lead_id"].map(closed[~closed.index.duplicated()])
    truth = truth[truth["as_of"] <= truth["as_of"].max() - pd.Timedelta(days=98)]
    at = at.loc[truth.index]
    truth["won"] = ((at > truth["as_of"]) & (at <= truth["as_of"] + pd.Timedelta(days=91))).astype(float)
    truth["decile"] = pd.qcut(truth["probability"], 10, labels=False)
    for decile, rows in truth.groupby("decile"):
        gap = rows["won"] - rows["probability"]
        by_lead = rows.groupby("lead_id")["probability"].agg(["size", "mean"])  # rows of a lead win or lose together
        error = np.sqrt((by_lead["size"] ** 2 * by_lead["mean"] * (1 - by_lead["mean"])).sum()) / len(rows)
        assert abs(gap.mean()) < 4 * error, f"decile {decile}: {gap.mean():.4f}, error {error:.4f}"
    assert 0.75 < auc(truth["won"].to_numpy(), truth["probability"].to_numpy(), np.ones(len(truth))) < 0.95


def test_planted_leaks_tell_the_outcome() -> None:
    tables = demo().tables
    leads = tables["leads"].drop_duplicates("Lead ID").set_index("Lead ID")
    won = set(tables["outcomes"].loc[tables["outcomes"]["Won"] == "yes", "Lead ID"])
    label = leads.index.isin(won).astype(float)
    filled = leads["Contract Number"].ne("").to_numpy(dtype=float)
    assert auc(label, filled, np.ones(len(leads))) > 0.99
    assert leads.loc[label == 1, "Current Stage"].eq("won").mean() > 0.95


def test_some_rows_are_learned_of_late_and_scanners_click_within_seconds() -> None:
    acts = demo().tables["activities"]
    happened = pd.to_datetime(acts["Happened"], utc=True, errors="coerce", format="ISO8601")
    logged = pd.to_datetime(acts["Logged"], utc=True, format="ISO8601")
    late = (logged - happened) > pd.Timedelta(days=1)
    assert 0.01 < late.mean() < 0.1
    assert (logged >= happened - pd.Timedelta(seconds=1))[happened.notna()].all()
    sends = acts[acts["Type"] == "email_sent"].assign(at=happened)
    clicks = acts[acts["Type"] == "email_click"].assign(at=happened)
    both = clicks.merge(sends, on="Lead ID", suffixes=("", "_sent"))
    gap = (both["at"] - both["at_sent"]).dt.total_seconds()
    assert ((gap > 0) & (gap < 10)).sum() > 100


def test_silence_is_not_random() -> None:
    tables, truth = demo().tables, demo().truth
    answered = set(tables["answers"].loc[tables["answers"]["Question"] == "budget", "Lead ID"])
    part = truth.drop_duplicates("lead_id").set_index("lead_id")["part_budget"]
    asked = part.index.isin(answered)
    assert part[asked].mean() > part[~asked].mean() + 0.05


def test_bad_rows_are_counted_in_the_manifest(tmp_path: Path) -> None:
    small = generate_demo(seed=5, leads=80, months=8)
    assert sum(small.manifest.values()) > 40
    write_demo(tmp_path, seed=5, leads=80, months=8)
    assert {path.stem for path in tmp_path.glob("*.csv")} == set(small.tables)
    written = pd.read_csv(tmp_path / "leads.csv", dtype="str", keep_default_na=False)
    assert len(written) == len(small.tables["leads"])


def test_leads_that_use_the_product_are_sent_as_pqls_in_the_last_weeks() -> None:
    tables = demo().tables
    steps = tables["stages"][tables["stages"]["Stage"] != "maybe"].assign(
        at=lambda frame: pd.to_datetime(frame["Entered"], utc=True, format="ISO8601", errors="coerce")
    )
    entered, end = steps[steps["Stage"] == "pql"], steps["at"].max()
    assert 1 <= len(entered) == entered["Lead ID"].nunique()
    assert (entered["at"] > end - pd.Timedelta(weeks=5)).all()
    dates = tables["leads"].drop_duplicates("Lead ID").set_index("Lead ID")["Created Date"]
    created = pd.to_datetime(dates, utc=True, format="ISO8601", errors="coerce")  # a few are damaged on purpose
    assert (entered["at"] - entered["Lead ID"].map(created) > pd.Timedelta(days=180)).all(), "no model learns from them"
    used = tables["activities"][tables["activities"]["Type"] == "product_event"]
    logged = pd.to_datetime(used["Logged"], utc=True, format="ISO8601", errors="coerce")
    for lead, at in zip(entered["Lead ID"], entered["at"], strict=True):
        assert ((used["Lead ID"] == lead) & (logged <= at + pd.Timedelta(seconds=1))).sum() >= 3
        before = steps[(steps["Lead ID"] == lead) & (steps["at"] < at)].sort_values("at")["Stage"]
        assert before.iloc[-1] in ("lead", "mql"), "sales does not have it yet"


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(SourceError, match="at least 50 leads"):
        generate_demo(leads=3)


def test_reps_act_in_office_hours_soon_after_most_handoffs() -> None:
    tables = demo().tables
    steps, acts = tables["stages"], tables["activities"]
    handed = steps[steps["Stage"] == "mql"].drop_duplicates("Lead ID").set_index("Lead ID")["Entered"]
    first = acts[acts["Actor"] == "rep"].assign(
        at=lambda f: pd.to_datetime(f["Happened"], utc=True, errors="coerce", format="ISO8601")
    )
    first = first.assign(entered=pd.to_datetime(first["Lead ID"].map(handed), utc=True, format="ISO8601"))
    after = first[first["at"] >= first["entered"]].groupby("Lead ID").first()
    assert 0.6 < len(after) / len(handed) < 0.95
    waited = (after["at"] - after["entered"]).dt.total_seconds() / 3600
    assert waited.median() < 24 and after["at"].dt.hour.between(9, 17).mean() > 0.8


def test_the_smallest_demo_may_hold_nobody_twice() -> None:
    counted = [generate_demo(seed, leads=50).tables for seed in range(4)]
    second = [int(tables["leads"]["Lead ID"].str.startswith("R").sum()) for tables in counted]
    assert 0 in second and all(len(tables["activities"]) for tables in counted)
