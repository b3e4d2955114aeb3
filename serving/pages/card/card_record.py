"""What the card's page shows, built here so that the template only prints: sentences, fields and where they lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.schema.source import Question
from models.explaining.framework import CONTEXT, Framework
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_condition, translate_label, translate_value
from pipelines.scoring.shown_columns import MAILS, PHONES, company_name, person_name
from serving.leads.card import list_open_questions
from serving.leads.contact_log.log_kinds import LOGGED
from serving.pages.card.card_timeline import say_kind, say_stored_answer
from serving.pages.next_step_words import say_step, say_whole_step
from serving.pages.worklist.worklist_record import shade_of, stage_word
from serving.pages.written_values import write_age, write_day
from serving.state.loaded_state import LoadedState

_FEW_CHOICES = 6  # more options than these are a list, not buttons
_FELT_POINTS = 0.5  # a question that moves the score by less hardly matters


@dataclass(frozen=True, kw_only=True)
class AnswerBox:
    """A question with what it takes: its options (value, text), or a number with its ends.

    ``worth`` says what the answer could change, ``corrects`` is the id of the answer it takes the place of.
    """

    criterion: str
    label: str
    question: str
    text: str
    kind: str
    options: tuple[tuple[str, str], ...]
    minimum: float | None
    maximum: float | None
    worth: str = ""
    corrects: str = ""

    @property
    def as_buttons(self) -> bool:
        """Whether the options fit beside one another."""
        return 0 < len(self.options) <= _FEW_CHOICES


def answer_boxes(
    card: Mapping[str, Any], framework: Framework, state: LoadedState, language: Language
) -> dict[str, AnswerBox]:
    """Open questions by criterion, the one to ask next first."""
    found = {}
    for item in list_open_questions(card, framework, state):
        worth = ""
        if item["next"] and card["question_points"] is not None:
            if card["question_points"] < _FELT_POINTS:
                worth = language.text("The answer hardly moves the score.")
            else:
                points = language.decimal(card["question_points"], 0)
                worth = language.plural(
                    "The answer typically moves the score by {points} point.",
                    "The answer typically moves the score by {points} points.",
                    round(card["question_points"]),
                    points=points,
                )
        found[item["criterion"]] = AnswerBox(
            criterion=item["criterion"],
            label=item["label"],
            question=item["question"] or "",
            text=item["text"],
            kind=item["type"] or "text",
            options=_options(item["values"], language),
            minimum=item["minimum"],
            maximum=item["maximum"],
            worth=worth,
        )
    return found


def _options(values: Sequence[str], language: Language) -> tuple[tuple[str, str], ...]:
    return tuple((value, capitalise(translate_value(language, value))) for value in values)


def describe_criteria(
    card: Mapping[str, Any],
    answered: Mapping[str, list[dict[str, Any]]],
    questions: Mapping[str, Question],
    language: Language,
    year: int | None,
) -> list[dict[str, Any]]:
    """Criteria with what was said first, then the points; context last."""
    rows = []
    for row in card["criteria"]:
        said = [_describe_answers(one, questions, language, year) for one in answered.get(row["id"], [])]
        rows.append(
            {
                "id": row["id"],
                "label": row["label"],
                "status": row.get("status") or "",
                "points": row["points"],
                "said": said,
                "nobody_asked": not said and row["id"] != CONTEXT and row.get("status") != "indicated",
                "differs": row.get("differs") or "",
                "facts": row["facts"],
                "fields": [_describe_field(field, language) for field in row.get("fields", [])],
            }
        )
    return rows


def _describe_answers(
    one: Mapping[str, Any], questions: Mapping[str, Question], language: Language, year: int | None
) -> dict[str, Any]:
    """The latest answer to a question as a sentence, who heard it, what was said before, and the box to correct it."""
    question, rows = questions[one["question"]], one["rows"]
    latest = rows[0]
    label = translate_label(language, one["label"])
    text = (
        say_stored_answer(language, question, one["label"], latest["value"])
        if latest["value"]
        else language.text("{label}: not known any more", label=capitalise(label))
    )
    before = next((row for row in rows[1:] if row["value"] and row["corrected_by"] is None), None)
    earlier = ""
    if before is not None and before["value"] != latest["value"]:
        said = _quoted(translate_value(language, before["value"]), language)
        earlier = language.text(
            "before: {value} on {day}", value=said, day=write_day(language, before["known_at"], year)
        )
    heard = [write_day(language, latest["known_at"], year)]
    heard += [translate_value(language, latest["channel"])] if latest["channel"] else []
    heard += [latest["author"]] if latest["author"] else []
    return {
        "text": text,
        "heard": ", ".join(heard),
        "earlier": earlier,
        "rows": [
            {
                "at": row["known_at"],
                "text": translate_value(language, row["value"]) if row["value"] else language.text("withdrawn"),
                "author": row["author"],
                "channel": translate_value(language, row["channel"]) if row["channel"] else "",
                "corrected": row["corrected_by"] is not None,
            }
            for row in rows
        ],
        "box": AnswerBox(
            criterion="",
            label=capitalise(label),
            question=one["question"],
            text=language.text(question.text) if question.text else capitalise(label),
            kind=one["type"],
            options=_options(one["values"], language),
            minimum=one["minimum"],
            maximum=one["maximum"],
            corrects=str(latest["id"] or ""),
        ),
    }


def _quoted(text: str, language: Language) -> str:
    return {"pl": f"„{text}”", "ko": f"‘{text}’"}.get(language.code, f"“{text}”")


def _describe_field(field: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return {
        **field,
        "label": capitalise(translate_label(language, field["label"])),
        "options": _options(field["values"], language),
    }


def undo_of_answer(answered: Mapping[str, list[dict[str, Any]]], answer_id: int) -> dict[str, str] | None:
    """The form that takes an answer back: the value before it in its place, or that nothing is known.

    What the answer corrected counts again; what was corrected before that does not.
    """
    for group in answered.values():
        for one in group:
            if one["rows"] and one["rows"][0]["id"] == answer_id:
                counted = (row for row in one["rows"][1:] if row["corrected_by"] in (None, answer_id))
                before = next(counted, None)
                found = {"question": one["question"], "corrects": str(answer_id)}
                if before is None or not before["value"]:
                    return found | {"status": "dont_know"}
                heard = {"channel": before["channel"]} if before["channel"] else {}
                return found | {"value": before["value"]} | heard
    return None


def describe_head(card: Mapping[str, Any], language: Language, question: str) -> dict[str, Any]:
    """Who it is, what to do now and why, and how the lead is reached."""
    display = card["display"]
    name = person_name(display) or str(card["lead_id"])
    stands = card["standing"]
    action = str(card["next_action"])
    closed = card["closed"] is not None
    because = stands["why"] if stands["why"] and stands["why"] != card["question"] else ""
    return {
        "name": name,
        "company": company_name(display),
        "step": say_whole_step(language, action, name, question),
        "because": because or _near(card, language),
        "phone": next((display[one] for one in PHONES if display.get(one)), ""),
        "mail": next((display[one] for one in MAILS if display.get(one)), ""),
        "shade": shade_of(card["score"], closed=closed),
        "stage": stage_word(language, stands["stage"]) if stands["stage"] else "",
        "stage_age": "" if stands["stage_days"] is None else write_age(language, stands["stage_days"]),
        "state": stage_word(language, card["state"]),
        "near_lacks": translate_condition(language, str(card["qualification"]["near_lacks"])),
        "mismatches": [translate_condition(language, text) for text in card["qualification"]["mismatches"]],
        "pinned": _say_pinned(card["pinned"], language) if card["pinned"] else "",
    }


def _say_pinned(pinned: Mapping[str, Any], language: Language) -> str:
    """Who pinned what and why, until when, and what the rules say."""
    until = pinned["expires_at"]
    said = {
        "name": pinned["author"],
        "reason": language.text(pinned["reason"].replace("_", " ")),
        "until": language.text(" until {day}", day=write_day(language, until)) if until else "",
    }
    state, step = pinned["state_pinned"], pinned["next_pinned"]
    if not state:
        return language.text(
            "{name} pinned the next step “{step}” ({reason}){until}; by the rules it would be “{rules}”. "
            "The score goes on.",
            **said,
            step=say_step(language, step, "", ""),
            rules=say_step(language, pinned["next_by_rules"], "", ""),
        )
    text = language.text(
        "{name} pinned the state {state} ({reason}){until}; by the rules it would be {rules}. The score goes on.",
        **said,
        state=stage_word(language, state),
        rules=stage_word(language, pinned["state_by_rules"]),
    )
    return f"{text} {language.text('The next step is pinned, too.')}" if step else text


def _near(card: Mapping[str, Any], language: Language) -> str:
    near = card["qualification"]["near_state"]
    if not near:
        return ""
    lacks = translate_condition(language, str(card["qualification"]["near_lacks"]))
    return language.text("One condition short of {state}: {lacks}.", state=stage_word(language, near), lacks=lacks)


def describe_reasons(
    card: Mapping[str, Any], criteria: Sequence[Mapping[str, Any]], language: Language
) -> tuple[list[dict[str, str]], dict[str, str] | None]:
    """Two reasons that speak for the lead, and the one thing to mind: a changed answer first, then an unmet one."""
    best = [{"says": one["says"], "more": one["compares"]} for one in card["plain"]["for"][:2]]
    unmet = card["unmet_answers"]
    changed = next((one for row in criteria for one in row["said"] if one["earlier"] and one["text"] in unmet), None)
    if changed is not None:
        return best, {"says": changed["text"], "more": capitalise(changed["earlier"]) + "."}
    if unmet:
        return best, {"says": unmet[0], "more": ""}
    against = card["plain"]["against"][:1]
    mind = {"says": against[0]["says"], "more": against[0]["compares"]} if against else None
    wrong = card["qualification"]["mismatches"]
    if wrong and (mind is None or not mind["more"]):
        return best, {"says": language.text("Does not look like our customers"), "more": ""}
    return best, mind


def describe_seats(account: Mapping[str, Any] | None, lead_id: str, language: Language) -> dict[str, Any] | None:
    """Who is at the table, gaps as gaps; None where no company is on record."""
    if account is None:
        return None
    people = {lead["lead_id"]: lead for lead in account["leads"]}
    seats = [seat for seat in account["seats"] if seat["wanted"] or seat["holders"]]
    rows = [
        {
            "label": capitalise(language.text(seat["label"])),
            "meaning": capitalise(language.text(seat["meaning"])) if seat["meaning"] else "",
            "status": seat["status"],
            "silent": seat["silent"],
            "mine": any(holder["lead_id"] == lead_id for holder in seat["holders"]),
            "others": seat.get("held_by_others", 0),
            "holders": [
                {
                    "lead_id": holder["lead_id"],
                    "name": people[holder["lead_id"]]["name"] or holder["lead_id"],
                    "title": people[holder["lead_id"]]["title"] or "",
                    "score": people[holder["lead_id"]]["score"],
                }
                for holder in seat["holders"]
                if holder["lead_id"] in people
            ][:2],
            "conflict": bool(seat["in_conflict"]),
        }
        for seat in seats
    ]
    missing = [row["label"] for row in rows if row["status"] == "missing"]
    return {"rows": rows, "known": len(rows) - len(missing), "all": len(rows), "missing": ", ".join(missing)}


def describe_learned(
    moved: Mapping[str, Any],
    lead_id: str,
    questions: Mapping[str, Question],
    kinds: Mapping[str, Any],
    language: Language,
) -> list[dict[str, Any]]:
    """Rows that became known within the week in words, each saying whether it is of this lead or of a colleague."""
    found = []
    for row in reversed(moved["rows"]):
        name, _, value = str(row["what"]).partition(" ")
        if row["table"] == "answers" and name in questions:
            question = questions[name]
            text = say_stored_answer(language, question, question.label or name, value) if value else name
        elif row["table"] == "stages":
            text = language.text("Stage: {stage}", stage=stage_word(language, row["what"]))
        elif row["table"] == "activities" and (name in kinds or name in LOGGED):
            text = say_kind(language, kinds, name)
        else:
            text = capitalise(str(row["what"]).replace("_", " "))
        found.append(
            {
                "at": row["known_at"],
                "text": text,
                "colleague": row["lead_id"] not in (None, lead_id),
                "lead_id": row["lead_id"],
            }
        )
    return found
