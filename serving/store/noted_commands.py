"""What commands on the machine changed, in the audit trail of the server's store where there is one.

A command has done its work by then: it waits no longer than a moment for a store that somebody writes to, and neither
makes a store nor brings an older one up to date.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from pipelines.posted.posted_store import STORE_ERRORS, find_store, name_store, store_problem
from pipelines.workspace.lock import who_runs_this
from pipelines.workspace.paths import Paths
from serving.store.audit_trail import record_action
from serving.store.engine import VERSION, Store, newest_revision

BY = "command line"  # in the details of what a command did
_WAIT_SECONDS = 2.0


def note_in_store(paths: Paths, action: str, subject: str, detail: Mapping[str, Any]) -> str:
    """Add an entry by whoever runs the command; why there is none, empty where there is one or no store."""
    place = find_store(paths)
    if place is None:
        return ""
    told = f"note: the audit trail in {name_store(place)} does not tell of this command: "
    store = None
    try:
        store = Store(f"sqlite:///{place}" if isinstance(place, Path) else place, wait_seconds=_WAIT_SECONDS)
        with store.reading() as session:
            if session.scalar(select(VERSION.c.version_num)) != newest_revision():
                return told + "it is of another version, which the next start of the server brings up to date."
        with store.writing() as session:
            actor = who_runs_this() or "somebody"
            record_action(session, actor, action, subject, {**detail, "by": BY})
    except STORE_ERRORS as problem:
        return f"{told}{store_problem(problem)}."
    finally:
        if store is not None:
            store.close()
    return ""
