"""What logs call those who ask."""

from typing import Any

from serving.auth.api_keys import session_caller
from serving.store.tables import WebSession


def test_logs_hash_people_whose_name_is_no_address_and_keep_those_of_keys() -> None:
    session: dict[str, Any] = {"hash": "h", "scopes": ["read"], "owner": None}
    person = session_caller(WebSession(name="ann.smith", key_id=None, **session))
    program = session_caller(WebSession(name="crm", key_id=7, **session))
    assert person.log_name.startswith("user-") and "ann" not in person.log_name
    assert program.log_name == "crm"
