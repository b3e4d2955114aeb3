"""An objection to profiling, told to leadscore: written down, and honoured in what the last run left."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.cohort.objections import OBJECTS, objecting_leads
from features.errors import ContractError
from pipelines.privacy.corrected_counts import correct_counts, table_files
from pipelines.privacy.elsewhere import Elsewhere
from pipelines.privacy.erase_files import erase_from_file, files_below, rows_of_person
from pipelines.privacy.forget import find_held_person
from pipelines.privacy.left_out_rows import OBJECTION, id_column
from pipelines.privacy.person import Person
from pipelines.scoring.shown_columns import read_and_name_leads
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.people import register as people

_PROFILED = ("activities", "answers")


@dataclass(frozen=True)
class Objection:
    """What writing down an objection, or taking it back, came to."""

    leads: tuple[str, ...]
    objects: bool
    rows_taken_out: int

    @property
    def sentence(self) -> str:
        """What happened, and what follows."""
        named = ", ".join(self.leads)
        if not self.objects:
            return f"{named}: may be scored again, from the next run on."
        return (
            f"{named}: listed without a score from now on; {self.rows_taken_out:,} activities and answers were taken "
            "out of the tables. Models trained before stay; the next training leaves them out."
        )


def record_objection(context: Context, named: str, who: str, elsewhere: Elsewhere, *, objects: bool) -> Objection:
    """Write down that a person objects to profiling, or no longer does; the caller holds the source's lock."""
    paths = context.paths
    person = find_held_person(context, named, elsewhere)
    if person.numbered and not person.addresses:
        raise ContractError(
            f"rows of source '{context.source.name}' are only numbered, and the number is another's in the next file: "
            "an objection under it would hold for whoever comes there. Name a mail address, or declare the column of "
            "ids (flat: {lead_id: ...})."
        )
    leads = tuple(sorted(person.lead_ids)) or tuple(sorted(person.addresses))
    if not objects:
        people.remove_from_register(paths.root, people.OBJECTS, person.marked_ids, person.addresses)
        _mark(context, person.lead_ids, objects=False)
        correct_counts(paths, OBJECTION)
        return Objection(leads, False, 0)

    people.add_to_register(paths.root, people.OBJECTS, person.marked_ids, person.addresses, who)
    taken = sum(_take_out(paths, table, person) for table in _PROFILED)
    for file in files_below(paths.score):
        erase_from_file(file, Person(lead_ids=person.lead_ids, addresses=frozenset()), alias="", dry_run=False)
    _mark(context, person.lead_ids, objects=True)
    correct_counts(paths, OBJECTION)
    return Objection(leads, True, taken)


def read_objecting(context: Context) -> pd.DataFrame:
    """Leads that object to profiling, with name, company and owner, and without a score."""
    leads = read_parquet(context.paths.ingest / "leads.parquet")
    key = id_column(context.source, leads)
    hit = objecting_leads(leads, context.source)
    ids = leads[key][hit].astype("str").tolist() if key is not None else []
    frame = pd.DataFrame({"lead_id": pd.Series(ids, dtype="str")})
    if "owner" in leads:
        frame["owner"] = leads["owner"][hit].tolist()
    frame["why"] = "objects to profiling"
    return read_and_name_leads(context, frame) if len(frame) else frame


def _mark(context: Context, lead_ids: Collection[str], *, objects: bool) -> None:
    file = context.paths.ingest / "leads.parquet"
    leads = read_parquet(file)
    key = id_column(context.source, leads)
    if key is None:
        return
    known = leads[OBJECTS].fillna(False).to_numpy(dtype=bool) if OBJECTS in leads else np.zeros(len(leads), dtype=bool)
    meant = leads[key].astype("str").isin(set(lead_ids)).to_numpy(dtype=bool)
    marked = known | meant if objects else known & ~meant
    write_parquet(file, leads.assign(**{OBJECTS: pd.array(marked, dtype="boolean")}))


def _take_out(paths: Paths, table: str, person: Person) -> int:
    """Their activities or answers out of the ingested table, which are kept for profiling alone."""
    taken = 0
    for file in table_files(paths, table):
        frame = read_parquet(file)
        hit = rows_of_person(frame, Person(lead_ids=person.lead_ids, addresses=frozenset()))
        taken = max(taken, int(hit.sum()))
        if hit.any():
            write_parquet(file, frame[~hit].reset_index(drop=True))
    return taken
