"""Lines of a declaration for the attributes of leads and accounts: columns that nothing else speaks of."""

from collections.abc import Collection

import pandas as pd

from features.schema.vocabulary import Dimension, Role, Topic
from pipelines.declaring.column_inference import Guess, guess_column
from pipelines.declaring.column_lines import WHY_SHOWN, ColumnPlace, column_lines, left_out, show_facts, source_key
from pipelines.declaring.column_names import name_columns
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.words.vendor_template import KnownColumn
from pipelines.declaring.words.vendor_words import spoken
from pipelines.declaring.yaml_text import column_line
from pipelines.ingest.values.type_casting import decimal_of

_WHY_KNOWN = {
    "overwritten": "holds today's value, which knows what became of the lead",
    "afterwards": "filled, or changed, only once the outcome is known",
    "ignored": "means nothing for a lead",
}


def attribute_lines(
    table: ExportTable,
    done: Collection[str],
    taken: Collection[str],
    won: pd.Series | None,
    *,
    clock: str = "",
    people: bool = False,
    indent: int = 6,
) -> list[str]:
    """Lines of the columns that are not declared yet.

    Parameters
    ----------
    done : headers that the declaration speaks of already
    taken : names that mean something of the contract
    won : 1.0 or 0.0 per row, to find columns that tell the outcome; None where that is unknown
    clock : ``when_known`` of features, "" for the usual
    people : whether the rows are people, so that a name is a person's
    """
    left = [str(header) for header in table.frame.columns if str(header) not in done]
    names = name_columns(left, taken)
    place = ColumnPlace(indent=indent, people=people, clock=clock, times=table.times, names={*taken, *names.values()})
    decimal = decimal_of([table.frame[header] for header in left], table.form.get("delimiter"))
    lines = []
    for header in left:
        texts = table.frame[header]
        guess = guess_column(texts, won, decimal)
        known = _known_lines(table, names[header], guess, place)
        lines += column_lines(names[header], guess, texts, place) if known is None else known
    return lines


def _known_lines(table: ExportTable, name: str, guess: Guess, place: ColumnPlace) -> list[str] | None:
    """A column as a vendor's template has it; None where none says anything of it."""
    header, keys, facts = guess.header, source_key(name, guess), show_facts(guess)
    known = _known_to_vendor(table, header)
    if known is None:
        return None
    what, role = known
    if isinstance(what, KnownColumn) and not what.overwritten:
        return [column_line(name, keys | _known_keys(what, place.clock), facts, indent=place.indent)]
    if role in _WHY_KNOWN:
        return left_out(name, keys, _WHY_KNOWN[role], guess, place, today=role == "overwritten")
    shown = keys | ({"type": "timestamp"} if header in table.times else {})
    return [column_line(name, shown | {"role": role}, WHY_SHOWN[Role(role)], indent=place.indent)]


def _known_to_vendor(table: ExportTable, header: str) -> tuple[KnownColumn | None, str] | None:
    """What a vendor's template says of a column: its meaning, and the role of one that is no feature."""
    words = spoken()
    read = None if words is None else words.recognise(table.frame.columns)
    if read is None:
        return None
    if header in read.attributes:
        column = read.attributes[header][1]
        return column, "overwritten" if column.overwritten else ""
    return (None, read.roles[header]) if header in read.roles else None


def _known_keys(column: KnownColumn, clock: str) -> dict[str, object]:
    keys: dict[str, object] = {"type": str(column.type)}
    if column.title:
        keys["title"] = True
    if column.dimension is not Dimension.FIT:
        keys["dimension"] = str(column.dimension)
    if column.topic is not Topic.CONTEXT:
        keys["topic"] = str(column.topic)
    keys["label"] = column.label
    return keys | ({"unit": column.unit} if column.unit else {}) | ({"when_known": clock} if clock else {})
