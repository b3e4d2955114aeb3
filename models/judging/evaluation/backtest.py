"""Rolling-origin backtest: every candidate on the same blocks, judged on rows it was not trained on."""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.cohort.splits import IN_TIME, Block, Chop, leads_of
from features.cohort.unequal_horizons import keep_all_segments
from features.errors import TooLittleDataError
from features.matrix import Matrix
from models.calibration.level import newest_of
from models.candidates.blend import FoldRows, blend_log_odds, fit_weights
from models.candidates.rate import RateCandidate
from models.grouped_folds import draw_rows, grouped_folds
from models.interfaces import Candidate
from models.judging.cluster_bootstrap import Resampling, group_sums, resample_totals
from models.judging.evaluation.metrics import auc
from models.logistic import log_loss, one_blas_thread
from models.settings import TrainSettings

_FEW_ROWS = 1_000  # at most this many have their folds drawn again; above, another draw changes little
LEVEL_ROWS = 200_000  # at most so many rows tell the level of a bundle
FOLD_LEVEL_ROWS = 40_000  # and of a fold: within .02 at one win in ten, where blocks differ by more than that
MANY_ROWS = 200_000  # without an order: from here on two folds are judged, as each holds as much as others have in all
_JUDGED_OF_MANY = 2
_REPEATS = 3  # draws of the folds then; each costs a fit of every candidate per fold

FORGETTING = ("linear", "booster")  # a card's few recent rows of a level would decide what it is worth (docs/adr/0025)

Factory = Callable[[], dict[str, Candidate]]
_Predicted = tuple[Ints, dict[str, Floats]]  # positions, and log-odds per candidate


@dataclass(frozen=True)
class BlockPredictions:
    """Matrix positions, block codes and log-odds per candidate, shape (n,)."""

    rows: Ints
    block: Ints
    log_odds: Mapping[str, Floats]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions on rows not trained on: matrix positions, block codes and log-odds per candidate, shape (n,).

    ``newest`` are predictions of the same fits on the newest rows each learned from: where its level stood then.
    """

    rows: Ints
    block: Ints
    names: tuple[str, ...]
    log_odds: Mapping[str, Floats]
    newest: BlockPredictions | None = None

    def map_rows(self, change: Callable[[Ints], Ints], kept: Bools) -> "OutOfFold":
        """Those on the rows of the matrix that are ``kept``, with other positions; without ``newest``."""
        at = kept[self.rows]
        log_odds = {name: z[at] for name, z in self.log_odds.items()}
        return OutOfFold(change(self.rows[at]), self.block[at], self.names, log_odds)


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Out-of-fold predictions by block, and by random folds where rows are in time order."""

    rolling: OutOfFold
    random: OutOfFold | None
    weights: Mapping[str, float]
    parameters: Mapping[str, Any]
    folds: tuple[dict[str, Any], ...]
    table: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = field(default=())
    beside: tuple[str, ...] = field(default=())  # judged, and not to be chosen: no bundle can hold them
    trials: tuple[dict[str, Any], ...] = ()


def judging_weight(rows: Ints) -> Floats:
    """Weights for judging: each row counts once, as it does in a worklist.

    Learning weighs the rows of one lead as one. Judging must not: leads that win soon have few rows, so such weights
    depend on the outcome and would overstate the base rate (docs/adr/0006).
    """
    return np.ones(len(rows))


def times_judged(rows: Ints) -> float:
    """How often each row is judged, on average: more than once where folds were drawn again."""
    return len(rows) / max(len(np.unique(rows)), 1)


def subsample(matrix: Matrix, rows: Ints, settings: TrainSettings) -> Matrix:
    """The given rows, at most ``rows_per_lead`` of each lead, which still weigh one together."""
    lead = matrix.keys["lead_id"].to_numpy()[rows]
    codes = pd.factorize(lead)[0]
    order = np.random.default_rng(settings.seed).permutation(len(rows))
    order = order[np.argsort(codes[order], kind="stable")]
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1)) if len(rows) else np.empty(0, dtype=np.int64)
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows)) - starts[codes[order]]
    kept = np.flatnonzero(rank < settings.rows_per_lead)
    part = matrix.take(rows[kept])
    alike = 1.0 / np.bincount(codes[kept])[codes[kept]]
    return replace(part, weight=alike if part.case_weight is None else alike * part.case_weight)


