"""The backtest block by block: every candidate against the chosen one on the same rows, and wins at capacity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, resample_totals
from models.judging.evaluation.backtest import OutOfFold
from models.judging.evaluation.metrics import auc
from models.judging.handoff.replay import top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss

POOLED = "all blocks"


def compare_by_block(
    matrix: Matrix,
    found: OutOfFold,
    winner: str,
    capacity: SnapshotCapacity,
    *,
    blocks: int,
    resampling: Resampling,
) -> list[dict[str, Any]]:
    """One record per block and one for all of them together.

    ``above_winner`` is a candidate's log loss minus the winner's and ``wins_above_winner`` its wins at capacity minus
    the winner's, each with a 90% interval from the same resampled accounts. Each block is replayed on its own.

    Parameters
    ----------
    blocks : how many of the first blocks to take (few rows are judged again on further draws of the same folds)
    """
    groups = matrix.group_codes
    at = [np.flatnonzero(found.block == k) for k in range(blocks)]
    parts = [_part(matrix, found, rows, groups, capacity) for rows in at]
    records = [_record(found.names[k], part, winner, resampling) for k, part in enumerate(parts)]
    return [*records, _record(POOLED, _pool_parts(parts), winner, resampling)] if len(parts) > 1 else records


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Rows, losses and wins at capacity summed per account (all that resampling needs); AUC per candidate."""

    rows: Floats
    won: int
    handoffs: int
    loss: Mapping[str, Floats]
    wins: Mapping[str, Floats]
    auc: Mapping[str, float]


def _part(matrix: Matrix, found: OutOfFold, at: Ints, groups: Ints, capacity: SnapshotCapacity) -> _Part:
    rows = found.rows[at]
    won, size = matrix.label[rows], int(groups.max()) + 1
    replay = capacity.arrange(matrix.keys.iloc[rows].reset_index(drop=True), won)
    places = capacity.places(replay)
    handed = {name: top_each_snapshot(replay, z[at], places) for name, z in found.log_odds.items()}
    return _Part(
        rows=cluster_sums(groups[rows], np.ones(len(rows)), size),
        won=int(won.sum()),
        handoffs=max(len(taken) for taken in handed.values()),
        loss={name: cluster_sums(groups[rows], log_loss(won, z[at]), size) for name, z in found.log_odds.items()},
        wins={name: cluster_sums(groups[rows[taken]], won[taken], size) for name, taken in handed.items()},
        auc={name: auc(won, z[at], np.ones(len(at))) for name, z in found.log_odds.items()},
    )


def _pool_parts(parts: list[_Part]) -> _Part:
    """All parts together; the area under the curve is their mean, as levels differ from block to block."""
    names = list(parts[0].loss)
    return _Part(
        rows=np.sum([part.rows for part in parts], axis=0),
        won=sum(part.won for part in parts),
        handoffs=sum(part.handoffs for part in parts),
        loss={name: np.sum([part.loss[name] for part in parts], axis=0) for name in names},
        wins={name: np.sum([part.wins[name] for part in parts], axis=0) for name in names},
        auc={name: float(np.nanmean([part.auc[name] for part in parts])) for name in names},
    )


def _record(block: str, part: _Part, winner: str, resampling: Resampling) -> dict[str, Any]:
    present = part.rows > 0
    sums = {"rows": part.rows[present]}
    for name in part.loss:
        sums[f"loss {name}"] = (part.loss[name] - part.loss[winner])[present]
        sums[f"wins {name}"] = (part.wins[name] - part.wins[winner])[present]
    drawn = resample_totals(sums, resampling)
    candidates = [_candidate(part, name, winner, drawn) for name in part.loss]
    n = int(part.rows.sum())
    return {"block": block, "n": n, "won": part.won, "handoffs": part.handoffs, "candidates": candidates}


def _candidate(part: _Part, name: str, winner: str, drawn: Mapping[str, Floats]) -> dict[str, Any]:
    own, n = name == winner, part.rows.sum()
    return {
        "name": name,
        "log_loss": float(part.loss[name].sum() / n),
        "auc": None if np.isnan(part.auc[name]) else float(part.auc[name]),
        "wins_at_capacity": int(part.wins[name].sum()),
        "above_winner": float((part.loss[name] - part.loss[winner]).sum() / n),
        "above_winner_ci": None if own else interval(drawn[f"loss {name}"] / drawn["rows"]).record(),
        "wins_above_winner": int((part.wins[name] - part.wins[winner]).sum()),
        "wins_above_winner_ci": None if own else interval(drawn[f"wins {name}"]).record(),
    }
