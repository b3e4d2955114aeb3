"""A starter declaration for whatever an export comes as: files, a folder, an archive, a workbook, a database."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from features.errors import DataError
from features.schema.table_source import Location
from pipelines.declaring.column_names import name_source
from pipelines.declaring.column_values import texts_of_table
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, FileCorrections
from pipelines.declaring.exports.export_plan import plan_export
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.several_declaration import Heading, render_declaration
from pipelines.declaring.exports.table_parts import are_alike, parts_pattern
from pipelines.declaring.file_facts import FileFacts
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.declaring.uncertain_encoding import read_likeliest
from pipelines.declaring.words.vendor_template import load_template
from pipelines.declaring.words.vendor_words import VendorWords, speaking
from pipelines.declaring.yaml_text import quote_yaml
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.input_listing import is_database_address, list_tables
from pipelines.workspace.folder_owner import is_taken


def init_export(
    inputs: Sequence[str],
    out: Path | None,
    data_dir: Path,
    template: str | None = None,
    said: FileCorrections = NOTHING_SAID,
) -> str:
    """Text of a starter declaration for one or several inputs.

    One file with one table is declared by itself; the tables of several files, or of one that holds several, are
    declared together.

    Parameters
    ----------
    inputs : paths of files, folders, archives and workbooks, or database URLs
    out : where the declaration will be written; None for standard output
    data_dir : whose sources' names are taken
    template : name of the vendor whose headings and words these are (a file of data/templates)
    said : what a person corrected of a file that is declared by itself

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the input.
    DataError
        if none of several tables looks like leads or deals.
    """
    listed = [list_tables(given) for given in inputs]
    found = [table for one in listed for table in one.tables]
    notes = [f"NOT READ {name}: {why}" for one in listed for name, why in one.passed_over]
    vendor = None if template is None else VendorWords(load_template(template))
    if vendor is None and len(found) == 1 and _is_plain(inputs[0], found[0].location):
        return declare_alone(*read_facts(Path(inputs[0]), said), out, data_dir)

    tables: list[ExportTable] = []
    places: list[Location] = []
    for one in found:
        try:
            tables.append(_open(one.name, one.location, out, {table.name for table in tables}))
            places.append(one.location)
        except (EmptyFileError, UnreadableFileError) as problem:
            notes.append(f"NOT READ {one.name}: {problem}")
    if not tables:
        raise EmptyFileError(f"{', '.join(inputs)}: no table could be read. {' '.join(notes)}")

    tables, places = _join_parts(tables, places, out)
    if vendor is None and len(tables) == 1 and len(found) > 1 and _is_plain(places[0].file, places[0]) and not notes:
        return declare_alone(*read_facts(Path(places[0].file), said), out, data_dir)

    title = _title(inputs)
    if vendor is not None:
        notes += [f"{vendor.template.title}: {note}" for note in vendor.template.notes]
    heading = Heading(name=_free_name(name_source(title, "export"), out, data_dir), title=title, notes=tuple(notes))
    with speaking(vendor, [table.frame.columns for table in tables]):
        plan = plan_export(tables)
        if plan.leads is None:
            why = "; ".join(f"{name}: {reason}" for name, reason in plan.left_over)
            raise DataError(
                f"{', '.join(inputs)}: none of {len(tables)} tables looks like leads or deals ({why}). Declare the "
                "file of leads by itself: leadscore init FILE."
            )
        return render_declaration(plan, heading)


def seen_beside(path: Path) -> bool:
    """Whether a file holds one table that is read by its path alone."""
    tables = list_tables(str(path)).tables
    return len(tables) == 1 and _is_plain(str(path), tables[0].location)


def _is_plain(given: str, location: Location) -> bool:
    """Whether an input is a file, folder, workbook or archive whose only table is read by its path alone."""
    return not is_database_address(given) and location.database is None


def _join_parts(
    tables: list[ExportTable], places: list[Location], out: Path | None
) -> tuple[list[ExportTable], list[Location]]:
    """Tables and their locations, with the files that are parts of one table as one table."""
    groups: list[list[int]] = []
    for i, table in enumerate(tables):
        for group in groups:
            if are_alike([tables[group[0]].name, table.name], [_headers(tables[group[0]]), _headers(table)]):
                group.append(i)
                break
        else:
            groups.append([i])

    joined: list[ExportTable] = []
    located: list[Location] = []
    for group in groups:
        members = [tables[i] for i in group]
        names, headers = [one.name for one in members], [_headers(one) for one in members]
        pattern = parts_pattern(names, headers, [places[i] for i in group])
        if pattern is None:
            joined += members
            located += [places[i] for i in group]
            continue
        at = Location(file=pattern)
        joined.append(_open(list_tables(pattern).tables[0].name, at, out, {one.name for one in joined}))
        located.append(at)
    return joined, located


def _headers(table: ExportTable) -> list[str]:
    return [str(name) for name in table.frame.columns]


def _open(name: str, location: Location, out: Path | None, taken: set[str]) -> ExportTable:
    raw, question = read_likeliest(location, Path(location.file) if location.database is None else None)
    called, count = name, 2
    while called in taken:
        called, count = f"{name}_{count}", count + 1
    keys = location.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    if location.database is None:
        keys = {"file": _seen_from(Path(location.file), out)} | {k: v for k, v in keys.items() if k != "file"}
    if raw.form.get("format") == "csv":
        keys["csv"] = {key: raw.form[key] for key in ("delimiter", "encoding") if raw.form.get(key)}
    return ExportTable(called, texts_of_table(raw), keys, raw.form, question)


def declare_alone(facts: FileFacts, question: str, out: Path | None, data_dir: Path) -> str:
    """Text of the declaration of one file's facts, as :func:`init_export` writes it for that file."""
    text, path = declare_facts(facts, question), facts.path
    if out is not None:
        text = text.replace(f"file: {quote_yaml(path.name)}\n", f"file: {quote_yaml(_seen_from(path, out))}\n", 1)
    return _with_free_name(text, out, data_dir)


def _seen_from(file: Path, out: Path | None) -> str:
    """The path of a file as a declaration beside it, or at ``out``, names it."""
    if out is None:
        return str(file)
    here, whole, place = Path.cwd(), file.resolve(), out.resolve().parent
    seen = os.path.relpath(whole, place)
    in_one_project = whole.is_relative_to(here) and place.is_relative_to(here)  # and together wherever it is copied to
    return seen if in_one_project or not seen.startswith("..") else str(whole)


def _title(inputs: Sequence[str]) -> str:
    if len(inputs) == 1 and is_database_address(inputs[0]):
        return re.sub(r"\W+", " ", inputs[0].rsplit("/", 1)[-1]).strip() or "database"
    if len(inputs) == 1:
        return Path(inputs[0]).resolve().stem
    folders = {Path(given).resolve().parent.name for given in inputs if not is_database_address(given)}
    return next(iter(folders)) if len(folders) == 1 else Path(inputs[0]).stem


def _free_name(name: str, out: Path | None, data_dir: Path) -> str:
    """The name, or the next free one where another declaration's data lie under it."""
    free, count = name, 2
    while is_taken(free, data_dir, out):
        free, count = f"{name}_{count}", count + 1
    return free


def _with_free_name(text: str, out: Path | None, data_dir: Path) -> str:
    """A declaration whose name is not taken; a comment says which one was."""
    found = re.search(r"^name: (\S+)$", text, re.MULTILINE)
    if found is None:
        return text
    free = _free_name(found.group(1), out, data_dir)
    if free == found.group(1):
        return text
    return text.replace(found.group(), f"name: {free} # '{found.group(1)}' is the name of another source", 1)
