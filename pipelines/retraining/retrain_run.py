"""One retrain: take in what is new, look at the feeds, train, judge, decide, write it down."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from features.errors import ExitStatus
from features.schema.vocabulary import TRAINED
from features.schema.vocabulary import Verdict as TrainingVerdict
from models.judging.drift.monitor_findings import Level
from models.settings import GateSettings, MonitorSettings
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.monitor_record import MonitorFinding, MonitorRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.diagnostics.monitor import monitor
from pipelines.feeds.accepted_faults import accept_faults
from pipelines.feeds.measured_cadence import write_cadence
from pipelines.feeds.stage_times import note_stage
from pipelines.ingest.errors import TableLostError
from pipelines.promotion import make_champion
from pipelines.registry.champion import MoveKind, PointerMove, points_score, read_champion
from pipelines.registry.promotion_churn import churn_if_possible
from pipelines.registry.promotion_gate import fits
from pipelines.registry.unfinished_move import describe_settled, settle_move
from pipelines.retraining.decide_champion import Judged, Verdict, decide, decide_untrained, judge_challengers
from pipelines.retraining.replay_bundles import replay_bundles
from pipelines.retraining.retrain_page import write_page
from pipelines.retraining.retrain_record import Aging, Decision, RetrainRecord, WhatsNew
from pipelines.retraining.whats_new import Seen, find_new, keep_seen, read_seen, see
from pipelines.run import release_memory, run_stage
from pipelines.scoring.qualification_summary import follows_policy_in_force
from pipelines.stages.ingest import ingest
from pipelines.tracking.mlflow_decisions import keep_decision, tell_decisions
from pipelines.workspace.context import Context
from pipelines.workspace.folder_owner import claim_folder

STATUS = {
    Decision.PROMOTED: ExitStatus.OK,
    Decision.BETTER: ExitStatus.CHALLENGER_BETTER,
    Decision.KEPT: ExitStatus.CHAMPION_KEPT,
    Decision.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
    Decision.REFUSED: ExitStatus.RETRAIN_REFUSED,
}
_BROKEN = frozenset({"freshness", "feed volume", "history", "feed values", "emptied", "unit", "clock"})
_RETRAIN = "retrain"
_TRAINING = ("backtest", "train", "register", "evaluate", "thresholds")
_AFTER = ("score", "report")
Notify = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class RetrainOptions:
    """How a retrain is asked for.

    Parameters
    ----------
    promote : make a challenger that is better beyond noise the champion
    as_of : rows known from then on are left out
    accept_feeds : why to train although a feed looks broken; empty: do not
    """

    promote: bool = False
    as_of: pd.Timestamp | None = None
    accept_feeds: str = ""
    track: bool = True
    gate: GateSettings = field(default_factory=GateSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)


@dataclass(frozen=True)
class _Outcome:
    """What a retrain came to before it is written down."""

    verdict: Verdict
    judged: tuple[Judged, ...] = ()
    churn: dict[str, Any] | None = None
    trained: str | None = None
    aging: Aging | None = None


def retrain(context: Context, options: RetrainOptions, notify: Notify | None = None) -> RetrainRecord:
    """From what is new to a decision; writes ``retrain/page/retrain.json`` and ``retrain.html``.

    What was seen is remembered once all else is written: a retrain that is killed is done again as if it had never
    begun. The caller holds the source's lock.
    """
    started = time.perf_counter()
    context = _at(context, options.as_of)
    tell = notify or (lambda name, seconds: None)
    settled = settle_move(context)
    own = settled is not None and settled.get("by") == _RETRAIN
    before_hash = None if (was := read_champion(context.paths)) is None else was.hash
    before = read_seen(context.paths)

    moved: MonitorRecord | None = None
    now: Seen | None = None
    try:
        _take_in(context, options, tell)
        now = see(context.paths, fingerprint_of(context))
        new = find_new(context.paths, before, now)
        moved = _look(context, options)
        outcome = _refuse_broken(moved, options) or _train_and_judge(context, options, new, tell)
        if settled is not None and own and outcome.verdict.decision in (Decision.KEPT, Decision.INCONCLUSIVE):
            before_hash = settled["before"]
            outcome = replace(outcome, verdict=_promoted_before(settled), churn=settled["churn"])
    except TableLostError as problem:
        new = _nothing_known(before)
        outcome = _Outcome(
            Verdict(decision=Decision.REFUSED, sentence=problem.message, next="Mend the export, then retrain.")
        )

    outcome, untold = _act(context, options, outcome, before_hash, anew=new.changed)
    champion = read_champion(context.paths)
    verdict = outcome.verdict
    record = RetrainRecord.of(
        {
            "source": context.source.name,
            "synthetic": context.source.synthetic,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "as_of": None if options.as_of is None else options.as_of.isoformat(),
            "decision": verdict.decision,
            "status": int(STATUS[verdict.decision]),
            "sentence": verdict.sentence,
            "next": verdict.next,
            "ended": "" if settled is None or own else describe_settled(settled),
            "new": new.record(),
            "trained": outcome.trained,
            "champion_before": before_hash,
            "champion_after": None if champion is None else champion.hash,
            "moved": []
            if moved is None
            else [f.record() for f in moved.findings if f.level in (Level.ACT, Level.WATCH)],
            "challengers": [one.record().record() for one in outcome.judged],
            "churn": outcome.churn,
            "aging": None if outcome.aging is None else outcome.aging.record(),
            "untold": untold,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )
    write_page(context.paths, record)
    if now is not None and verdict.decision is not Decision.REFUSED:
        if options.accept_feeds and moved is not None:
            accept_faults(context.paths, broken_feeds(moved), moved.bundle, options.accept_feeds)
        keep_seen(context.paths, now)
    note_stage(context.paths, _RETRAIN, time.perf_counter() - started)
    return record


def _promoted_before(settled: dict[str, Any]) -> Verdict:
    """What a retrain came to that was killed once it had promoted."""
    return Verdict(decision=Decision.PROMOTED, sentence=settled["reason"], next="'leadscore rollback' takes it back.")


def _at(context: Context, as_of: pd.Timestamp | None) -> Context:
    """The context as of a moment: nothing known later counts."""
    if as_of is None:
        return context
    source = context.source.model_copy(update={"data_cutoff": as_of.isoformat()})
    return replace(context, source=source)


def _take_in(context: Context, options: RetrainOptions, tell: Notify) -> None:
    """Ingest, check, build the matrix and audit it."""
    tell("ingest", -1.0)
    started = time.perf_counter()
    if options.as_of is None:
        run_stage(context, "ingest")
    else:
        ingest(context.source, context.paths, options.as_of)
        claim_folder(context.paths, context.source_path)
    tell("ingest", time.perf_counter() - started)
    for name in ("validate", "matrix", "audit"):
        _run(context, name, tell)


def _run(context: Context, name: str, tell: Notify) -> None:
    tell(name, -1.0)
    tell(name, run_stage(context, name).seconds)


def _look(context: Context, options: RetrainOptions) -> MonitorRecord | None:
    """What moved since the champion was trained; None where there is no champion that fits."""
    champion = read_champion(context.paths)
    if champion is None or not fits(context, champion.folder):
        return None
    record = monitor(context, options.monitor)
    record.write(context.paths.monitor.parent)
    release_memory()
    return record


def _refuse_broken(moved: MonitorRecord | None, options: RetrainOptions) -> _Outcome | None:
    """Refusal where a feed is broken: a model trained now would learn the fault."""
    if moved is None or options.accept_feeds:
        return None
    broken = broken_feeds(moved)
    if not broken:
        return None
    return _Outcome(
        Verdict(
            decision=Decision.REFUSED,
            sentence="A feed is broken, so nothing was trained: " + " ".join(one.sentence for one in broken[:3]),
            next=(
                f"{broken[0].next} If it is right as it is: --accept-feeds REASON; new values, columns that are no "
                "longer filled and feeds that ended are then known until another model is the champion."
            ),
        )
    )


def broken_feeds(moved: MonitorRecord) -> list[MonitorFinding]:
    """What of the monitor's findings says that a feed is broken, beyond what was accepted before."""
    return [one for one in moved.findings if one.level == Level.ACT and one.check in _BROKEN]


