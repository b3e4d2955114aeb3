"""A commented starter declaration for a file: guesses a person corrects."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from features.schema.canonical_tables import LEADS
from features.schema.columns import Location
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from pipelines.declaring.column_inference import (
    Guess,
    TargetGuess,
    created_column,
    guess_column,
    guess_target,
    times_in_order,
)
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.number_form import DecimalSign, weigh_signs
from pipelines.ingest.values.type_casting import decimal_of

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_ /.&+-]*[A-Za-z0-9_.+]$|^[A-Za-z_]$")
_WORDS = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n"})


def init_source(path: Path) -> str:
    """Text of a starter declaration for a CSV or Parquet file: a flat source, every guess open to correction.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the file.
    """
    raw = read_file(path, Location(file=path.name))
    frame = pd.DataFrame({name: _texts(raw.frame[name]) for name in raw.frame.columns})

    target = guess_target(frame)
    won = None
    if target is not None:
        values = frame[target.header]
        won = values.isin(target.won).astype("float64").where(values.isin(target.won + target.lost))

    decimal = decimal_of([frame[c] for c in frame], raw.form.get("delimiter"))
    guesses = {
        name: guess_column(frame[name], None if target is not None and name == target.header else won, decimal)
        for name in frame.columns
    }

    names = _names(list(frame.columns))
    lines = [
        *_head(path, raw, frame, target, won),
        *_flat(target, guesses, names, [names[header] for header in times_in_order(frame, guesses)]),
        *_location(path, raw, _proven_decimal(frame, guesses)),
        "    columns:",
    ]

    for header, guess in guesses.items():
        is_target = target is not None and header == target.header
        lines += _column(names[header], guess, is_target=is_target, is_order=header == created_column(guesses))

    return "\n".join([*lines, *_TAIL]) + "\n"


_TAIL = (
    "",
    "framework: bant        # or champ, meddicc, anum, faint, gpctba_ci, nibta",
    "capacity: {share: 0.1} # share of the leads sales can work",
)


def _texts(column: pd.Series) -> pd.Series:
    texts = column.astype("str").str.strip()
    return texts.mask(texts == "")


def _head(
    path: Path,
    raw: RawTable,
    frame: pd.DataFrame,
    target: TargetGuess | None,
    won: pd.Series | None,
) -> list[str]:
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    name = name if name[:1].isalpha() else f"leads_{name}".rstrip("_")

    lines = [
        f"# Starter declaration for {path.name}: {len(frame):,} rows, {len(frame.columns)} columns.",
        "# Everything here is a guess: correct it, save it beside the file, run leadscore run --source THIS.yaml",
        "# Every key is explained in docs/sources.md.",
    ]

    if raw.broken:
        lines.append(
            f"# {len(raw.broken)} rows do not fit the header (first: row {raw.broken[0].row}); they go to quarantine."
        )

    if target is None:
        lines.append("# No column looks like a target with values such as won and lost: name it under flat.target.")
    elif won is not None:
        unknown = int(won.isna().sum())
        lines.append(
            f"# {won.mean():.1%} of the rows with an outcome are won"
            + (f"; {unknown:,} have none." if unknown else ".")
        )

    return [*lines, f"name: {name[:64]}", "kind: flat", f"title: {quote_yaml(path.stem)}", ""]


def _flat(
    target: TargetGuess | None,
    guesses: Mapping[str, Guess],
    names: Mapping[str, str],
    in_order: list[str],
) -> list[str]:
    target = target or TargetGuess("target", ("won",), ("lost",))
    column, won, lost = target.header, target.won, target.lost
    lines = [
        "flat:",
        f"  target: {{column: {quote_yaml(names.get(column, column))}, won: {_list(won)}, lost: {_list(lost)}}}",
    ]

    created = created_column(guesses)
    if created is not None:
        lines.append(f"  order: {names[created]} # later rows judge what earlier rows taught")
    elif in_order:
        lines += [
            f"  # order: {name} # the file lies in its order; if a lead came in then, use it" for name in in_order
        ]
    else:
        lines.append("  # order: row # if the rows are in order of time; without it drift cannot be seen")

    lines.append("  # group: identical_inputs # or a column, e.g. the account, if rows belong together")
    keys = [names[h] for h, g in guesses.items() if g.role is Role.DISPLAY and re.search(r"(^|_)id$", names[h])]
    if keys:
        lines.append(f"  lead_id: {keys[0]}")

    return [*lines, ""]


def _proven_decimal(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> DecimalSign | None:
    """The decimal sign that every number column proves that proves one; a guess is not declared, for it would win."""
    numbers = [weigh_signs(frame[header]) for header, guess in guesses.items() if guess.type is ColumnType.NUMBER]
    signs = {evidence.decimal for evidence in numbers if evidence.decimal is not None}
    return signs.pop() if len(signs) == 1 else None


def _location(path: Path, raw: RawTable, decimal: DecimalSign | None) -> list[str]:
    lines = ["tables:", "  leads:", "    location:", f"      file: {quote_yaml(path.name)}"]
    if raw.form["format"] == "csv":
        form = {"delimiter": raw.form["delimiter"], "encoding": raw.form["encoding"]}
        form |= {} if decimal is None else {"decimal": decimal}
        lines.append(f"      csv: {{{', '.join(f'{k}: {json.dumps(v)}' for k, v in form.items())}}}")
    return [*lines, f"      # sha256: {raw.form['sha256']} # to insist on exactly this file"]


def _column(name: str, guess: Guess, *, is_target: bool, is_order: bool) -> list[str]:
    facts = f"{guess.filled:.0%} filled, {guess.distinct:,} distinct"
    if guess.role not in (Role.PERSONAL, Role.SENSITIVE) and guess.examples:
        facts += f", e.g. {', '.join(guess.examples)}"
    if guess.sentinel:
        facts += f"; does {guess.sentinel} mean missing? then add missing: [{quote_yaml(guess.sentinel)}]"
    facts = " ".join(facts.split())

    keys = {} if name == guess.header else {"from": quote_yaml(guess.header)}
    if is_target:
        return [f"      {name}: {_map(keys | {'role': 'display'})} # the target; {facts}"]

    keys |= {"type": str(ColumnType.ID if name.endswith("_id") or name == "id" else guess.type)}
    if is_order:
        return [f"      {name}: {_map(keys | {'role': 'display'})} # clock: orders the rows; {facts}"]

    if guess.suspicious:
        keys |= {"role": "ignore", "excluded_because": quote_yaml(guess.suspicious)}
        lines = [f"      # SUSPICIOUS, left out until you know when it is filled. {facts}"]
        if guess.today:
            lines.append(
                "      # To use it: take it from its history or an export dated before the outcome; or, if it never "
                "changes after the lead came in, replace role and excluded_because by accepted_because: why."
            )
        return [*lines, f"      {name}: {_map(keys)}"]

    if guess.role is not Role.FEATURE:
        why = {
            Role.PERSONAL: "identifies a person: shown to the owner, never learned from",
            Role.SENSITIVE: "sensitive: left out unless accepted_because says why",
            Role.DISPLAY: "differs in nearly every row: shown, not learned from",
        }[guess.role]
        return [f"      {name}: {_map(keys | {'role': str(guess.role)})} # {why}; {facts}"]

    if guess.type is ColumnType.TIMESTAMP:
        return [f"      {name}: {_map(keys | {'role': 'display'})} # a time; as a feature it needs a clock; {facts}"]

    keys |= _evidence(guess)
    return [f"      {name}: {_map(keys)} # {facts}"]


def _evidence(guess: Guess) -> dict[str, str]:
    keys = {}
    if guess.dimension is not Dimension.FIT:
        keys["dimension"] = str(guess.dimension)
    if guess.topic is not Topic.CONTEXT:
        keys["topic"] = str(guess.topic)
    keys["label"] = quote_yaml(re.sub(r"[_.\s]+", " ", guess.header).strip().lower())
    if guess.missing:
        keys["missing"] = _list(guess.missing)
    return keys


def _names(headers: list[str]) -> dict[str, str]:
    """Names of the product for headers: lower case, underscores, none twice, none of the contract's clocks."""
    taken = {n for n in LEADS.names if n != "lead_id"}
    names = {}
    for header in headers:
        plain = re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"c_{plain}"
        name, count = plain[:60], 2
        while name in taken:
            name, count = f"{plain[:56]}_{count}", count + 1
        taken.add(name)
        names[header] = name
    return names


def quote_yaml(text: str) -> str:
    """A YAML scalar that reads back as this text.

    >>> quote_yaml("company size"), quote_yaml("yes"), quote_yaml("a: b")
    ('company size', '"yes"', '"a: b"')
    """
    if _PLAIN.match(text) and text.lower() not in _WORDS and " #" not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(quote_yaml(v) for v in values)}]"


def _map(keys: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{k}: {v}' for k, v in keys.items())}}}"
