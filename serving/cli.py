"""``leadscore serve`` and ``leadscore keys``: joined to the command line by the entry point ``leadscore.commands``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source, StoreUrl
from pipelines.cli.output import Output, options
from pipelines.posted.noted_commands import note_with
from serving.privacy import commands as privacy_commands
from serving.scopes import Scope
from serving.store.trail_links import AUDIT_DAYS

if TYPE_CHECKING:
    from pipelines.workspace.paths import Paths
    from serving.store.engine import Store


def _note_in_store(paths: "Paths", action: str, subject: str, detail: Mapping[str, Any]) -> str:
    from pipelines.posted.posted_store import find_store

    if find_store(paths) is None:
        return ""
    from serving.store.noted_commands import note_in_store

    return note_in_store(paths, action, subject, detail)


note_with(_note_in_store)
app = typer.Typer()
keys = typer.Typer(help="API keys of the server.", no_args_is_help=True)
trail = typer.Typer(help="The server's audit trail: who saw and changed what.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(trail, name="trail")
app.add_typer(privacy_commands.app)


@app.command()
def serve(
    source: Source = "demo",
    data_dir: DataDir = "data",
    host: Annotated[
        str, typer.Option(help="address to listen on; anything but loopback needs API keys or a sign-in provider")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on", min=1, max=65535)] = 8000,
    debug: Debug = False,
) -> int:
    """Start the API and the pages."""
    import uvicorn

    from pipelines.compute.numba_cache import fix_caches
    from serving.http.patience import PatientProtocol

    chosen = options(source, data_dir)
    os.environ["LEADSCORE_SERVE_SOURCE"] = chosen.source
    os.environ["LEADSCORE_SERVE_DATA_DIR"] = str(chosen.data_dir.resolve())
    os.environ["LEADSCORE_SERVE_HOST"] = host
    fix_caches(chosen.data_dir)
    uvicorn.run(
        "serving.app:create_app",
        factory=True,
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",  # nothing is served over web sockets, which no limit of ours would bound
        proxy_headers=False,
        log_level="warning",
        access_log=False,
    )
    return 0


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="who will use it")],
    scope: Annotated[list[str], typer.Option("--scope", help="score, read, feedback or admin; repeat for several")],
    owner: Annotated[str | None, typer.Option("--owner", help="show only the leads of this owner")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Create a key and print it; it cannot be shown again."""
    from pipelines.workspace.lock import who_runs_this
    from serving.auth.api_keys import create_key

    token = create_key(_store(source, data_dir, store_url), name, scope, owner, who_runs_this() or "cli")
    Output(json).show({"name": name, "key": token}, token)
    return 0


@keys.command("list")
def list_command(
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """List the keys by prefix, with the scopes they have."""
    from serving.auth.api_keys import granted_scopes, list_keys

    keys = list_keys(_store(source, data_dir, store_url))
    may = {k.id: [scope for scope in Scope if scope in granted_scopes(k)] for k in keys}
    rows = [
        (k.prefix, k.name, ", ".join(may[k.id]), k.owner or "everybody's", _describe_state(k.revoked_at)) for k in keys
    ]
    names = ("prefix", "name", "scopes", "leads", "state")
    output = Output(json)
    if json:
        output.record([dict(zip(names, row, strict=True)) for row in rows])
    else:
        output.table("API keys", names, rows)
    if once := [k.prefix for k in keys if k.revoked_at is None and not set(k.scopes) <= set(may[k.id])]:
        output.note(f"note: {', '.join(once)}: created with admin, which no key of one owner has any more.")
    return 0


@keys.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="the key's prefix, as listed")],
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Revoke a key; its sessions end at once."""
    from pipelines.workspace.lock import who_runs_this
    from serving.auth.api_keys import revoke_key

    name = revoke_key(_store(source, data_dir, store_url), prefix, who_runs_this() or "cli")
    Output(json).show({"revoked": prefix, "name": name}, f"revoked {prefix} ({name})")
    return 0


@trail.command("export")
def export_trail(
    out: Annotated[str, typer.Option("--out", help="file to write, one JSON object per line")],
    after: Annotated[int, typer.Option("--after", help="id to continue from", min=0)] = 0,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Write the audit trail to a file."""
    from pipelines.workspace.atomic_files import write_lines
    from serving.store.audit_trail import read_entries, to_line

    with _store(source, data_dir, store_url).reading_one_moment() as session:
        count = write_lines(Path(out), (to_line(entry) for entry in read_entries(session, after)))
    Output(json).show({"entries": count, "out": out}, f"{count} entries -> {out}")
    return 0


@trail.command()
def verify(
    expect: Annotated[
        str | None, typer.Option("--expect", help="<id>:<head> as an earlier check printed it: shows what was cut off")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="an exported trail, instead of the store")
    ] = None,
    audit_days: Annotated[
        float,
        typer.Option(
            "--audit-days",
            min=0,
            envvar="LEADSCORE_SERVE_AUDIT_DAYS",
            help="days that entries stay, as the server was told (0: for good): none may be removed earlier",
        ),
    ] = AUDIT_DAYS,
    source: Source = "demo",
    data_dir: DataDir = "data",
    store_url: StoreUrl = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Check that no entry of the audit trail was changed, removed or put in between; exit status 24 if one was."""
    from features.errors import ExitStatus
    from serving.store.trail_check import verify_file, verify_trail

    if file is None:
        found = verify_trail(_store(source, data_dir, store_url), expect, audit_days)
    else:
        found = verify_file(file, expect, audit_days)
    said = f"{found.entries} entries, intact." if found.intact else f"NOT intact: {found.problem}"
    said += f"\nnote: {found.note}" if found.note else ""
    said += f"\n{found.blanked} of them are about people who are forgotten." if found.blanked else ""
    Output(json).show(found.record(), f"{said}\nhead {found.last_id}:{found.head}")
    return 0 if found.intact else int(ExitStatus.ACT)


def _describe_state(revoked: object) -> str:
    return "in use" if revoked is None else "revoked"


def _store(source: str, data_dir: str, store_url: str | None) -> "Store":
    """The store by URL, the one of the environment where it is of this source, or that below the data directory."""
    from serving.privacy.store_of_source import open_or_make

    opened, other = open_or_make(options(source, data_dir).context().paths, store_url)
    if other:
        Output(False).note(f"note: {other}")
    return opened
