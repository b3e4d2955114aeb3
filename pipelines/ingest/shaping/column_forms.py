"""How the columns of a file are written: as declared, as all of a column's values show, or as in the training file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

from features.schema.columns import Column
from features.schema.table_source import CsvFormat
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import AmbiguousNumbersError
from pipelines.ingest.reading.raw_table import FileRows
from pipelines.ingest.values.number_form import (
    NumberForm,
    SignEvidence,
    find_number_form,
    weigh_signs,
)

Known = Mapping[str, ColumnReading]  # by column name in the product
NOTHING_KNOWN: Known = MappingProxyType({})


@dataclass
class NumberForms:
    """Forms of a table's number columns, and what is to be told about them."""

    forms: dict[str, NumberForm] = field(default_factory=dict)
    found: dict[str, ColumnReading] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_number_forms(
    texts: Mapping[str, pd.Series],
    columns: Mapping[str, Column],
    csv: CsvFormat,
    *,
    delimiter: str | None,
    known: Known,
    where: Mapping[str, str],
    parts: Mapping[str, FileRows] = MappingProxyType({}),
) -> NumberForms:
    """The form of each number column.

    Parameters
    ----------
    texts : of the number columns that hold texts, by name
    where : how to name each column in a message
    parts : which rows of the table each of its files holds, where there are several

    Raises
    ------
    AmbiguousNumbersError
        for a column that can be read in two ways, in one of the files at least.
    """
    found = NumberForms()
    evidence = {name: weigh_signs(values) for name, values in texts.items() if not _declared(columns[name], csv)}
    for name in texts:
        declared = _declared(columns[name], csv)
        if declared is not None:
            found.forms[name] = declared
            continue
        hint = _numbers_of(known.get(name))
        others = _others(evidence, name)
        form, note = find_number_form(
            evidence[name],
            others,
            delimiter=delimiter,
            known=hint,
            where=where[name],
        )
        if evidence[name].is_open:
            # by what some of the files prove, or by the commas between the values of the first
            by_some = evidence[name].decimal is not None or sum(others, SignEvidence()).decimal is None
            for file, part in parts.items():
                mine = {other: texts[other][part.rows[texts[other].index]] for other in evidence}
                told = hint is not None or not by_some or (form.decimal == "." and part.delimiter == ",")
                before = hint is not None and evidence[name].decimal is None
                _check_file(file, mine, name, form, told=told, before=before, where=where[name])
        found.forms[name] = form
        if evidence[name].decimal or evidence[name].is_open or hint is not None:
            found.found[name] = ColumnReading(decimal=form.decimal, thousands=form.thousands)
        if note:
            found.notes.append(f"{name}: {note}")
    return found


def _check_file(
    file: str, texts: Mapping[str, pd.Series], name: str, form: NumberForm, *, told: bool, before: bool, where: str
) -> None:
    """Refuse a file that may write a column otherwise than the others; ``told`` is its form where it shows nothing.

    ``before`` says that the form is that of an earlier file.
    """
    mine = weigh_signs(texts[name])
    if not mine.is_open:
        return
    own = mine.decimal or sum(map(weigh_signs, texts.values()), SignEvidence()).decimal
    alike = mine.open_point if form.decimal == "." else mine.open_comma
    if own != form.decimal and (own is not None or (alike and not told)):
        raise AmbiguousNumbersError(where, mine.example, file=file, decimal=form.decimal, own=own, before=before)


def _numbers_of(reading: ColumnReading | None) -> NumberForm | None:
    return None if reading is None or reading.decimal is None else NumberForm(reading.decimal, reading.thousands)


def _others(evidence: Mapping[str, SignEvidence], name: str) -> Sequence[SignEvidence]:
    return [found for other, found in evidence.items() if other != name]


def _declared(column: Column, csv: CsvFormat) -> NumberForm | None:
    """The declared form; of the sign of thousands alone follows the decimal sign where it is one of the two."""
    thousands = column.thousands or (csv.thousands if column.decimal is None else None)
    decimal = column.decimal or (None if column.thousands in (".", ",") else csv.decimal)
    if decimal is None and thousands in (".", ","):
        decimal = "," if thousands == "." else "."
    return None if decimal is None else NumberForm(decimal, thousands)
