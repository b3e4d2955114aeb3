"""Splits keep the future out: purged origins, expanding blocks, groups together, too few wins named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog
from features.cohort.splits import Block, Chop, chop
from features.cohort.unequal_horizons import keep_all_segments
from features.errors import ContractError, TooLittleDataError
from features.matrix import KEY_COLUMNS, Matrix
from features.schema.source import Split
from models.judging.evaluation.backtest import newest_learned

WEEK = pd.Timedelta(days=7)


def matrix(
    leads: int = 400,
    *,
    weeks: int = 80,
    clocks: bool = True,
    ordered: bool = True,
    share: float = 0.3,
    groups: int | None = None,
) -> Matrix:
    rng = np.random.default_rng(1)
    start = np.sort(rng.integers(0, weeks, leads)) if ordered else rng.integers(0, weeks, leads)
    as_of = pd.Series(pd.Timestamp("2024-01-01") + start * WEEK).astype("datetime64[us]")
    known = as_of + pd.Timedelta(days=30)
    nothing = pd.Series(pd.NaT, index=range(leads), dtype="datetime64[us]")
    matured = np.asarray(start < weeks - 5) if clocks else np.ones(leads, dtype=bool)
    group = pd.Series([f"g{i % (groups or leads)}" for i in range(leads)], dtype="str")
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series([f"L{i}" for i in range(leads)], dtype="str"),
            "as_of": as_of if clocks else nothing,
            "account_id": group,
            "group": group,
            "episode": np.zeros(leads, dtype=np.int64),
            "order": start.astype(np.int64),
            "age_days": np.zeros(leads),
            "segment": pd.Series([None] * leads, dtype="str"),
        },
        columns=list(KEY_COLUMNS),
    )
    label = np.where(matured, (rng.random(leads) < share).astype(float), np.nan)
    return Matrix(
        catalog=Catalog(()),
        values=pd.DataFrame(index=range(leads)),
        keys=keys,
        label=label,
        matured=matured,
        label_known_at=known if clocks else nothing,
        weight=np.ones(leads),
        ordered=ordered,
        amount=np.full(leads, np.nan),
    )


def all_blocks(made: Chop) -> tuple[Block, ...]:
    return (*made.blocks, made.final)


def test_training_labels_are_known_before_a_block_starts() -> None:
    data = matrix()
    made = chop(data, Split())
    assert made.kind == "time"
    as_of, known = data.keys["as_of"], data.label_known_at
    for block in all_blocks(made):
        assert known.iloc[block.train].max() <= as_of.iloc[block.test].min()
        assert block.purged > 0
        assert data.matured[block.train].all()
        assert data.matured[block.test].all()


def test_nothing_judged_in_development_was_unknown_when_the_final_test_starts() -> None:
    data = matrix()
    made = chop(data, Split())
    judged = np.concatenate([block.test for block in made.blocks])
    assert data.label_known_at.iloc[judged].max() <= data.keys["as_of"].iloc[made.final.test].min()
    assert len(np.unique(judged)) == len(judged)


def test_the_final_test_is_the_declared_share_of_the_matured_time() -> None:
    data = matrix()
    made = chop(data, Split(test_share=0.25))
    as_of = data.keys["as_of"][data.matured]
    border = as_of.max() - (as_of.max() - as_of.min()) * 0.25
    assert set(made.final.test) == set(np.flatnonzero(data.matured & (data.keys["as_of"] >= border)))


def test_rows_in_order_make_expanding_blocks_and_ties_stay_together() -> None:
    data = matrix(clocks=False)
    made = chop(data, Split())
    assert made.kind == "ordered"
    order = data.keys["order"].to_numpy()
    for block in all_blocks(made):
        assert order[block.train].max() < order[block.test].min()
    assert len(made.final.test) == pytest.approx(100, abs=8)


def test_groups_stay_together() -> None:
    data = matrix(clocks=False, ordered=False, groups=80)
    made = chop(data, Split())
    assert made.kind == "grouped"
    group = data.keys["group"]
    for block in all_blocks(made):
        assert not set(group.iloc[block.train]) & set(group.iloc[block.test])
    tested = np.concatenate([block.test for block in all_blocks(made)])
    assert sorted(tested) == list(range(400))


def test_single_rows_are_stratified_by_outcome_and_seeded() -> None:
    data = matrix(clocks=False, ordered=False)
    made, again, other = chop(data, Split()), chop(data, Split()), chop(data, Split(), seed=7)
    assert made.kind == "stratified"
    assert data.label[made.final.test].mean() == pytest.approx(data.label.mean(), abs=0.01)
    assert (made.final.test == again.final.test).all()
    assert set(made.final.test) != set(other.final.test)


def test_accounts_may_be_kept_apart_in_time() -> None:
    data = matrix(1500, groups=300)
    made = chop(data, Split(accounts="hash", folds=2))
    account = data.keys["account_id"]
    for block in all_blocks(made):
        assert not set(account.iloc[block.train]) & set(account.iloc[block.test])
        assert not set(account.iloc[block.train]) & set(account.iloc[made.final.test]), "nor is anything chosen by them"


def test_too_few_wins_merge_blocks_and_the_notes_say_so() -> None:
    made = chop(matrix(share=0.2), Split(folds=12, minimum_won_per_block=8))
    assert 1 <= len(made.blocks) < 12
    assert any("12 development blocks were merged" in note for note in made.notes)


def test_too_few_wins_name_the_block_and_the_remedy() -> None:
    with pytest.raises(TooLittleDataError, match=r"block 'final' .* has \d+ won leads, 60 are needed.*test_share"):
        chop(matrix(800), Split(minimum_won_per_block=60, test_share=0.1))
    with pytest.raises(TooLittleDataError, match=r"won and .* other leads are matured"):
        chop(matrix(share=0.0), Split())
    with pytest.raises(TooLittleDataError, match=r"won and .* other leads are matured"):
        chop(matrix(share=1.0), Split())


def test_with_few_wins_in_all_a_block_needs_fewer_and_a_declared_number_is_kept() -> None:
    data = matrix(80, clocks=False)
    for won, fewest in ((40, 5), (64, 8), (400, 10)):
        few = replace(matrix(2 * won, clocks=False), label=np.tile([1.0, 0.0], won))
        held = [sum(few.label[rows]) for b in all_blocks(chop(few, Split(folds=20))) for rows in (b.train, b.test)]
        assert min(held) >= fewest
        late = replace(few, label=np.sort(few.label)[::-1])
        late.label[-fewest + 1 :] = 1.0
        with pytest.raises(TooLittleDataError, match=rf"has {fewest - 1} won leads, {fewest} are needed"):
            chop(late, Split(test_share=0.25))
    with pytest.raises(TooLittleDataError, match=r"judging needs at least 30 of each"):
        chop(replace(data, label=np.r_[np.ones(29), np.zeros(51)]), Split(minimum_won_per_block=15))


def test_the_remedy_is_one_that_can_help() -> None:
    early = replace(matrix(400, clocks=False), label=np.r_[np.tile([1.0, 0.0], 150), np.zeros(100)])
    with pytest.raises(TooLittleDataError, match=r"test part of final block .*a wider split.test_share") as caught:
        chop(early, Split())
    assert "folds" not in str(caught.value) and "horizon" not in str(caught.value)
    late = replace(matrix(400, clocks=False), label=np.r_[np.zeros(300), np.tile([1.0, 0.0], 50)])
    with pytest.raises(TooLittleDataError, match=r"training part of final block .*a smaller split.test_share"):
        chop(late, Split())


def test_a_chop_survives_json() -> None:
    made = chop(matrix(), Split())
    again = Chop.from_record(made.record())
    assert again.record() == made.record()


def test_a_block_that_knows_the_future_cannot_be_made() -> None:
    rows, more = np.array([0]), np.array([1])
    with pytest.raises(ContractError, match="label known at 2024-02-02"):
        Block(
            name="b",
            train=rows,
            test=more,
            purged=0,
            test_from="2024-02-01T00:00:00",
            test_to="2024-03-01T00:00:00",
            train_known_by="2024-02-02T00:00:00",
        )
    with pytest.raises(ContractError, match="tests on rows it trains on"):
        Block(name="b", train=rows, test=rows)


def test_a_history_shorter_than_its_horizon_says_the_span_what_is_needed_and_what_fits() -> None:
    """Sixteen weeks of looks whose outcomes take thirty days: three such waits and a test do not fit."""
    short = matrix(900, weeks=16)
    with pytest.raises(TooLittleDataError, match=r"history is too short") as caught:
        chop(short, Split(), horizon_days=23)
    text = str(caught.value)
    assert "from 2024-01-01 to 2024-04-15, 105 days of data" in text and "certain 30 days after a look" in text
    assert "takes about 110 days" in text and "outcomes of one kind" not in text
    assert (
        "longest horizon (label.horizon_days, or horizon_by_segment) that fits is about 18 days (declared: 23)" in text
    )
    assert "split: {by: accounts}" in text

    def with_wait(days: int) -> Matrix:
        known = short.keys["as_of"] + pd.Timedelta(days=days)
        matured = (known <= short.keys["as_of"].max()).to_numpy()
        label = np.where(matured, (np.arange(900) % 3 == 0).astype(float), np.nan)
        return replace(short, label_known_at=known, matured=matured, label=label)

    assert chop(with_wait(18 + 7), Split(folds=2, minimum_won_per_block=1)).blocks  # what is advised is taken
    with pytest.raises(TooLittleDataError, match="No horizon fits"):
        chop(matrix(900, weeks=2), Split(), horizon_days=23)
    assert chop(short, Split(by="accounts"), horizon_days=23).kind != "time"


def test_where_horizons_differ_by_segment_every_segment_is_tested_and_tells_the_level() -> None:
    data = matrix(1200, weeks=120)
    long = np.arange(1200) % 2 == 0
    waits = np.where(long, 200, 30)
    known = data.keys["as_of"] + pd.Series(pd.to_timedelta(waits, unit="D"))
    matured = (known <= data.keys["as_of"].max()).to_numpy()
    label = np.where(matured, np.arange(1200) // 2 % 3 == 0, np.nan).astype(np.float64)
    segment = pd.Series(np.where(long, "large", "small"), dtype="str")
    data = replace(
        data, keys=data.keys.assign(segment=segment), label_known_at=known, matured=matured, label=label, ordered=True
    )
    made = chop(data, Split())
    for rows in (
        made.final.test,
        newest_learned(data, made.final.train),
        newest_learned(data, np.flatnonzero(matured)),
    ):
        assert 0.4 < long[rows].mean() < 0.6
    assert made.final.test_to <= (known[matured].max() - pd.Timedelta(days=200)).isoformat()
    told = " ".join(made.notes)
    assert f"{(~matured).sum()} of 1200 rows are not matured" in told and "horizons differ by segment" in told

    # waits that differ within a segment are no horizons: labels of a frame, each known when it was
    frame = replace(data, keys=data.keys.assign(segment=pd.Series(["all"] * 1200, dtype="str")))
    assert keep_all_segments(frame, np.flatnonzero(matured)).size == matured.sum()
