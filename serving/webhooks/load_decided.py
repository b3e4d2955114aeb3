"""Loading what was just decided: the request waits a moment, with many leads the load goes on beside it."""

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillUnderway

from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.webhooks.state_changes import announce_state_changes

LOAD_SECONDS = 3.0  # that a request waits; with 100,000 open leads a load that scores them again takes longer


def load_decided(app_state: AppState, before: LoadedState | None) -> bool:
    """Load, and announce what changed against ``before``; returns whether it is in use.

    False where the load failed, which the watcher tries again, and where it goes on beside the request.
    """
    done: Future[bool] = Future()

    def work() -> None:
        try:
            loaded = app_state.load()
            if loaded and before is not None:
                announce_state_changes(app_state, before)
            done.set_result(loaded)
        except BaseException as problem:  # the one who waits raises it
            done.set_exception(problem)

    threading.Thread(target=work, name="leadscore-load", daemon=True).start()
    try:
        return done.result(timeout=LOAD_SECONDS)
    except StillUnderway:
        return False
