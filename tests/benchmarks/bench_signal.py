"""False alarms of the signal test on shuffled targets, and whether it still hears a real one, on small data.

Run ``python -m tests.benchmarks.bench_signal``; the figures it gave are in docs/running.md.
"""

import sys
from dataclasses import replace

import numpy as np

from features.cohort.splits import Block, Chop
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.settings import TrainSettings
from models.training.recipe import backtest_candidates
from models.training.verdict import decide
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()


def shuffled(matrix: Matrix, seed: int) -> Matrix:
    """The same rows with outcomes that belong to nobody."""
    return replace(matrix, label=np.random.default_rng(seed).permutation(matrix.label))


def folded(rows: int, folds: int = 3) -> Chop:
    """Folds of rows without an order; the last quarter is the final block."""
    first = rows * 3 // 4
    fold = np.random.default_rng(0).permutation(first) % folds
    every = np.arange(first)
    blocks = tuple(Block(name=f"fold {k}", train=every[fold != k], test=every[fold == k]) for k in range(folds))
    return Chop("stratified", blocks, Block(name="final", train=every, test=np.arange(first, rows)), "")


def alarms(targets: int, rows: int, *, ordered: bool, strength: float | None = None) -> int:
    """In how many of so many targets a signal is found; shuffled ones, or real ones of a given strength."""
    found = 0
    for seed in range(targets):
        matrix = toy_matrix(rows, seed=1000 + seed, strength=1.0 if strength is None else strength)
        judged = matrix if strength is not None else shuffled(matrix, seed)
        backtest = backtest_candidates(judged, toy_chop(rows) if ordered else folded(rows), SETTINGS)
        found += decide(judged, backtest, SETTINGS).verdict is not Verdict.NO_SIGNAL
    return found


def main() -> None:
    """Print the figures."""
    for ordered in (True, False):
        for rows in (240, 600):
            quiet, heard = alarms(100, rows, ordered=ordered), alarms(20, rows, ordered=ordered, strength=1.0)
            sys.stdout.write(f"ordered {ordered}, {rows} rows: {quiet} false of 100, {heard} heard of 20\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
