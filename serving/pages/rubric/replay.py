"""The draft on past leads as the page shows it: three bars, handoffs, who enters and leaves, each change alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from features.rubric.draft import Content
from features.schema.operations import ActivityCount, AnswerValue, ColumnValue
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.scoring.shown_columns import company_name, person_name
from serving.auth.api_keys import Caller
from serving.pages.rubric.rule_fields import readable_keys
from serving.pages.rubric.words import subject_of
from serving.results.rubric_study import DraftStudy
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult

Row = Mapping[str, Any]
SHOWN_MOVES, SHOWN_MISSING = 12, 6
TONES = {"active": "is-rubric", "draft": "is-draft", "model": ""}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Wins of one judge, on an axis in per cent."""

    judge: str
    wins: int
    low: float | None
    high: float | None
    width: float
    low_at: float
    high_at: float


@dataclass(frozen=True, kw_only=True)
class Move:
    """A lead that only one of draft and rubric in use hands off."""

    lead_id: str
    name: str
    company: str
    side: str
    before: float
    after: float
    won: bool | None


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What the page shows of a study; ``underway`` until it is worked out.

    ``sides`` count everybody; ``moves`` and ``moves_now`` name those that are the caller's to see, ``only_own`` where
    these are an owner's.
    """

    underway: bool
    problem: str = ""
    bars: Sequence[Bar] = ()
    beside: Row | None = None
    differences: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    pair: Row | None = None
    own: Row | None = None
    policies: Mapping[str, Row] = field(default_factory=dict)
    moves: Sequence[Move] = ()
    moves_now: Sequence[Move] = ()
    sides: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    only_own: bool = False


@dataclass(frozen=True, kw_only=True)
class MissingView:
    """A condition that the rubric misses; ``key`` is the field a rule could read, empty where none can."""

    text: str
    points: float | None
    leads: float
    key: str


def build_replay(app_state: AppState, study: BesideResult[DraftStudy], caller: Caller) -> Replay:
    """The replay of a draft."""
    if study.underway:
        return Replay(underway=True)
    if study.value is None:
        return Replay(underway=False, problem=study.problem)
    found, pair = study.value, study.value.pair
    differences = {} if found.beside is None else {(r["first"], r["second"]): r for r in found.beside["differences"]}
    moves = [] if pair is None else pair["moves"]
    return Replay(
        underway=False,
        problem=found.problem,
        bars=[] if found.beside is None else _bars(found.beside["judges"]),
        beside=found.beside,
        differences=differences,
        pair=pair,
        own=None if pair is None else next(r for r in pair["differences"] if r["place"] == "own_threshold"),
        policies={} if pair is None else {row["policy"]: row for row in pair["policies"]},
        moves=_named(app_state, moves),
        moves_now=[] if pair is None else _named(app_state, pair["now"]["moves"]),
        sides={} if pair is None else pair["sides"],
        only_own=caller.owner is not None,
    )


def _bars(judges: Sequence[Row]) -> list[Bar]:
    most = max([1.0, *(float(end) for row in judges for end in (row["wins"], *row["wins_ci"]) if end is not None)])

    def at(value: float | None, other: float) -> float:
        return round(100 * (other if value is None else value) / most, 2)

    return [
        Bar(
            judge=row["judge"],
            wins=row["wins"],
            low=row["wins_ci"][0],
            high=row["wins_ci"][1],
            width=at(row["wins"], 0.0),
            low_at=at(row["wins_ci"][0], row["wins"]),
            high_at=at(row["wins_ci"][1], row["wins"]),
        )
        for row in judges
    ]


def _first_of_sides(moves: Sequence[Row]) -> list[Row]:
    return [
        row
        for side in ("enters", "leaves")
        for row in [move for move in moves if move["side"] == side][: SHOWN_MOVES // 2]
    ]


def _named(app_state: AppState, moves: Sequence[Row]) -> list[Move]:
    """The first of both sides by name, without those that left the data since."""
    data, found = app_state.loaded.data, []
    known = data.are_named_to([str(row["lead_id"]) for row in moves], None)
    for row in _first_of_sides([row for row, named in zip(moves, known, strict=True) if named]):
        lead = str(row["lead_id"])
        display = data.display(data.code(lead))
        won = None if "won" not in row else bool(row["won"])
        name = person_name(display) or lead
        before, after = float(row["points_active"]), float(row["points_draft"])
        found.append(
            Move(
                lead_id=lead,
                name=name,
                company=company_name(display),
                side=str(row["side"]),
                before=before,
                after=after,
                won=won,
            )
        )
    return found


def list_missing(
    app_state: AppState, last: ComparisonRecord | None, content: Content | None, language: Language
) -> list[MissingView]:
    """Conditions the rubric of the last run misses, those first that a rule could ask and the draft does not yet."""
    if last is None or last.repair is None or not app_state.ready:
        return []
    taken = {subject_of(rule) for rule in (content or {"rules": ()})["rules"]}
    catalog = app_state.loaded.model.bundle.catalog.by_name
    readable = readable_keys(app_state.context.source)
    found = []
    for row in last.repair.missing:
        feature = catalog.get(row["feature"])
        subject = None if feature is None else _subject(feature.params)
        if subject in taken or (subject is not None and ".".join(subject) not in readable):
            continue
        key = "" if subject is None else ".".join(subject)
        found.append(
            MissingView(
                text=f"{capitalise(translate_label(language, row['label']))}: {_condition(row['condition'], language)}",
                points=row["points"],
                leads=row["leads"],
                key=key,
            )
        )
    return sorted(found, key=lambda one: not one.key)[:SHOWN_MISSING]


def _condition(words: str, language: Language) -> str:
    """A condition as the diagnosis writes it, in the reader's words."""
    if words.startswith("is '"):
        return translate_value(language, words.removeprefix("is '").removesuffix("'"))
    if words.startswith("at least "):
        number = float(words.removeprefix("at least "))
        shown = language.decimal(number, 0) if abs(number) >= 3 else language.number(number)
        return language.text("{number} or more", number=shown)
    return language.text(words)


def _subject(params: Any) -> tuple[str, str] | None:
    """What a rule would read of a feature; None where the grammar has no such rule."""
    match params:
        case ColumnValue(condition=None, derive=None, read_as=None, table="leads"):
            return "lead", params.column
        case ColumnValue(condition=None, derive=None, read_as=None, table="accounts"):
            return "account", params.column
        case AnswerValue(condition=None, read_as=None):
            return "answer", params.question
        case ActivityCount(distinct_assets=False):
            kinds = params.rows.kinds or ()
            return ("activity", kinds[0]) if len(kinds) == 1 and params.rows.scope == "lead" else None
    return None
