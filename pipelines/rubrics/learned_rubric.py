"""The learned scorecard as a rubric that hands off what capacity allows."""

import numpy as np

from features.array_types import Ints
from features.matrix import Matrix
from models.candidates.scorecard import ScorecardCandidate
from models.judging.rubrics.scorecard_to_rubric import Proposal, has_rules, propose_rubric
from pipelines.artifacts.train_record import ScorecardRecord


def propose_at_share(record: ScorecardRecord, matrix: Matrix, rows: Ints, name: str, share: float) -> Proposal | None:
    """The card as a rubric whose threshold hands off a share (0 to 1) of some rows of the matrix.

    None where the card learned no feature that a rule can read.
    """
    card = ScorecardCandidate.restore(record.state, {})
    if not has_rules(card, matrix.catalog):
        return None
    points = propose_rubric(card, matrix.catalog, name, 0.0).points(matrix.values.iloc[rows])
    return propose_rubric(card, matrix.catalog, name, float(np.quantile(points, 1 - share)))
