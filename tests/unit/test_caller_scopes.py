"""What a key of one owner may, and in whose name callers write."""

import json
from pathlib import Path

import pytest

from serving.auth.api_keys import (
    LOCAL,
    Caller,
    create_key,
    find_caller_by_key,
    find_session,
    session_caller,
    start_session,
)
from serving.cli import list_command
from serving.problems import InvalidError
from serving.scopes import Scope
from serving.store.engine import Store, open_store
from serving.store.tables import ApiKey


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(None, tmp_path)


def test_no_key_decides_for_everybody_and_sees_one_owner(store: Store) -> None:
    with pytest.raises(InvalidError, match="admin decides for all owners"):
        create_key(store, "kim", ["read", "admin"], "kim")
    token = create_key(store, "kim", ["read", "feedback"], "kim")
    with store.writing() as session:  # as one could be created before
        session.query(ApiKey).update({"scopes": ["admin"]})
    cookie = start_session(store, token, 1.0)
    assert cookie is not None
    row = find_session(store, cookie)
    caller = find_caller_by_key(store, token)
    assert row is not None and caller is not None
    for one in (caller, session_caller(row)):
        assert [scope for scope in Scope if one.may(scope)] == [Scope.SCORE, Scope.READ, Scope.FEEDBACK]
    store.close()


def test_the_list_of_keys_tells_what_each_may_and_that_one_lost_admin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = open_store(url, tmp_path)
    tokens = [create_key(store, "kim", ["read"], "kim"), create_key(store, "boss", ["admin"])]
    with store.writing() as session:  # as one could be created before
        session.query(ApiKey).filter(ApiKey.name == "kim").update({"scopes": ["admin"]})
    store.close()
    assert list_command(data_dir=str(tmp_path), store_url=url, json=True) == 0
    told = capsys.readouterr()
    scopes = {row["name"]: row["scopes"] for row in json.loads(told.out)}
    assert scopes == {"kim": "score, read, feedback", "boss": "admin"}
    assert f"{tokens[0][:10]}: created with admin, which no key of one owner has any more" in told.err
    assert tokens[1][:10] not in told.err


def test_people_and_keys_of_one_owner_sign_as_themselves_and_programs_as_whom_they_speak_for() -> None:
    read = frozenset({Scope.READ})
    rep, person = Caller("rep", read, "r.ahn"), Caller("ann@x.org", read, via="session")
    assert [rep.sign(None), rep.sign("rep"), rep.sign("r.ahn"), person.sign(None)] == [
        "rep",
        "rep",
        "r.ahn",
        "ann@x.org",
    ]
    assert Caller("crm", read).sign("r.ahn") == LOCAL.sign("r.ahn") == "r.ahn"
    for one in (rep, person):
        with pytest.raises(InvalidError, match="sign as nobody else"):
            one.sign("the.ceo")
