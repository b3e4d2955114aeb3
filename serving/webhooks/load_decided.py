"""Loading what was just decided: the request waits a moment, with many leads the load goes on beside it."""

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillUnderway

from serving.logs import logger, traceback_places
from serving.state.app_state import AppState
from serving.webhooks.state_changes import announce_state_changes

LOAD_SECONDS = 3.0  # that a request waits; with 100,000 open leads a load that scores them again takes longer


def load_decided(app_state: AppState) -> bool:
    """Load, unless the watcher has done so, and announce what changed by that; returns whether it is in use.

    False where the load failed, which the watcher tries again, and where it goes on beside the request.
    """
    done: Future[bool] = Future()

    def work() -> None:
        try:
            announce_state_changes(app_state, app_state.refresh())
            done.set_result(not app_state.is_outdated())
        except Exception as problem:  # the one who waits raises it; by then nobody may wait any more
            logger().error("decision not loaded", kind=type(problem).__name__, places=traceback_places(problem))
            done.set_exception(problem)

    threading.Thread(target=work, name="leadscore-load", daemon=True).start()
    try:
        in_use = done.result(timeout=LOAD_SECONDS)
    except StillUnderway:
        return False
    app_state.see_newest()
    return in_use
