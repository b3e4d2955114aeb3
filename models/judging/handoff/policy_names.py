"""The handoff policies by name: the one list from which artifacts, sentences, charts and pages take name and label."""

from collections.abc import Collection
from enum import StrEnum
from typing import Self


class Policy(StrEnum):
    """A policy of handing leads to sales.

    The value is its name in artifacts and in the API; ``who`` ranks the leads and ``where`` says at which point of
    the ranking it cuts, both for people.
    """

    who: str
    where: str

    def __new__(cls, value: str, who: str, where: str = "") -> Self:
        """A member whose string is its value alone."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.who, member.where = who, where
        return member

    RUBRIC_OWN = "rubric_own_threshold", "rubric", "at its own threshold"
    EQUAL_WORKLOAD = "model_equal_workload", "model", "at the rubric's workload"
    EQUAL_PRECISION = "model_equal_precision", "model", "at the rubric's precision"
    RUBRIC_CAPACITY = "rubric_at_capacity", "rubric", "at capacity"
    MODEL_CAPACITY = "model_at_capacity", "model", "at capacity"
    MODEL_VALUE = "model_by_cost_and_value", "model", "by cost and value"
    PROPOSED_RUBRIC = "proposed_rubric", "proposed rubric"
    RECORDED_SCORE = "recorded_score", "recorded score"
    ACTUAL_HANDOFF = "actual_handoff", "actual handoffs"

    @property
    def label(self) -> str:
        """For tables, charts and pages.

        >>> Policy.RUBRIC_OWN.label, Policy.PROPOSED_RUBRIC.label
        ('rubric, at its own threshold', 'proposed rubric')
        """
        return f"{self.who}, {self.where}" if self.where else self.who


# first minus second, where both were replayed: the same workload first, since that is the question people ask
DIFFERENCES = (
    (Policy.EQUAL_WORKLOAD, Policy.RUBRIC_OWN),
    (Policy.EQUAL_PRECISION, Policy.RUBRIC_OWN),
    (Policy.MODEL_CAPACITY, Policy.RUBRIC_CAPACITY),
)


def pick_same_workload(held: Collection[str]) -> tuple[Policy, ...]:
    """Rubric and model at the same workload, of the policies held; the model alone where there is no rubric.

    >>> [str(policy) for policy in pick_same_workload({"model_at_capacity"})]
    ['model_at_capacity']
    """
    pairs = ((Policy.RUBRIC_OWN, Policy.EQUAL_WORKLOAD), (Policy.RUBRIC_CAPACITY, Policy.MODEL_CAPACITY))
    return next((pair for pair in pairs if set(pair) <= set(held)), (Policy.MODEL_CAPACITY,))


def place_of(name: str) -> str:
    """At which point a policy of ours cuts, as the start of a sentence; empty for a name that is none of ours.

    >>> place_of("model_at_capacity"), place_of("a_vendor")
    ('At capacity', '')
    """
    return next((policy.where.capitalize() for policy in Policy if policy == name), "")


def policy_label(name: str) -> str:
    """The label of a policy's name; a name that is none of ours in plain words.

    >>> policy_label("model_at_capacity"), policy_label("a_vendor")
    ('model, at capacity', 'a vendor')
    """
    return next((policy.label for policy in Policy if policy == name), name.replace("_", " "))
