"""Why a next step is the next one, in a sentence of the reader's language."""

from models.explaining.language import Language
from models.standing.next_steps import EXPAND, RECYCLE, WAIT, SalesStep
from models.standing.record import Standing


def explain_step(standing: Standing, question: str, language: Language) -> str:
    """The reason of the next action, '' where score and evidence decide it and the card says so anyway."""
    say, stage = language.text, _shown(standing.stage, language)
    days = language.decimal(standing.stage_days or 0.0, 0)
    closed = "" if standing.closed_at is None else f"{standing.closed_at:%Y-%m-%d}"
    match standing.next_action:
        case SalesStep.FIRST_CALL:
            handed = "" if standing.handed_over_at is None else f"{standing.handed_over_at:%Y-%m-%d}"
            return say("With sales since {date}, and no rep has acted since.", date=handed)
        case SalesStep.RECONNECT:
            silent = language.decimal(standing.silent_days or 0.0, 0)
            return say("At risk: silent for {days} days.", days=silent)
        case SalesStep.DECIDE:
            return say("Stuck: {days} days in stage {stage}. Move it on, or give it back.", days=days, stage=stage)
        case SalesStep.NAME_SEAT:
            return say(
                "Nobody known at the account holds the seat: {seat}. What people say goes before their title.",
                seat=say(standing.missing_seat),
            )
        case SalesStep.ASK if standing.is_with_sales:
            return question
        case _ if standing.next_action == WAIT:
            back = "" if standing.back_at is None else f"{standing.back_at:%Y-%m-%d}"
            return say("Recycled; it rests until {date}, then it is looked at again.", date=back)
        case _ if standing.next_action == EXPAND:
            return say("Customer since {date}: look for what else they need.", date=closed)
        case _ if standing.next_action == RECYCLE and not standing.is_open:
            return say("Lost on {date}, long enough ago to ask again.", date=closed)
    return ""


def _shown(stage: str, language: Language) -> str:
    """Short stages in capitals, as on every page."""
    return stage.upper() if len(stage) == 3 and stage != "won" else language.text(stage)
