"""AUD14: columns of people, of whose values a bundle keeps none, so that no model learns from them."""

from collections.abc import Iterator

import pandas as pd

from features.schema.people.people_texts import PeopleIn, contacts_in, people_in

CODE = "AUD14"
_REMEDY = (
    "Declare it 'role: personal' (shown, never learned from); if it holds no people, give its values other names with "
    "'map:'."
)


def columns_of_people(columns: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Text columns that hold names of people, their addresses or numbers, or notes about them, with what to say."""
    for name in map(str, columns):
        column = columns[name]
        if column.dtype.kind == "f":
            continue
        levels = [str(level) for level in column.dropna().unique()]
        told = _tell(people_in(name, levels), name, levels)
        if told:
            yield name, f"'{name}' holds {told} {_REMEDY}"


def _tell(people: PeopleIn, name: str, levels: list[str]) -> str:
    if people is PeopleIn.CONTACTS:
        held = sum(contacts_in(name, levels))
        return (
            f"{people} in {held} of {len(levels)} different values: none of these is kept or learned from, they count "
            "as rare."
        )
    if people in (PeopleIn.NAMES, PeopleIn.FACTS):
        return f"{people}: none is kept, and no model learns from them."
    if people is PeopleIn.NOTES:
        return f"{people}: values that name somebody are not kept, they count as rare."
    return ""
