"""Loading what was just decided: the request waits a moment, with many leads the load goes on beside it."""

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillUnderway

from serving.logs import logger, traceback_places
from serving.state.app_state import AppState
from serving.webhooks.state_changes import announce_untold

LOAD_SECONDS = 3.0  # that a request waits; with 100,000 open leads a load that scores them again takes longer


def load_decided(app_state: AppState) -> bool:
    """Load, unless the watcher has done so, and announce what changed by that; returns whether it is in use.

    False where it goes on beside the request, and where it failed: what was decided stays decided, and the watcher
    tries again, as it does where what changed could not be told.
    """
    done: Future[bool] = Future()

    def work() -> None:
        in_use = False
        try:
            app_state.refresh()
            in_use = not app_state.is_outdated()
            announce_untold(app_state)
        except Exception as problem:
            what = "changes not told" if in_use else "decision not loaded"
            logger().error(what, kind=type(problem).__name__, places=traceback_places(problem))
        done.set_result(in_use)

    threading.Thread(target=work, name="leadscore-load", daemon=True).start()
    try:
        in_use = done.result(timeout=LOAD_SECONDS)
    except StillUnderway:
        return False
    app_state.see_newest()
    return in_use
