"""Who of an account's contacts holds which seat of the buying committee, and what that rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from features.array_types import Bools, Tables
from features.catalog.families.job_titles import fold, job_function, seniority, title_pattern
from features.kernel.column_reader import number_of
from features.schema.source import Question, Source, title_column
from features.schema.vocabulary import Actor
from models.accounts.accounts_policy import AccountsPolicy, ActRule, AnswerRule, Seat, TitleRule
from models.judging.lifecycle.service_levels import rows_known_at


class Basis(StrEnum):
    """What a seat is recognised by, the surest first."""

    ANSWER = "answer"
    TITLE = "title"
    ACTIVITY = "activity"


_SURE = (str(Basis.ANSWER), str(Basis.TITLE))
_COLUMNS = ("lead_id", "seat", "basis", "because")


@dataclass(frozen=True)
class Reply:
    """The youngest answer of a person to a question that still counts."""

    value: str
    known_at: pd.Timestamp


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """What is known of some leads at a moment, as far as seats rest on it.

    Parameters
    ----------
    titles : lead id to job title; leads without one are left out
    replies : lead id to question to its valid answer
    acts : activities by the leads themselves
    active : leads that acted within the policy's ``engaged_days``
    """

    lead_ids: tuple[str, ...]
    titles: Mapping[str, str]
    replies: Mapping[str, Mapping[str, Reply]]
    acts: pd.DataFrame
    active: frozenset[str]
    as_of: pd.Timestamp


def read_contacts(
    tables: Tables, source: Source, policy: AccountsPolicy, lead_ids: Sequence[str], as_of: pd.Timestamp
) -> Contacts:
    """What was known of the leads before ``as_of``."""
    ids = set(lead_ids)
    acts = _rows_of(tables, "activities", ids, as_of)
    if len(acts):
        acts = acts[(acts["actor"].fillna(str(Actor.LEAD)) == str(Actor.LEAD)).to_numpy(dtype=bool)]
    active: frozenset[str] = frozenset()
    if len(acts):
        recent = acts["happened_at"] >= as_of - pd.Timedelta(days=policy.engaged_days)
        active = frozenset(acts.loc[recent.to_numpy(dtype=bool), "lead_id"].astype("str"))

    titles: dict[str, str] = {}
    column = title_column(source)
    leads = tables["leads"]
    if column is not None and column in leads:
        own = leads[leads["lead_id"].isin(ids).to_numpy(dtype=bool)]
        pairs = zip(own["lead_id"].astype("str"), own[column], strict=True)
        titles = {lead: str(text) for lead, text in pairs if not pd.isna(text) and str(text).strip()}
    replies = _read_replies(_rows_of(tables, "answers", ids, as_of), source, as_of)
    return Contacts(lead_ids=tuple(lead_ids), titles=titles, replies=replies, acts=acts, active=active, as_of=as_of)


def _rows_of(tables: Tables, name: str, ids: set[str], as_of: pd.Timestamp) -> pd.DataFrame:
    table = tables.get(name)
    if table is None or not len(table):
        return pd.DataFrame()
    own = table[table["lead_id"].isin(ids).to_numpy(dtype=bool)]
    return rows_known_at(own, as_of) if len(own) else own


def _read_replies(answers: pd.DataFrame, source: Source, as_of: pd.Timestamp) -> dict[str, dict[str, Reply]]:
    """Per lead and declared question the youngest answer; withdrawn and expired ones are none."""
    found: dict[str, dict[str, Reply]] = {}
    if not len(answers):
        return found
    last = answers.sort_values("known_at", kind="stable").drop_duplicates(["lead_id", "question"], keep="last")
    for lead, name, value, known in zip(
        last["lead_id"].astype("str"), last["question"].astype("str"), last["value"], last["known_at"], strict=True
    ):
        question = source.questions.get(name)
        if question is None or pd.isna(value) or str(value) == "":
            continue
        if question.valid_for_days is None or (as_of - known) <= pd.Timedelta(days=question.valid_for_days):
            found.setdefault(lead, {})[name] = Reply(str(value), known)
    return found


def recognise_seats(contacts: Contacts, policy: AccountsPolicy, source: Source) -> pd.DataFrame:
    """One row per lead and seat it holds: ``basis`` says by what, ``because`` in the words of the source.

    An answer that denies a seat takes the lead off it; an answer goes before the title, the title before acts.
    """
    rows: list[tuple[str, str, str, str]] = []
    for seat in policy.seats:
        acted = _acted(seat.acts, contacts, source)
        for lead in contacts.lead_ids:
            replies = contacts.replies.get(lead, {})
            if find_reply(seat.denied_by, replies, source):
                continue
            said = find_reply(seat.answers, replies, source)
            title = contacts.titles.get(lead, "")
            if said:
                rows.append((lead, seat.id, str(Basis.ANSWER), said))
            elif title and any(_title_fits(rule, title) for rule in seat.titles):
                rows.append((lead, seat.id, str(Basis.TITLE), title))
            elif lead in acted:
                rows.append((lead, seat.id, str(Basis.ACTIVITY), acted[lead]))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _title_fits(rule: TitleRule, title: str) -> bool:
    return (
        (not rule.seniority or seniority(title) in {str(level) for level in rule.seniority})
        and (not rule.function or job_function(title) in {str(name) for name in rule.function})
        and (not rule.words or title_pattern(rule.words).search(fold(title)) is not None)
        and (not rule.without or title_pattern(rule.without).search(fold(title)) is None)
    )


def find_reply(rules: Iterable[AnswerRule], replies: Mapping[str, Reply], source: Source) -> str:
    """The first answer that one of the rules holds for, in words; empty if none does."""
    for rule in rules:
        for name, reply in replies.items():
            question = source.questions[name]
            if _reply_fits(rule, name, question, reply.value):
                return f"{question.label or name.replace('_', ' ')}: {reply.value}"
    return ""


def _reply_fits(rule: AnswerRule, name: str, question: Question, value: str) -> bool:
    if rule.topic is not None:
        return rule.topic is question.topic and meets_rule(question, value) is rule.met
    if rule.question != name:
        return False
    if rule.values:
        return value.casefold() in {wanted.casefold() for wanted in rule.values}
    number = number_of(value)
    low = -np.inf if rule.minimum is None else rule.minimum
    high = np.inf if rule.maximum is None else rule.maximum
    return bool(low <= number <= high)


def meets_rule(question: Question, value: str) -> bool | None:
    """Whether an answer meets its question's rule; None where the question has no rule."""
    if question.met:
        return value.casefold() in {wanted.casefold() for wanted in question.met}
    if question.met_minimum is not None:
        number = number_of(value)
        return None if np.isnan(number) else bool(number >= question.met_minimum)
    return None


