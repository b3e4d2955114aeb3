"""Splits of a matrix: rolling origins where there is time, folds over groups or strata where there is none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Ints
from features.cohort.short_history import check_history
from features.cohort.unequal_horizons import keep_all_segments
from features.errors import ContractError, TooLittleDataError
from features.matrix import Matrix
from features.point_in_time.microseconds import micros
from features.schema.source import Split

# Won leads a block must hold: 10, or an eighth of all where there are few, but never under 5 (docs/sources.md,
# split.minimum_won_per_block).
_USUAL_WON, _SHARE_OF_WON, _FEWEST_WON = 10, 8, 5

Rows = npt.NDArray[np.int64]
SplitKind = Literal["time", "ordered", "grouped", "stratified"]
IN_TIME: tuple[SplitKind, ...] = ("time", "ordered")  # kinds whose test rows are later than those learned from


@dataclass(frozen=True, kw_only=True)
class Block:
    """One origin: positions to train on and positions to judge on; ``purged`` rows fell between.

    ``train_known_by`` is when the last training label was known (ISO time; empty without clocks).
    """

    name: str
    train: Rows
    test: Rows
    purged: int = 0
    test_from: str = ""
    test_to: str = ""
    train_known_by: str = ""

    def __post_init__(self) -> None:
        if self.train_known_by and self.test_from and self.train_known_by > self.test_from:
            raise ContractError(
                f"block '{self.name}' trains on a label known at {self.train_known_by}, after its test rows start "
                f"({self.test_from}); purge such rows."
            )
        if np.intersect1d(self.train, self.test).size:
            raise ContractError(f"block '{self.name}' tests on rows it trains on.")

    def __repr__(self) -> str:
        """In a line: counts instead of positions."""
        since = f" from {self.test_from}" if self.test_from else ""
        gone = f", {self.purged:,} purged" if self.purged else ""
        return f"Block({self.name}: train {len(self.train):,}{gone}, test {len(self.test):,}{since})"


@dataclass(frozen=True)
class Chop:
    """Development blocks (rolling origins, or folds) and one final block that nothing is tuned on.

    In time-ordered kinds the label of every training row is known before the block's first test row.
    """

    kind: SplitKind
    blocks: tuple[Block, ...]
    final: Block
    explanation: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The blocks line by line."""
        lines = [f"Chop by {self.kind}, {len(self.blocks)} blocks to develop on and a final one"]
        return "\n  ".join([*lines, *map(repr, self.blocks), f"final {self.final!r}"])

    def map_rows(self, change: Callable[[Rows], Rows]) -> "Chop":
        """The splits with other positions, as of a matrix without some of its rows."""
        blocks = tuple(_map_rows(block, change) for block in self.blocks)
        return replace(self, blocks=blocks, final=_map_rows(self.final, change))

    def record(self) -> dict[str, Any]:
        """JSON-ready, rows as lists."""
        return {
            "kind": self.kind,
            "explanation": self.explanation,
            "notes": list(self.notes),
            "blocks": [_block_record(b) for b in self.blocks],
            "final": _block_record(self.final),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Chop":
        """Rebuild the splits from :meth:`record`."""
        return cls(
            kind=record["kind"],
            blocks=tuple(_block(b) for b in record["blocks"]),
            final=_block(record["final"]),
            explanation=record["explanation"],
            notes=tuple(record["notes"]),
        )


def _map_rows(block: Block, change: Callable[[Rows], Rows]) -> Block:
    return replace(block, train=change(block.train), test=change(block.test))


def _block_record(block: Block) -> dict[str, Any]:
    return {
        "name": block.name,
        "train": block.train.tolist(),
        "test": block.test.tolist(),
        "purged": block.purged,
        "test_from": block.test_from,
        "test_to": block.test_to,
        "train_known_by": block.train_known_by,
    }


def _block(record: dict[str, Any]) -> Block:
    return Block(
        **{
            **record,
            "train": np.asarray(record["train"], dtype=np.int64),
            "test": np.asarray(record["test"], dtype=np.int64),
        }
    )


def chop(matrix: Matrix, split: Split, *, seed: int = 0, horizon_days: int | None = None) -> Chop:
    """Development blocks and the final block of a matrix.

    With clocks: the last ``test_share`` of the matured time range (of every segment, where horizons differ) is the
    final block; before it, rolling origins, each trained on rows whose label was known at its start. A flat source in
    order: the same by row order. Otherwise: folds and a final block drawn by a seeded hash of the groups, or
    stratified by outcome.
    If a development block has too few wins, fewer blocks are made, and the notes say so.

    Parameters
    ----------
    horizon_days : the longest declared horizon, for the message where the history is too short for it

    Raises
    ------
    TooLittleDataError
        naming the block, the wins it has and the wins it needs; or the span of a history that is too short.
    """
    matured = np.flatnonzero(matrix.matured)
    by_time = matrix.ordered and split.by == "time"
    with_clocks = by_time and bool(matrix.keys["as_of"].notna().any())
    if with_clocks:
        check_history(matrix, split, horizon_days)
        matured = keep_all_segments(matrix, matured)
    need = _count_wins_needed(matrix, matured, split)
    _check_classes(matrix, matured, need)
    if with_clocks:
        make: Callable[[int], Chop] = lambda folds: _split_by_time(matrix, matured, split, folds)  # noqa: E731
    elif by_time:
        make = lambda folds: _split_by_order(matrix, matured, split, folds)  # noqa: E731
    else:
        make = lambda folds: _split_by_hash(matrix, matured, split, folds, seed)  # noqa: E731
    return _with_enough_wins(matrix, split, need, make)


def leads_of(matrix: Matrix, rows: Rows) -> tuple[int, int]:
    """Distinct leads among rows: won in one of them, and won in none."""
    won = _count_won(matrix, rows)
    return won, int(matrix.keys["lead_id"].iloc[rows].nunique()) - won


def _count_wins_needed(matrix: Matrix, matured: Rows, split: Split) -> int:
    """Won leads every block must hold: as declared, or fewer where there are few in all."""
    if split.minimum_won_per_block is not None:
        return split.minimum_won_per_block
    return min(_USUAL_WON, max(_count_won(matrix, matured) // _SHARE_OF_WON, _FEWEST_WON))


def _check_classes(matrix: Matrix, matured: Rows, need: int) -> None:
    won, lost = leads_of(matrix, matured)
    if won < 2 * need or lost < 2 * need:
        raise TooLittleDataError(
            f"{won} won and {lost} other leads are matured; judging needs at least {2 * need} "
            "of each (half to learn from, half to test on). Wait for more outcomes, widen the horizon, or lower "
            "split.minimum_won_per_block."
        )


def _count_won(matrix: Matrix, rows: Rows) -> int:
    """Distinct leads won among rows."""
    hit = rows[matrix.label[rows] == 1.0]
    return int(matrix.keys["lead_id"].iloc[hit].nunique())


def _with_enough_wins(matrix: Matrix, split: Split, need: int, make: Callable[[int], Chop]) -> Chop:
    problem = ""
    for folds in range(split.folds, 0, -1):
        made = make(folds)
        problem = _describe_shortage(matrix, made.final, need, "final")
        if problem:
            break
        problem = next((p for b in made.blocks if (p := _describe_shortage(matrix, b, need, "development"))), "")
        if not problem:
            if folds == split.folds:
                return made
            note = f"{split.folds} development blocks were merged to {folds}: with more, a block had too few wins."
            return Chop(made.kind, made.blocks, made.final, made.explanation, (*made.notes, note))
    raise TooLittleDataError(problem)


def _describe_shortage(matrix: Matrix, block: Block, need: int, what: str) -> str:
    """What a block lacks, and what would help: blocks were merged already, so fewer of them would not."""
    where = f" ({block.test_from} to {block.test_to})" if block.test_from else ""
    for part, rows in (("test", block.test), ("training", block.train)):
        share = "a wider" if (what, part) == ("final", "test") else "a smaller"
        won = _count_won(matrix, rows)
        lost = bool((matrix.label[rows] == 0.0).any())
        if matrix.ordered and not (won and lost):
            return (
                f"the {part} part of {what} block '{block.name}'{where} has no lead that was "
                f"{'not ' if won else ''}won: outcomes of one kind lie together. Check that the declared order is time "
                f"and not the outcome; if it is time, wait for more outcomes, or try {share} split.test_share."
            )
        if won < need:
            shorter = ", a shorter label.horizon_days" if matrix.keys["as_of"].notna().any() else ""
            return (
                f"the {part} part of {what} block '{block.name}'{where} has {won} won leads, {need} are needed. "
                f"Wait for more outcomes; {share} split.test_share{shorter} or a lower split.minimum_won_per_block may "
                "help too."
            )
        if not lost:
            return (
                f"the {part} part of {what} block '{block.name}'{where} has no lead that was not won. Wait for more "
                f"outcomes; {share} split.test_share may help too."
            )
    return ""


def _split_by_time(matrix: Matrix, matured: Rows, split: Split, folds: int) -> Chop:
    as_of = micros(matrix.keys["as_of"])
    known = micros(matrix.label_known_at)
    first, last = int(as_of[matured].min()), int(as_of[matured].max())
    final_at = _origin(as_of[matured], round(last - (last - first) * split.test_share))
    gap = int((known[matured] - as_of[matured]).max())
    start, end = first + gap, final_at - gap
    edges = [_origin(as_of[matured], round(e)) for e in np.linspace(start, max(end, start), folds + 2)[1:]]

    bucket = _buckets(matrix, split, folds + 1)
    parts = [(f"block {i + 1}", edges[i], edges[i + 1], known <= final_at) for i in range(folds)]
    parts.append(("final", final_at, last + 1, np.ones(len(matrix), dtype=np.bool_)))
    blocks = []
    for number, (name, low, high, judged) in enumerate(parts):
        before = matured[as_of[matured] < low]
        train = before[known[before] <= low]
        test = matured[(as_of[matured] >= low) & (as_of[matured] < high)]
        test = test[judged[test]]
        if bucket is not None:
            # accounts of the final block are new to whatever is chosen on the others, too
            train = train[(bucket[train] != number) & (bucket[train] != folds)]
            test = test[bucket[test] == number]
        ends = (as_of[test].min(), as_of[test].max()) if test.size else (low, high)
        known_by = _date(int(known[train].max())) if train.size else ""
        purged = int(before.size - np.count_nonzero(known[before] <= low))
        blocks.append(
            Block(
                name=name,
                train=train,
                test=test,
                purged=purged,
                test_from=_date(int(ends[0])),
                test_to=_date(int(ends[1])),
                train_known_by=known_by,
            )
        )

    text = (
        f"rolling origins in time: {folds} development blocks, then the last {split.test_share:.0%} of the matured "
        f"months ({blocks[-1].test_from} to {blocks[-1].test_to}) as the final test; training rows whose label was not "
        "known at a block's start are purged."
    )

    return Chop("time", tuple(blocks[:-1]), blocks[-1], text, _time_notes(matrix, matured, split, blocks))


def _origin(as_of: Ints, wanted: int) -> int:
    """The first as_of at or after a wanted moment, so that a block starts with a row."""
    later = as_of[as_of >= wanted]
    return int(later.min()) if later.size else wanted


def _time_notes(matrix: Matrix, matured: Rows, split: Split, blocks: list[Block]) -> tuple[str, ...]:
    purged = ", ".join(f"{b.name} {b.purged}" for b in blocks)
    notes = [f"training rows purged because their label was not known yet: {purged}."]
    unmatured = int((~matrix.matured).sum())
    notes.append(f"{unmatured} of {len(matrix)} rows are not matured and neither train nor test.")
    ahead = len(matrix) - unmatured - matured.size
    if ahead:
        notes.append(
            f"horizons differ by segment: {ahead} matured rows are left out of the blocks, as no row of the longest "
            "horizon is matured at their moments yet."
        )
    if split.accounts == "hash":
        notes.append("each account belongs to one block by hash of its id: test accounts are new to the model.")
    return tuple(notes)


def _buckets(matrix: Matrix, split: Split, count: int) -> Ints | None:
    if split.accounts != "hash":
        return None
    return _hashes(matrix.keys["group"], seed=0) % count


def _hashes(values: pd.Series, seed: int) -> Ints:
    """Stable hash of texts, the same on every machine."""
    key = f"leadscore-{seed:06d}"[:16].ljust(16, "-")
    hashed = pd.util.hash_array(values.astype("str").to_numpy(dtype=object), hash_key=key, categorize=True)
    return (hashed >> np.uint64(1)).astype(np.int64)


def _date(moment: int) -> str:
    return pd.Timestamp(moment, unit="us").isoformat()


def _split_by_order(matrix: Matrix, matured: Rows, split: Split, folds: int) -> Chop:
    order = matrix.keys["order"].to_numpy()
    rows = matured[np.argsort(order[matured], kind="stable")]
    final_at = _tie_start(order[rows], round(rows.size * (1 - split.test_share)))
    edges = [_tie_start(order[rows], round(e)) for e in np.linspace(0, final_at, folds + 2)[1:]]
    spans = [(f"block {i + 1}", edges[i], edges[i + 1]) for i in range(folds)] + [("final", final_at, rows.size)]
    blocks = [
        Block(
            name=name,
            train=rows[:low],
            test=rows[low:high],
            purged=0,
            test_from=f"row {low + 1}",
            test_to=f"row {high}",
        )
        for name, low, high in spans
    ]
    text = (
        f"expanding blocks in row order: {folds} development blocks, then the last {split.test_share:.0%} of the rows "
        "as the final test. The order is declared to be time order; without clocks that cannot be verified, and no "
        "row is purged."
    )
    return Chop("ordered", tuple(blocks[:-1]), blocks[-1], text)


def _tie_start(order: Ints, place: int) -> int:
    """Where the tie at ``place`` starts: rows of one order value stay together."""
    if place >= order.size:
        return int(order.size)
    return int(np.searchsorted(order, order[place], side="left"))


def _split_by_hash(matrix: Matrix, matured: Rows, split: Split, folds: int, seed: int) -> Chop:
    group = matrix.keys["group"].iloc[matured]
    grouped = group.nunique() < matured.size
    place = _group_places(group, seed) if grouped else _strata_places(matrix, matured, seed)
    final = place >= 1 - split.test_share
    fold = np.minimum((place / (1 - split.test_share) * max(folds, 2)).astype(np.int64), max(folds, 2) - 1)
    blocks = [
        Block(name=f"fold {k + 1}", train=matured[~final & (fold != k)], test=matured[~final & (fold == k)])
        for k in range(max(folds, 2))
    ]

    kind = "groups (rows of one group stay together)" if grouped else "rows, stratified by outcome"
    why = "the declaration splits by account, not by time" if matrix.ordered else "no order in time is declared"

    text = (
        f"{why}: {max(folds, 2)} folds over {kind}, and a seeded {split.test_share:.0%} as the "
        "final test. Drift over time cannot be seen in such a test, so its figures are likely optimistic."
    )

    last = Block(name="final", train=matured[~final], test=matured[final])
    return Chop("grouped" if grouped else "stratified", tuple(blocks), last, text)


def _group_places(group: pd.Series, seed: int) -> npt.NDArray[np.float64]:
    """Position of each row's group in [0, 1): groups in hashed order, by cumulated size."""
    codes, names = pd.factorize(group)
    order = np.argsort(_hashes(pd.Series(names), seed), kind="stable")
    size = np.bincount(codes)
    start = np.empty(size.size)
    start[order] = np.r_[0, np.cumsum(size[order])[:-1]] / len(codes)
    return np.asarray(start[codes])


def _strata_places(matrix: Matrix, matured: Rows, seed: int) -> npt.NDArray[np.float64]:
    """Position of each row within its outcome in [0, 1), in hashed order."""
    hashed = _hashes(matrix.keys["group"].iloc[matured], seed)
    place = np.empty(matured.size)
    for outcome in (0.0, 1.0):
        rows = np.flatnonzero(matrix.label[matured] == outcome)
        rows = rows[np.argsort(hashed[rows], kind="stable")]
        place[rows] = np.arange(rows.size) / max(rows.size, 1)
    return place
