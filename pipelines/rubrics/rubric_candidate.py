"""The declared rubric as a candidate beside the learned ones."""

from models.candidates.rubric import RubricCandidate
from pipelines.workspace.context import Context


def rubric_candidate(context: Context) -> RubricCandidate | None:
    """The source's rubric as an unfitted candidate."""
    return None if context.rubric is None else RubricCandidate(context.rubric)
