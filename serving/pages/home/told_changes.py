"""What happened lately, with answers in the words of the reader."""

from dataclasses import replace

from models.explaining.language import Language
from serving.pages.card.card_timeline import say_stored_answer
from serving.results.recent_changes import Change, RecentChanges, find_recent_changes
from serving.state.app_state import AppState


def tell_changes(app_state: AppState, owner: str | None, language: Language, limit: int = 8) -> RecentChanges | None:
    """Recent changes with each answer as a sentence, as the card's history says it; None without clocks."""
    found = find_recent_changes(app_state, owner, limit)
    if found is None:
        return None
    questions = app_state.context.source.questions

    def told(change: Change) -> Change:
        question = questions.get(change.question)
        if question is None:
            return change
        label = question.label or change.question.replace("_", " ")
        return replace(change, detail=say_stored_answer(language, question, label, change.detail))

    return replace(found, rows=tuple(told(change) for change in found.rows))
