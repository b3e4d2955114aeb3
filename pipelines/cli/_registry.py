"""Commands about the champion."""

from pipelines.cli.output import Options, Output


def champion_command(options: Options, output: Output, *, pull: bool = False) -> int:
    """Show the champion; with ``pull``, the registry's, fetched first."""
    context = options.context()
    if pull:
        from pipelines.tracking.mlflow_registry import follow_registry

        follow_registry(context)
    from models.bundle import load_bundle
    from pipelines.registry.champion import require_champion

    found = require_champion(context.paths)
    bundle = load_bundle(found.folder, found.hash)
    record = {
        "hash": found.hash,
        "path": str(found.folder),
        "previous": found.previous,
        "winner": bundle.meta["winner"],
        "trained_through": bundle.meta["trained_through"],
        "scale_version": bundle.scale.version,
    }
    moves = "\n".join(f"{m['at']} {m['hash'][:12]} {m['how']}: {m['reason']}" for m in found.history)
    text = "\n".join([*(f"{name}: {value}" for name, value in record.items()), *filter(None, [moves])])
    output.show(record | {"history": list(found.history)}, text)
    return 0


def rollback_command(options: Options, output: Output) -> int:
    """Point back to the bundle before."""
    context = options.context()
    from pipelines.registry.champion import roll_back
    from pipelines.tracking.mlflow_run import mirror_aliases

    found = roll_back(context.paths)
    mirror_aliases(context)
    output.show({"champion": found.hash, "previous": found.previous}, f"champion is again {found.hash[:12]}")
    return 0
