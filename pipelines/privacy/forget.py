"""Forgetting a person: a mark against their return first, then every file of the data directory, the tables last.

Killed at any moment, the next ``forget`` ends what was begun: whom it is about lies in ``privacy/unfinished.json``,
readable by the user alone, until nothing else holds them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from features.matrix import NOBODY
from pipelines.privacy.elsewhere import Elsewhere, Place
from pipelines.privacy.erase_everywhere import erase_everywhere
from pipelines.privacy.erase_files import short_ids
from pipelines.privacy.half_written import remove_half_written
from pipelines.privacy.not_ours import name_others, rubrics_naming
from pipelines.privacy.person import Person, UnknownPersonError, find_person, person_by_name
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.lock import who_runs_this
from pipelines.workspace.people.register import DONE, FORGOTTEN, add_to_register, folder_of, read_register

UNFINISHED = "unfinished.json"


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What forgetting a person came to.

    Parameters
    ----------
    marks : beginnings of the keyed hashes under which they are left out from now on
    places : where they stood, and what was done there
    not_ours : files and systems that hold them and are not leadscore's to change, and what is to be done there
    notes : addresses they share with others, and what is left to say
    """

    leads: int
    marks: tuple[str, ...]
    places: tuple[Place, ...]
    not_ours: tuple[str, ...]
    notes: tuple[str, ...]
    dry_run: bool

    def record(self) -> dict[str, Any]:
        """JSON-ready; it names nobody."""
        return {
            "dry_run": self.dry_run,
            "leads": self.leads,
            "marks": list(self.marks),
            "places": [place.record() for place in self.places],
            "not_ours": list(self.not_ours),
            "notes": list(self.notes),
        }


def forget_person(
    context: Context, named: str, elsewhere: Elsewhere, *, dry_run: bool = False, many: bool = False
) -> Forgotten:
    """Forget the person behind a lead's id or a mail address; the caller holds the source's lock.

    Parameters
    ----------
    elsewhere : the server's store and files

    Raises
    ------
    UnknownPersonError, ContractError : see :func:`find_held_person`; of what is held nothing was changed then
    """
    cleared = remove_half_written(context.paths, dry_run=dry_run)
    person = find_held_person(context, named, elsewhere, many=many)
    if dry_run:
        return _rehearse(context, person, elsewhere, cleared)
    left = {
        "leads": sorted(person.lead_ids),
        "addresses": sorted(person.addresses),
        "texts": sorted(person.texts),
        "shared": sorted(person.shared),
        "common": person.common,
        "by_name_alone": person.by_name_alone,
        "numbered": person.numbered,
    }
    write_json(folder_of(context.paths.root) / UNFINISHED, left)
    return _finish(context, person, elsewhere, cleared)


def finish_forgetting(context: Context, elsewhere: Elsewhere, *, dry_run: bool = False) -> Forgotten | None:
    """End what a killed ``forget`` left undone; None where there is nothing. The caller holds the source's lock."""
    file = folder_of(context.paths.root) / UNFINISHED
    if not file.exists():
        return None
    left = read_json(file)
    person = Person(
        lead_ids=frozenset(left["leads"]),
        addresses=frozenset(left["addresses"]),
        texts=frozenset(left["texts"]),
        shared=frozenset(left["shared"]),
        common=int(left.get("common", 0)),
        by_name_alone=bool(left.get("by_name_alone", False)),
        numbered=bool(left.get("numbered", False)),
    )
    cleared = remove_half_written(context.paths, dry_run=dry_run)
    done = _rehearse if dry_run else _finish
    return done(context, person, elsewhere, cleared)


def find_held_person(context: Context, named: str, elsewhere: Elsewhere, *, many: bool = False) -> Person:
    """The person behind a lead's id or a mail address, though the tables may no longer have them.

    Somebody who went from the CRM, and with the next ingest from the tables, may still stand in the server's store, in
    uploads, logs and pages. What uploads say of them is taken along; else the name alone is looked for.

    Raises
    ------
    UnknownPersonError : no table, file or store holds such an address, or such an id where ids of leads stand
    ContractError : an address that over twenty leads have, unless ``many``
    """
    try:
        return find_person(context.source, context.paths, named, many=many, sent=elsewhere.read_leads)
    except UnknownPersonError:
        person = person_by_name(context.source, named)
        surely = replace(person, in_texts=False)  # a word in a page may be a company's id, or a figure
        held = elsewhere.erase(surely, "", dry_run=True) or erase_everywhere(context, surely, dry_run=True)
        if not held and not rubrics_naming(context.paths, surely):
            raise
        return person


