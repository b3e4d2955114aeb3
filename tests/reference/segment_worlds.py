"""Seeded, made-up worlds in which segments differ in level, in slope, in everything, or not at all."""

from dataclasses import dataclass, replace

import numpy as np

from features.array_types import Floats
from features.matrix import Matrix
from models.calibration.segment_levels import SegmentRows
from models.logistic import fit_logistic, sigmoid
from tests.reference.toy import toy_matrix


@dataclass(frozen=True)
class Differences:
    """How far segments differ, as standard deviations: level, slope, and the level from block to block [log-odds]."""

    level: float = 0.0
    slope: float = 0.0
    wander: float = 0.0
    snapshots: int = 1  # rows of one lead, all with the same outcome


@dataclass(frozen=True)
class SegmentWorld:
    """Out-of-fold rows of a common model, and a large next block with its true probabilities."""

    rows: SegmentRows
    log_odds: Floats
    truth: Floats
    segment: np.ndarray

    def loss(self, log_odds: Floats) -> float:
        """Expected log loss on the next block, at the level that is best for it."""
        one = np.ones((len(log_odds), 1))
        at = log_odds + fit_logistic(one, self.truth, np.ones(len(log_odds)), np.zeros(1), offset=log_odds)[0]
        return float((np.logaddexp(0.0, at) - self.truth * at).mean())


def segment_world(rows: int, segments: int, differ: Differences, seed: int, blocks: int = 4) -> SegmentWorld:
    """Leads of segments of uneven size; a common model whose log-odds hold all but what segments differ in."""
    rng = np.random.default_rng(seed)
    leads, later = rows // differ.snapshots, 40_000
    share = rng.dirichlet(np.full(segments, 0.7))
    level, slope = rng.normal(0, differ.level, segments), rng.normal(0, differ.slope, segments)
    cell = rng.normal(0, differ.wander, (segments, blocks + 1))
    market = rng.normal(0, 0.3, blocks + 1)

    def truth(z: Floats, of: np.ndarray, block: np.ndarray) -> Floats:
        return sigmoid(-2.0 + market[block] + z * (1 + slope[of]) + level[of] + cell[of, block])

    lead = np.repeat(np.arange(leads), differ.snapshots)
    of, block = rng.choice(segments, leads, p=share)[lead], rng.integers(0, blocks, leads)[lead]
    z = rng.normal(size=leads)[lead] + rng.normal(0, 0.3, len(lead))
    won = (rng.uniform(size=leads)[lead] < truth(z, of, block)).astype(np.float64)

    names = np.array([f"segment {k}" for k in range(segments)], dtype=object)
    new_of, new_z = rng.choice(segments, later, p=share), rng.normal(size=later)
    return SegmentWorld(
        rows=SegmentRows(log_odds=z - 2.0, won=won, block=block, group=lead, lead=lead, segment=names[of]),
        log_odds=new_z - 2.0,
        truth=truth(new_z, new_of, np.full(later, blocks)),
        segment=names[new_of],
    )


def segment_matrix(rows: int, *, seed: int = 0, opposed: bool = False, strength: float = 1.0) -> Matrix:
    """The toy matrix, its ``title`` the segment; ``opposed``: students win by what speaks against all others."""
    matrix = toy_matrix(rows, seed=seed, strength=strength)
    if not opposed:
        return matrix
    rng = np.random.default_rng(seed + 1)
    values = matrix.values
    title = rng.choice(["boss", "clerk", "student"], rows, p=[0.3, 0.4, 0.3])
    side = np.where(title == "student", -1.0, 1.0)
    visits, pain = values["visits"].to_numpy(), values["pain"].to_numpy()
    truth = side * (0.8 * (visits - 2) + 1.2 * pain)
    won = (rng.random(rows) < sigmoid(truth - 0.8)).astype(np.float64)
    catalog = replace(
        matrix.catalog, features=tuple(replace(feature, direction=0) for feature in matrix.catalog.features)
    )
    return replace(matrix, catalog=catalog, values=values.assign(title=title).astype(values.dtypes), label=won)
