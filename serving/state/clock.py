"""The server's clock: naive UTC, strictly increasing, on real time or on the data's."""

import threading
from datetime import datetime, timedelta

import pandas as pd

from serving.store.wall_clock import wall_now

TICK = timedelta(microseconds=1)  # the resolution of every timestamp here
_SHOWN = timedelta(minutes=1)  # the resolution of moments on pages


class ServingClock:
    """Timestamps of new rows, and as of when leads are scored.

    On the data's clock new rows are dated at the cut-off plus a microsecond for each. On both clocks a lead is scored
    as of the last that is known of it: between the cut-off and now lies what the next export tells, not silence, and a
    lead without new rows scores as in the batch.
    """

    def __init__(self, cutoff: pd.Timestamp | None, kind: str, fresh_days: float) -> None:
        self.cutoff = None if cutoff is None else cutoff.to_pydatetime(warn=False)
        now = wall_now()
        fresh = self.cutoff is not None and now - self.cutoff <= timedelta(days=fresh_days)
        self.real = kind == "wall" or self.cutoff is None or (kind == "auto" and fresh)
        self._last = datetime.min
        self._lock = threading.Lock()

    def observe(self, moment: datetime | None) -> None:
        """Note that a row with this known_at exists: later rows get later timestamps."""
        with self._lock:
            if moment is not None and moment > self._last:
                self._last = moment

    def next_known_at(self) -> datetime:
        """A timestamp later than all before: the known_at of a new row."""
        with self._lock:
            now = wall_now() if self.real or self.cutoff is None else self.cutoff
            self._last = max(now, self._last + TICK) if self._last != datetime.min else now
            return self._last

    def now(self) -> datetime | None:
        """The present; None in sources without clocks."""
        return None if self.cutoff is None else wall_now() if self.real else self.cutoff

    @property
    def passes_cutoff(self) -> bool:
        """Whether scores may be as of later than the cut-off, as pages show it: on real time, and by rows from it."""
        return self.real or (self.cutoff is not None and self._last - self.cutoff >= _SHOWN)

    def scored_as_of(self, latest: datetime | None) -> datetime | None:
        """When to score a lead whose latest row of ours has this known_at; None in sources without clocks."""
        if self.cutoff is None or latest is None:
            return self.cutoff
        return max(self.cutoff, latest + TICK)
