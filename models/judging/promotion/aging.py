"""How fast models age: past models on later rows, against the youngest one that had not seen them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Resampling, group_sums, interval, ratio, resample_totals
from models.judging.promotion.unseen_rows import find_unseen_rows
from models.logistic import log_loss, logit
from models.settings import GateSettings

BANDS = (0, 61, 122, 183, 274, 365, 548, 730)  # days of age; of two months first, then longer
_FEWEST_WON = 20


@dataclass(frozen=True, kw_only=True)
class PastModel:
    """A model of before: calibrated log-odds on every row of the matrix, and when its last label was known."""

    name: str
    through: pd.Timestamp
    log_odds: Floats


@dataclass(frozen=True, kw_only=True)
class AgeBand:
    """Models of some age: rows, wins, and by how much log loss exceeds that of the youngest model; 90% interval."""

    low_days: int
    high_days: int
    rows: int
    won: int
    excess: float
    low: float
    high: float
    allowed: float

    @property
    def aged(self) -> bool:
        """Whether models of that age were worse beyond noise, and by more than the gate allows."""
        return bool(np.isfinite(self.low)) and self.low > 0 and self.excess > self.allowed

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = {name: getattr(self, name) for name in ("low_days", "high_days", "rows", "won", "excess", "allowed")}
        return plain | {"ci": [self.low, self.high], "aged": self.aged}


def measure_aging(
    matrix: Matrix, models: Sequence[PastModel], unit: str, settings: GateSettings
) -> tuple[AgeBand, ...]:
    """Excess log loss by age, on matured rows that the model had not seen and a younger one had not either."""
    ordered = sorted(models, key=lambda model: model.through)
    unseen = {
        model.name: np.isin(np.arange(len(matrix)), find_unseen_rows(matrix, model.through, unit).rows)
        for model in ordered
    }
    youngest = np.full(len(matrix), -1)
    for place, model in enumerate(ordered):
        youngest[unseen[model.name]] = place
    best = np.full(len(matrix), np.nan)
    for place, model in enumerate(ordered):
        own = youngest == place
        best[own] = log_loss(matrix.label[own], model.log_odds[own])

    parts: dict[int, list[tuple[Floats, Floats]]] = {}
    for place, model in enumerate(ordered):
        rows = np.flatnonzero(unseen[model.name] & (youngest > place))
        if not len(rows):
            continue
        age = ((matrix.keys["as_of"].iloc[rows] - model.through) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
        excess = log_loss(matrix.label[rows], model.log_odds[rows]) - best[rows]
        band = np.clip(np.searchsorted(BANDS, age, side="right") - 1, 0, len(BANDS) - 2)
        for number in np.unique(band):
            parts.setdefault(int(number), []).append((rows[band == number].astype(np.float64), excess[band == number]))
    found = [_band(number, own, matrix, settings) for number, own in sorted(parts.items())]
    return tuple(band for band in found if band is not None)


def _band(
    number: int, parts: Sequence[tuple[Floats, Floats]], matrix: Matrix, settings: GateSettings
) -> AgeBand | None:
    rows = np.concatenate([rows for rows, _ in parts]).astype(np.int64)
    excess = np.concatenate([excess for _, excess in parts])
    won = len(matrix.keys.iloc[rows[matrix.label[rows] == 1.0]][["lead_id", "episode"]].drop_duplicates())
    if won < _FEWEST_WON:
        return None
    codes = np.unique(matrix.group_codes[rows], return_inverse=True)[1].astype(np.int64)
    sums: Mapping[str, Floats] = group_sums(codes, {"excess": excess, "rows": np.ones(len(rows))})
    drawn = resample_totals(sums, Resampling.of(settings))
    span = interval(ratio(drawn["excess"], drawn["rows"]))
    base = float(matrix.label[rows].mean())
    entropy = float(log_loss(matrix.label[rows], np.full(len(rows), logit(base))).mean())
    return AgeBand(
        low_days=BANDS[number],
        high_days=BANDS[number + 1],
        rows=len(rows),
        won=won,
        excess=float(excess.mean()),
        low=span.low,
        high=span.high,
        allowed=settings.log_loss * entropy,
    )


def describe_aging(bands: Sequence[AgeBand]) -> tuple[int | None, str]:
    """The age from which past models were worse, and a cadence in words."""
    if not bands:
        return None, "No kept model has met later rows beside a younger one, so nothing says yet how fast models age."
    aged = next((band for band in bands if band.aged), None)
    if aged is None:
        last = bands[-1]
        figures = f"log loss {last.excess:+.4f} [{last.low:+.4f}, {last.high:+.4f}], {last.allowed:.4f} allowed"
        return None, (
            f"Past models of up to {last.high_days} days were not worse than younger ones beyond noise and what the "
            f"gate allows (the oldest: {figures}): so far, a retrain every {last.high_days} days is enough."
        )
    days = max(aged.low_days, 30)
    span = f"[{aged.low:+.4f}, {aged.high:+.4f}]"
    return days, (
        f"Past models aged from {aged.low_days} days on: log loss {aged.excess:+.4f} {span} above younger models on "
        f"{aged.rows:,} rows, {aged.allowed:.4f} allowed. Retrain at least every {days} days."
    )
