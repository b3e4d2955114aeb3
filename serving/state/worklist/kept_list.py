"""The list of open leads that a load scored, kept for the next start: the batch's own is of another model until it runs
again.

It is of the leads as the data have them; what was posted since is put on it line by line
(:mod:`serving.state.worklist.kept_lines`).
"""

import io

import pandas as pd
import pyarrow as pa
from sqlalchemy import delete
from sqlalchemy.orm import Session

from pipelines.workspace.people.register import FORGOTTEN
from serving.logs import logger
from serving.state.forgotten_people import ForgottenPeople
from serving.store.engine import Store, hold_lock
from serving.store.tables import KeptList
from serving.store.wall_clock import wall_now

MOST = 200_000  # leads of a list that is kept, some 40 MB of the store
_LOCK = "kept list"


def read_kept_list(session: Session, under: str) -> pd.DataFrame | None:
    """The list kept under the very same model, declaration, data, register and code; None where there is none, or it
    cannot be read: scored anew, it takes the place of the damaged one.
    """
    kept = session.get(KeptList, under)
    if kept is None:
        return None
    try:
        return pd.read_parquet(io.BytesIO(kept.rows))
    except (OSError, ValueError, pa.ArrowException) as problem:
        logger().warning("kept list not readable, scored anew", kind=type(problem).__name__)
        return None


def keep_list(
    store: Store, under: str, frame: pd.DataFrame | None, register: tuple[int, int], people: ForgottenPeople
) -> None:
    """Keep a list, or the one there is under the same state where ``frame`` is None; all others go.

    Nothing is kept once somebody is forgotten meanwhile, or where the list still holds one who is.
    """
    content = None
    if frame is not None and 0 < len(frame) <= MOST:
        asks_of = people.register.asks_of
        held = people.register.has_forgotten and any(FORGOTTEN in asks_of(str(lead)) for lead in frame["lead_id"])
        if not held:
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            content = buffer.getvalue()
    with store.writing() as session:
        hold_lock(session, _LOCK)  # servers that share a store may start at once
        session.execute(delete(KeptList).where(KeptList.under != under))
        if content is not None and people.stamp == register:
            session.merge(KeptList(under=under, written_at=wall_now(), rows=content))
