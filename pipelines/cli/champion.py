"""Commands about bundles: which one scores."""

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Params, Source
from pipelines.cli.output import Options, Output, options

if TYPE_CHECKING:
    from pipelines.workspace.context import Context

app = typer.Typer()


@app.command()
def champion(
    pull: Annotated[
        bool, typer.Option("--pull", help="first fetch the bundle of the alias 'champion' on MLFLOW_TRACKING_URI")
    ] = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show which bundle scores."""
    return champion_command(options(source, data_dir), Output(json), pull=pull)


@app.command()
def promote(
    source: Source = "demo",
    data_dir: DataDir = "data",
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="hash of a kept bundle; default: the last one trained")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="ask the gate, promote nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="promote despite the gate; needs --reason")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="why the gate is overruled; recorded")] = None,
    params: Params = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Make a bundle the champion if it passes the gate: no worse on rows newer than both models, and a clean audit."""
    return promote_command(options(source, data_dir, params=params), bundle, check, force, reason, Output(json))


@app.command()
def rollback(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Make the previous champion the champion again."""
    return rollback_command(options(source, data_dir), Output(json))


def promote_command(
    options: Options, bundle: str | None, check: bool, force: bool, reason: str | None, output: Output
) -> int:
    """Promote a kept bundle, given by hash (or its beginning), or the last trained one, if it passes the gate.

    ``check`` asks the gate and promotes nothing. ``force`` promotes despite its answer and records ``reason``.

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    from typer import BadParameter

    if force != bool((reason or "").strip()):
        raise BadParameter("--force and --reason TEXT go together: overruling the gate needs a reason.")
    if force and check:
        raise BadParameter("--check promotes nothing; leave out --force.")

    context = options.context()

    from features.errors import ExitStatus, PromotionError
    from pipelines.registry.champion import MoveKind, PointerMove, keep_bundle, point_to, resolve_bundle_hash
    from pipelines.registry.promotion_gate import ask_gate
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.params_file import load_gate

    paths = context.paths
    with contextlib.nullcontext() if check else only_writer(paths):
        chosen = keep_bundle(paths, paths.train / "bundle") if bundle is None else resolve_bundle_hash(paths, bundle)
        answer = ask_gate(context, chosen, load_gate(options.params))

        if check:
            output.show({"gate": answer.record()}, answer.text)
            return 0 if answer.passes else int(ExitStatus.NOT_PROMOTED)

        if not answer.passes and not force:
            raise PromotionError(answer.text)
        forced = PointerMove(MoveKind.FORCED, str(reason).strip())
        found = point_to(paths, chosen, forced if force else PointerMove(MoveKind.GATE, answer.sentence))
        _mirror(context, output)
    record = {"champion": found.hash, "previous": found.previous, "forced": force, "gate": answer.record()}

    output.show(record, f"{answer.text}\nchampion is now {found.hash[:12]}{' (forced)' if force else ''}")
    return 0


def champion_command(options: Options, output: Output, *, pull: bool = False) -> int:
    """Show the champion; with ``pull``, the registry's, fetched first."""
    context = options.context()
    if pull:
        from pipelines.tracking.mlflow_registry import follow_registry
        from pipelines.workspace.lock import only_writer

        with only_writer(context.paths):
            follow_registry(context)

    from models.bundle import load_bundle
    from pipelines.registry.champion import require_champion

    found = require_champion(context.paths)
    bundle = load_bundle(found.folder, found.hash)
    record = {
        "hash": found.hash,
        "path": str(found.folder),
        "previous": found.previous,
        "winner": bundle.meta.get("winner"),
        "trained_through": bundle.meta.get("trained_through"),
        "scale_version": bundle.scale.version,
    }
    moves = "\n".join(f"{m.at} {m.hash[:12]} {m.how}: {m.reason}" for m in found.history)
    text = "\n".join([*(f"{name}: {value}" for name, value in record.items()), *filter(None, [moves])])
    output.show(record | {"history": [move.record() for move in found.history]}, text)
    return 0


def rollback_command(options: Options, output: Output) -> int:
    """Point back to the bundle before."""
    context = options.context()
    from pipelines.registry.champion import roll_back
    from pipelines.workspace.lock import only_writer

    with only_writer(context.paths):
        found = roll_back(context.paths)
        _mirror(context, output)
    output.show({"champion": found.hash, "previous": found.previous}, f"champion is {found.hash[:12]}")
    return 0


def _mirror(context: "Context", output: Output) -> None:
    """Tell the registry's aliases; where MLflow is away, that is said, and the pointer counts all the same."""
    from pipelines.tracking.mlflow_run import mirror_aliases

    problem = mirror_aliases(context)
    if problem:
        output.note(f"the aliases in MLflow were not moved: {problem} The next run moves them.")
