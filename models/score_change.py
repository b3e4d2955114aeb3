"""What moved a lead's score between two moments: new data, time alone, another model; the parts sum exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.bundle import Bundle
from models.explaining.framework import CONTEXT, Framework
from models.explaining.model_bars import SEGMENT_LEVEL
from models.explaining.points import BASE, HIGHEST, LOWEST, Bars, bar_homes, compute_bars, round_to_totals, sum_by_group

DECAY, DATA, MODEL, CLIP = "decay", "new_data", "model", "clip"
PARTS = (DECAY, DATA, MODEL, CLIP)


@dataclass(frozen=True)
class Change:
    """Movement of one lead's score.

    Parameters
    ----------
    score : shown before and after
    log_odds : before and after, calibrated
    points : integers per part; they sum to the difference of the shown scores
    exact : log-odds per part but the clip, which changes none; they sum to the difference of the log-odds
    criteria : points per part and bar (base, criteria, context, the segment's level where a model has it), unrounded
    """

    score: tuple[int, int]
    log_odds: tuple[float, float]
    points: dict[str, int]
    exact: dict[str, float]
    criteria: dict[str, dict[str, float]]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "score_before": self.score[0],
            "score_after": self.score[1],
            "log_odds_before": self.log_odds[0],
            "log_odds_after": self.log_odds[1],
            "points": dict(self.points),
            "log_odds": dict(self.exact),
            "criteria": {part: dict(found) for part, found in self.criteria.items()},
        }


def split_change(before: Bundle, after: Bundle, steps: pd.DataFrame, framework: Framework) -> Change:
    """Split a movement.

    Parameters
    ----------
    before, after : the bundles that scored then and now
    steps : feature values of the lead, three rows: what was known then, as of then; the same, as of now; what is
        known now, as of now
    """
    old, new = _score_steps(before, steps, framework), _score_steps(after, steps.iloc[[2]], framework)
    level = SEGMENT_LEVEL in (*old.bars.names, *new.bars.names)
    names = (BASE, *framework.ids, CONTEXT, *((SEGMENT_LEVEL,) if level else ()))
    was, now = old.parts[:, : len(names)], new.parts[:, : len(names)]
    moves = {DECAY: was[1] - was[0], DATA: was[2] - was[1], MODEL: now[0] - was[2]}

    score = int(old.bars.score[0]), int(new.bars.score[0])
    clip = float(new.clip_points[0] - old.clip_points[0])
    parts = np.array([[*(move.sum() for move in moves.values()), clip]])
    whole = round_to_totals(parts, np.array([score[1] - score[0]]))[0]

    z = before.log_odds(steps)
    z_new = float(after.log_odds(steps.iloc[[2]])[0])
    return Change(
        score=score,
        log_odds=(float(z[0]), z_new),
        points=dict(zip(PARTS, (int(part) for part in whole), strict=True)),
        exact={DECAY: float(z[1] - z[0]), DATA: float(z[2] - z[1]), MODEL: z_new - float(z[2])},
        criteria={part: dict(zip(names, move.tolist(), strict=True)) for part, move in moves.items()},
    )


@dataclass(frozen=True)
class _ScoredSteps:
    """Bars, and behind them the unrounded points of base, criteria, context and the segment's level (0 in a model
    without any), shape (n, 3 + criteria), and of the clip, shape (n,).
    """

    bars: Bars
    parts: Floats

    @property
    def clip_points(self) -> Floats:
        """Points that clipping to 0..100 adds or takes, shape (n,)."""
        return np.clip(self.bars.exact, LOWEST, HIGHEST) - self.bars.exact


def _score_steps(bundle: Bundle, values: pd.DataFrame, framework: Framework) -> _ScoredSteps:
    """The rows as one bundle scores them."""
    contributions, scale = bundle.contributions(values), bundle.scale
    homes, bars = bar_homes(contributions, bundle.catalog, framework), (*framework.ids, CONTEXT, SEGMENT_LEVEL)
    parts = sum_by_group(contributions, homes, bars) * scale.points_per_log_odds
    base = np.full(len(values), scale.points_per_log_odds * (contributions.base - scale.reference_log_odds))
    return _ScoredSteps(compute_bars(contributions, bundle.catalog, framework, scale), np.column_stack([base, parts]))
