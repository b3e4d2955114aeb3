"""Under which kind of activity a call, a mail or a meeting of sales is stored, in the words of the source.

A model counts the kinds that its source declares, by whom it declares them. What is logged on a card gets such a kind
only if the model was trained on activities of that kind by sales; else one that no feature reads (decision 0065).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from features.kernel.column_reader import micros_of
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, micros
from features.point_in_time.visibility import mask_known
from features.schema.source import Source
from features.schema.vocabulary import Actor
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState

NOTE = "note"
WORDS: Mapping[str, str] = MappingProxyType({"call": "Call", "mail": "Mail", "meeting": "Meeting"})
# kinds of our own, where the source has none that fits
LOGGED: Mapping[str, str] = MappingProxyType({f"logged_{name}": word for name, word in WORDS.items()})
# how kinds of exports are called: whole words, so that a contract that was terminated is no "Termin"
_CONTACTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "mail": frozenset({"mail", "mails", "email", "emails", "correo", "correos"}),
        "meeting": frozenset(
            {
                *("meeting", "meetings", "appointment", "appointments", "besprechung", "besprechungen", "termin"),
                *("termine", "rendez", "rendezvous", "reunion", "reunión", "réunion", "reunião", "spotkanie"),
            }
        ),
        "call": frozenset(
            {
                *("call", "calls", "phone", "phonecall", "telefon", "telefonat", "telefonate", "anruf", "anrufe"),
                *("appel", "appels", "llamada", "llamadas", "ligação", "ligacao", "rozmowa", "rozmowy"),
            }
        ),
    }
)
_KOREAN: Mapping[str, tuple[str, ...]] = MappingProxyType(  # which is written without blanks
    {"mail": ("메일",), "meeting": ("미팅", "회의"), "call": ("통화", "전화")}
)
# beginnings of words that say it did not take place, is still to come or is something else
_NO_CONTACT = (
    *("cancel", "noshow", "miss", "bounc", "unsub", "declin", "voice", "unanswer", "fail", "reject", "undeliver"),
    *("attempt", "spam", "optout", "click", "open", "view", "action", "auto", "number", "address", "chang", "updat"),
    *("schedul", "reschedul", "postpon", "book", "invit", "request", "remind", "plan", "abgesag", "verpass"),
    *("abgelehn", "storn", "vereinbar", "anrufbeantw", "annul", "manqu", "perdid", "rechaz", "odwoł", "anulow"),
    *("nieodebr", "nummer", "numer", "adres"),
)
_NOT = frozenset({"no", "not", "non", "nicht", "kein", "keine", "nie", "brak", "out"})
_NO_CONTACT_KOREAN = ("부재", "취소", "음성", "거절", "거부", "노쇼", "반송", "예약", "요청", "번호")
_WORD, _CAMEL = re.compile(r"[^\W\d_]+"), re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class LogKind:
    """One choice of the form: what it is called there, the kind it is stored under, the source's label (or '')."""

    name: str
    kind: str
    label: str


def name_contact(kind: str) -> str:
    """Whether a kind of activity is a call, a mail or a meeting that took place, by the words of its name; '' in doubt.

    >>> name_contact("rep_call"), name_contact("Logged email"), name_contact("page_view"), name_contact("missed call")
    ('call', 'mail', '', '')
    """
    words = _WORD.findall(_CAMEL.sub(" ", kind).casefold())
    if any(word in _NOT or word.startswith(_NO_CONTACT) for word in words):
        return ""
    if any(part in kind for part in _NO_CONTACT_KOREAN):
        return ""
    found = [
        name
        for name, known in _CONTACTS.items()
        if not known.isdisjoint(words) or any(part in kind for part in _KOREAN[name])
    ]
    return found[0] if len(found) == 1 else ""


def find_log_kinds(app_state: AppState) -> list[LogKind]:
    """Call, mail and meeting with the kind that each is stored under; none where a source has no clocks."""
    state = app_state.loaded
    if state.data.flat:
        return []
    source, seen = state.data.source, trained_contacts(app_state)
    found = []
    for name in WORDS:
        kinds = [kind for kind, actor in seen if actor == Actor.REP and name_contact(kind) == name]
        kinds = [kind for kind in kinds if kind not in source.activity_kinds or not source.activity_kinds[kind].send]
        most = max(kinds, key=lambda kind: (seen[kind, Actor.REP], kind), default=f"logged_{name}")
        declared = source.activity_kinds.get(most)
        found.append(LogKind(name, most, "" if declared is None else declared.label))
    return found


def trained_contacts(app_state: AppState) -> Mapping[tuple[str, str], int]:
    """How often each kind of activity by each actor stands in the data; of declared kinds, which features count, as far
    as they were known when the model in use last looked at a lead in its training.
    """
    state = app_state.loaded
    return app_state.results.get("trained contacts", (state.number, state.data.stamp), lambda: _count(state))


def _count(state: LoadedState) -> Mapping[tuple[str, str], int]:
    acts, meta = state.data.tables.get("activities"), state.model.bundle.meta
    if acts is None or not len(acts):
        return {}
    kind, through = acts["kind"].astype("str"), meta.get("trained_through")
    if through is not None:  # when the last label was known: the lead was looked at a horizon before
        last_look = micros_of(through) - int(meta.get("horizon_days") or 0) * MICROSECONDS_PER_DAY
        seen = mask_known(micros(acts["known_at"]), last_look)
        kind = kind[seen | ~kind.isin(state.data.source.activity_kinds).to_numpy(dtype=bool)]
    actor = acts["actor"].loc[kind.index].astype("object").fillna(str(Actor.LEAD)).astype("str")
    counts = pd.DataFrame({"kind": kind, "actor": actor}).value_counts().reset_index(name="count")
    return {(row["kind"], row["actor"]): int(row["count"]) for row in counts.to_dict("records")}


def is_new_to_model(app_state: AppState, kind: str, actor: str) -> bool:
    """Whether features count such activities though the model in use was never trained on one."""
    source: Source = app_state.loaded.data.source
    declared = source.activity_kinds.get(kind)
    counted = declared is not None and actor in [str(one) for one in declared.actors]
    return counted and (kind, actor) not in trained_contacts(app_state)