def fit_all(
    matrix: Matrix,
    rows: Ints,
    factory: Factory,
    settings: TrainSettings,
    *,
    names: Collection[str] | None = None,
    by_age: bool = True,
) -> dict[str, Candidate]:
    """Every candidate (or those of ``names``) fitted on the given matured rows.

    The base rate is the share of all of them, each counted once, as it is judged. Where the source declares a recency
    half-life, newer rows weigh more for those of :data:`FORGETTING`; not so without ``by_age``.
    """
    part = subsample(matrix, rows, settings)
    group, shown = part.group_codes, matrix.hide_people(part)
    recent = recent_weight(part, settings.recency_half_life) if by_age else part.weight
    seed = settings.seed

    def fitted(name: str, candidate: Candidate) -> Candidate:
        if name == RateCandidate.name:  # by learning weights it would promise what no list holds (docs/adr/0006)
            outcomes = matrix.label[rows], judging_weight(rows)
            return candidate.fit(part.values, *outcomes, catalog=matrix.catalog, seed=seed)
        weight = recent if name in FORGETTING else part.weight
        # whoever reads columns as they are codes what it has not seen in its own way, or refuses it
        values = part.values if getattr(candidate, "reads", "") == "frame" else shown.values
        return candidate.fit(values, part.label, weight, catalog=matrix.catalog, seed=seed, group=group)

    return {name: fitted(name, candidate) for name, candidate in factory().items() if names is None or name in names}


def recent_weight(part: Matrix, half_life: float | None) -> Floats:
    """Learning weights that halve with every ``half_life`` of the time learned from, shape (n,); their mean stays.

    Time is ``as_of``, or the rows' order where there are no clocks; rows without an order keep their weights.
    """
    if half_life is None or not part.ordered or not len(part):
        return part.weight
    clock = part.keys["as_of"].to_numpy(dtype="datetime64[us]")
    when = part.keys["order"].to_numpy(dtype=np.float64) if np.isnat(clock).all() else clock.astype(np.float64)
    span = float(when.max() - when.min())
    if span == 0.0:
        return part.weight
    faded = part.weight * np.exp2(-(when.max() - when) / (half_life * span))
    return np.asarray(faded * (part.weight.sum() / faded.sum()), dtype=np.float64)


def out_of_fold(
    matrix: Matrix, blocks: tuple[Block, ...], factory: Factory, settings: TrainSettings, *, by_age: bool = True
) -> OutOfFold:
    """Fit on each block's training rows, predict its test rows and the newest of those it learned from."""

    def predictions(block: Block) -> list[_Predicted]:
        fitted = fit_all(matrix, block.train, factory, settings, by_age=by_age)
        parts = (block.test, newest_learned(matrix, block.train, FOLD_LEVEL_ROWS))
        return [
            (rows, {name: one.log_odds(matrix.values.iloc[rows]) for name, one in fitted.items()}) for rows in parts
        ]

    found = _map_blocks(predictions, matrix, blocks, settings)
    made, before = (_joined([parts[k] for parts in found]) for k in (0, 1))
    return OutOfFold(made.rows, made.block, tuple(block.name for block in blocks), made.log_odds, before)


def _map_blocks(
    work: Callable[[Block], list[_Predicted]], matrix: Matrix, blocks: tuple[Block, ...], settings: TrainSettings
) -> list[list[_Predicted]]:
    """The work on each block, in their order; where leads are many, two blocks at a time, one a core."""
    rows = np.unique(np.concatenate([part for block in blocks for part in (block.train, block.test)]))
    if min(leads_of(matrix, rows)) < settings.many_leads:
        return [work(block) for block in blocks]
    _ = matrix.group_codes, matrix.of_people  # made once, before threads ask for them
    with one_blas_thread(), ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, blocks))


def newest_learned(matrix: Matrix, rows: Ints, most: int = LEVEL_ROWS) -> Ints:
    """The newest of the rows a fit learns from, by which the level is judged; see :func:`newest_of`.

    Where horizons differ by segment, the newest that hold rows of every segment (:func:`keep_all_segments`).
    Of very many a sample of ``most``: it tells the level within a hundredth, and every fit predicts these rows.
    """
    certain = keep_all_segments(matrix, rows)
    rows = certain if len(certain) else rows
    found = newest_of(rows, matrix.keys["order"].to_numpy(dtype=np.int64), matrix.label, ordered=matrix.ordered)
    return found if len(found) <= most else draw_rows(found, most, seed=0)


