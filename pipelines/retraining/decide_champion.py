"""The challengers of a retrain before the gate, and what follows from its answers."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from features.errors import BundleError
from models.bundle import load_bundle
from models.judging.promotion.gate import Answer, GateVerdict
from models.settings import GateSettings
from pipelines.artifacts.train_record import TrainRecord
from pipelines.feeds.feed_profiles import keep_feed_profile
from pipelines.registry.champion import Champion, MoveKind, keep_bundle, read_champion
from pipelines.registry.promotion_gate import ask_gate, trained_through
from pipelines.retraining.replay_bundles import kept_models, spread_in_time
from pipelines.retraining.retrain_record import Decision, JudgedChallenger
from pipelines.workspace.context import Context

REFIT, TWIN, WAITING = "trained now, on everything", "trained now, without the last block", "of an earlier retrain"
_MOST_WAITING = 24  # bundles that wait; two a retrain, so a year of months


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A challenger and the gate's answer."""

    hash: str
    what: str
    through: str | None
    answer: Answer

    def record(self) -> JudgedChallenger:
        """As the page keeps it."""
        return JudgedChallenger(hash=self.hash, what=self.what, trained_through=self.through, gate=self.answer.record())


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to do about the champion, why, and the challenger it is about."""

    decision: Decision
    sentence: str
    next: str = ""
    chosen: Judged | None = None


def judge_challengers(context: Context, settings: GateSettings, done_with: Collection[str] = ()) -> list[Judged]:
    """Every challenger, held against the champion on rows later than both.

    The refit has seen every matured row, so nothing can be said of it before new outcomes come in: it waits, and later
    retrains judge it. Its twin of the same recipe, trained without the last block, can be judged now; so can bundles of
    earlier retrains, until one is ``done_with`` them. What passes is promoted as it was judged, never another bundle in
    its name. A bundle that somebody rolled back from is no challenger.
    """
    champion = read_champion(context.paths)
    left = rolled_back_from(champion)
    found = []
    for bundle_hash, what in _challengers(context, done_with):
        if bundle_hash in left or (champion is not None and champion.hash == bundle_hash):
            continue
        try:
            answer = ask_gate(context, bundle_hash, settings)
        except BundleError:
            continue  # of another declaration: it could not score
        through = trained_through(load_bundle(context.paths.bundles / bundle_hash, bundle_hash))
        found.append(
            Judged(
                hash=bundle_hash,
                what=what,
                through=None if through is None else f"{through:%Y-%m-%d}",
                answer=answer,
            )
        )
    return found


def rolled_back_from(champion: Champion | None) -> set[str]:
    """Bundles that a rollback took the place of, and that nothing made the champion since."""
    found: set[str] = set()
    for move in () if champion is None else champion.history:
        found.discard(move.hash)
        if move.how == MoveKind.ROLLBACK and move.previous is not None:
            found.add(move.previous)
    return found


def _challengers(context: Context, done_with: Collection[str]) -> list[tuple[str, str]]:
    champion, found = read_champion(context.paths), _of_training(context)
    past = set() if champion is None else {move.hash for move in champion.history}
    known = {*past, *found, *done_with}
    waiting = spread_in_time(kept_models(context, known), _MOST_WAITING)
    return [*found.items(), *((name, WAITING) for name in reversed(waiting))]


def _of_training(context: Context) -> dict[str, str]:
    """The last training's refit and twin, both kept."""
    paths = context.paths
    trained = TrainRecord.read(paths).hash if TrainRecord.exists(paths) else None
    found: dict[str, str] = {}
    if trained is not None:
        found[trained] = REFIT
        twin = paths.train / "twin"
        if (twin / "bundle.json").exists():
            twin_hash = keep_bundle(paths, twin)
            if not paths.feed_profile(twin_hash).exists():  # of its training, not of every look since
                keep_feed_profile(context, load_bundle(twin))
            found[twin_hash] = TWIN
    return found


