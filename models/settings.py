"""What a training run may spend, as counts; wall time is not a budget, so that a run can be repeated."""

from typing import Annotated

from pydantic import ConfigDict, Field

from features.schema.columns import TypedNumbers


class TrainSettings(TypedNumbers):
    """Budgets and levels of a training run.

    ``tune_rows`` caps the rows a tuning trial sees (weekly snapshots of one lead repeat themselves), ``fold_rows``
    those of the random folds that judge: a real signal must not be missed because tuning was to be cheap
    (docs/adr/0017).
    ``alpha`` is the level of the signal test; ``draws`` counts bootstrap resamples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=7, description="of every draw: the same seed and data give the same bundle")
    trials: int = Field(default=12, ge=1, description="settings of the booster that tuning tries")
    rows_per_lead: int = Field(default=4, ge=1, description="snapshots of one lead that a fit sees; they are alike")
    tune_rows: int = Field(default=12_000, ge=200, description="rows that a trial of tuning sees at most")
    fold_rows: int = Field(default=12_000, ge=200, description="development rows judged by random folds")
    tune_folds: int = Field(default=3, ge=2, description="random folds of tuning, and of judging beside blocks of time")
    boosters: int = Field(default=3, ge=1, description="boosters averaged, each with its own seed")
    max_rounds: int = Field(default=400, ge=10, description="trees of one booster at most; it stops earlier by itself")
    max_depth: int = Field(default=12, ge=2, le=16, description="deepest tree tuning tries where leads are many")
    max_leaves: int = Field(default=255, ge=2, le=255, description="most leaves of a tree that tuning tries")
    many_leads: int = Field(
        default=4_000,
        ge=2,
        description="leads of the rarer outcome from which tuning sees all rows and tries deep trees",
    )
    scorecard_features: int = Field(default=14, ge=2, description="features of the printable scorecard at most")
    draws: int = Field(default=400, ge=50, description="resamples behind an interval")
    alpha: float = Field(default=0.01, gt=0, lt=0.5, description="level of the signal test: how often chance may pass")
    minimum_won: int = Field(default=40, ge=2, description="matured won leads in all; half of them to learn from")
    minimum_lost: int = Field(default=40, ge=2, description="matured lost leads in all; half of them to learn from")
    threads: int = Field(default=1, ge=1, description="per booster; boosters and folds run side by side instead")
    pdo: float = Field(default=10.0, gt=0, description="points that double the odds; fewer where leads would not fit")
    recency_half_life: float | None = Field(
        default=None,
        ge=0.02,
        le=10,
        description="share of the learning time after which rows count half; a source's own counts first",
    )

    @classmethod
    def tiny(cls) -> "TrainSettings":
        """Settings for tests: the same steps, little of each."""
        budgets = {"trials": 2, "tune_rows": 1_500, "fold_rows": 1_500, "tune_folds": 2, "boosters": 2, "draws": 100}
        return cls(**budgets, max_rounds=40, scorecard_features=8)


class GateSettings(TypedNumbers):
    """By how much a challenger may be worse, and how many wins it takes to tell (docs/tracking.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_loss: float = Field(default=0.01, gt=0, lt=1, description="as a share of the log loss of the base rate alone")
    calibration: float = Field(default=0.1, gt=0, lt=1, description="of the calibration error, as a share of base rate")
    wins: float = Field(default=0.1, gt=0, lt=1, description="as a share of the champion's wins at capacity")
    minimum_won: int = Field(default=50, ge=10, description="won leads before anything is concluded")
    milliseconds: float = Field(default=20.0, gt=0, description="that scoring and explaining one lead may take")
    draws: int = Field(default=1000, ge=200)
    seed: int = 7


CLOCKS_DIFFER_DAYS = 1.0  # an export may be stamped by another clock or zone: beyond it one of the two is wrong


class MonitorSettings(TypedNumbers):
    """When the monitor reports a finding (docs/monitoring.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    moved: float = Field(default=0.10, gt=0, description="stability index (PSI) from which a distribution has moved")
    moved_a_lot: float = Field(default=0.25, gt=0, description="from which it has moved a lot")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="that no finding at all is due to chance")
    important: float = Field(default=0.05, ge=0, lt=1, description="share of the model's contributions that matters")
    share: float = Field(default=0.05, gt=0, lt=1, description="share of rows: unseen levels, ages never trained on")
    missing: float = Field(default=0.10, gt=0, lt=1, description="by how much a share of missing values may rise")
    miscalibration: float = Field(default=0.2, gt=0, lt=1, description="relative gap of observed and predicted wins")
    act_confidence: float = Field(
        default=0.998, gt=0.9, lt=1, description="that wins differ from predictions, before action is called for"
    )
    minimum_won: int = Field(default=20, ge=5, description="won leads since the training before they are judged")
    data_days: float | None = Field(
        default=None, gt=0, description="age of the data, by the clock on the wall, from which to act; null: any age"
    )
    stage_days: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="days within which a stage, or 'retrain', is to have run; none: not looked at"
    )
    draws: int = Field(default=1000, ge=200)
    seed: int = 7
