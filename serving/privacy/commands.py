"""Commands on the rights of the people in the data: forget, subject, object, retention."""

import subprocess
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source, StoreUrl
from pipelines.cli.output import Options, Output, options

if TYPE_CHECKING:
    from pipelines.privacy.forget import Forgotten

app = typer.Typer()
Whom = Annotated[str, typer.Argument(help="lead id or mail address", metavar="LEAD_ID|EMAIL")]
MaybeWhom = Annotated[str | None, typer.Argument(help="lead id or mail address", metavar="LEAD_ID|EMAIL")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")]
Many = Annotated[bool, typer.Option("--many", help="an address that over twenty leads have is meant, all of them")]


@app.command()
def forget(
    whom: MaybeWhom = None,
    dry_run: DryRun = False,
    many: Many = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="run everything anew without the person")] = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Forget a person: remove every row, keep them from coming back. Without a name: end what was cut off."""
    chosen, output = options(source, data_dir), Output(json)
    done = _forget(chosen, whom, store_url, dry_run=dry_run, many=many)
    if done is None:
        output.show({"forgotten": 0}, "nothing was left unfinished; name a lead id or a mail address.")
        return 0
    output.show(done.record(), forgotten_text(done))
    return _run_anew(chosen, output) if retrain and not dry_run else 0


def _forget(
    chosen: Options, whom: str | None, store_url: str | None, *, dry_run: bool, many: bool
) -> "Forgotten | None":
    context = chosen.context()
    from pipelines.privacy.forget import finish_forgetting, forget_person, is_forgotten
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.storage_errors import changing_in_place
    from serving.privacy.store_of_source import ServerOf

    elsewhere = ServerOf.of(context, store_url)
    with (
        nullcontext() if dry_run else only_writer(context.paths),  # a rehearsal writes nothing, anywhere
        changing_in_place("The person may be forgotten in some places and not in others"),
    ):
        finished = finish_forgetting(context, elsewhere, dry_run=dry_run)
        if whom is None or (finished is not None and is_forgotten(context, whom)):
            return finished
        return forget_person(context, whom, elsewhere, dry_run=dry_run, many=many)


def _run_anew(chosen: Options, output: Output) -> int:
    """Everything from ingest on, as ``leadscore run`` does; a new bundle is a challenger, for the gate to judge."""
    output.note("running everything anew without this person ...")
    command = [sys.executable, "-m", "pipelines.cli", "run", "--source", chosen.source]
    command += ["--data-dir", str(chosen.data_dir)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  ourselves


def forgotten_text(done: "Forgotten") -> str:
    """Where the person stood, what was done, and what is left to others."""
    would = "would be " if done.dry_run else ""
    lines = [f"{done.leads} lead{'s' if done.leads != 1 else ''} of this person {would}forgotten"]
    width = max([len(place.where) for place in done.places] or [0])
    lines += [f"  {place.where:<{width}}  {place.count:>6,} {place.done}" for place in done.places]
    if not done.places:
        lines.append("  nothing is held")
    if done.marks:
        lines.append(f"left out from now on, under the keyed hash {', '.join(done.marks)}")
    lines += ["not leadscore's to change:", *(f"  {text}" for text in done.not_ours)] if done.not_ours else []
    return "\n".join([*lines, *(f"note: {note}" for note in done.notes)])


class Language(StrEnum):
    """What the answer to a person is written in."""

    ENGLISH = "en"
    KOREAN = "ko"
    POLISH = "pl"


@app.command()
def subject(
    whom: Whom,
    out: Annotated[str, typer.Option("--out", help="page (.html) or Markdown (.md); a .json is written beside it")],
    language: Annotated[Language, typer.Option("--language", help="of the page")] = Language.ENGLISH,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Write down all that is held of a person, how they were scored and why, who saw it, and what their rights are."""
    context = options(source, data_dir).context()
    from features.errors import ContractError
    from pipelines.workspace.atomic_files import write_json, write_text
    from serving.privacy.store_of_source import ServerOf
    from serving.privacy.subject import collect_subject, sections_of, to_html, to_markdown

    place = Path(out)
    if place.suffix not in (".html", ".md"):
        raise ContractError(f"--out {place.name} must end in .html or .md.")
    elsewhere = ServerOf.of(context, store_url)
    found = collect_subject(context, whom, elsewhere, str(language))
    sections = sections_of(found)
    write_text(place, to_html(sections, str(language)) if place.suffix == ".html" else to_markdown(sections))
    write_json(place.with_suffix(".json"), found)
    rows = sum(len(part) for part in (*found["tables"].values(), *found.get("posted", {}).values()))
    told = {"out": str(place), "record": str(place.with_suffix(".json")), "leads": found["leads"], "rows": rows}
    output = Output(json)
    output.note(elsewhere.describe())
    output.show(told, f"{len(found['leads'])} leads, {rows} rows -> {place} and {place.with_suffix('.json').name}")
    return 0


@app.command("object")
def object_command(
    whom: Whom,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="the person no longer objects")] = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Write down that a person objects to profiling: listed, but not scored any more."""
    context = options(source, data_dir).context()
    from pipelines.privacy.objections import record_objection
    from pipelines.workspace.lock import only_writer, who_runs_this
    from pipelines.workspace.storage_errors import changing_in_place
    from serving.privacy.store_of_source import ServerOf

    elsewhere = ServerOf.of(context, store_url)
    with (
        only_writer(context.paths),
        changing_in_place("The objection may hold in some tables and not in others"),
    ):
        done = record_objection(context, whom, who_runs_this(), elsewhere, objects=not withdraw)
        named = [lead for lead in done.leads if "@" not in lead]  # the trail holds no address
        elsewhere.note_in_trail("object.withdrawn" if withdraw else "object", named)
    Output(json).show({"leads": list(done.leads), "objects": done.objects, "rows": done.rows_taken_out}, done.sentence)
    return 0


@app.command()
def retention(
    dry_run: DryRun = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Take out rows that are past the retention the source declares; the server's own retention is in its settings."""
    context = options(source, data_dir).context()
    from pipelines.privacy.retention import apply_declared_retention
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.storage_errors import changing_in_place

    with (
        nullcontext() if dry_run else only_writer(context.paths),
        changing_in_place("Old rows may be gone from some tables and not from others"),
    ):
        found = apply_declared_retention(context, dry_run=dry_run)
    output = Output(json)
    if json:
        output.record({"dry_run": dry_run, "tables": [one.record() for one in found]})
        return 0
    rows = [(one.table, one.days or "for good", f"{one.rows:,}", one.oldest or "-", f"{one.past:,}") for one in found]
    output.table("Retention", ("table", "days", "rows", "oldest", "would go" if dry_run else "gone"), rows)
    return 0
