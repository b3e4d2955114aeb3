"""The score from which a qualification policy hands leads to sales, and the same policy with another one."""

from models.explaining.qualification_policy import QualificationPolicy, StateRule


def handoff_score(policy: QualificationPolicy) -> int | None:
    """The lowest score at which a rule hands off; None where all go by evidence, whatever the score.

    >>> from models.explaining.qualification_policy import default_qualification
    >>> handoff_score(default_qualification())
    50
    """
    return min((rule.score_from for rule in _by_score(policy) if rule.score_from is not None), default=None)


def asks_for_more(policy: QualificationPolicy) -> bool:
    """Whether every rule that hands off at that score asks for evidence as well."""
    lowest = handoff_score(policy)
    return all(not _score_alone(rule) for rule in _by_score(policy) if rule.score_from == lowest)


def with_handoff_score(policy: QualificationPolicy, score: int) -> QualificationPolicy:
    """The policy that hands off from another score on.

    The rules that begin lowest move there: those that ask for the score alone, if there are any. A rule that asks for
    more keeps its own score, unless it would begin below.

    >>> from models.explaining.qualification_policy import default_qualification
    >>> lower, higher = (with_handoff_score(default_qualification(), score) for score in (40, 60))
    >>> [[rule.score_from for rule in one.rules if rule.score_from] for one in (lower, higher)]
    [[50, 40], [60, 60]]
    """
    lowest = handoff_score(policy)
    if lowest is None:
        return policy
    starts = [rule.id for rule in _by_score(policy) if rule.score_from == lowest]
    alone = [rule.id for rule in _by_score(policy) if rule.id in starts and _score_alone(rule)]
    moved, handing = set(alone or starts), {rule.id for rule in _by_score(policy)}

    def at(rule: StateRule) -> StateRule:
        if rule.id not in handing or rule.score_from is None:
            return rule
        begins = score if rule.id in moved else max(rule.score_from, score)
        return rule.model_copy(update={"score_from": begins})

    return policy.model_copy(update={"rules": tuple(at(rule) for rule in policy.rules)})


def _by_score(policy: QualificationPolicy) -> list[StateRule]:
    return [rule for rule in policy.rules if rule.then.action == "hand_off" and rule.score_from is not None]


def _score_alone(rule: StateRule) -> bool:
    return not (rule.points_from or rule.met or rule.met_at_least or rule.none_refused)
