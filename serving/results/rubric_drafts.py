"""Rubrics on the server: the versions, a draft against the one in force, its adoption, and the decay simulator."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.errors import LeadScoreError
from features.rubric.load import parse_rubric
from features.rubric.schema import Rubric
from serving.auth.api_keys import Caller
from serving.json_values import to_json_values
from serving.problems import InvalidError
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.store.audit_trail import record_action
from serving.webhooks.load_decided import load_decided
from serving.webhooks.outcomes import record_outcome

LONGEST = 50_000  # characters of a rubric: hundreds of rules
_DRAWS = 300  # of the intervals of a comparison that somebody waits for


def list_versions(app_state: AppState) -> dict[str, Any]:
    """The rubric in force and every version before it."""
    from pipelines.rubrics import rubric_adoption

    return rubric_adoption.list_versions(app_state.context)


def parse_draft(app_state: AppState, text: str, caller: Caller) -> Rubric:
    """The rubric of a YAML text, checked against the source.

    Raises
    ------
    PolicyError : it cannot be used, line by line
    InvalidError : it has a regular expression that only an administrator may try
    """
    draft = parse_rubric(text, source=app_state.context.source)
    check_patterns(draft.model_dump(), app_state.context.rubric, caller)
    return draft


def compare_draft(app_state: AppState, draft: Rubric, caller: Caller, since: str | None = None) -> dict[str, Any]:
    """The draft against the rubric in force; an owner sees the names of their own leads only.

    ``sides`` counts all who enter and leave, whoever's they are, and the wins among them.
    """
    from models.judging.cluster_bootstrap import Resampling
    from pipelines.rubrics.rubric_comparison import compare_with_active

    found = compare_with_active(app_state.context, draft, since=since, resampling=Resampling(_DRAWS))
    moves, now = _own(app_state, found["moves"], caller.owner), found["now"]
    own = {"moves": [to_json_values(row) for row in moves], "sides": _count_sides(found["moves"])}
    return found | own | {"now": now | {"moves": _own(app_state, now["moves"], caller.owner)}}


def adopt_draft(
    app_state: AppState,
    draft: Rubric,
    caller: Caller,
    reason: str,
    since: str | None = None,
    *,
    replaces: str | None = None,
) -> dict[str, Any]:
    """Make a draft the rubric in force; this server lists under it from the next request on.

    ``replaces`` is the rubric in force that the caller saw (name and version, empty for none); None: whichever it is.

    The audit trail says who asked before anything changes, and then what came of it: no version is in force unsaid.
    """
    from pipelines.rubrics.rubric_adoption import adopt
    from pipelines.workspace.lock import only_writer

    reason = app_state.people.register.hide_in_text(reason, numbers=True)
    label = f"{draft.name} {draft.version}"
    asked = {"reason": reason, "since": since}
    with app_state.store.writing() as session:
        record_action(session, caller.name, "rubric.adopting", label, asked)
    try:
        with only_writer(app_state.paths):
            context, by = app_state.open_declaration(), caller.name
            found = adopt(context, draft, author=by, reason=reason, since=since, replaces=replaces)
    except Exception as problem:
        outcome = problem.message if isinstance(problem, LeadScoreError) else type(problem).__name__
        record_outcome(app_state.store, caller.name, "rubric.not_adopted", label, asked | {"outcome": outcome})
        raise
    detail = {"version": found["version"], "replaces": found["replaces"], "reason": reason, "since": found["since"]}
    record_outcome(app_state.store, caller.name, "rubric.adopted", str(found["hash"]), detail)
    return found | {"in_use": load_decided(app_state)}


def simulate_decay(app_state: AppState, lead_id: str | None, days: Sequence[int], owner: str | None) -> dict[str, Any]:
    """What leads will have if they stay silent; an owner sees the names of their own leads only.

    Raises
    ------
    UnknownLeadError : the lead is not in the data, or not the caller's
    """
    from pipelines.rubrics.rubric_decay import simulate_decay as simulate

    if lead_id is not None:
        app_state.loaded.find_lead(lead_id, owner)
    found = simulate(app_state.context, lead_id, days)
    if lead_id is None:
        found = found | {"losing": _own(app_state, found["losing"], owner)}
    return to_json_values(found)


def _own(app_state: AppState, rows: list[dict[str, Any]], owner: str | None) -> list[dict[str, Any]]:
    if owner is None:
        return rows
    shown = app_state.loaded.data.are_named_to([str(row["lead_id"]) for row in rows], owner)
    return [row for row, seen in zip(rows, shown, strict=True) if seen]


def _count_sides(moves: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    of_side = {side: [row for row in moves if row["side"] == side] for side in ("enters", "leaves")}
    return {side: {"leads": len(rows), "won": sum(bool(row["won"]) for row in rows)} for side, rows in of_side.items()}


def check_patterns(asked: Mapping[str, Any], used: Rubric | None, caller: Caller) -> None:
    """Regular expressions may run forever: only administrators may try new ones.

    Parameters
    ----------
    asked : keys of a rubric or of a part of one, finished or not

    Raises
    ------
    InvalidError : it has one that the rubric in use does not have, and the caller is no administrator
    """
    new = _find_expressions(asked) - (set() if used is None else _find_expressions(used.model_dump()))
    if new and not caller.may(Scope.ADMIN):
        raise InvalidError(
            f"{min(new)} is a regular expression that the rubric in use does not have; such patterns can run forever, "
            "so only an administrator may try it. A glob such as *manager* is open to everyone."
        )


def _find_expressions(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return set().union(*(_find_expressions(part) for pair in value.items() for part in pair))
    if isinstance(value, list | tuple | set | frozenset):
        return set().union(*(_find_expressions(part) for part in value))
    is_expression = isinstance(value, str) and len(value) > 2 and value.startswith("/") and value.endswith("/")
    return {value} if is_expression else set()
