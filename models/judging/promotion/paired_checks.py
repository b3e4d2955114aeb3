"""Champion and challenger on the same rows: three paired differences with intervals over accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from features.array_types import Bools, Floats, Ints
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Interval, Resampling, cluster_sums, interval, ratio, resample_totals
from models.judging.evaluation.metrics import BINS
from models.judging.handoff.replay import Replay, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss, logit, sigmoid
from models.settings import GateSettings

Outcome = Literal["not worse", "worse", "cannot tell"]
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One figure of both models; ``difference`` is by how much the challenger is worse, with its 90% interval.

    Not worse: the upper end is within the margin. Worse: it is not, and the lower end is above 0.
    """

    name: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    margin: float

    @property
    def outcome(self) -> Outcome:
        """What the interval says against the margin; ``cannot tell`` where it holds both answers, or is missing."""
        if not np.isfinite([self.low, self.high]).all():
            return "cannot tell"
        if self.high <= self.margin:
            return "not worse"
        return "worse" if self.low > 0 else "cannot tell"

    @property
    def better(self) -> bool:
        """Whether the challenger is better beyond noise: the whole interval lies below 0."""
        return bool(np.isfinite(self.high)) and self.high < 0

    @property
    def sentence(self) -> str:
        """The figures and what they mean."""
        form = ".0f" if self.name == "wins at capacity" else ".4f"
        both = f"{self.name}: champion {self.champion:{form}}, challenger {self.challenger:{form}}"
        if not np.isfinite([self.low, self.high]).all():
            return f"{both}; too few accounts to resample: cannot tell."
        span = f"worse by {self.difference:+{form}} (90% interval {self.low:+{form}} to {self.high:+{form}})"
        return f"{both}; {span}, allowed {self.margin:{'.1f' if form == '.0f' else form}}: {self.outcome}."

    def record(self) -> dict[str, Any]:
        """JSON-ready; ends that could not be computed are None."""
        ends = Interval(self.low, self.high).record()
        plain = {name: getattr(self, name) for name in ("name", "champion", "challenger", "difference", "margin")}
        return plain | {"ci": ends, "outcome": self.outcome, "sentence": self.sentence}


def paired_checks(
    judged: Matrix,
    log_odds: Mapping[str, Floats],
    shares: Floats,
    capacity: SnapshotCapacity,
    settings: GateSettings,
    compared: Bools | None = None,
) -> tuple[Check, ...]:
    """Log loss, calibration error and wins at capacity of both models on matured rows.

    Parameters
    ----------
    judged : the rows, all matured
    log_odds : calibrated, of ``champion`` and ``challenger``, each shape (n,)
    shares : per snapshot of the judged rows, the share of that week's rows that are judged, times the share of the
        week the data cover: capacity shrinks with it
    compared : the rows that places go to, where not all: leads that sales has already are not handed off
    """
    won, group = judged.label, np.unique(judged.group_codes, return_inverse=True)[1].astype(np.int64)
    replay = capacity.arrange(judged.keys, won)
    places = places_for_shares(replay, capacity, shares)
    clusters = int(group.max()) + 1

    sums: dict[str, Floats] = {}
    for name, z in log_odds.items():
        sums |= _sums(name, won, z, group, clusters)
        taken = top_each_snapshot(replay, z if compared is None else np.where(compared, z, -np.inf), places)
        taken = taken if compared is None else taken[compared[taken]]
        sums[f"{name}.wins"] = cluster_sums(group[taken], won[taken], clusters)
    sums["rows"] = cluster_sums(group, np.ones(len(won)), clusters)
    drawn = resample_totals(sums, Resampling.of(settings))
    here = {name: np.array([values.sum()]) for name, values in sums.items()}

    # margins scale with the base rate, so that one default serves sources with 2% and 30% won (docs/adr/0021)
    base = float(won.mean())
    entropy = float(log_loss(won, np.full(len(won), logit(base))).mean())
    wins = float(here[f"{CHAMPION}.wins"][0])
    margins = {
        "log loss": (settings.log_loss * entropy, _loss, 1.0),
        "calibration error": (settings.calibration * base, _calibration, 1.0),
        "wins at capacity": (settings.wins * wins, _wins, -1.0),
    }
    return tuple(_check(name, *parts, here, drawn) for name, parts in margins.items())


def places_for_shares(replay: Replay, capacity: SnapshotCapacity, shares: Floats) -> Ints:
    """Places per snapshot: the declared capacity in proportion to the rows that are judged, fractions carried on."""
    upto = np.floor(np.cumsum(capacity.per_snapshot * shares) + 1e-9)  # 1e-9: a sum that is whole but for rounding
    return np.asarray(np.diff(upto, prepend=0.0), dtype=np.int64)[: replay.snapshots]


def _check(name: str, margin: float, figure: Any, sign: float, here: Any, drawn: Any) -> Check:
    values = {who: float(figure(here, who)[0]) for who in (CHAMPION, CHALLENGER)}
    span = interval(sign * (figure(drawn, CHALLENGER) - figure(drawn, CHAMPION)))
    difference = sign * (values[CHALLENGER] - values[CHAMPION])
    return Check(
        name=name,
        champion=values[CHAMPION],
        challenger=values[CHALLENGER],
        difference=difference,
        low=span.low,
        high=span.high,
        margin=margin,
    )


def _sums(name: str, won: Floats, z: Floats, group: Ints, clusters: int) -> dict[str, Floats]:
    """Per account: loss, and per tenth of the model's own predictions by how much they exceed what happened."""
    gap, bins = sigmoid(z) - won, _tenths(z)
    found = {f"{name}.loss": cluster_sums(group, log_loss(won, z), clusters)}
    for k in range(BINS):
        found[f"{name}.gap.{k}"] = cluster_sums(group[bins == k], gap[bins == k], clusters)
    return found


def _tenths(z: Floats) -> Ints:
    """Tenth of every row by prediction; equal predictions stay together."""
    cuts = np.unique(np.quantile(z, np.arange(1, BINS) / BINS))
    return np.searchsorted(cuts, z, side="right").astype(np.int64)


def _loss(sums: Mapping[str, Floats], who: str) -> Floats:
    return ratio(sums[f"{who}.loss"], sums["rows"])


def _calibration(sums: Mapping[str, Floats], who: str) -> Floats:
    """Expected calibration error: mean absolute gap over the tenths, weighted by rows."""
    gaps = np.sum([np.abs(sums[f"{who}.gap.{k}"]) for k in range(BINS)], axis=0)
    return ratio(np.asarray(gaps, dtype=np.float64), sums["rows"])


def _wins(sums: Mapping[str, Floats], who: str) -> Floats:
    return sums[f"{who}.wins"]
