"""The decision on the declared segments, and what was decided for each, as the backtest and the bundle keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.calibration.segment_levels import SegmentLevels


@dataclass(frozen=True, kw_only=True)
class SegmentFinding:
    """What was decided for one segment.

    Parameters
    ----------
    rows, won : judged out of fold, and won ones among them
    shift, factor : of the level (calibrated log-odds) and of the slope; 0 and 1 where the common line is taken
    log_loss_common, log_loss_line : out of fold, without and with the line
    gain_ci : 90% interval of the difference of the two, whole accounts resampled
    own : whether it has a model of its own
    own_gain, own_ci : log loss a model of its own saves beside the common one with its line; None where not tried
    why : the decision in a sentence
    """

    segment: str
    rows: int
    won: int
    shift: float
    factor: float
    log_loss_common: float
    log_loss_line: float
    gain_ci: tuple[float | None, float | None]
    own: bool
    own_gain: float | None
    own_ci: tuple[float | None, float | None] | None
    why: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "segment": self.segment,
            "rows": self.rows,
            "won": self.won,
            "shift": self.shift,
            "factor": self.factor,
            "log_loss_common": self.log_loss_common,
            "log_loss_line": self.log_loss_line,
            "gain_ci": list(self.gain_ci),
            "own": self.own,
            "own_gain": self.own_gain,
            "own_ci": None if self.own_ci is None else list(self.own_ci),
            "why": self.why,
        }


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """The decision on the declared segments.

    Parameters
    ----------
    feature : whose values are the segments
    levels : their lines; :data:`COMMON` where they are not taken
    own : slope of each segment's own model, where one is taken
    gain, error : log loss the lines save out of fold, and its standard error
    findings : per segment, largest first
    sentence : the decision in words
    """

    feature: str
    levels: SegmentLevels
    own: Mapping[str, float]
    gain: float
    error: float
    findings: tuple[SegmentFinding, ...]
    sentence: str

    @property
    def used(self) -> bool:
        """Whether any segment is scored by other than the common line."""
        return bool(self.levels.lines or self.own)

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "feature": self.feature,
            "levels": self.levels.state(),
            "own": dict(self.own),
            "gain": self.gain,
            "error": self.error,
            "findings": [finding.record() for finding in self.findings],
            "sentence": self.sentence,
        }

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> "Segmentation":
        """The decision of a :meth:`record`."""
        findings = tuple(
            SegmentFinding(
                **{
                    **row,
                    "gain_ci": tuple(row["gain_ci"]),
                    "own_ci": None if row["own_ci"] is None else tuple(row["own_ci"]),
                }
            )
            for row in record["findings"]
        )
        return cls(
            **{
                **record,
                "levels": SegmentLevels.restore(record["levels"]),
                "own": dict(record["own"]),
                "findings": findings,
            }
        )
