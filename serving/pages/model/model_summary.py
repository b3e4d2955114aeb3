"""The model in four figures, one sentence and a row per candidate: what the run found, put together for the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.results.run_results import find_other_compared, read_comparison
from serving.results.score_bands import allowed_none, find_other_judged
from serving.state.app_state import AppState

_FROM, _TO = "model_at_capacity", "rubric_at_capacity"
_AIR = 1.08  # of the axis beyond the longest interval


@dataclass(frozen=True, kw_only=True)
class CandidateLine:
    """A candidate on the test block; places are per cent of an axis that all share."""

    name: str
    winner: bool
    wins: int | None
    low: float | None
    high: float | None
    at: float
    at_low: float | None
    at_high: float | None
    log_loss: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """Figures of the tiles, each None where the run did not get there.

    ``other`` is the hash of the bundle they are of where that is not in use: after a retrain the champion may stay;
    ``allowed_none``: the last run made none, so that there are none.
    ``better`` says of the rubric: True if the whole interval of the difference is above zero, False if below, None
    where chance may explain it or there is no rubric; ``compared``: whether they were, if there is one.
    """

    other: str
    allowed_none: bool
    auc: float | None
    auc_ci: tuple[float, float] | None
    rubric_auc: float | None
    ece: float | None
    ece_perfect: float | None
    more_wins: int | None
    more_wins_ci: tuple[float, float] | None
    winnable: int | None
    handoffs: int | None
    better: bool | None
    compared: bool
    leaks: int | None
    suspects: int
    notes: int
    candidates: tuple[CandidateLine, ...]
    winner_at: float
    rows: int
    won: int

    @property
    def calibrated(self) -> bool | None:
        """Whether the error is what a perfect model would show; None where that is not known."""
        if self.ece is None or self.ece_perfect is None:
            return None
        return self.ece <= self.ece_perfect


def summarise_model(app_state: AppState, found: Mapping[str, Any]) -> ModelSummary:
    """Figures of the tiles and candidates, from the records the report reads.

    Parameters
    ----------
    found : as :func:`serving.results.run_results.describe_model` tells it
    """
    no_model = allowed_none(app_state)
    evaluation: Mapping[str, Any] = {} if no_model else found["evaluation"] or {}
    figures: Mapping[str, Any] = evaluation.get("figures") or {}
    winner = evaluation.get("winner")
    own: Mapping[str, Any] = figures.get(str(winner)) or {}
    rubric: Mapping[str, Any] = figures.get("rubric") or {}
    perfect = evaluation.get("ece_if_perfect") or {}
    audit: Mapping[str, Any] | None = found["audit"]
    findings = [] if audit is None else audit["findings"]
    other = find_other_judged(app_state)
    comparison = read_comparison(app_state) if find_other_compared(app_state) == other else None  # made after the test
    differences = () if comparison is None else comparison.differences
    policies = () if comparison is None else comparison.policies
    difference: Any = next((d for d in differences if (d["first"], d["second"]) == (_FROM, _TO)), None)
    ci = None if difference is None else _pair(difference["wins_ci"])
    lines, winner_at = _candidates(figures, winner)
    return ModelSummary(
        other=other,
        allowed_none=no_model,
        auc=own.get("auc"),
        auc_ci=_pair(own.get("auc_ci")),
        rubric_auc=rubric.get("auc"),
        ece=own.get("ece"),
        ece_perfect=perfect.get("p95"),
        more_wins=None if difference is None else difference["wins"],
        more_wins_ci=ci,
        winnable=None if comparison is None else comparison.winnable,
        handoffs=next((row["workload"] for row in policies if row["policy"] == _FROM), None),
        better=None if ci is None else True if ci[0] > 0 else False if ci[1] < 0 else None,
        compared=comparison is not None,
        leaks=None if audit is None else sum(f["severity"] == "leak" and not f.get("accepted") for f in findings),
        suspects=sum(f["severity"] == "suspect" for f in findings),
        notes=sum(f["severity"] == "note" for f in findings),
        candidates=lines,
        winner_at=winner_at,
        rows=own.get("n") or 0,
        won=own.get("won") or 0,
    )


def _candidates(figures: Mapping[str, Any], winner: str | None) -> tuple[tuple[CandidateLine, ...], float]:
    """Lines in the order of their log loss, and the place of the winner's wins."""
    ends = [(_pair(row.get("wins_at_capacity_ci")) or (0, 0))[1] for row in figures.values()]
    ends += [row.get("wins_at_capacity") or 0 for row in figures.values()]
    most = max([*ends, 1]) * _AIR

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * value / most, 2)

    ordered = sorted(figures.items(), key=lambda item: _or_last(item[1].get("log_loss")))

    def line(name: str, row: Mapping[str, Any]) -> CandidateLine:
        low, high = _pair(row.get("wins_at_capacity_ci")) or (None, None)
        auc_low, auc_high = _pair(row.get("auc_ci")) or (None, None)
        return CandidateLine(
            name=name,
            winner=name == winner,
            wins=row.get("wins_at_capacity"),
            low=low,
            high=high,
            at=place(row.get("wins_at_capacity")) or 0.0,
            at_low=place(low),
            at_high=place(high),
            log_loss=row.get("log_loss"),
            auc=row.get("auc"),
            auc_low=auc_low,
            auc_high=auc_high,
        )

    lines = tuple(line(name, row) for name, row in ordered)
    return lines, next((line.at for line in lines if line.winner), 0.0)


def _or_last(value: float | None) -> float:
    return float("inf") if value is None else value


def _pair(ci: Any) -> tuple[float, float] | None:
    """The ends of an interval; None where one is missing."""
    low, high = ci or (None, None)
    return None if low is None or high is None else (low, high)
