"""Keys of one owner, over every route there is: an id of another's, wherever it is sent, is answered like one that
nobody has; no list or page names another's lead. What a new route takes is looked at here before it passes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from serving.auth.api_keys import form_token, start_session
from serving.auth.dependencies import SESSION
from tests.reference.route_parameters import RouteParameters, find_routes
from tests.reference.serving import client_for, key_for, without_marks, worklist_of

# What names nobody: choices, words of the declaration, texts, figures, times, pages, and marks of the sender's own.
_PLAIN_NAMES = (
    "Idempotency-Key activity_id actor again amount as_of asset author back changed channel closed_at code "
    "cost_per_handoff days deal_kind disagree do done entered_at expires_at field forget form framework from_state "
    "grade handoffs_per_week happened_at how key keys kind known_at language left limit list minimum name next "
    "next_action next_state of once page product query question reason reverse role rubric rule saved score segment "
    "share show shown since size sort stage state status swaps theme token undo unknown until value value_per_win "
    "verdict was when won asked"
)
PLAIN = frozenset(_PLAIN_NAMES.split())
# Names that stand for an id on one route and for a text on others, and files that hold none.
PLAIN_AT = {
    "note": {
        "POST /leads/{lead_id}/feedback",
        "POST /leads/{lead_id}/log",
        "POST /v1/leads/{lead_id}/activities",
        "POST /v1/leads/{lead_id}/feedback",
        "POST /v1/leads/{lead_id}/notes",
    },
    "file": {"POST /rubric/upload", "POST /v1/uploads"},  # test_serving_owners.py compares what an upload is scored as
    "role": {"GET /", "GET /help/{role}"},
}
# Forms that are read field by field, so that no declaration says what they take.
READ_BY_HAND = {"POST /rubric/points", "POST /rubric/rule"}


# Answered alike for one's own: rows sent are scored as sent.
ALIKE = {"POST /v1/score lead", "POST /v1/score/batch leads"}
PARTS: dict[str, Callable[[RouteParameters], bool]] = {
    "API": lambda route: not route.is_page,
    "card": lambda route: route.is_page and "{lead_id}" in route.path,
    "other pages": lambda route: route.is_page and "{lead_id}" not in route.path,
}


@dataclass(frozen=True)
class Ids:
    """Ids that belong together: a lead, its account, what was said about it, and whose it is."""

    lead: str
    account: str
    email: str
    owner: str
    upload: str
    rows: dict[str, int] = field(default_factory=dict)  # of an activity, an answer, a note and a verdict

    def hide_in(self, text: str) -> str:
        """A text without the ids: what is left of two answers must not differ."""
        names = map(re.escape, (self.lead, self.account, self.email, self.email.replace("@", "%40"), self.owner))
        return re.sub("|".join([*names, re.escape(self.upload), r"(?<=[a-z]=)\d+"]), "ID", text)


@dataclass(frozen=True)
class Sent:
    """What is sent besides the key: places in the path, and keywords of the client's request."""

    places: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)


Ask = Callable[[Ids, Ids], Sent]  # from the ids sent and those of the caller's own
OF_LEAD = {  # what a route needs besides the lead in its path
    "answers": {"question": "budget", "value": "none"},
    "activities": {"kind": "demo_request"},
    "feedback": {"verdict": "accept"},
    "fields": {"field": "employees", "value": 250},
    "notes": {"note": "back on Monday"},
    "log": {"kind": "note", "note": "back on Monday"},
}


def on_own(name: str, row: str, **form: Any) -> Ask:
    """A form about the caller's own lead that names a row."""
    return lambda ids, own: Sent({"lead_id": own.lead}, form={name: ids.rows[row], **form})


def with_body(name: str, row: str, **body: Any) -> Ask:
    return lambda ids, own: Sent({"lead_id": own.lead}, {"json": {name: ids.rows[row], **body}})


def with_path(name: str, row: str) -> Ask:
    return lambda ids, own: Sent({"lead_id": own.lead, name: ids.rows[row]})


def on_card(name: str, row: str, saved: str) -> Ask:
    return lambda ids, own: Sent({"lead_id": own.lead}, {"params": {name: ids.rows[row], "saved": saved}})


def asked_for(name: str, value: Callable[[Ids], str], **more: Any) -> Ask:
    return lambda ids, own: Sent({"lead_id": own.lead, "name": "crm"}, {"params": {name: value(ids), **more}})


def lead_of(ids: Ids) -> str:
    return ids.lead


