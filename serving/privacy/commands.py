"""Commands on the rights of the people in the data: forget, subject, object, retention."""

import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Options, Output, options

if TYPE_CHECKING:
    from pipelines.privacy.forget import Forgotten

app = typer.Typer()
Whom = Annotated[str | None, typer.Argument(help="lead id or mail address", metavar="LEAD_ID|EMAIL")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")]
Many = Annotated[bool, typer.Option("--many", help="an address that over twenty leads have is meant, all of them")]
StoreUrl = Annotated[str | None, typer.Option("--store-url", envvar="LEADSCORE_SERVE_STORE_URL", help="store by URL")]


@app.command()
def forget(
    whom: Whom = None,
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
    from pipelines.privacy.forget import finish_forgetting, forget_person
    from pipelines.workspace.lock import only_writer
    from serving.privacy.store_of_source import eraser

    erase = eraser(context.paths, store_url)
    with only_writer(context.paths):
        finished = None if dry_run else finish_forgetting(context, erase)
        return finished if whom is None else forget_person(context, whom, erase, dry_run=dry_run, many=many)


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