def is_forgotten(context: Context, named: str) -> bool:
    """Whether this id or address is one that is left out for good."""
    return FORGOTTEN in read_register(context.paths.root).asks_of(named)


def _rehearse(context: Context, person: Person, elsewhere: Elsewhere, cleared: Sequence[Place]) -> Forgotten:
    places = [*cleared, *elsewhere.erase(person, "", dry_run=True), *erase_everywhere(context, person, dry_run=True)]
    return _outcome(person, (), places, _not_ours(context, person, elsewhere), elsewhere.describe(), dry_run=True)


def _finish(context: Context, person: Person, elsewhere: Elsewhere, cleared: Sequence[Place]) -> Forgotten:
    root = context.paths.root
    not_ours = _not_ours(context, person, elsewhere)
    register = add_to_register(root, FORGOTTEN, person.marked_ids, person.addresses, who_runs_this())
    marks = tuple(
        name[:16]
        for name in (*map(register.hash_lead, sorted(person.marked_ids)),
                     *map(register.hash_address, sorted(person.addresses)))
    )  # fmt: skip
    places = [*cleared, *elsewhere.erase(person, marks[0] if marks else secrets.token_hex(8), dry_run=False)]
    places += erase_everywhere(context, person, alias=f"{NOBODY}{secrets.token_hex(6)}", dry_run=False)
    done = _outcome(person, marks, places, not_ours, elsewhere.describe(), dry_run=False)
    _remember(root, done)
    (folder_of(root) / UNFINISHED).unlink()
    return done


def _not_ours(context: Context, person: Person, elsewhere: Elsewhere) -> list[str]:
    return name_others(context, person, elsewhere.name_files(person))


def _remember(root: Path, done: Forgotten) -> None:
    """That it happened: when, by whom, under which marks, how much; never who."""
    file = folder_of(root) / DONE
    known = read_json(file)["forgotten"] if file.exists() else []
    entries = read_register(root).entries
    at = max((entry["at"] for entry in entries.values()), default="")
    counts = {place.where: place.count for place in done.places}
    now = {"at": at, "by": who_runs_this(), "marks": done.marks, "counts": counts}
    write_json(file, {"version": 1, "forgotten": [*known, now]})


def _outcome(
    person: Person,
    marks: tuple[str, ...],
    places: Sequence[Place],
    not_ours: Sequence[str],
    looked_at: str,
    *,
    dry_run: bool,
) -> Forgotten:
    notes = [looked_at]
    if person.by_name_alone:
        notes.append(
            "the tables no longer hold them, so that other ids and addresses of theirs are not known: name each that "
            "you know. Names and telephones in notes and pages were not looked for."
        )
    if person.shared:
        notes.append(
            f"{len(person.shared)} mail address(es) of this lead belong to other leads too and are no mark against a "
            "return; name the address itself if all of them are the person."
        )
    if person.numbered:
        notes.append(
            "rows of this source are only numbered, and the number is another's in the next file, so it is no mark "
            f"against a return; {'the address is' if person.addresses else 'delete the row from the file'}. An id in "
            "the file (flat: {lead_id: ...}) tells people apart."
        )
    if person.common:
        notes.append(
            f"{person.common} name(s), telephone(s) or other personal values of this lead are other leads' too and are "
            "not looked for in notes and pages, which may speak of the others."
        )
    notes.append(
        "names and telephones are not kept, not even as hashes. Of what is written from now on, addresses and long ids "
        "are hidden alone: take back a note that names them otherwise."
    )
    if short_ids(person):
        notes.append(
            "an id this short cannot be told from other numbers in running text: pages written before may show it; run "
            "'leadscore report' to write them anew."
        )
    notes.append(
        "bundles hold no row of anybody: counts, averages and level names over many leads. They stay; '--retrain' "
        "learns them anew without this person."
    )
    return Forgotten(
        leads=len(person.lead_ids),
        marks=marks,
        places=tuple(places),
        not_ours=tuple(not_ours),
        notes=tuple(notes),
        dry_run=dry_run,
    )
