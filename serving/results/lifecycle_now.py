"""The lifecycle as pages show it: who waits is as of now, what is counted over all leads may be a little older.

With a hundred thousand leads the whole takes seconds, and people act all the time: pages show the figures of the last
count, say when it was, and have the next one made beside the requests.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from serving.results.run_results import compute_lifecycle, lifecycle_stamp
from serving.state.app_state import AppState
from serving.state.gather_rows import PostedMark, count_posted, find_posted_since, gather_rows

if TYPE_CHECKING:
    from models.judging.lifecycle.figures import Lifecycle

AT_ONCE_SECONDS = 1.0  # of processor: what took no longer is counted within the request


@dataclass(frozen=True)
class LifecycleNow:
    """The lifecycle and its record; ``counted_at`` is None where they are of this moment, else when they were counted
    (UTC).

    ``found.overdue`` is always of this moment.
    """

    found: "Lifecycle"
    record: dict[str, Any]
    counted_at: datetime | None = None


def lifecycle_now(app_state: AppState) -> LifecycleNow:
    """The lifecycle with what was posted since, its figures perhaps those of the last count.

    Raises
    ------
    ContractError : the source has no clocks, or its tables and matrix were not built yet
    """
    results, posted = app_state.results, count_posted(app_state.store)
    stamp = lifecycle_stamp(app_state, posted)
    kept, cutoff = results.last("lifecycle"), app_state.loaded.data.cutoff if app_state.ready else None
    if (
        cutoff is None
        or kept is None
        or kept.stamp == stamp
        or kept.stamp[0] != stamp[0]
        or kept.seconds <= AT_ONCE_SECONDS
    ):
        return LifecycleNow(*compute_lifecycle(app_state))
    results.renew("lifecycle", stamp, lambda: compute_lifecycle(app_state))
    found, record = cast("tuple[Lifecycle, dict[str, Any]]", kept.value)
    since, counted_at = kept.stamp[1], datetime.fromtimestamp(kept.at, UTC).replace(tzinfo=None)
    late = results.get(
        "overdue since", (kept.stamp, posted), lambda: _overdue_since(app_state, found.overdue, since, cutoff)
    )
    return LifecycleNow(replace(found, overdue=late), record, counted_at)


def _overdue_since(app_state: AppState, before: pd.DataFrame, since: PostedMark, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Who waits now: as counted before, but of leads about which something was posted since as they stand now."""
    from models.judging.lifecycle.service_levels import overdue_of
    from pipelines.diagnostics.lifecycle_figures import policy_of

    data = app_state.loaded.data
    with app_state.store.reading() as session:
        codes = data.codes(pd.Index(sorted(find_posted_since(session, since)), dtype="str"))
        codes = codes[codes >= 0]
        if not len(codes):
            return before
        rows = gather_rows(session, data, codes.tolist())
    as_of = max(cutoff, pd.Timestamp(app_state.clock.scored_as_of(rows.latest) or cutoff))
    names = pd.Index(data.lead_ids[codes].astype("str"))
    now = overdue_of(rows.tables, policy_of(app_state.context), as_of)
    now = now[now["lead_id"].isin(names).to_numpy(dtype=bool)]
    kept = before[~before["lead_id"].isin(names).to_numpy(dtype=bool)]
    found = pd.concat([kept, now], ignore_index=True) if len(now) else kept
    return found.sort_values(["waited_hours", "lead_id"], ascending=[False, True], ignore_index=True)
