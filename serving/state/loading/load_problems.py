"""Why nothing newer could be loaded, in words."""

from sqlalchemy.exc import SQLAlchemyError

from features.errors import LeadScoreError


def describe_problem(problem: Exception) -> str:
    """Why a load failed, in words for pages and /healthz."""
    if isinstance(problem, LeadScoreError):
        return problem.message
    if isinstance(problem, SQLAlchemyError):
        return f"the store could not be read ({type(problem).__name__}); the load is tried again every few seconds."
    if isinstance(problem, OSError) and problem.filename is not None:
        return (
            f"{problem.filename} cannot be read ({problem.strerror or type(problem).__name__}); give the server's user "
            "access to it, or write it anew."
        )
    return f"what the last run left could not be loaded ({type(problem).__name__}); the log has the places."
