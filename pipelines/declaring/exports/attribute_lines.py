"""Lines of a declaration for the attributes of leads and accounts: columns that nothing else speaks of."""

import re
from collections.abc import Collection, Mapping

import pandas as pd

from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from pipelines.declaring.column_inference import Guess, guess_column
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.yaml_text import column_line, name_columns, wrap_comment
from pipelines.declaring.vendor_template import KnownColumn
from pipelines.declaring.words.header_words import Meaning, meanings_of, words_of
from pipelines.declaring.words.vendor_words import spoken
from pipelines.ingest.values.type_casting import decimal_of

_AT_CONVERSION = "by its name it is set when a lead is converted, so it tells the outcome"
_COUNTED = "a count of what the lead did is counted until the export, not until the lead was looked at"
_ID = re.compile(r"\b(ids?|guid|uuid)$")
_EDITED = "by its name it says when the row was last changed, which is after the outcome for those that have one"
_WHY_SHOWN = {
    Role.PERSONAL: "identifies a person: shown to the owner, never learned from",
    Role.SENSITIVE: "sensitive: left out unless accepted_because says why",
    Role.DISPLAY: "differs in nearly every row: shown, not learned from",
}


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
) -> list[str]:
    """One line per column that is not declared yet.

    Parameters
    ----------
    done : headers that the declaration speaks of already
    taken : names that mean something of the contract
    won : 1.0 or 0.0 per row, to find columns that tell the outcome; None where that is unknown
    clock : ``when_known`` of features, "" for the usual
    people : whether the rows are people, so that a name is a person's
    """
    left = [str(header) for header in table.frame.columns if str(header) not in done]
    names = name_columns(left, list(taken))
    decimal = decimal_of([table.frame[header] for header in left], table.form.get("delimiter"))
    lines = []
    for header in left:
        guess = guess_column(table.frame[header], won, decimal)
        lines += _attribute(table, names[header], guess, clock, people=people)
    return lines


def _attribute(table: ExportTable, name: str, guess: Guess, clock: str, *, people: bool) -> list[str]:
    header = guess.header
    keys: dict[str, object] = {} if name == header else {"from": header}
    facts = describe(guess)
    means = meanings_of(header)

    known = _known_to_vendor(table, header)
    if known is not None:
        what, role = known
        if isinstance(what, KnownColumn) and not what.overwritten:
            return [column_line(name, keys | _known_keys(what, clock), facts)]
        if role in _WHY_KNOWN:
            return _left_out(name, keys, _WHY_KNOWN[role], facts, today=role == "overwritten")
        shown = keys | ({"type": "timestamp"} if header in table.times else {})
        return [column_line(name, shown | {"role": role}, _WHY_SHOWN[Role(role)])]

    if "convert" in words_of(header):
        return _left_out(name, keys, _AT_CONVERSION, facts)
    if header in table.times:
        if Meaning.MODIFIED in means:
            return _left_out(name, keys, _EDITED, facts)
        shown = keys | {"type": "timestamp", "role": "display"}
        return [column_line(name, shown, f"a time; as a feature it needs a clock; {facts}")]
    if Meaning.STATUS in means and guess.type is not ColumnType.NUMBER and guess.suspicious:
        shown = keys | {"role": "display", "when_known": "overwritten"}
        return [column_line(name, shown, f"today's status: shown, never learned from; {facts}")]
    if guess.suspicious:
        return _left_out(name, keys, guess.suspicious, facts, today=guess.today)

    if guess.type is ColumnType.NUMBER and guess.dimension is not Dimension.FIT and people:
        return _left_out(name, keys, _COUNTED, facts, today=True)
    if _ID.search(words_of(header)):
        return [column_line(name, keys | {"type": "id", "role": "display"}, f"an id: shown, not learned from; {facts}")]

    keys["type"] = str(guess.type)
    if people and Meaning.COMPANY in means:
        return [column_line(name, keys | {"role": "display"}, f"the company's name: shown, not learned from; {facts}")]
    if people and (Meaning.PERSON in means or words_of(header) == "name"):
        return [
            column_line(name, keys | {"role": "personal"}, f"{_WHY_SHOWN[Role.PERSONAL]}; {guess.filled:.0%} filled")
        ]
    if Meaning.TITLE in means and Meaning.ID not in means and guess.role is not Role.PERSONAL:
        keys |= {"type": "text", "title": True, "topic": "authority", "label": words_of(header)}
        return [column_line(name, keys, f"read as seniority and function; {facts}")]
    if guess.role is not Role.FEATURE:
        return [column_line(name, keys | {"role": str(guess.role)}, f"{_WHY_SHOWN[guess.role]}; {facts}")]

    keys |= _evidence(guess) | ({"when_known": clock} if clock else {})
    return [column_line(name, keys, facts)]


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


def _left_out(name: str, keys: Mapping[str, object], why: str, facts: str, *, today: bool = False) -> list[str]:
    lines = wrap_comment(f"SUSPICIOUS, left out until you know when it is filled. {facts}", indent=6)
    if today:
        lines += wrap_comment(
            "To use it: take it from its history or from dated exports (leadscore snapshot); or, if it never changes "
            "after the lead came in, replace role and excluded_because by accepted_because: why.",
            indent=6,
        )
    return [*lines, column_line(name, {**keys, "role": "ignore", "excluded_because": why})]


def describe(guess: Guess) -> str:
    """What a column holds, in a few words; values that identify people are left out."""
    facts = f"{guess.filled:.0%} filled, {guess.distinct:,} distinct"
    if guess.role not in (Role.PERSONAL, Role.SENSITIVE) and guess.examples:
        facts += f", e.g. {', '.join(guess.examples)}"
    if guess.sentinel:
        facts += f"; does {guess.sentinel} mean missing? then add missing: [{guess.sentinel}]"
    return " ".join(facts.split())


def _evidence(guess: Guess) -> dict[str, object]:
    keys: dict[str, object] = {}
    if guess.dimension is not Dimension.FIT:
        keys["dimension"] = str(guess.dimension)
    if guess.topic is not Topic.CONTEXT:
        keys["topic"] = str(guess.topic)
    keys["label"] = words_of(guess.header) if guess.header.isascii() else guess.header
    if guess.missing:
        keys["missing"] = list(guess.missing)
    return keys
