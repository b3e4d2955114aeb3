"""One retrain: take in what is new, look at the feeds, train, judge, decide, write it down."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from features.errors import ContractError, ExitStatus
from features.schema.source import Source
from features.schema.vocabulary import TRAINED
from features.schema.vocabulary import Verdict as TrainingVerdict
from models.settings import GateSettings, MonitorSettings
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.artifacts.tracking_record import TrackRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.feeds.accepted_faults import accept_faults
from pipelines.feeds.measured_cadence import write_cadence
from pipelines.feeds.stage_times import note_stage
from pipelines.ingest.errors import TableLostError
from pipelines.promotion import make_champion
from pipelines.registry.champion import MoveKind, PointerMove, read_champion
from pipelines.registry.kept_decisions import name_decision, write_decision
from pipelines.registry.promotion_churn import churn_if_possible
from pipelines.registry.promotion_gate import scores_untrained
from pipelines.registry.unfinished_move import Behind, describe_settled, settle_move
from pipelines.retraining.current_tables import put_back, set_tables_aside
from pipelines.retraining.decide_champion import Judged, Verdict, decide, decide_untrained, judge_challengers, left_out
from pipelines.retraining.fingerprints import features_fingerprint, fingerprint_of, is_trained_on_other_rows
from pipelines.retraining.judged_bundles import done_with, keep_judged
from pipelines.retraining.look_at_feeds import Looked, look_at_feeds
from pipelines.retraining.replay_bundles import replay_bundles
from pipelines.retraining.retrain_page import write_page
from pipelines.retraining.retrain_record import Aging, Decision, RetrainRecord, WhatsNew
from pipelines.retraining.unfinished_retrain import begin_retrain, end_retrain, note_draft
from pipelines.retraining.whats_new import Seen, find_new, keep_seen, read_seen, see
from pipelines.run import run_stage
from pipelines.scoring.qualification_summary import follows_policy_in_force
from pipelines.stages.ingest import ingest
from pipelines.tracking.mlflow_decisions import tell_decisions
from pipelines.workspace.context import Context, at_moment
from pipelines.workspace.folder_owner import claim_folder

STATUS = {
    Decision.PROMOTED: ExitStatus.OK,
    Decision.BETTER: ExitStatus.CHALLENGER_BETTER,
    Decision.KEPT: ExitStatus.CHAMPION_KEPT,
    Decision.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
    Decision.REFUSED: ExitStatus.RETRAIN_REFUSED,
}
_RETRAIN = "retrain"
_TRAINING = ("backtest", "train", "register", "evaluate", "thresholds")
_AFTER = ("score", "report")
_OTHER_ROWS = "Nothing is new since the last retrain, but the last training was on other rows, so it is done again."
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

    def __post_init__(self) -> None:
        if self.as_of is not None:
            require_past(self.as_of)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What a retrain came to before it is acted on; ``before`` is the champion that it found."""

    before: str | None
    verdict: Verdict
    new: WhatsNew
    looked: Looked = field(default_factory=Looked)
    judged: tuple[Judged, ...] = ()
    churn: dict[str, Any] | None = None
    trained: str | None = None
    aging: Aging | None = None


def require_past(as_of: pd.Timestamp) -> None:
    """Refuse what is no moment, and one that is still to come: by then more may be known than the tables hold.

    Raises
    ------
    ContractError : it is missing, or later than now
    """
    if pd.isna(as_of):
        raise ContractError(
            "a retrain is as of a moment, and this is none; write it as 2026-03-31 or 2026-03-31T09:00."
        )
    if as_of > pd.Timestamp.now("UTC").tz_localize(None):
        raise ContractError(f"a retrain is as of a moment that was; {as_of:%Y-%m-%d %H:%M} (UTC) is still to come.")


def retrain(context: Context, options: RetrainOptions, notify: Notify | None = None) -> RetrainRecord:
    """From what is new to a decision; writes ``retrain/page/retrain.json`` and ``retrain.html``.

    What was seen is remembered once all else is written: a retrain that is killed is done again as if it had never
    begun; one that had decided goes on from there. As of an earlier day, tables, training and list of now come back
    where it is refused or fails. The caller holds the source's lock.
    """
    if options.as_of is None:
        return _retrain(context, options, notify)
    record: RetrainRecord | None = None
    with set_tables_aside(context.paths) as aside:
        try:
            record = _retrain(at_moment(context, options.as_of), options, notify)
        finally:
            if record is None or record.decision is Decision.REFUSED:  # else the next list would be one of the past
                put_back(aside, context.paths)
    return record


