"""What came of something that was done outside the store: written once it is done, so that no failure takes it back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from serving.logs import logger
from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.webhooks.outbox import announce


def record_outcome(
    store: Store,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    messages: Mapping[str, Mapping[str, Any]] | None = None,
) -> bool:
    """Write an outcome into the trail, with ``messages`` by event; False, and a line in the log, if the store refuses.

    What was done stays done then: an answer that nothing was stored would be wrong.
    """
    try:
        with store.writing() as session:
            record_action(session, actor, action, subject, detail)
            for event, payload in (messages or {}).items():
                announce(session, event, payload)
    except (SQLAlchemyError, OSError) as problem:
        logger().error("outcome not in the trail", action=action, kind=type(problem).__name__)
        return False
    return True
