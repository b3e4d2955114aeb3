"""Commands about bundles: which one scores."""

from typing import Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Params, Source
from pipelines.cli.output import Options, Output, options

app = typer.Typer()
SHOWN = 20  # movers a terminal prints; JSON has all


@app.command()
def champion(
    pull: Annotated[
        bool, typer.Option("--pull", help="first fetch the bundle of the alias 'champion' on MLFLOW_TRACKING_URI")
    ] = False,
    churn: Annotated[bool, typer.Option("--churn", help="who moved when the champion changed last")] = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show which bundle scores; with --churn also who moved when it took over."""
    return champion_command(options(source, data_dir), Output(json), pull=pull, churn=churn)


@app.command()
def promote(
    source: Source = "demo",
    data_dir: DataDir = "data",
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="hash of a kept bundle; default: the last one trained")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="ask the gate and show who would move; promote nothing")
    ] = False,
    top: Annotated[int, typer.Option("--top", min=1, help="first places of each owner's list that are watched")] = 10,
    force: Annotated[bool, typer.Option("--force", help="promote despite the gate; needs --reason")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="why the gate is overruled; recorded")] = None,
    params: Params = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Make a bundle the champion if it passes the gate: no worse on rows newer than both models, and a clean audit."""
    chosen, why = options(source, data_dir, params=params), (reason or "").strip()
    return promote_command(chosen, Output(json), bundle=bundle, check=check, force=force, reason=why, top=top)


@app.command()
def rollback(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Make the previous champion the champion again."""
    return rollback_command(options(source, data_dir), Output(json))


def promote_command(
    options: Options, output: Output, *, bundle: str | None, check: bool, force: bool, reason: str, top: int
) -> int:
    """Promote a kept bundle if it passes the gate, or by ``force``; ``check`` asks the gate and shows who would move.

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    from typer import BadParameter

    if force != bool(reason):
        raise BadParameter("--force and --reason TEXT go together: overruling the gate needs a reason.")
    if force and check:
        raise BadParameter("--check promotes nothing; leave out --force.")

    context = options.context()

    from features.errors import ExitStatus
    from pipelines.posted.noted_commands import noting_champion
    from pipelines.promotion import promote_bundle
    from pipelines.workspace.params_file import load_gate
    from pipelines.workspace.people.register import without_the_forgotten

    gate = load_gate(options.params)
    why = without_the_forgotten(context.paths.root, reason)
    with noting_champion(context, output.note):
        done = promote_bundle(context, bundle, check=check, reason=why, top=top, gate=gate)
    answer, moves, found = done.gate, done.churn, done.champion
    if found is None:
        output.show({"gate": answer.record(), "churn": moves}, f"{answer.text}\n\n{churn_text(moves)}")
        return 0 if answer.passes else int(ExitStatus.NOT_PROMOTED)

    _tell_untold(output, done.untold)
    forced = force and moves["champion"] != found.hash  # of the champion itself nothing is overruled
    record = {"champion": found.hash, "previous": found.previous, "forced": forced, "gate": answer.record()}
    told = f"{answer.text}\nchampion is now {found.hash[:12]}{' (forced)' if forced else ''}"
    output.show(record | {"churn": moves}, f"{told}\n\n{churn_text(moves)}")
    return 0


def churn_text(found: dict[str, Any]) -> str:
    """Who moves, as text: the sentences, the lists, the first movers."""
    churn = found["churn"]
    if churn is None:
        return f"Who moves: {found['sentence']}"
    lines = ["Who moves", *churn["sentences"], ""]
    for row in churn["owners"]:
        name = str(row.get("list") or "").replace("_", " ")
        of = f"{row['owner']}, {name}" if name else row["owner"]
        lines.append(f"  {of}: {row['enters']} enter, {row['leaves']} leave")
    lines.append("")
    for row in churn["movers"][:SHOWN]:
        what = ", ".join([*([f"{row['top']} the first {churn['top']}"] if row["top"] else []), *row["crosses"]])
        lists = [str(row.get(name) or "").replace("_", " ") for name in ("list_before", "list_after")]
        places = [row["place_before"], row["place_after"]]
        if lists[0] != lists[1]:
            places = [f"{place} of {name}" for place, name in zip(places, lists, strict=True)]
        lines.append(
            f"  {row['lead_id']} ({row['owner']}): score {row['score_before']} to {row['score_after']}, place "
            f"{places[0]} to {places[1]}; {what}: {row['reason']}"
        )
    if len(churn["movers"]) > SHOWN:
        lines.append(f"  and {len(churn['movers']) - SHOWN:,} more (--json shows all)")
    return "\n".join(lines)


def champion_command(options: Options, output: Output, *, pull: bool = False, churn: bool = False) -> int:
    """Show the champion; with ``pull``, the registry's, fetched first; with ``churn``, who moved when it took over."""
    context = options.context()
    if pull:
        from pipelines.posted.noted_commands import noting_champion
        from pipelines.tracking.mlflow_registry import follow_registry
        from pipelines.workspace.lock import only_writer

        with noting_champion(context, output.note), only_writer(context.paths):
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
    record |= {"history": [move.record() for move in found.history]}
    if churn:
        from pipelines.registry.promotion_churn import read_last_churn

        last = read_last_churn(context)
        record["churn"] = last
        text += "\n\n" + ("Who moved was not written down." if last is None else f"{last['at']} {churn_text(last)}")
    output.show(record, text)
    return 0


def rollback_command(options: Options, output: Output) -> int:
    """Point back to the bundle before."""
    context = options.context()
    from pipelines.posted.noted_commands import noting_champion
    from pipelines.registry.champion import MoveKind, PointerMove, require_champion, roll_back
    from pipelines.registry.promotion_churn import churn_if_possible, keep_churn, read_last_churn
    from pipelines.registry.unfinished_move import noted_move, settle_move
    from pipelines.tracking.mlflow_run import mirror_aliases
    from pipelines.workspace.lock import only_writer

    with noting_champion(context, output.note), only_writer(context.paths):
        settled = settle_move(context)
        now = require_champion(context.paths)
        if settled is not None and settled["how"] == str(MoveKind.ROLLBACK):
            found, moves = now, read_last_churn(context)  # rolled back already, by a call that was killed
        elif now.previous is None:
            found, moves = roll_back(context.paths), None
        else:
            moves = churn_if_possible(context, now.previous)
            with noted_move(context, now.previous, PointerMove(MoveKind.ROLLBACK, ""), moves):
                found = roll_back(context.paths)
                moves = keep_churn(context, moves, MoveKind.ROLLBACK)
        _tell_untold(output, mirror_aliases(context, moves))
    told = "" if moves is None else f"\n\n{churn_text(moves)}"
    record = {"champion": found.hash, "previous": found.previous, "churn": moves}
    output.show(record, f"champion is {found.hash[:12]}{told}")
    return 0


def _tell_untold(output: Output, problem: str) -> None:
    """Where MLflow is away, that is said, and the pointer counts all the same."""
    if problem:
        output.note(f"the aliases in MLflow were not moved: {problem} The next run moves them.")
