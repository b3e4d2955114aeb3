"""What the worklist's page shows: lists with counts, filters with counts, and each lead in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from features.schema.vocabulary import LeadList, Role
from models.explaining.evidence import question_for
from models.explaining.framework import Framework
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from models.scored_leads import Scored
from pipelines.scoring.shown_columns import MAILS, PHONES, company_name, person_name
from serving.leads.feedback import find_snoozed_leads
from serving.lists.closed_leads_page import CLOSED_LISTS, count_closed
from serving.pages.next_step_words import criterion_asked, say_step
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.written_values import write_age
from serving.state.app_state import AppState
from serving.state.lead_scoring import score_leads
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import WorklistQuery

SHORT_LIST = "one_answer_short"  # a tab beside the lists: leads of several of them
REFERENCE, WARM = 50, 35  # the shade of a score; 50 stands for the reference chance
LISTS = tuple(LeadList)
LIST_TITLES: Mapping[str, str] = {
    LeadList.TO_HAND_OFF: "To hand off",
    LeadList.TO_WORK: "To work",
    LeadList.WATCHING: "Watching",
    LeadList.RESTING: "Resting",
    LeadList.CUSTOMERS: "Customers",
    LeadList.CLOSED: "Closed",
}
FILTER_TITLES: Mapping[str, str] = {"unknown": "Not known", "stage": "CRM stage", "state": "State", "grade": "Fit"}
SORTS: Mapping[str, str] = {
    "score": "Score, highest first",
    "change": "Biggest rise this week",
    "value": "Expected value",
    "waiting": "Longest in its stage",
    "points": "Points of the rubric",
    "newest": "Newest first",
    "name": "Name",
}


@dataclass(frozen=True)
class Option:
    """A choice of a filter: its text, how many leads it leaves, where it leads, and whether it is on."""

    text: str
    count: int | None
    href: str
    on: bool

    @property
    def item(self) -> tuple[str, int | None, str, bool]:
        """As the macros of menus and tabs take it."""
        return self.text, self.count, self.href, self.on


def shade_of(score: int | None, *, closed: bool = False) -> str:
    """The shade in which a score is drawn; the number says it, the shade repeats it.

    >>> [shade_of(score) for score in (61, 40, 12)], shade_of(61, closed=True)
    (['hot', 'warm', 'cool'], 'closed')
    """
    if closed or score is None:
        return "closed"
    return "hot" if score >= REFERENCE else "warm" if score >= WARM else "cool"


def list_tabs(
    app_state: AppState, query: WorklistQuery, address: WorklistAddress, language: Language
) -> list[tuple[str, int | None, str, bool]]:
    """Lists of leads, each with how many of the filtered leads it holds; nothing where no stage tells lists apart.

    Lists of open leads keep what is shown of them (new ones, or also those put aside), as their counts do; the others
    have no such choice.
    """
    state = app_state.loaded
    if "lead_list" not in state.worklist.rows.frame:
        return []
    awake = replace(query, lead_list="", only=None)
    counts = state.worklist.count_by(awake, "lead_list")
    snoozed = query.only is not None
    show = "" if snoozed else address.values.get("show", "")
    over = {} if query.search or query.stage else count_closed(state, query.owner, query.segment)
    total = sum(counts.values())
    tabs: list[tuple[str, int | None, str, bool]] = [
        (language.text("All open"), total, address.link(list="", show=show), not query.lead_list and not snoozed)
    ]
    for name in LISTS:
        count = over.get(name) if name in CLOSED_LISTS else counts.get(str(name), 0)
        on = query.lead_list == name and not snoozed
        href = address.link(list=str(name), show="" if name in CLOSED_LISTS else show)
        tabs.append((language.text(LIST_TITLES[name]), count, href, on))
        if name == LeadList.TO_WORK:
            tabs.append((language.text("One answer short"), None, "/short", query.lead_list == SHORT_LIST))
        if name == LeadList.WATCHING:
            asleep = state.worklist.count(
                replace(awake, since=None, only=find_snoozed_leads(app_state.store) - state.find_gone())
            )
            tabs.append((language.text("Snoozed"), asleep, address.link(list="", show="snoozed"), snoozed))
    return tabs


def filter_menus(
    state: LoadedState, query: WorklistQuery, address: WorklistAddress, framework: Framework, language: Language
) -> list[tuple[str, list[tuple[str, int | None, str, bool]]]]:
    """Filters that could narrow the list, each with its choices and how many leads they leave."""
    worklist = state.worklist
    menus: list[tuple[str, list[tuple[str, int | None, str, bool]]]] = []
    if query.lead_list in CLOSED_LISTS:
        return []

    by_column = {} if query.segment else worklist.count_segments(query, worklist.rows.segments.choices)
    for column, counts in by_column.items():
        options = [
            Option(capitalise(translate_value(language, name)), count, address.link(segment=f"{column}:{name}"), False)
            for name, count in counts.items()
        ]
        title = capitalise(translate_label(language, label_of_column(state, column)))
        menus.append((title, [option.item for option in options]))

    if not query.unknown:
        options = [
            Option(language.text(framework.label(name)), count, address.link(unknown=name), False)
            for name, count in worklist.count_unknown(query, framework.ids).items()
            if count
        ]
        menus.append((language.text(FILTER_TITLES["unknown"]), [option.item for option in options]))

    for name, counts in (
        ("stage", {} if query.stage else worklist.count_by(query, "stage")),
        ("state", {} if query.state else worklist.count_states(query)),
        ("grade", {} if query.grade else dict(sorted(worklist.count_by(query, "grade").items()))),
    ):
        options = [
            Option(stage_word(language, value), count, address.link(**{name: value}), False)
            for value, count in counts.items()
        ]
        if options:
            menus.append((language.text(FILTER_TITLES[name]), [option.item for option in options]))
    return menus


def label_of_column(state: LoadedState, column: str) -> str:
    """The label a column is declared with, its name without one."""
    for table in ("leads", "accounts"):
        declared = state.data.source.tables.get(table)
        if declared is not None and column in declared.columns:
            return declared.columns[column].label or column.replace("_", " ")
    return column.replace("_", " ")


def filters_on(
    state: LoadedState, address: WorklistAddress, framework: Framework, language: Language
) -> list[tuple[str, str]]:
    """Filters that are on, in words, each with the address without it."""
    said: list[tuple[str, str]] = []
    for name, value in address.filters():
        if name == "segment":
            column, colon, part = value.partition(":")
            shown = capitalise(translate_value(language, part if colon else value))
            label = capitalise(translate_label(language, label_of_column(state, column))) if colon else ""
            text = f"{label}: {shown}" if label else shown
        elif name == "unknown":
            text = language.text("{topic} not known", topic=language.text(framework.label(value)))
        elif name == "grade":
            text = language.text("Fit {letter}", letter=value)
        elif name == "stage":
            text = language.text("Stage {stage}", stage=stage_word(language, value))
        elif name == "state":
            text = language.text("State {state}", state=stage_word(language, value))
        elif name == "minimum":
            text = language.text("Score from {score}", score=value)
        elif name == "disagree":
            text = language.text("Rubric and model disagree")
        elif name == "show":
            text = language.text({"new": "New today", "all": "Also put aside"}.get(value, value))
        else:
            text = value
        said.append((text, address.link(**{name: ""})))
    return said


def stage_word(language: Language, name: str) -> str:
    """A stage or a state as pages write it: short ones in capitals."""
    return name.upper() if len(name) == 3 and name != "won" else capitalise(language.text(name.replace("_", " ")))


def describe_rows(
    app_state: AppState,
    rows: Sequence[Mapping[str, Any]],
    address: WorklistAddress,
    framework: Framework,
    language: Language,
) -> list[dict[str, Any]]:
    """Rows of the page in words: next step, the best reason, what to mind, where the lead stands.

    Each lead is scored with everything posted since, so that its sentences go with its score in every language.
    """
    if not rows:
        return []
    state = app_state.loaded
    codes = [state.data.code(row["lead_id"]) for row in rows]
    with app_state.store.reading() as session:
        scored = score_leads(app_state, session, state, codes, framework, language=language)
    place = {str(name): k for k, name in enumerate(scored.columns["lead_id"])}
    questions = {name: question_for(name, framework, state.data.source) for name in framework.ids}
    asked = {name: language.text(text) for name, text in questions.items()}
    return [_describe(row, scored, place[str(row["lead_id"])], address, asked) for row in rows]


def _describe(
    row: Mapping[str, Any],
    scored: Scored,
    at: int,
    address: WorklistAddress,
    asked: Mapping[str, str],
) -> dict[str, Any]:
    language, framework = scored.language, scored.framework
    line = {name: values[at] for name, values in scored.columns.items()}
    criterion = criterion_asked(line, asked)
    label = language.text(framework.label(criterion)) if criterion else ""
    display = row["display"]
    action = str(row["next_action"])
    days = row.get("stage_days")
    return {
        "lead_id": row["lead_id"],
        "rank": row["rank"],
        "name": person_name(display) or str(row["lead_id"]),
        "company": company_name(display),
        "href": address.card(str(row["lead_id"])),
        "score": row["score"],
        "shade": shade_of(row["score"]),
        "grade": row["grade"],
        "change": row["change"],
        "probability": row["probability"],
        "step": say_step(language, action, criterion, label),
        "criteria": [
            {"label": language.text(framework.label(name)), "status": row[f"status_{name}"]} for name in framework.ids
        ],
        "reasons": list_reasons(scored, at),
        "stage": stage_word(language, row["stage"]) if row.get("stage") else "",
        "stage_age": "" if days is None else write_age(language, days),
        "state": stage_word(language, row["state"]),
        "points": row.get("manual_points"),
        "points_state": stage_word(language, row["manual_state"]) if row.get("manual_state") else "",
        "disagree": row.get("disagree") or "",
        "value": row["expected_value"],
        "owner": row["owner"],
        "created_at": row["created_at"],
        "phone": next((display[name] for name in PHONES if display.get(name)), ""),
        "mail": next((display[name] for name in MAILS if display.get(name)), ""),
        "feedback": row["feedback"],
        "snooze_ended": row["snooze_ended"],
        "pinned": row["pinned"],
    }


def list_reasons(scored: Scored, at: int) -> list[tuple[str, str]]:
    """The best reason and the one thing to mind of a lead, as (side, text)."""
    best = scored.plain_reasons(at, helps=True, count=1)
    mind = scored.unmet_answers(at) or [one.says for one in scored.plain_reasons(at, helps=False, count=1)]
    return [("for", one.says) for one in best] + [("against", text) for text in mind[:1]]


def describe_closed(row: Mapping[str, Any], address: WorklistAddress, language: Language) -> dict[str, Any]:
    """A row of a lead that is over, or rests until a day, in words."""
    display, rests = row["display"], row["lead_list"] == LeadList.RESTING
    return {
        "lead_id": row["lead_id"],
        "name": person_name(display) or str(row["lead_id"]),
        "company": company_name(display),
        "href": address.card(str(row["lead_id"])),
        "outcome": language.text("rests until") if rests else stage_word(language, row["outcome"]),
        "won": row["outcome"] == "won",
        "closed_at": row["back_at"] if rests else row["closed_at"],
        "owner": row["owner"],
        "step": say_step(language, str(row["next_action"]), "", ""),
    }


def extra_columns(app_state: AppState, *roles: Role, without: Sequence[str]) -> list[str]:
    """Declared columns with these roles, except some."""
    source = app_state.context.source
    return [
        name
        for table in ("leads", "accounts")
        for name, column in (source.tables[table].columns.items() if table in source.tables else ())
        if column.role in roles and name not in without
    ]
