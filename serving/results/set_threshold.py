"""Setting the score from which leads are handed off, on the server: with author and reason."""

from typing import Any

from features.errors import LeadScoreError
from serving.auth.api_keys import Caller
from serving.problems import ConflictError
from serving.state.app_state import AppState
from serving.store.audit_trail import record_action
from serving.webhooks.load_decided import load_decided
from serving.webhooks.outcomes import record_outcome


def set_threshold(
    app_state: AppState, score: int | None, caller: Caller, reason: str, replaces: int | None = None
) -> dict[str, Any]:
    """Hand off from this score on; None goes back to what the policy declares.

    ``replaces`` is the score in force that the caller saw; None: whichever it is.

    ``in_use`` of what is returned is False while this server still loads it.

    The audit trail says who asked before anything changes, and then what came of it: no score is in force unsaid.

    Raises
    ------
    OvertakenError : another score is in force by now
    PolicyError : it is in force already, or the policy goes by evidence alone
    ConflictError : points score alone here, so states come from the rubric's own thresholds
    BusyError : a run is writing here; ask again when it is done
    """
    from pipelines.workspace.adopted_thresholds import adopt_threshold, load_thresholds
    from pipelines.workspace.lock import only_writer

    if app_state.loaded.model.bundle.by_points:
        raise ConflictError("points score alone here; the rubric's own threshold hands off, set it on the rubric page.")
    reason = app_state.people.register.hide_in_text(reason, numbers=True)
    label, asked = "declared" if score is None else str(score), {"reason": reason}
    with app_state.store.writing() as session:
        record_action(session, caller.name, "threshold.setting", label, asked)
    try:
        with only_writer(app_state.paths):
            context = app_state.open_declaration()
            declared = None if context.thresholds is None else context.thresholds.declared
            history = load_thresholds(app_state.paths, declared)
            found = adopt_threshold(
                app_state.paths, history, score, author=caller.name, reason=reason, replaces=replaces
            )
    except Exception as problem:
        outcome = problem.message if isinstance(problem, LeadScoreError) else type(problem).__name__
        record_outcome(app_state.store, caller.name, "threshold.not_set", label, asked | {"outcome": outcome})
        raise
    detail = asked | {"replaces": found.replaces}
    record_outcome(app_state.store, caller.name, "threshold.set", label, detail)
    return found.model_dump() | {"in_use": load_decided(app_state)}