def _joined(parts: list[_Predicted]) -> BlockPredictions:
    """Predictions of all blocks one after the other."""
    return BlockPredictions(
        np.concatenate([rows for rows, _ in parts]),
        np.concatenate([np.full(len(rows), code) for code, (rows, _) in enumerate(parts)]).astype(np.int64),
        {name: np.concatenate([part[name] for _, part in parts]) for name in parts[0][1]},
    )


def random_blocks(matrix: Matrix, chop: Chop, settings: TrainSettings) -> tuple[Block, ...]:
    """Random folds, accounts kept whole, over at most ``fold_rows`` development rows."""
    development = np.unique(np.concatenate([chop.final.train, *(b.train for b in chop.blocks)]))
    rows = draw_rows(development, settings.fold_rows, settings.seed)
    return tuple(fold_blocks(matrix, rows, settings.tune_folds, settings.seed))


def fold_blocks(matrix: Matrix, rows: Ints, folds: int, seed: int, name: str = "random {}") -> Iterator[Block]:
    """Random folds of the rows, accounts kept whole; ``name`` has a place for a fold's number."""
    for k, (train, test) in enumerate(grouped_folds(matrix.group_codes[rows], folds, seed)):
        yield Block(name=name.format(k + 1), train=rows[train], test=rows[test])


def judged_blocks(matrix: Matrix, chop: Chop, settings: TrainSettings) -> tuple[Block, ...]:
    """The blocks that candidates are judged on: folds drawn again where rows are few, two folds where they are many."""
    if chop.kind not in IN_TIME and len(chop.final.train) >= MANY_ROWS:
        return chop.blocks[:_JUDGED_OF_MANY]
    return (*chop.blocks, *repeated_blocks(matrix, chop, settings))


def repeated_blocks(matrix: Matrix, chop: Chop, settings: TrainSettings) -> tuple[Block, ...]:
    """The folds drawn again where rows are few and have no order: one draw decides too much by luck.

    Every row is then judged several times; whoever resamples does so by groups, so that it still counts once.
    """
    rows = chop.final.train
    if chop.kind in IN_TIME or len(rows) > _FEW_ROWS:
        return ()
    return drawn_folds(matrix, rows, len(chop.blocks), range(1, _REPEATS), settings)


def drawn_folds(matrix: Matrix, rows: Ints, folds: int, draws: range, settings: TrainSettings) -> tuple[Block, ...]:
    """Folds of the rows drawn several times, each draw with a seed of its own."""
    return tuple(
        block
        for draw in draws
        for block in fold_blocks(matrix, rows, folds, settings.seed + draw, f"fold {{}}, draw {draw + 1}")
    )


def run_backtest(
    matrix: Matrix, chop: Chop, factory: Factory, parameters: Mapping[str, Any], settings: TrainSettings
) -> Backtest:
    """Backtest all candidates and fit the blend's weights.

    Raises
    ------
    TooLittleDataError : fewer won or lost rows than the settings ask for
    """
    require_enough(matrix, chop, settings)
    blocks = judged_blocks(matrix, chop, settings)
    rolling = out_of_fold(matrix, blocks, factory, settings)
    shuffled = None
    if chop.kind in IN_TIME:
        # random folds judge old rows too: what they are to show is what holds whenever, not what holds now
        shuffled = out_of_fold(matrix, random_blocks(matrix, chop, settings), factory, settings, by_age=False)

    weights = blend_weights(matrix, rolling, shuffled)
    notes: tuple[str, ...] = ()
    if len(blocks) < len(chop.blocks):
        notes = (f"Many rows: {len(blocks)} of the {len(chop.blocks)} folds are judged.",)
    elif len(blocks) > len(chop.blocks):
        notes = (f"Few rows: the {len(chop.blocks)} folds were drawn {_REPEATS} times; intervals resample groups.",)
    rolling = with_blend(rolling, weights)
    if shuffled is not None:
        shuffled = with_blend(shuffled, weights)

    folds = tuple(fold_record(matrix, block) for block in blocks[: len(chop.blocks)])
    table = tuple(candidate_record(matrix, rolling, shuffled, name, settings) for name in rolling.log_odds)
    return Backtest(
        rolling=rolling,
        random=shuffled,
        weights=weights,
        parameters=parameters,
        folds=folds,
        table=table,
        notes=notes,
    )


