"""Declarations of evidence: kinds of activities, questions, windows of engagement, scanners' clicks."""

from typing import Literal

from pydantic import Field, model_validator

from features.schema.columns import Declared
from features.schema.vocabulary import Actor, ColumnType, Dimension, Provenance, Topic


class ActivityKind(Declared):
    """What one kind of activity is evidence of."""

    dimension: Dimension = Field(description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of")
    label: str = Field(default="", description="plain-words noun phrase for reps")
    half_life_days: float = Field(default=14.0, gt=0, le=3650, description="days until one of them counts half")
    estimate_half_life: bool = Field(
        default=False, description="learn half_life_days from the earliest training rows; if they cannot tell, it stays"
    )
    actors: tuple[Actor, ...] = Field(default=(Actor.LEAD,), description="whose activities count")
    assets: dict[str, Topic] = Field(default_factory=dict, description="asset (exact or glob) to topic")
    assets_intent: tuple[str, ...] = Field(default=(), description="assets (exact or glob) that count as intent")
    direction: Literal[-1, 0, 1] = Field(default=0, description="1: more can only help, -1: only hurt, 0: free")
    bot_prone: bool = Field(default=False, description="e-mail scanners may cause it")
    send: bool = Field(default=False, description="an e-mail sent by us; scanners click seconds after it")


class Question(Declared):
    """A qualification question: what its answer speaks of and what counts as met."""

    topic: Topic = Field(description="what the answer speaks of")
    dimension: Dimension = Field(default=Dimension.FIT, description="what kind of evidence it is")
    type: ColumnType = Field(default=ColumnType.CATEGORY, description="how answers are read")
    text: str = Field(description="the question as a rep would ask it")
    values: tuple[str, ...] = Field(default=(), description="possible answers; none given: any")
    met: tuple[str, ...] = Field(default=(), description="answers that meet the criterion")
    met_minimum: float | None = Field(default=None, description="numeric answers from here on meet it")
    minimum: float | None = Field(default=None, description="smallest possible number; smaller answers are refused")
    maximum: float | None = Field(default=None, description="largest possible number; larger answers are refused")
    valid_for_days: float | None = Field(default=None, gt=0, description="older answers count as unknown")
    provenance: Provenance = Field(
        default=Provenance.STATED, description="where its answers come from: stated, verified, bought in, or inferred"
    )
    direction: Literal[-1, 0, 1] = Field(default=0, description="1: more can only help, -1: only hurt, 0: free")
    label: str = Field(default="", description="plain-words noun phrase for reps")

    @model_validator(mode="after")
    def _range_is_one(self) -> "Question":
        low, high = self.minimum, self.maximum
        if self.type is not ColumnType.NUMBER and (low is not None or high is not None):
            raise ValueError("'minimum' and 'maximum' are of numbers; declare 'type: number', or the possible 'values'")
        if low is not None and high is not None and low > high:
            raise ValueError(f"'minimum' ({low:g}) is above 'maximum' ({high:g}), so that no answer is possible")
        return self

    def holds(self, number: float) -> bool:
        """Whether a number is a possible answer."""
        above = self.minimum is None or number >= self.minimum
        return above and (self.maximum is None or number <= self.maximum)

    @property
    def range_words(self) -> str:
        """The possible numbers in words, empty where any is possible.

        >>> Question(topic="need", text="?", type="number", minimum=0, maximum=10).range_words
        'from 0 to 10'
        """
        low = "" if self.minimum is None else f"from {self.minimum:g}"
        high = "" if self.maximum is None else f"to {self.maximum:g}"
        return f"{low} {high}".strip()


class EngagementWindows(Declared):
    """Windows of the engagement family, in days."""

    counts: tuple[int, ...] = Field(default=(7, 30, 90), description="windows of counts, days")
    trend: tuple[int, int] = Field(default=(14, 56), description="recent and reference window of the trend, days")


class BotFilter(Declared):
    """Clicks by e-mail scanners: within seconds of a send, or every link of a mail hit at once."""

    seconds_after_send: float = Field(default=10.0, ge=0, description="a click so soon after a send is a scanner's")
    burst_count: int = Field(default=5, ge=2, description="so many clicks within burst_seconds are a scanner's")
    burst_seconds: float = Field(default=5.0, gt=0, description="width of a burst, seconds")
