"""Options many commands share, each declared once."""

from typing import Annotated

import typer

from pipelines.workspace.paths import EngineName

Source = Annotated[str, typer.Option("--source", "-s", help="name of a source, or path of its YAML")]
DataDir = Annotated[str, typer.Option("--data-dir", "-d", help="directory for generated data")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
Engine = Annotated[EngineName, typer.Option("--engine", help="engine that sorts and partitions the rows")]
Debug = Annotated[bool, typer.Option("--debug", help="show a traceback on errors")]
Params = Annotated[
    str | None, typer.Option("--params", help="YAML of budgets; default: params.yaml here, if it has a key 'leadscore'")
]
Gate = Annotated[
    bool,
    typer.Option("--gate/--no-gate", help="whether a verdict such as leak sets the exit status, or only the report"),
]
Tiny = Annotated[bool, typer.Option("--tiny", help="smallest budgets: for trying out and testing, not for real use")]
Csv = Annotated[str | None, typer.Option("--csv", help="directory to write one CSV per table to")]
# not bound to LEADSCORE_SERVE_STORE_URL: in the environment it counts where LEADSCORE_SERVE_SOURCE is the source
StoreUrl = Annotated[str | None, typer.Option("--store-url", help="store by URL; default: the server's of this source")]
