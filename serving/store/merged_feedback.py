"""What was said about a record that was since merged into another lead: it is said of the person, so it goes along."""

from collections.abc import Callable, Mapping

import pandas as pd
from sqlalchemy import select, update

from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.store.tables import Feedback, NoteRow

_SAID = (Feedback, NoteRow)


def follow_merges(store: Store, lead_ids: pd.Index, read_merged: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """Move feedback and notes of merged leads to the leads they became; returns which went where.

    The batch's lists do the same in their own file. *Do not contact* must not end because somebody's two records
    became one.

    Parameters
    ----------
    lead_ids : leads of the data by their own ids
    read_merged : merged leads and what they became; asked only where something was said of a lead that is not there
    """
    with store.reading() as session:
        said = {lead for table in _SAID for lead in session.scalars(select(table.lead_id).distinct())}
    gone = pd.Index(sorted(said), dtype="str").difference(lead_ids)
    became = read_merged() if len(gone) else {}
    moved = {lead: became[lead] for lead in gone if became.get(lead) in lead_ids}
    if moved:
        with store.writing() as session:
            for lead, now in moved.items():
                for table in _SAID:
                    session.execute(update(table).where(table.lead_id == lead).values(lead_id=now))
                record_action(session, "leadscore", "feedback.merged", now, {"merged": lead})
    return moved