def left_out(context: Context) -> str:
    """What to say of a bundle of today's training that somebody rolled back from; empty where there is none."""
    left = rolled_back_from(read_champion(context.paths))
    return " ".join(
        f"{name[:12]} ({what}) is no challenger, since it was rolled back from: 'leadscore promote --bundle "
        f"{name[:12]}' takes it up again."
        for name, what in _of_training(context).items()
        if name in left
    )


def decide(judged: list[Judged], beside: str = "") -> Verdict:
    """What follows: a challenger that is better beyond noise wins; being younger wins nothing.

    ``beside`` is what else to say of what to do next.
    """
    found = _decide(judged)
    return replace(found, next=f"{found.next} {beside}".strip())


def _decide(judged: list[Judged]) -> Verdict:
    better = [one for one in judged if one.answer.better]
    if better:
        best = min(better, key=_log_loss_difference)
        gains = [c.name for c in best.answer.checks if c.better]
        return Verdict(
            decision=Decision.BETTER,
            sentence=(
                f"{best.hash[:12]} ({best.what}) is better beyond noise in {' and '.join(gains)}, no worse in the rest."
            ),
            next="Promote it: 'leadscore promote --bundle "
            + best.hash[:12]
            + "', or retrain with --promote-if-better.",
            chosen=best,
        )
    answers = {one.answer.verdict for one in judged}
    decided = [one for one in judged if one.answer.verdict in (GateVerdict.PASSED, GateVerdict.WORSE)]
    if decided:
        told = next((one for one in decided if one.answer.verdict is GateVerdict.PASSED), decided[0])
        if told.answer.verdict is GateVerdict.PASSED:
            why = f"{told.hash[:12]} ({told.what}) is no worse, but no better beyond noise either; age is no reason."
        else:
            why = told.answer.sentence
        return Verdict(decision=Decision.KEPT, sentence=why, next=_when(judged), chosen=told)
    if judged and answers == {GateVerdict.NOT_CLEAN}:
        first = judged[0]
        return Verdict(
            decision=Decision.REFUSED, sentence=first.answer.sentence, next=first.answer.needed, chosen=first
        )
    if not judged:
        return Verdict(decision=Decision.KEPT, sentence="No challenger was trained, so there is nothing to decide.")
    first = next((one for one in judged if one.answer.checks), judged[0])
    return Verdict(
        decision=Decision.INCONCLUSIVE,
        sentence=first.answer.sentence,
        next=_when(judged) or first.answer.needed,
        chosen=first,
    )


def decide_untrained(trained: TrainRecord, before: str | None, champion: Champion | None) -> Verdict:
    """What follows where no model could be trained: whoever scores goes on; the first may be the rubric's points."""
    why = f"No model could be trained: {trained.verdict_text}"
    if champion is None:
        return Verdict(
            decision=Decision.INCONCLUSIVE,
            sentence=f"There is no champion, and none was made. {why}",
            next="Nothing is scored until more deals have closed: retrain then.",
        )
    if before != champion.hash:
        reason = champion.history[-1].reason.rstrip(".")
        told = "" if trained.verdict_text.rstrip(".") in reason else f" {why}"  # points say themselves why they score
        said = f"{champion.hash[:12]} scores now: {reason}.{told}"
        return Verdict(decision=Decision.PROMOTED, sentence=said, next="More outcomes are needed to train a model.")
    return Verdict(decision=Decision.KEPT, sentence=why, next="More outcomes are needed.")


def _when(judged: list[Judged]) -> str:
    """From which date there will be enough to decide."""
    dates = [(one.answer.enough_at, one) for one in judged if one.answer.enough_at is not None]
    if not dates:
        return ""
    at, one = min(dates, key=lambda pair: pair[0])
    name = f"{one.hash[:12]} ({one.what})"
    return f"From about {at:%Y-%m-%d} on there will be enough outcomes to judge {name}: retrain then."


def _log_loss_difference(one: Judged) -> float:
    found = [check.difference for check in one.answer.checks if check.name == "log loss"]
    return found[0] if found else np.inf