def _train_and_judge(context: Context, options: RetrainOptions, new: WhatsNew, tell: Notify) -> _Outcome:
    audit = AuditRecord.read(context.paths)
    if audit.verdict == TrainingVerdict.LEAK:
        why = f"The audit stopped the training. {audit.verdict_text}"
        return _Outcome(Verdict(decision=Decision.REFUSED, sentence=why, next="Fix the declaration, then retrain."))
    before = read_champion(context.paths)
    if new.changed or not TrainRecord.exists(context.paths):
        for name in _TRAINING:
            _run(context, name, tell)
    trained = TrainRecord.read(context.paths)
    if trained.verdict not in TRAINED:
        return _Outcome(decide_untrained(trained, before, read_champion(context.paths)))
    champion = read_champion(context.paths)
    if champion is not None and champion.hash == trained.hash and (before is None or before.hash != trained.hash):
        why = f"{trained.hash[:12]} scores now: {champion.history[-1].reason}."
        return _Outcome(Verdict(decision=Decision.PROMOTED, sentence=why), trained=trained.hash)
    judged = judge_challengers(context, options.gate)
    verdict = decide(judged)
    churn = None if verdict.chosen is None else churn_if_possible(context, verdict.chosen.hash)
    aging = replay_bundles(context, options.gate)
    if aging is not None:
        write_cadence(context.paths, aging.days)
    return _Outcome(verdict, tuple(judged), churn, trained.hash, aging)