ASKS: dict[tuple[str, str], Ask] = {
    ("GET /v1/rubric/decay", "lead_id"): asked_for("lead_id", lead_of),
    ("GET /v1/find", "q"): asked_for("q", lead_of),
    ("GET /find", "q"): asked_for("q", lead_of),
    ("GET /v1/lookup", "email"): asked_for("email", lambda ids: ids.email),
    ("GET /v1/lookup", "domain"): asked_for("domain", lambda ids: ids.email.partition("@")[2]),
    ("GET /v1/accounts", "search"): asked_for("search", lambda ids: ids.account),
    ("GET /accounts", "search"): asked_for("search", lambda ids: ids.account),
    ("GET /v1/uploads/{number}", "number"): lambda ids, own: Sent({"number": ids.upload}),
    ("GET /v1/uploads/{number}/result", "number"): lambda ids, own: Sent({"number": ids.upload}),
    ("DELETE /v1/leads/{lead_id}/activities/{activity}", "activity"): with_path("activity", "activity"),
    ("DELETE /v1/leads/{lead_id}/notes/{note}", "note"): with_path("note", "note"),
    ("POST /leads/{lead_id}/log/undo", "activity"): on_own("activity", "activity"),
    ("POST /leads/{lead_id}/log/undo", "note"): on_own("note", "note"),
    ("POST /leads/{lead_id}/feedback", "undoes"): on_own("undoes", "verdict"),
    ("POST /v1/leads/{lead_id}/feedback", "undoes"): with_body("undoes", "verdict", verdict="withdraw"),
    ("POST /leads/{lead_id}/answers", "corrects"): on_own("corrects", "answer", question="budget", value="none"),
    ("POST /v1/leads/{lead_id}/answers", "corrects"): with_body("corrects", "answer", question="budget", value="none"),
    ("GET /leads/{lead_id}", "answer"): on_card("answer", "answer", "answer"),
    ("GET /leads/{lead_id}", "given"): on_card("given", "verdict", "snooze"),
    ("GET /leads/{lead_id}", "logged"): on_card("logged", "activity", "logged"),
    ("GET /leads/{lead_id}", "noted"): on_card("noted", "note", "logged"),
    ("GET /worklist", "lead"): asked_for("lead", lead_of, given=1, saved="snooze"),
    ("GET /worklist", "given"): lambda ids, own: Sent(
        asked={"params": {"lead": ids.lead, "given": ids.rows["verdict"], "saved": "snooze"}}
    ),
    ("POST /worklist/chosen", "lead"): lambda ids, own: Sent(form={"do": "csv", "lead": [ids.lead]}),
    ("POST /worklist/chosen", "undoes"): lambda ids, own: Sent(
        form={"do": "withdraw", "lead": [own.lead], "undoes": [ids.rows["verdict"]]}
    ),
    ("POST /v1/fields/{field}", "file"): lambda ids, own: Sent(
        {"field": "employees"}, {"files": {"file": ("f.csv", f"lead_id,employees\n{ids.lead},250\n")}}
    ),
}
LISTS = ("/worklist", "/worklist/file", "/leads/{lead_id}", "/v1/worklist", "/v1/worklist/export")
# with leads that were put aside, as every lead here was
ASKS |= {(f"GET {path}", "search"): asked_for("search", lead_of, show="all") for path in LISTS}
ASKS[("POST /v1/exports/{name}", "search")] = asked_for("search", lead_of, show="all", again=True)
OWNED = ("/", "/team", "/v1/shortlist", *LISTS)
ASKS |= {(f"GET {path}", "owner"): asked_for("owner", lambda ids: ids.owner) for path in OWNED}
ASKS[("GET /", "owner")] = asked_for("owner", lambda ids: ids.owner, role="rep")
ASKS[("POST /v1/exports/{name}", "owner")] = asked_for("owner", lambda ids: ids.owner, again=True)


def scored(ids: Ids) -> dict[str, Any]:
    """Rows of a lead that a caller sends to be scored."""
    return {"lead_id": ids.lead, "account_id": ids.account, "created_at": "2026-05-01T00:00:00Z", "job_title": "CFO"}


ASKS[("POST /v1/score", "lead")] = lambda ids, own: Sent(
    asked={"json": {"lead": scored(ids), "as_of": "2026-06-01T00:00:00Z"}}
)
ASKS[("POST /v1/score/batch", "leads")] = lambda ids, own: Sent(
    asked={"json": {"leads": [scored(ids)], "as_of": "2026-06-01T00:00:00Z"}}
)
ROWS_SENT = {  # what is scored is what was sent: of the id itself nothing on record counts
    "lead", "leads", "colleagues", "accounts", "activities", "answers", "stages", "outcomes", "lead_id", "account_id",
    "opportunity_id", "owner",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("owners")) as made:
        yield made