def _acted(rules: Sequence[ActRule], contacts: Contacts, source: Source) -> dict[str, str]:
    """Leads whose acts one of the rules holds for, with what they did."""
    found: dict[str, str] = {}
    for rule in rules:
        rows = contacts.acts[signs_in(rule, contacts.acts, source, contacts.as_of)] if len(contacts.acts) else None
        if rows is None or not len(rows):
            continue
        counts = rows.groupby(rows["lead_id"].astype("str"))
        for lead, own in counts:
            if len(own) >= rule.at_least and str(lead) not in found:
                found[str(lead)] = _acts_in_words(own, source)
    return found


def _acts_in_words(rows: pd.DataFrame, source: Source) -> str:
    """The most frequent kinds with how often they happened."""
    parts = []
    for kind, count in rows["kind"].astype("str").value_counts().head(2).items():
        declared = source.activity_kinds.get(str(kind))
        label = declared.label if declared is not None and declared.label else str(kind).replace("_", " ")
        parts.append(f"{count} {label}")
    return ", ".join(parts)


def signs_in(rule: ActRule, acts: pd.DataFrame, source: Source, as_of: pd.Timestamp) -> Bools:
    """Activities that a rule speaks of, within its days before ``as_of``."""
    recent = (acts["happened_at"] >= as_of - pd.Timedelta(days=rule.within_days)).to_numpy(dtype=bool)
    return np.asarray(recent & named_by(rule, acts, source), dtype=np.bool_)


def named_by(rule: ActRule, acts: pd.DataFrame, source: Source) -> Bools:
    """Activities that a rule speaks of, whenever they happened."""
    kinds = acts["kind"].astype("str")
    assets = acts["asset"].astype("object").fillna("").astype(str) if "asset" in acts else pd.Series("", acts.index)
    mask = np.ones(len(acts), dtype=np.bool_)
    if rule.kinds:
        mask &= kinds.isin(rule.kinds).to_numpy(dtype=bool)
    if rule.assets:
        named = {asset for asset in assets.unique() if any(fnmatchcase(asset, one) for one in rule.assets)}
        mask &= assets.isin(named).to_numpy(dtype=bool)
    if rule.against:
        mask &= kinds.isin([k for k, kind in source.activity_kinds.items() if kind.direction < 0]).to_numpy(dtype=bool)
    if rule.dimension is not None:
        own = kinds.isin([k for k, kind in source.activity_kinds.items() if kind.dimension is rule.dimension])
        mask &= own.to_numpy(dtype=bool) | _intent_assets(rule, kinds, assets, source)
    return np.asarray(mask, dtype=np.bool_)


def _intent_assets(rule: ActRule, kinds: pd.Series, assets: pd.Series, source: Source) -> Bools:
    """Rows on assets that their kind declares as intent, where the rule asks for intent."""
    mask = np.zeros(len(kinds), dtype=np.bool_)
    if str(rule.dimension) != "intent":
        return mask
    for name, kind in source.activity_kinds.items():
        for pattern in kind.assets_intent:
            named = {asset for asset in assets.unique() if fnmatchcase(asset, pattern)}
            mask |= (kinds == name).to_numpy(dtype=bool) & assets.isin(named).to_numpy(dtype=bool)
    return mask


class SeatStatus(StrEnum):
    """What is known of a seat: held by word or title, only suggested by acts, or held by nobody."""

    COVERED = "covered"
    INDICATED = "indicated"
    MISSING = "missing"


def seat_status(held: pd.DataFrame) -> SeatStatus:
    """Status of a seat from the rows of :func:`recognise_seats` that name it."""
    if not len(held):
        return SeatStatus.MISSING
    return SeatStatus.COVERED if held["basis"].isin(_SURE).any() else SeatStatus.INDICATED


def missing_seats(held: pd.DataFrame, seats: Sequence[Seat]) -> list[Seat]:
    """Wanted seats that nobody is known to hold."""
    taken = set(held["seat"])
    return [seat for seat in seats if seat.wanted and seat.id not in taken]
