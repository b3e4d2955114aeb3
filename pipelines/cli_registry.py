"""Commands about the champion."""

from pipelines.cli_shared import Options, Output


def champion_command(options: Options, output: Output) -> int:
    """Show the champion."""
    context = options.context()
    from models.bundle import load_bundle
    from pipelines.champion import require_champion

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
    output.show(record, "\n".join(f"{name}: {value}" for name, value in record.items()))
    return 0


def promote_command(options: Options, bundle: str | None, output: Output) -> int:
    """Point to a kept bundle, given by hash (or its beginning), or to the last trained one."""
    context = options.context()
    from features.errors import RegistryError
    from pipelines.champion import keep_bundle, point_to
    from pipelines.tracking import mirror_aliases

    paths = context.paths
    if bundle is None:
        chosen = keep_bundle(paths, paths.train / "bundle")
    else:
        kept = [folder.name for folder in paths.bundles.glob(f"{bundle}*")] if paths.bundles.exists() else []
        if len(kept) != 1:
            raise RegistryError(f"{len(kept)} kept bundles begin with '{bundle}' under {paths.bundles}; name one.")
        chosen = kept[0]
    found = point_to(paths, chosen)
    mirror_aliases(context)
    output.show({"champion": found.hash, "previous": found.previous}, f"champion is now {found.hash[:12]}")
    return 0


def rollback_command(options: Options, output: Output) -> int:
    """Point back to the bundle before."""
    context = options.context()
    from pipelines.champion import roll_back
    from pipelines.tracking import mirror_aliases

    found = roll_back(context.paths)
    mirror_aliases(context)
    output.show({"champion": found.hash, "previous": found.previous}, f"champion is again {found.hash[:12]}")
    return 0
