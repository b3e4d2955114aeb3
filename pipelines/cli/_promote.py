"""The command that moves the champion: through the gate, or past it with a reason on record."""

from pipelines.cli.output import Options, Output


def promote_command(
    options: Options, bundle: str | None, check: bool, force: bool, reason: str | None, output: Output
) -> int:
    """Promote a kept bundle, given by hash (or its beginning), or the last trained one, if the gate lets it.

    ``check`` asks the gate and moves nothing. ``force`` promotes whatever it says and records ``reason``.

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    from typer import BadParameter

    if force != bool((reason or "").strip()):
        raise BadParameter("--force and --reason TEXT go together: who overrules the gate says why.")
    if force and check:
        raise BadParameter("--check moves nothing; leave --force out.")
    context = options.context()
    from features.errors import ExitStatus, PromotionError
    from pipelines.registry.champion import How, Move, keep_bundle, kept_bundle, point_to
    from pipelines.registry.promotion_gate import ask
    from pipelines.tracking.mlflow_run import mirror_aliases
    from pipelines.workspace.params_file import load_gate

    paths = context.paths
    chosen = keep_bundle(paths, paths.train / "bundle") if bundle is None else kept_bundle(paths, bundle)
    answer = ask(context, chosen, load_gate(options.params))
    if check:
        output.show({"gate": answer.record()}, answer.text)
        return 0 if answer.passes else int(ExitStatus.NOT_PROMOTED)
    if not answer.passes and not force:
        raise PromotionError(answer.text)
    move = Move(How.FORCED, str(reason).strip()) if force else Move(How.GATE, answer.sentence)
    found = point_to(paths, chosen, move)
    mirror_aliases(context)
    record = {"champion": found.hash, "previous": found.previous, "forced": force, "gate": answer.record()}
    output.show(record, f"{answer.text}\nchampion is now {found.hash[:12]}{' (forced)' if force else ''}")
    return 0