@pytest.fixture(scope="module")
def leads(tiny_demo: Any) -> pd.DataFrame:
    """Open leads of accounts that a single owner works, as rows by id."""
    known = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").dropna(subset=["account_id", "owner"])
    alone = known.groupby("account_id").filter(
        lambda rows: rows["owner"].nunique() == 1 and rows["email"].notna().all()
    )
    listed = worklist_of(tiny_demo)["lead_id"].astype("str")
    firm = ~alone["email"].str.contains("freemail", na=True)
    return alone[alone["lead_id"].astype("str").isin(set(listed)) & firm].set_index("lead_id")


def all_ids(client: TestClient, lead: str, row: Any, upload: str) -> Ids:
    """A lead of which something of each kind was said, by somebody who sees all."""
    headers, at = key_for(client, "score", "read", "feedback"), f"/v1/leads/{lead}"
    said = {
        "activity": ("activities", OF_LEAD["activities"], "activity"),
        "answer": ("answers", OF_LEAD["answers"], "answer"),
        "note": ("notes", OF_LEAD["notes"], "note"),
        "verdict": ("feedback", {"verdict": "snooze"}, "id"),
    }
    rows = {
        name: client.post(f"{at}/{path}", json=body, headers=headers).json()[key]
        for name, (path, body, key) in said.items()
    }
    return Ids(lead, str(row["account_id"]), str(row["email"]), str(row["owner"]), upload, rows)


def upload_by(client: TestClient, headers: dict[str, str]) -> str:
    sent = client.post("/v1/uploads", files={"file": ("l.csv", "Lead ID\nL1\n")}, headers=headers)
    return str(sent.json()["id"])


class Caller:
    """Somebody with a key of one owner, and a session of it, who asks with their own ids, another's and nobody's."""

    def __init__(self, client: TestClient, leads: pd.DataFrame) -> None:
        self.client, (own, theirs) = client, leads.drop_duplicates("owner").index[:2].astype("str")
        self.headers = key_for(client, "read", "score", "feedback", owner=str(leads.loc[own, "owner"]))
        others = key_for(client, "read", "score", "feedback", owner=str(leads.loc[theirs, "owner"]))
        self.theirs = all_ids(client, theirs, leads.loc[theirs], upload_by(client, others))
        self.own = all_ids(client, own, leads.loc[own], upload_by(client, self.headers))
        beyond = dict.fromkeys(self.own.rows, 2_000_000_000)
        self.nobody = Ids("no-such-lead", "no-such-account", "nobody@nowhere.example", "n.obody", "0" * 22, beyond)
        state = client.app.state.app_state
        cookie = start_session(state.store, self.headers["authorization"].removeprefix("Bearer "), 1.0)
        assert cookie is not None
        client.cookies.set(SESSION, cookie)
        self.token = form_token(cookie, state.secret)

    def ask(self, route: RouteParameters, ask: Ask, ids: Ids) -> tuple[int, str]:
        """Status and text of an answer, without the ids that were sent."""
        sent = ask(ids, self.own)
        places = {name: value for name, value in sent.places.items() if f"{{{name}}}" in route.path}
        more = {"data": {**sent.form, "token": self.token}} if route.is_page and route.method == "POST" else {}
        headers = {"accept": "text/html"} if route.is_page else self.headers
        answer = self.client.request(
            route.method, route.path.format(**places), headers=headers, follow_redirects=False, **sent.asked, **more
        )
        assert route.is_page or answer.status_code < 400 or ids.lead not in answer.text, (
            route.path,
            "an error repeats no id",
        )
        text = f"{answer.headers.get('location', '')} {without_marks(answer.text)}"
        return answer.status_code, ids.hide_in(re.sub(r"\b[0-9a-f]{16}\b", "", text))  # the request's own id

    def said_of_theirs(self) -> list[Any]:
        """All that is on record of the other's lead."""
        headers, at = key_for(self.client, "read"), f"/v1/leads/{self.theirs.lead}"
        return [self.client.get(f"{at}{part}", headers=headers).json() for part in ("/notes", "/answers", "")]


@pytest.fixture
def caller(client: TestClient, leads: pd.DataFrame) -> Caller:
    return Caller(client, leads)


