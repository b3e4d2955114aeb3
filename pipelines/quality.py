"""How good our recipe is beside its peers, on development rows or, counted, on the test block."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from features.errors import DataError, TooLittleDataError
from features.matrix import Matrix
from features.timechop import Chop, chop
from models.judging.contest import OURS, Match, play, standings
from models.judging.peers import installed
from pipelines.context import Context
from pipelines.matrices import load_chop, load_matrix
from pipelines.stages.backtest import rubric_candidate
from pipelines.store import read_json, write_json

BlockName = Literal["dev", "test"]
LOOKS = "looks.json"


def quality(
    context: Context, block: BlockName = "dev", *, repeats: int = 3, notify: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """One table of our recipe, its candidates and its peers on the same splits.

    ``dev`` never reads the final block: the newest ``repeats`` development blocks are judged by what can be learned
    before each, or, where there is no order, seeded splits of the development rows. ``test`` judges the final block,
    and the look is counted in ``looks.json``, for a block looked at often is no test any more.

    Raises
    ------
    DataError
        before the matrix of the source was built.
    TooLittleDataError
        where the development rows cannot be split once more.
    """
    if not (context.paths.matrix / "chop.json").exists():
        raise DataError(
            f"source '{context.source.name}' has no matrix with a split in {context.paths.matrix}; run "
            f"'leadscore run --source {context.source.name}' first."
        )
    matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
    looks = _count_look(context) if block == "test" else looks_so_far(context)
    chops = [(matrix, split)] if block == "test" else _development(matrix, split, context, repeats)
    peers, absent = installed()
    newest, rubric = context.source.prior_correction == "newest", rubric_candidate(context)
    matches = [play(part, made, peers, context.settings, rubric, notify, newest_level=newest) for part, made in chops]
    return _record(context, block, matches, absent, looks)


def looks_so_far(context: Context) -> int:
    """How often the final block was judged by this command."""
    path = context.paths.root / LOOKS
    return len(read_json(path)["looks"]) if path.exists() else 0


def _count_look(context: Context) -> int:
    path = context.paths.root / LOOKS
    before = read_json(path)["looks"] if path.exists() else []
    looks = [*before, datetime.now(UTC).replace(microsecond=0).isoformat()]
    write_json(path, {"looks": looks})
    return len(looks)


def _development(matrix: Matrix, split: Chop, context: Context, repeats: int) -> list[tuple[Matrix, Chop]]:
    if split.kind in ("time", "ordered"):
        if len(split.blocks) < 2:
            raise TooLittleDataError(
                f"source '{context.source.name}' has one development block; judging on development rows needs two. "
                "Raise split.folds, or wait for more outcomes."
            )
        newest = range(max(1, len(split.blocks) - repeats), len(split.blocks))
        return [(matrix, Chop(split.kind, split.blocks[:k], split.blocks[k], "development block")) for k in newest]
    rows = np.unique(np.concatenate([split.final.train, *(block.test for block in split.blocks)]))
    part = matrix.take(rows)
    return [(part, chop(part, context.source.split, seed=context.settings.seed + 1 + k)) for k in range(repeats)]


def _record(
    context: Context, block: BlockName, matches: list[Match], absent: dict[str, str], looks: int
) -> dict[str, Any]:
    rows = standings(matches, draws=context.settings.draws, seed=context.settings.seed)
    return {
        "source": context.source.name,
        "synthetic": context.source.synthetic,
        "block": block,
        "looks_at_test_block": looks,
        "splits": [{"n": len(m.won), "won": int(m.won.sum()), "winner": m.winner} for m in matches],
        "models": rows,
        "not_installed": absent,
        "better_than_ours": [
            row["name"]
            for row in rows
            if row["name"] != OURS and row["above_ours_ci"][1] is not None and row["above_ours_ci"][1] < 0
        ],
    }


def told(found: dict[str, Any]) -> list[str]:
    """What is printed around the table."""
    splits = "; ".join(f"{s['n']:,} rows, {s['won']:,} won, chosen: {s['winner']}" for s in found["splits"])
    looks = found["looks_at_test_block"]
    lines = [f"judged on: {splits}", f"looks at the test block so far: {looks}"]
    lines += [f"not installed: {name} (package {package})" for name, package in found["not_installed"].items()]
    better = ", ".join(found["better_than_ours"]) or "none"
    return [*lines, f"better than the chosen candidate beyond the 90 % interval: {better}"]
