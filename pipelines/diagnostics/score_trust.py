"""How far a run's score can be trusted, read off its test figures."""

from models.judging.evaluation.trust import Trust, judge_trust
from pipelines.artifacts.evaluation_record import EvaluationRecord


def trust_of(evaluation: EvaluationRecord) -> Trust:
    """How far the chosen candidate can be trusted, by its test figures."""
    figures = evaluation.figures.get(evaluation.winner or "")
    if figures is None:
        return judge_trust(None, (), None, None)
    by_chance = None if evaluation.ece_if_perfect is None else evaluation.ece_if_perfect.p95
    return judge_trust(figures["auc_ci"], evaluation.reliability, figures.get("ece"), by_chance)