def asks_of(route: RouteParameters) -> dict[str, Ask]:
    """What to ask a route for each id it takes; that of the path is put there whatever the route is for."""
    label = f"{route.method} {route.path}"
    found = {name: ask for (at, name), ask in ASKS.items() if at == label}
    if "{lead_id}" in route.path:
        body: dict[str, Any] = OF_LEAD.get(route.path.rpartition("/")[2], {})
        asked = {"json": body} if body and not route.is_page else {}
        found["lead_id"] = lambda ids, own: Sent(
            {"lead_id": ids.lead, "activity": ids.rows["activity"], "note": ids.rows["note"]},
            asked,
            body or {"activity": ids.rows["activity"]},
        )
    if "{account_id}" in route.path:
        found["account_id"] = lambda ids, own: Sent({"account_id": ids.account})
    return found


def test_whatever_a_route_takes_was_looked_at(client: TestClient) -> None:
    routes = [route for route in find_routes(client.app) if not route.admin]
    labels = {f"{route.method} {route.path}": route.names for route in routes}
    assert len(routes) > 70 and {label for label in labels if " /v1/" not in label}
    for route in routes:
        label = f"{route.method} {route.path}"
        scored = ROWS_SENT if route.path.startswith("/v1/score") else set()
        seen = PLAIN | set(asks_of(route)) | scored | {name for name, at in PLAIN_AT.items() if label in at}
        assert route.names <= seen, f"{label}: does {sorted(route.names - seen)} name a lead or what was said of one?"
        assert route.names or route.method == "GET" or label in READ_BY_HAND, f"{label} takes nothing that it declares"
    assert all(name in labels[label] for label, name in ASKS), "a route that is asked here is gone"
    assert all(name in labels[label] for name, at in PLAIN_AT.items() for label in at)
    assert not PLAIN.difference(*labels.values())


@pytest.mark.parametrize("part", PARTS)
def test_an_id_of_anothers_is_answered_like_one_that_nobody_has(client: TestClient, caller: Caller, part: str) -> None:
    asked, before = 0, caller.said_of_theirs()
    for route in filter(PARTS[part], find_routes(client.app)):
        for name, ask in asks_of(route).items():
            at, of_path = f"{route.method} {route.path} {name}", f"{{{name}}}" in route.path
            nobodys, theirs = caller.ask(route, ask, caller.nobody), caller.ask(route, ask, caller.theirs)
            if nobodys != theirs and route.method == "GET":  # its first look may have come while it was counted
                nobodys = caller.ask(route, ask, caller.nobody)
            assert nobodys == theirs, at
            assert nobodys[0] == 404 if of_path else nobodys[0] < 500, at
            assert at in ALIKE or name == "lead_id" or caller.ask(route, ask, caller.own) != nobodys, (
                f"{at}: one's own must be answered otherwise, else nothing was asked"
            )
            asked += 1
    assert asked >= 10
    assert caller.said_of_theirs() == before


def see_pages(client: TestClient, caller: Caller, paths: list[str], headers: dict[str, str]) -> dict[str, str]:
    """Texts of pages about the caller's own lead and account, by path."""
    places = {"lead_id": caller.own.lead, "account_id": caller.own.account, "role": "manager"}
    asked = {"q": caller.own.lead, "field": "employees", "role": "manager", "swaps": "all"}
    return {
        path: client.get(path.format(**places), params=asked, headers={"accept": "text/html", **headers}).text
        for path in paths
    }


def test_no_page_names_a_lead_of_anybody_else(client: TestClient, caller: Caller, tiny_demo: Any) -> None:
    everybody = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").set_index("lead_id")
    mine = everybody["owner"] == caller.own.owner
    words = set(everybody.index[~mine].astype("str"))
    words |= set(everybody.loc[~mine, "email"].dropna()) - set(everybody.loc[mine, "email"])
    pages = [route for route in find_routes(client.app) if route.is_page and route.method == "GET" and not route.admin]
    paths = [route.path for route in pages]
    assert len(paths) >= 20
    for path, text in see_pages(client, caller, paths, {}).items():
        assert not set(re.findall(r"[\w.+-]+@[\w.-]+|\bL\d{6}\b", text)) & words, path
    shown = see_pages(client, caller, ["/", "/team", "/thresholds", "/worklist"], key_for(client, "read"))
    assert all(set(re.findall(r"\bL\d{6}\b", text)) & words for text in shown.values()), shown.keys()
