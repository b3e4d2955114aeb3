"""The reference of every key of a source declaration (docs/sources.md), written from the schema and the contract."""

from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from features.schema.canonical_tables import TABLES, ContractTable
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic, WhenKnown
from pipelines.ingest.expectations import SENTENCES

_INTRODUCTION = """\
# Source declarations

A source is one YAML file that says where an export is and what its columns mean. `leadscore init FILE.csv` writes a
first draft for you to correct; `leadscore init FOLDER` (or several files, a zip, a workbook, a database) declares all
its tables together, and says which columns refer to which table and why. This page is generated from the schema by
`python -m pipelines.declaring.schema_reference`; a test keeps the two in step.

A wrong declaration is refused with file and line, what was found and what is allowed. Exit status 10 means a wrong
declaration, 11 an empty file, 12 data that cannot be used as declared, 18 a file that was not found or has a different
hash or could not be fetched, 21 an unreadable file, 22 a target with only one class, 25 a table that was lost in
quarantine ([all of them](running.md#what-it-prints-and-the-exit-status)).

## How values are read

* Delimiter, encoding and title lines above the header are found out and told. A first line that holds an address, a
  date or several numbers as the lines below do is refused as a row without a header (LS032), unless it holds a declared
  header or `csv.skip_lines` is declared. Bytes that are not UTF-8 are read in the
  code page whose letters make words of them (Western, Central European, Cyrillic, Greek, Turkish and Baltic ones,
  CP949, Shift-JIS, EUC-JP, GB18030, Big5); where two come near each other the file is refused with a value in each
  reading (LS046), and `csv.encoding` decides.
* Headers are matched without regard to zero-width signs, non-breaking and doubled blanks, composed letters and case.
* Surrounding blanks are removed; an empty text counts as missing, and so does anything listed under `missing`. In
  numbers, booleans, timestamps, ids, owners and groups (`flat.group`), `NA`, `N/A`, `NaN`, `NULL`, `none` and `-` count
  as missing too, and `\\N` in a delimited file everywhere; of all but numbers and booleans it is told.
* The decimal sign is what all values of a column prove, else what the file's other columns prove: `1.234,50`,
  `2'871.97`, `1,23,456.78`, `(1,234.50)`, `99,90 €`, `12 %` (read as 12). A column of `2.872` that nothing tells is
  refused (LS047): declare `decimal` or `thousands`, on the column or under `csv`. What is declared wins. So is
  a file of several that may write `1,234` otherwise than the rest.
  Numbers that an input holds as numbers (cells of a workbook, JSON, Parquet, databases) are read as they are, and prove
  nothing about texts beside them.
* Booleans are true/false, yes/no, y/n, t/f, 1/0.
* Lists (`type: list`) are divided by `;`, `|`, a line end or a comma, or are JSON arrays. They give their number of
  values and a flag per frequent value (20 rows and 1% of the rows at least, 30 at most), or per value under `items`.
* Timestamps with a time zone, by offset or by a name that means one zone (`EST`), keep it; those without one are in
  `timezone`. Names of months and halves of the day are understood in English, German, French, Spanish, Italian,
  Portuguese, Dutch, Polish, Korean, Japanese and Chinese; days of a spreadsheet (`45299.375`) where the whole column
  holds them. `20240108.0`, which pandas makes of `20240108` where a value is missing, is that day. An hour that
  daylight saving repeats is read as the later one, so that nothing counts as known too early.
* Whether 03/04/2025 has the day first, or 24.01.08 the year, is what all values of the column show, else the file
  trained on, else the file's other columns; else the file is refused (LS036): `time_format: day_first`,
  `month_first`, `serial`, or a strptime format (`%y.%m.%d`). 03.04.2025 has the day first where nothing else is shown;
  where the file trained on showed the month first with other signs alone, it is refused. So are dates in which a
  spreadsheet has taken the day for the month (LS042), unless `time_format` is declared.
* Moments that name their zone and are midnight in UTC nearly throughout (dates of HubSpot) are days of the declared
  zone, which is told; so are those of a column with fewer than 20, where the source's other columns show it.
* A `known_at`, a close or a recycle without a time of day means the end of that day (a lead's own `known_at`: its
  creation); dated on the day the file was written, that moment, whenever it is read; of a database, dated today, the
  moment it is read.
* What a file showed (decimal sign, order of dates, days as midnights in UTC, encoding) is kept in
  `ingest/reading.json` and with the bundle; a nightly file too short to show it is read the same way.
* Ids that a spreadsheet rounded (`1.23457E+17`) are refused (LS048): they cannot be told apart any more.
* Activities without an id that are in the file more than once, alike in every column and with a time of day, count
  once; their number is told as `repeated`.
* The data cut-off is the newest moment at which something became known, and a list is made just after it: who closed
  with the last row is not open. Deals that are not won and close behind all of
  that are open ones with the date somebody expects, and are left aside; one to three dates more than 30 days behind
  everything else go to quarantine (`after_cutoff`). Both are told, and a declared `data_cutoff` wins. An open deal
  whose expected date has passed looks like a lost one: export a status (`opportunities:`) where you can.
* Allowed values are matched without regard to case, blanks, dashes and underscores, and then spelled as declared; a
  minus before a digit counts (`-1` is not `1`).
* Ids that refer to another table may be written otherwise there: Salesforce's 15 and 18 characters (if the check
  characters are right), `1000` and `1000.0`, GUIDs in braces, lost leading zeros (if the number is unique on both
  sides). They are matched, counted and shown with examples; what only looks alike is named and left alone. Without a
  table of accounts those of deals are matched to those of leads; deals whose account no lead names are counted.
* A column that is not declared is listed, but neither used nor kept. A declared column that the file lacks is an error.

## Where files are looked up

In the folder named by `LEADSCORE_DATA`, beside the declaration, and in `<data-dir>/<source>/raw`; otherwise it is
fetched from the declared package or URL and checked by hash. Packed files are unpacked. Workbooks, JSON, folders,
patterns, database files and databases: [inputs](inputs.md).

## One file that is several tables

A table of deals is usually leads and outcomes at once. `opportunities:` says what its columns are once, and is read as
if the tables `leads` (every row), `outcomes` (rows whose status means won, lost or disqualified), `accounts` (with
`account_columns`) and `stages` (disqualified deals, where `label.disqualified` is `excluded`) had been written out:

```yaml
opportunities:
  location: {file: deals.csv}
  lead_id: Deal ID
  created_at: Create Date
  closed_at: [Closed Won Date, Closed Lost Date, Close Date] # the first that is filled
  status: {from: Deal Stage, won: [Closed Won], lost: [Closed Lost], disqualified: [Unqualified], open: [New, Working]}
  columns:
    industry: {from: Industry, topic: need}
```

Open deals are leads without an outcome: they are scored and listed. The status is shown and never learned from. A deal
that is over but has no readable date of its close goes to quarantine (`close_quarantined`), or it would seem open; so
does a lead that an outcome in quarantine names, where outcomes are a table of their own, unless it is an open deal
(not known as won, and without a date of its close) or outcomes that were kept settle the lead.
Any table may select its rows with `rows:`, and any column may be read from the first filled of several headers.

Stages named `won` and `lost` end a lead, too. Without a table of outcomes they are the outcomes. Beside one they close
a lead once they are known, and a win that only stages tell counts until an outcome of that lead is known (not with
`label.credit` by accounts); `ingest` counts the leads of which the two say different things.

## What happens to bad rows

A row that breaks a rule is recorded in `quarantine.parquet` (table, row, rule, column, value) and, as it was in the
file, in `quarantined_rows.parquet`; the others continue, and read = kept + quarantined always holds (and rows
that `rows` or `distinct` leave out are counted as not of this table). Of `personal` and `sensitive` columns only the
form of a value is shown (`xxx@xxxxxxx.xxx`).
"""


