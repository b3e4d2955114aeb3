"""The next step in words: a verb and what to ask, short for a list and whole for a card; never a gender."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from models.explaining.language import Language

_SHORT: Mapping[str, str] = MappingProxyType(
    {
        "hand_off": "Hand off to sales",
        "first_call": "Call for the first time",
        "reconnect": "Get back in touch",
        "decide": "Move on or give back",
        "name_seat": "Find who else decides",
        "ask_for_introduction": "Ask for an introduction",
        "keep_working": "Agree the next step",
        "nurture_interest": "Keep interest alive",
        "nurture_intent": "Keep in touch",
        "enrich": "Look up what is missing",
        "recycle": "Ask again",
        "disqualify": "Close: no customer of ours",
        "wait": "Let rest",
        "expand": "Look for what else they need",
        "none": "Nothing to do",
    }
)
_ASK: Mapping[str, str] = MappingProxyType(
    {
        "budget": "Ask about the budget",
        "authority": "Ask who decides",
        "need": "Ask what the problem is",
        "timeline": "Ask when it should start",
    }
)
_WHOLE: Mapping[str, str] = MappingProxyType(
    {
        "hand_off": "Hand {name} over to sales.",
        "first_call": "Call {name}. Nobody from sales has called yet.",
        "reconnect": "Get back in touch with {name}.",
        "decide": "Decide with {name}: move on to the next stage, or give the lead back.",
        "name_seat": "Ask {name} who else takes part in the decision.",
        "ask_for_introduction": "Ask {name} for an introduction to somebody who decides.",
        "keep_working": "Agree the next step with {name}.",
        "nurture_interest": "Keep the interest of {name} alive; there is nothing to sell yet.",
        "nurture_intent": "Keep in touch with {name}; wait for the next sign.",
        "enrich": "Look up what is missing about the company of {name}.",
        "recycle": "Ask {name} again: the reasons of then may be gone.",
        "disqualify": "Close the lead {name}: it fits none of our customers.",
        "wait": "Let {name} rest for now.",
        "expand": "Ask {name} what else they need.",
        "none": "Nothing to do.",
    }
)
NOTHING = "none"


def say_step(language: Language, action: str, criterion: str, label: str) -> str:
    """The next step in a few words; ``criterion`` is the one to ask about, ``label`` its name in the language."""
    if action == "ask":
        if criterion in _ASK:
            return language.text(_ASK[criterion])
        return language.text("Ask: {topic}", topic=label) if label else language.text("Ask what is not known")
    return language.text(_SHORT[action]) if action in _SHORT else language.text(action.replace("_", " "))


def say_whole_step(language: Language, action: str, name: str, question: str) -> str:
    """The next step as a sentence with the name; ``question`` is the one to ask."""
    if action == "ask":
        if question:
            return language.text("Call {name} and ask: {question}", name=name, question=question)
        return language.text("Call {name} and ask what is not known.", name=name)
    template = _WHOLE.get(action)
    return language.text(action.replace("_", " ")) if template is None else language.text(template, name=name)


def criterion_asked(row: Mapping[str, Any], questions: Mapping[str, str]) -> str:
    """The criterion a row's question is about, empty where it is none of them; ``questions`` are texts by criterion."""
    asked = row.get("question") or ""
    return next((name for name, text in questions.items() if text == asked), "")
