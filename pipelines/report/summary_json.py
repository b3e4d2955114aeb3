"""``summary.json`` worked out from what the stages left."""

from collections.abc import Mapping
from typing import Any

from features.schema.source import Source
from features.schema.vocabulary import Role, Verdict, WhenKnown
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.artifacts.verdict_record import MatrixVerdict
from pipelines.workspace.context import Context

LADDER = ("rate", "rubric", "linear", "scorecard", "booster", "blend", "prior")


def summarise(context: Context, seconds: Mapping[str, float]) -> SummaryRecord:
    """The summary of a finished run; parts a stopped run did not reach are empty."""
    paths, source = context.paths, context.source
    matrix, backtest, train = MatrixVerdict.read(paths), BacktestRecord.read(paths), TrainRecord.read(paths)
    evaluation, comparison = EvaluationRecord.read(paths), ComparisonRecord.read(paths)
    return SummaryRecord.of(
        {
            "source": source.name,
            "source_kind": source.kind,
            "synthetic": source.synthetic,
            "data_cutoff": matrix.data_cutoff,
            "horizon_days": source.label.horizon_days if source.kind == "relational" else None,
            **({"horizon_by_segment": by_segment} if (by_segment := dict(source.label.horizon_by_segment)) else {}),
            "rows": {table: n.record() for table, n in CountsRecord.read(paths).rows.items()},
            "cohort_rows": matrix.cohort_rows,
            "matured_rows": matrix.matured_rows,
            "base_rate": matrix.base_rate,
            "verdict": train.verdict,
            "verdict_text": train.verdict_text,
            "caution": _caution(train, evaluation, context),
            "audit": [finding.record() for finding in AuditRecord.read(paths).findings],
            "candidates": _candidates(backtest),
            "winner": _winner(backtest, train),
            "test": evaluation.figures,
            "compared": "leads" if evaluation.population is None else evaluation.population.noun,
            "recorded": evaluation.recorded,
            "thresholds": comparison.policies,
            "promise": None if comparison.promise is None else comparison.promise.record(),
            "bundle": {
                "path": None if train.hash is None else "train/bundle",
                "hash": train.hash,
                "features": matrix.features,
            },
            "seconds": dict(seconds),
        }
    )


def _caution(train: TrainRecord, evaluation: EvaluationRecord, context: Context) -> str:
    """What to know before a list is worked by score: a weak signal, a test that speaks against it, today's values, and
    leads of an age that taught nothing.
    """
    if train.hash is None:
        return ""
    weak = train.verdict_text if train.verdict == Verdict.WEAK_SIGNAL else ""
    others = (_todays_values(context.source), _ages_never_seen(context))
    return " ".join(part for part in (weak, evaluation.caution, *others) if part)


def _ages_never_seen(context: Context) -> str:
    """That open leads are older than leads were looked at; said of a cohort that looks at the first days only."""
    scored, label = ScoreRecord.read(context.paths), context.source.label
    horizon = label.longest_horizon_days
    if context.source.cohort.policy != "after_creation" or not scored.too_old:
        return ""
    return (
        f"{scored.too_old:,} of {scored.leads:,} open leads are older than the horizon of {horizon} days. Leads were "
        "looked at in their first days only, and what is not won by then counts as not won: the chances of these are "
        "lower than shown. Work newer ones first, or look at leads again as they age (cohort: {policy: weekly})."
    )


def _todays_values(source: Source) -> str:
    """That columns were learned from whose past values nobody knows."""
    found = [
        column.label or name.replace("_", " ")
        for table in ("leads", "accounts")
        if table in source.tables
        for name, column in source.tables[table].columns.items()
        if column.when_known is WhenKnown.OVERWRITTEN and column.role is Role.FEATURE and column.accepted_because
    ]
    if not found:
        return ""
    return (
        f"Learned from columns that hold today's value ({', '.join(found)}): a closed lead shows what it came to, an "
        "open one what it is so far, so the figures are likely too good and open leads are scored too low or too high. "
        "Keep dated exports (leadscore snapshot add) to learn from what these columns showed at the time."
    )


def _winner(backtest: BacktestRecord, train: TrainRecord) -> dict[str, Any]:
    """The chosen candidate, and nobody where no model was made."""
    if train.hash is None:
        return {"name": None, "why": train.verdict_text}
    return {"name": backtest.winner, "why": backtest.why}


def _candidates(backtest: BacktestRecord) -> list[dict[str, Any]]:
    rows = [{name: value for name, value in row.items() if name != "blocks"} for row in backtest.candidates]
    place = {name: k for k, name in enumerate(LADDER)}
    return sorted(rows, key=lambda row: place.get(str(row["name"]), len(LADDER)))  # a user's own come last
