"""What a caller may do."""

from enum import StrEnum

from serving.problems import InvalidError


class Scope(StrEnum):
    """What a caller may do."""

    SCORE = "score"
    READ = "read"
    FEEDBACK = "feedback"
    ADMIN = "admin"


def scopes_of(names: list[str]) -> list[str]:
    """Scopes by name, in order; InvalidError names the known ones."""
    unknown = sorted(set(names) - set(Scope))
    if unknown or not names:
        raise InvalidError(f"unknown scope {', '.join(unknown) or '(none given)'}; known: {', '.join(Scope)}.")
    return [str(scope) for scope in Scope if scope in names]