def require_in_all(matrix: Matrix, settings: TrainSettings) -> None:
    """TooLittleDataError if the matured rows, test block included, hold too few won or lost leads."""
    won, lost = leads_of(matrix, np.flatnonzero(matrix.matured))
    if won < settings.minimum_won or lost < settings.minimum_lost:
        raise TooLittleDataError(
            f"too little data: {won} won and {lost} lost leads have a known outcome; at least "
            f"{settings.minimum_won} won and {settings.minimum_lost} lost are needed. Wait for more closed deals, or "
            "score with the rubric alone."
        )


def require_enough(matrix: Matrix, chop: Chop, settings: TrainSettings) -> None:
    """TooLittleDataError if there are too few won or lost leads in all, or less than half of these to learn from."""
    require_in_all(matrix, settings)
    won, lost = leads_of(matrix, chop.final.train)
    least_won, least_lost = settings.minimum_won // 2, settings.minimum_lost // 2
    if won < least_won or lost < least_lost:
        raise TooLittleDataError(
            f"too little data: {won} won and {lost} lost leads had a known outcome before the test block; at least "
            f"{least_won} won and {least_lost} lost are needed to learn from. Wait for more closed deals, reduce "
            "split.test_share, or score with the rubric alone."
        )


def blend_weights(matrix: Matrix, rolling: OutOfFold, shuffled: OutOfFold | None) -> dict[str, float]:
    """Blend weights from rolling blocks and, where both exist, random folds alike; see :func:`fit_weights`."""
    kinds = [rolling] if shuffled is None else [rolling, shuffled]
    rows = [FoldRows(kind.log_odds, matrix.label[kind.rows], kind.block) for kind in kinds]
    return fit_weights(rows, min(leads_of(matrix, rolling.rows)))


def with_blend(found: OutOfFold, weights: Mapping[str, float]) -> OutOfFold:
    """The same predictions with the blend's beside them."""
    if not weights:
        return found
    log_odds = {**found.log_odds, "blend": blend_log_odds(found.log_odds, weights)}
    newest = found.newest
    if newest is not None:
        newest = replace(newest, log_odds={**newest.log_odds, "blend": blend_log_odds(newest.log_odds, weights)})
    return replace(found, log_odds=log_odds, newest=newest)


def candidate_record(
    matrix: Matrix, rolling: OutOfFold, shuffled: OutOfFold | None, name: str, settings: TrainSettings
) -> dict[str, Any]:
    """Out-of-fold figures of one candidate; the error of the loss is clustered by group."""
    won, weight = matrix.label[rolling.rows], judging_weight(rolling.rows)
    losses = log_loss(won, rolling.log_odds[name])
    mean = float(np.average(losses, weights=weight))
    sums = group_sums(matrix.group_codes[rolling.rows], {"loss": weight * (losses - mean)})
    error = float(resample_totals(sums, Resampling.of(settings))["loss"].std(ddof=1) / weight.sum())

    areas = [
        auc(won[rolling.block == k], rolling.log_odds[name][rolling.block == k], weight[rolling.block == k])
        for k in range(len(rolling.names))
    ]
    record = {
        "name": name,
        "cv_log_loss": mean,
        "cv_log_loss_se": error,
        "cv_auc": float(np.nanmean(areas)),
        "blocks": [
            {
                "block": block,
                "auc": areas[k],
                "log_loss": float(np.average(losses[rolling.block == k], weights=weight[rolling.block == k])),
            }
            for k, block in enumerate(rolling.names)
        ],
    }

    if shuffled is not None:
        y, w, z = matrix.label[shuffled.rows], judging_weight(shuffled.rows), shuffled.log_odds[name]
        record["random_log_loss"] = float(np.average(log_loss(y, z), weights=w))
        record["random_auc"] = auc(y, z, w)
    return record


def fold_record(matrix: Matrix, block: Block) -> dict[str, Any]:
    """Rows and wins that a block trains on and judges, JSON-ready."""
    return {
        "name": block.name,
        "train": len(block.train),
        "train_won": int(matrix.label[block.train].sum()),
        "test": len(block.test),
        "test_won": int(matrix.label[block.test].sum()),
        "purged": block.purged,
        "test_from": block.test_from,
        "test_to": block.test_to,
    }