def _retrain(context: Context, options: RetrainOptions, notify: Notify | None) -> RetrainRecord:
    started = time.perf_counter()
    tell = notify or (lambda name, seconds: None)
    settled = settle_move(context)
    now: Seen | None = None
    try:
        _take_in(context, options, tell)
        zone, features = _zone_of_closes(context.source), features_fingerprint(context)
        now = see(context.paths, fingerprint_of(context), zone, options.as_of, features=features)
        asked = {"data": now.fingerprint, "promote": options.promote, "accept_feeds": options.accept_feeds}
        asked |= {"gate": options.gate.model_dump(mode="json"), "monitor": options.monitor.model_dump(mode="json")}
        begun = begin_retrain(context, asked)
        drafted = begun.draft
        if drafted is None:
            drafted = _act(context, options, _decide(context, options, begun.champion, now, tell), settled)
        elif is_trained_on_other_rows(context.paths):  # the training of now was put back meanwhile
            _train(context, tell)
    except TableLostError as problem:
        drafted = _act(context, options, _lost(context, problem), settled)

    untold = _list_and_tell(context, options, drafted)
    champion = read_champion(context.paths)
    record = RetrainRecord.of(
        {name: value for name, value in drafted.items() if name not in ("faults", "decided")}
        | {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "champion_after": None if champion is None else champion.hash,
            "untold": untold,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )
    write_page(context.paths, record)
    note_stage(context.paths, _RETRAIN, time.perf_counter() - started)
    if now is not None and record.decision is not Decision.REFUSED:
        if options.accept_feeds:
            faults = [MonitorFinding.of(one) for one in drafted["faults"]["broken"]]
            accept_faults(context.paths, faults, drafted["faults"]["champion"], options.accept_feeds)
        keep_judged(context.paths, record.challengers, now.fingerprint)
        keep_seen(context.paths, now)
    if now is not None:
        end_retrain(context)
    return record


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


def _train(context: Context, tell: Notify) -> None:
    for name in _TRAINING:
        _run(context, name, tell)


def _decide(context: Context, options: RetrainOptions, before: str | None, now: Seen, tell: Notify) -> _Outcome:
    """What follows from what is new: refused where a feed is broken, else trained and judged."""
    new = find_new(context.paths, read_seen(context.paths), now, options.as_of)
    if not new.changed and is_trained_on_other_rows(context.paths):
        new = new.model_copy(update={"changed": True, "sentences": (_OTHER_ROWS,)})
    looked = look_at_feeds(context, options.monitor, options.gate)
    if looked.broken and not options.accept_feeds:
        return _Outcome(before=before, verdict=_refuse_broken(looked), new=new, looked=looked)
    found = _train_and_judge(context, options, before, new, tell)
    return replace(found, looked=looked)


def _refuse_broken(looked: Looked) -> Verdict:
    """Refusal where a feed is broken: a model trained now would learn the fault."""
    broken = looked.broken
    return Verdict(
        decision=Decision.REFUSED,
        sentence="A feed is broken, so nothing was trained: " + " ".join(one.sentence for one in broken[:3]),
        next=(
            f"{broken[0].next} If it is right as it is: --accept-feeds REASON; new values, columns that are no "
            "longer filled and feeds that ended are then known until another model is the champion."
        ),
    )


def _lost(context: Context, problem: TableLostError) -> _Outcome:
    """Refusal where a table was lost: what is new cannot be told."""
    champion = read_champion(context.paths)
    return _Outcome(
        before=None if champion is None else champion.hash,
        verdict=Verdict(decision=Decision.REFUSED, sentence=problem.message, next="Mend the export, then retrain."),
        new=_nothing_known(read_seen(context.paths)),
    )


def _train_and_judge(
    context: Context, options: RetrainOptions, before: str | None, new: WhatsNew, tell: Notify
) -> _Outcome:
    audit = AuditRecord.read(context.paths)
    if audit.verdict == TrainingVerdict.LEAK:
        why = f"The audit stopped the training. {audit.verdict_text}"
        verdict = Verdict(decision=Decision.REFUSED, sentence=why, next="Fix the declaration, then retrain.")
        return _Outcome(before=before, verdict=verdict, new=new)
    if new.changed or not TrainRecord.exists(context.paths):
        _train(context, tell)
    trained = TrainRecord.read(context.paths)
    champion = read_champion(context.paths)
    if trained.verdict not in TRAINED:
        return _Outcome(before=before, verdict=decide_untrained(trained, before, champion), new=new)
    if champion is not None and champion.hash == trained.hash and before != trained.hash:
        why = f"{trained.hash[:12]} scores now: {champion.history[-1].reason}."
        verdict = Verdict(decision=Decision.PROMOTED, sentence=why)
        return _Outcome(before=before, verdict=verdict, new=new, trained=trained.hash)
    judged = judge_challengers(context, options.gate, done_with(context.paths, fingerprint_of(context)))
    verdict = decide(judged, left_out(context))
    churn = None if verdict.chosen is None else churn_if_possible(context, verdict.chosen.hash)
    aging = replay_bundles(context, options.gate)
    if aging is not None:
        write_cadence(context.paths, aging.days)
    return _Outcome(
        before=before,
        verdict=verdict,
        new=new,
        judged=tuple(judged),
        churn=churn,
        trained=trained.hash,
        aging=aging,
    )


def _act(
    context: Context, options: RetrainOptions, outcome: _Outcome, settled: dict[str, Any] | None
) -> dict[str, Any]:
    """Move the pointer where that was asked for; returns the draft of the record.

    A decision that moves it goes on record with the move; any other (``decided``) is written down once the list was
    made. By the draft another call goes on, should this one end early.
    """
    verdict, looked = outcome.verdict, outcome.looked
    promotes = verdict.decision is Decision.BETTER and options.promote
    if promotes:
        verdict = replace(verdict, decision=Decision.PROMOTED, next="'leadscore rollback' takes it back.")
    drafted = {
        "source": context.source.name,
        "synthetic": context.source.synthetic,
        "as_of": None if options.as_of is None else options.as_of.isoformat(),
        "decision": str(verdict.decision),
        "status": int(STATUS[verdict.decision]),
        "sentence": verdict.sentence,
        "next": verdict.next,
        "ended": "" if settled is None else describe_settled(settled),
        "new": outcome.new.record(),
        "trained": outcome.trained,
        "champion_before": outcome.before,
        "moved": [one.record() for one in looked.moved],
        "challengers": [one.record().record() for one in outcome.judged],
        "churn": outcome.churn,
        "aging": None if outcome.aging is None else outcome.aging.record(),
        "faults": {"broken": [one.record() for one in looked.broken], "champion": looked.champion},
    }
    chosen = verdict.chosen
    decided = {
        "kind": "retrain",
        "decision": str(verdict.decision),
        "sentence": verdict.sentence,
        "champion_before": outcome.before,
        "challenger": None if chosen is None else chosen.hash,
        "gate": None if chosen is None else chosen.answer.record(),
    }
    if not promotes or chosen is None:
        drafted["decided"] = name_decision(decided)
        champion = read_champion(context.paths)
        if verdict.decision is not Decision.REFUSED:
            note_draft(context, drafted, None if champion is None else champion.hash)
        return drafted
    note_draft(context, drafted, chosen.hash)
    move = PointerMove(MoveKind.GATE, verdict.sentence)
    behind = Behind(_RETRAIN, decided)
    _, moves, untold = make_champion(context, chosen.hash, move, outcome.churn, behind, track=options.track)
    return drafted | {"churn": moves, "untold": untold}


def _list_and_tell(context: Context, options: RetrainOptions, drafted: dict[str, Any]) -> str:
    """Score and report where that changes the list, keep the decision, tell MLflow; returns what that was not told."""
    decision = drafted["decision"]
    refused = decision == Decision.REFUSED
    # whoever goes on scoring where no model was trained has a list of what is new
    listed = drafted["trained"] is not None or (not refused and _someone_scores(context))
    listed = listed and not (refused and options.as_of is not None)  # the tables of now come back, and their list stays
    # a handoff score that was adopted moves states, and is no reason to train
    anew = drafted["new"]["changed"] or not follows_policy_in_force(context)
    untold = str(drafted.get("untold", ""))
    if listed and (anew or decision == Decision.PROMOTED):
        for name in _AFTER:
            run_stage(context, name)
        if options.track:
            run_stage(context, "track")
            untold = TrackRecord.read(context.paths.track).problem  # it moves the aliases, too
    if "decided" in drafted:
        write_decision(context.paths, drafted["decided"])
    return (tell_decisions(context) or untold) if options.track else ""


def _someone_scores(context: Context) -> bool:
    return scores_untrained(context, TrainRecord.read(context.paths).verdict) is not None


def _zone_of_closes(source: Source) -> str:
    """The zone in which closes have their day."""
    closed = source.tables["outcomes"].columns.get("closed_at") if "outcomes" in source.tables else None
    return (closed.timezone if closed is not None else None) or source.timezone


def _nothing_known(before: Seen | None) -> WhatsNew:
    empty = {"tables": {}, "new_leads": 0, "newly_won": 0, "newly_lost": 0, "corrected": 0, "reversed": 0}
    said = ["What is new could not be told: a table was lost in quarantine."]
    since = None if before is None else before.until
    return WhatsNew.of(
        empty | {"since": since, "until": None, "taken_back": 0, "said": {}, "sentences": said, "changed": True}
    )