def _act(
    context: Context, options: RetrainOptions, outcome: _Outcome, before: str | None, *, anew: bool
) -> tuple[_Outcome, str]:
    """Move the pointer where that was asked for; score, report and tell MLflow; returns what MLflow was not told."""
    verdict = outcome.verdict
    if verdict.decision is Decision.BETTER and options.promote and verdict.chosen is not None:
        move = PointerMove(MoveKind.GATE, verdict.sentence)
        _, moves, _ = make_champion(context, verdict.chosen.hash, move, outcome.churn, by=_RETRAIN)
        verdict = replace(verdict, decision=Decision.PROMOTED, next="'leadscore rollback' takes it back.")
        outcome = replace(outcome, verdict=verdict, churn=moves)
    # where the rubric's points score there is a list although no model was trained
    listed = outcome.trained is not None or (verdict.decision is not Decision.REFUSED and points_score(context.paths))
    # a handoff score that was adopted moves states, and is no reason to train
    anew = anew or not follows_policy_in_force(context)
    if listed and (anew or verdict.decision is Decision.PROMOTED):
        for name in _AFTER:
            run_stage(context, name)
        if options.track:
            run_stage(context, "track")
    keep_decision(
        context.paths,
        {
            "kind": "retrain",
            "decision": str(verdict.decision),
            "sentence": verdict.sentence,
            "champion_before": before,
            "challenger": None if verdict.chosen is None else verdict.chosen.hash,
            "gate": None if verdict.chosen is None else verdict.chosen.answer.record(),
        },
    )
    return outcome, tell_decisions(context) if options.track else ""


def fingerprint_of(context: Context) -> str:
    """Of the tables of the last ingest and all that is declared: equal where nothing changed."""
    found = hashlib.sha256(context.declaration_hash.encode())
    for file in sorted(context.paths.ingest.glob("*.parquet")):
        found.update(file.name.encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _nothing_known(before: Seen | None) -> WhatsNew:
    empty = {"tables": {}, "new_leads": 0, "newly_won": 0, "newly_lost": 0, "corrected": 0, "reversed": 0}
    said = ["What is new could not be told: a table was lost in quarantine."]
    since = None if before is None else before.until
    return WhatsNew.of(
        empty | {"since": since, "until": None, "taken_back": 0, "said": {}, "sentences": said, "changed": True}
    )
