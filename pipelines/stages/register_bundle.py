"""Register: the trained bundle among those kept; the first clean one becomes the champion. Promotions move it later."""

from models.bundle import load_bundle
from pipelines.artifacts.champion_record import RegistrationRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.feeds.feed_profiles import keep_feed_profile
from pipelines.registry.champion import MoveKind, PointerMove, ensure_pointer, keep_bundle, point_to, read_champion
from pipelines.registry.promotion_gate import fits, reasons_not_clean
from pipelines.registry.unfinished_move import settle_move
from pipelines.workspace.context import Context
from pipelines.workspace.private_files import make_folder


def run_register(context: Context) -> RegistrationRecord:
    """Keep the trained bundle and settle its role; the pointer and the kept bundles are there afterwards, even empty.

    Run again it changes nothing: a champion that people promoted stays.
    """
    make_folder(context.paths.bundles)
    settle_move(context)
    role = register_trained_bundle(context)
    ensure_pointer(context.paths)
    champion = read_champion(context.paths)
    return RegistrationRecord(
        hash=TrainRecord.read(context.paths).hash, role=role, champion=None if champion is None else champion.hash
    )


def register_trained_bundle(context: Context) -> str | None:
    """Keep the trained bundle; make it champion if there is none or the champion no longer fits; returns its role.

    Both need a clean audit and a verdict that allows it. Any other bundle is a challenger, for the gate to judge.
    """
    points = register_points(context)
    folder = context.paths.train / "bundle"
    if not (folder / "bundle.json").exists():
        return points
    bundle_hash = keep_bundle(context.paths, folder)
    keep_feed_profile(context, load_bundle(folder))
    now = read_champion(context.paths)
    if now is not None and now.hash == bundle_hash:
        return "champion"
    kept_back = (now is not None and fits(context, now.folder)) or context.source.mode == "points"
    if kept_back or reasons_not_clean(context, load_bundle(folder)):
        return "challenger"
    if now is None:
        move = PointerMove(MoveKind.FIRST, "there was no champion; audit clean, verdict allows it")
    else:
        move = PointerMove(MoveKind.DECLARATION, f"champion {now.hash[:12]} no longer fits the declaration")
    point_to(context.paths, bundle_hash, move)
    return "champion"


def register_points(context: Context) -> str | None:
    """Where points are to score alone: the rubric's bundle is kept, and made champion unless a model is one already.

    A model gives way where the source declares ``mode: points``, or where it no longer fits the declaration; points of
    an older version of the rubric always do. Returns the bundle's role, None where there is none.
    """
    folder = context.paths.train / "points"
    if not (folder / "bundle.json").exists():
        return None
    bundle_hash = keep_bundle(context.paths, folder)
    keep_feed_profile(context, load_bundle(folder))
    now = read_champion(context.paths)
    if now is not None and now.hash == bundle_hash:
        return "champion"
    why = str(load_bundle(folder).meta.get("verdict_text") or "")
    if now is None:
        move = PointerMove(MoveKind.FIRST, f"points score alone: {why}")
    elif context.source.mode == "points" or not fits(context, now.folder):
        move = PointerMove(MoveKind.DECLARATION, f"points score alone: {why}")
    elif load_bundle(now.folder, now.hash).by_points:
        move = PointerMove(MoveKind.DECLARATION, f"points score alone, as of this run: {why}")
    else:
        return "challenger"
    point_to(context.paths, bundle_hash, move)
    return "champion"
