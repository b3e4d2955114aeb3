"""How the columns of a file are written: as declared, as all of a column's values show, or as in the training file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import pandas as pd

from features.schema.columns import Column, CsvFormat
from pipelines.ingest.values.number_form import (
    DecimalSign,
    NumberForm,
    SignEvidence,
    find_number_form,
    weigh_signs,
)


@dataclass(frozen=True, kw_only=True)
class ColumnForm:
    """What was found out about how a column writes its values; None where it did not matter."""

    decimal: DecimalSign | None = None
    thousands: str | None = None
    date_order: Literal["day", "month"] | None = None

    @property
    def numbers(self) -> NumberForm | None:
        """The form of its numbers."""
        return None if self.decimal is None else NumberForm(self.decimal, self.thousands)


Known = Mapping[str, ColumnForm]  # by column name in the product
NOTHING_KNOWN: Known = MappingProxyType({})


@dataclass
class NumberForms:
    """Forms of a table's number columns, and what is to be told about them."""

    forms: dict[str, NumberForm] = field(default_factory=dict)
    found: dict[str, ColumnForm] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_number_forms(
    texts: Mapping[str, pd.Series],
    columns: Mapping[str, Column],
    csv: CsvFormat,
    *,
    delimiter: str | None,
    known: Known,
    where: Mapping[str, str],
) -> NumberForms:
    """The form of each number column.

    Parameters
    ----------
    texts : of the number columns that hold texts, by name
    where : how to name each column in a message

    Raises
    ------
    AmbiguousNumbersError
        for a column that can be read in two ways.
    """
    found = NumberForms()
    evidence = {name: weigh_signs(values) for name, values in texts.items() if not _declared(columns[name], csv)}
    for name in texts:
        declared = _declared(columns[name], csv)
        if declared is not None:
            found.forms[name] = declared
            continue
        hint = known[name].numbers if name in known else None
        form, note = find_number_form(
            evidence[name],
            _others(evidence, name),
            delimiter=delimiter,
            known=hint,
            where=where[name],
        )
        found.forms[name] = form
        if evidence[name].decimal or evidence[name].is_open or hint is not None:
            found.found[name] = ColumnForm(decimal=form.decimal, thousands=form.thousands)
        if note:
            found.notes.append(f"{name}: {note}")
    return found


def _others(evidence: Mapping[str, SignEvidence], name: str) -> Sequence[SignEvidence]:
    return [found for other, found in evidence.items() if other != name]


def _declared(column: Column, csv: CsvFormat) -> NumberForm | None:
    """The declared form; of the sign of thousands alone follows the decimal sign where it is one of the two."""
    thousands = column.thousands or (csv.thousands if column.decimal is None else None)
    decimal = column.decimal or (None if column.thousands in (".", ",") else csv.decimal)
    if decimal is None and thousands in (".", ","):
        decimal = "," if thousands == "." else "."
    return None if decimal is None else NumberForm(decimal, thousands)