def render_reference() -> str:
    """The page as Markdown."""
    parts = [_INTRODUCTION, _rules(), "## Keys\n"]
    parts += [_section(model) for model in schema_models()]
    parts += ["## Words\n", *_words(), "## Tables of the contract\n"]
    parts += [_table(table) for table in TABLES.values()]
    return "\n".join(parts).rstrip() + "\n"


def _rules() -> str:
    lines = ["| rule | a kept row (or its value) |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{rule}` | {sentence} |" for rule, sentence in SENTENCES.items())]) + "\n"


def schema_models() -> list[type[BaseModel]]:
    """The schema's parts, each before the parts it speaks of."""
    found: list[type[BaseModel]] = [Source]
    for model in found:
        for field in model.model_fields.values():
            found += [part for part in _parts(field.annotation) if part not in found]
    return found


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for argument in get_args(annotation) for part in _parts(argument)]


def _section(model: type[BaseModel]) -> str:
    said = " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())  # the first paragraph, on one line
    lines = [f"### {model.__name__}\n", f"{said}\n"]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        row = (f"`{field.alias or name}`", _takes(field), _default(field), field.description or "")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join(lines) + "\n"


def _takes(field: FieldInfo) -> str:
    return _type(field.annotation) + "".join(_limits(field.metadata))


def _limits(metadata: list[Any]) -> list[str]:
    signs = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most", "pattern": "matching"}
    found = []
    for item in metadata:
        for key, word in signs.items():
            value = getattr(item, key, None)
            if value is not None:
                found.append(f", {word} `{value}`" if key == "pattern" else f", {word} {value}")
    return found


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)

    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments if argument is not NoneType)
    if origin is tuple:
        inner = [a for a in arguments if a is not Ellipsis]
        return f"list of {_type(inner[0])}" if Ellipsis in arguments else f"list of {len(inner)} {_type(inner[0])}s"
    if origin is dict:
        return f"map of text to {_type(arguments[1])}"

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"[{annotation.__name__}](#words)" if annotation in _WORDS else " or ".join(f"`{v}`" for v in annotation)
    return str(annotation)


_PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}
_WORDS = (ColumnType, Role, WhenKnown, Dimension, Topic)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or value is PydanticUndefined:
        return "required"
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return "–"
    if isinstance(value, tuple):
        return "`[" + ", ".join(str(v) for v in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _words() -> list[str]:
    return [
        f"**{words.__name__}**: {', '.join(f'`{word}`' for word in words)}.\n\n{_explain_words(words)}\n"
        for words in _WORDS
    ]


def _explain_words(words: type[Enum]) -> str:
    return " ".join((words.__doc__ or "").split()).replace("``", "`")


def _table(table: ContractTable) -> str:
    lines = [f"### Table `{table.name}`\n", f"{table.doc} Key: {', '.join(f'`{k}`' for k in table.key)}."]
    if table.open_ended:
        lines[-1] += " Takes further columns as attributes."
    lines += ["", "| column | type | holds | if missing |", "|---|---|---|---|"]
    for column in table.columns:
        origin = f"taken from `{column.default_from}`" if column.default_from else "stays missing"
        default = f"`{column.default}`" if column.default else origin
        gap = "goes to quarantine" if not column.nullable and not column.default_from else default
        holds = column.doc + (f" ({', '.join(f'`{v}`' for v in column.values)})" if column.values else "")
        name = f"`{column.name}`" + (" (required)" if column.required else "")
        lines.append(f"| {name} | {column.type} | {holds} | {gap} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write docs/sources.md of the working tree."""
    path = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
    path.write_text(render_reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
