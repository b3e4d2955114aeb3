"""What a model card says, from what the stages left (Mitchell et al. 2019, "Model cards for model reporting")."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.catalog.families.title_forms import TITLE_FORMS, find_unequal_forms
from features.catalog.feature import Catalog, Feature
from features.schema.learning import days_in_words
from features.schema.operations import ColumnValue
from features.schema.source import Source
from models.bundle import Bundle, load_bundle
from models.judging.handoff.policy_names import policy_label
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.comparison_record import ComparisonRecord, SegmentCalibration
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord, Figures
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.verdict_record import MatrixVerdict
from pipelines.report.formatting import capital, count, day, days, interval, pct, shares
from pipelines.report.model_card.card import CardSection, CardTable, ModelCard
from pipelines.report.text import describe_own, limits, list_excluded
from pipelines.workspace.context import Context

_SPLITS: Mapping[str, str] = {
    "time": "later in time than every row learned from",
    "ordered": "later in the declared order than every row learned from",
    "grouped": "groups kept apart from those learned from; they are no later rows",
    "stratified": "rows drawn at random and kept apart; they are no later rows",
}


def model_card_of(context: Context, summary: SummaryRecord) -> ModelCard | None:
    """The card of the bundle of the last run; None where it made none."""
    if not summary.bundle.hash or summary.winner.name not in summary.test:
        return None
    bundle = load_bundle(context.paths.train / "bundle")
    evaluation, comparison = EvaluationRecord.read(context.paths), ComparisonRecord.read(context.paths)
    source = context.source
    title = f"Model card: {source.title or source.name}" + (" (synthetic data)" if source.synthetic else "")
    return ModelCard(
        title=title,
        bundle=bundle.hash,
        synthetic=source.synthetic,
        sections=(
            _details(bundle),
            _use(source, bundle),
            _training(context, bundle),
            _judging(context, evaluation),
            _metrics(summary, evaluation),
            _comparison(comparison),
            _slices(comparison),
            _titles(bundle.catalog),
            _inputs(source, bundle.catalog),
            _audit(context),
            _cautions(context, summary),
        ),
    )


def _details(bundle: Bundle) -> CardSection:
    meta = bundle.meta
    parts = ", ".join(f"{name} {weight:.2f}" for name, weight in bundle.weights.items())
    versions = ", ".join(f"{name} {number}" for name, number in meta["versions"].items())
    return CardSection(
        title="Model",
        sentences=(
            f"Bundle {bundle.hash}, of source declaration {meta['declaration'][:12]}.",
            f"Chosen: {meta['winner']}. {meta['why']}",
            f"Members and their weights on log-odds: {parts}.",
            f"Calibration on log-odds: {bundle.calibration.slope:.3f} times the raw value "
            f"{bundle.calibration.intercept:+.3f}.",
            f"{len(bundle.catalog)} features. Seed {meta['seed']}. Made with {versions}.",
            f"Verdict on the rows learned from: {meta['verdict']}. {meta['verdict_text']}",
        ),
    )


def _use(source: Source, bundle: Bundle) -> CardSection:
    within = "" if source.kind == "flat" else f" within {days_in_words(bundle.horizons)} days"
    outcome = str(bundle.meta["outcome"]).replace("_", " ")
    return CardSection(
        title="Intended use",
        sentences=(
            f"To order leads by how likely each is to become '{outcome}'{within}, with a probability and its "
            "interval, for people who decide whom to speak to next.",
            "Not meant: decisions about persons without a person deciding, prices or credit, rating of sales people, "
            "leads of another kind than those learned from.",
            "A probability says how such leads fared under the handling of their time. It does not say what calling "
            "one of them would change.",
        ),
    )


def _training(context: Context, bundle: Bundle) -> CardSection:
    meta, counts = bundle.meta, CountsRecord.read(context.paths)
    read = {name: rows for name, rows in counts.rows.items() if rows.read}
    through = meta.get("trained_through")
    until = f", outcomes known until {day(through)}" if through else ""
    kept = CardTable(
        caption="Rows of each table",
        head=("table", "read", "kept", "quarantined"),
        rows=tuple((name, count(r.read), count(r.kept), count(r.quarantined)) for name, r in read.items()),
    )
    return CardSection(
        title="Data learned from",
        sentences=(
            f"{count(meta['rows'])} rows of {count(meta['leads'])} leads{until}: {count(meta['won'])} rows won "
            f"({pct(meta['base_rate'])}), of {count(meta['won_leads'])} leads that were ever won.",
            *([context.source.citation] if context.source.citation else []),
            *([f"Licence: {context.source.licence}."] if context.source.licence else []),
        ),
        tables=(kept,),
    )


def _judging(context: Context, evaluation: EvaluationRecord) -> CardSection:
    split = MatrixVerdict.read(context.paths).split
    explained = days(str(split.get("explanation", ""))) if isinstance(split, Mapping) else ""
    kind = _SPLITS.get(evaluation.split_kind, "rows kept apart")
    sentences = [f"The test rows are {kind}. The model that was judged (the twin) learned from the rows before alone."]
    sentences += [capital(explained) + "."] if explained else []
    if evaluation.base_rate_train is not None and evaluation.base_rate_test is not None:
        before, then = pct(evaluation.base_rate_train), pct(evaluation.base_rate_test)
        sentences.append(f"Won: {before} of the rows before, {then} of the test rows.")
    if evaluation.population and evaluation.population.sentence:
        sentences.append(evaluation.population.sentence)
    return CardSection(title="Data judged on", sentences=tuple(sentences))


def _metrics(summary: SummaryRecord, evaluation: EvaluationRecord) -> CardSection:
    chosen = str(summary.winner.name)
    rows = [(chosen, summary.test[chosen]), *((n, f) for n, f in summary.test.items() if n != chosen)]
    n, won = count(summary.test[chosen]["n"]), count(summary.test[chosen]["won"])
    table = CardTable(
        caption=f"On {n} test rows, {won} won, wins at capacity on the {summary.compared} among them; in brackets 90% "
        "intervals, whole accounts (or leads) resampled",
        head=("model", "log loss", "AUC", "average precision", "Brier score", "calibration error", "wins at capacity"),
        rows=tuple((f"{name} (chosen)" if name == chosen else name, *_figures(found)) for name, found in rows),
    )
    calibration = CardTable(
        caption="Promised and happened, test rows in tenths by probability",
        head=("promised", "happened", "90% interval", "rows", "won"),
        rows=tuple(
            (pct(row["predicted"]), pct(row["observed"]), shares(row["ci"]), count(row["rows"]), count(row["won"]))
            for row in evaluation.reliability
        ),
    )
    return CardSection(
        title="Metrics", sentences=(*evaluation.notes, *describe_own(evaluation)), tables=(table, calibration)
    )


def _figures(found: Figures) -> tuple[str, ...]:
    wins, span = found["wins_at_capacity"], _brackets(found["wins_at_capacity_ci"], "%.0f")
    measured = [_with_interval(found, name) for name in ("log_loss", "auc", "ap", "brier", "ece")]
    return (*measured, f"{wins:,} of {found['handoffs_at_capacity']:,}{span}")


def _with_interval(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return "–" if value is None else f"{value:.4f}{_brackets(found.get(f'{name}_ci'), '%.4f')}"


def _brackets(span: Sequence[float | None] | None, form: str) -> str:
    text = interval(span, form)
    return f" ({text})" if text else ""


def _comparison(comparison: ComparisonRecord) -> CardSection:
    leads, won = count(comparison.leads), count(comparison.winnable)
    table = CardTable(
        caption=f"Policies on the same {leads} {comparison.noun}, {won} of them won",
        head=("policy", "handed off", "won inside", "precision", "recall"),
        rows=tuple(
            (
                capital(policy_label(row["policy"])),
                count(row["workload"]),
                f"{count(row['wins'])}{_brackets(row['wins_ci'], '%.0f')}",
                pct(row["precision"]),
                pct(row["recall"]),
            )
            for row in comparison.policies
        ),
    )
    return CardSection(
        title="Beside the manual points",
        sentences=tuple(comparison.sentences) or ("There is no manual rubric to compare with.",),
        tables=(table,) if comparison.policies else (),
    )


def _slices(comparison: ComparisonRecord) -> CardSection:
    found = comparison.calibration_by_segment
    if not found:
        return CardSection(
            title="For whom it holds",
            sentences=("No attribute has groups of 100 test rows and more, so nothing is said of groups.",),
        )
    off = [row for row in found if not row["inside"]]
    expected = len(found) * 0.1
    by_chance = "fewer than one" if expected < 1 else f"about {expected:.0f}"
    said = (
        f"{len(off)} of {len(found)} groups have a mean probability outside the 90% interval of what happened; were "
        f"every probability true, {by_chance} would, by chance."
    )
    table = CardTable(
        caption=f"{capital(comparison.noun)} of the test block by attribute, groups of 100 rows and more",
        head=("group", "rows", "won", "promised", "happened", "AUC", "calibration error"),
        rows=tuple(_slice_row(row) for row in found),
    )
    return CardSection(title="For whom it holds", sentences=(said,), tables=(table,))


def _slice_row(row: SegmentCalibration) -> tuple[str, ...]:
    area = row.get("auc")
    return (
        f"{capital(row['segment'])}: {row['value']}",
        count(row["n"]),
        count(row["won"]),
        pct(row["predicted"]) + ("" if row["inside"] else " (outside)"),
        f"{pct(row['observed'])} ({shares(row['ci'])})" if shares(row["ci"]) else pct(row["observed"]),
        "–" if area is None else f"{area:.2f}{_brackets(row.get('auc_ci'), '%.2f')}",
        "–" if row["ece"] is None else f"{row['ece']:.3f}{_brackets(row['ece_ci'], '%.3f')}",
    )


def _titles(catalog: Catalog) -> CardSection:
    """Whether a title said of women scores as the same title said of men."""
    title = "Titles of women and men"
    derived = [feature for feature in catalog if feature.family == "titles"]
    columns = {_column_of(feature) for feature in derived}
    raw = [f.label or f.name for f in catalog if f.family == "attributes" and _column_of(f) in columns]
    if not derived:
        return CardSection(title=title, sentences=("Nothing is derived from job titles.",))
    if raw:
        return CardSection(
            title=title,
            sentences=(
                f"{', '.join(raw)} is also learned from as it is written, so that a title's two forms may score apart. "
                "Leave the column to what is derived from it (role: display).",
            ),
        )
    unequal = find_unequal_forms()
    said = (
        f"Of {len(TITLE_FORMS)} pairs of a title's forms in German, French, Spanish, Polish and other languages, "
        f"{len(TITLE_FORMS) - len(unequal)} are read as the same seniority and function and so score alike. Titles "
        "that are not recognised count as unknown in either form."
    )
    return CardSection(title=title, sentences=(said,))


def _column_of(feature: Feature) -> str | None:
    """Table and column a feature is the value of; None of others."""
    taken = feature.params
    return f"{taken.table}.{taken.column}" if isinstance(taken, ColumnValue) else None


def _inputs(source: Source, catalog: Catalog) -> CardSection:
    left_out = list_excluded(source)
    families: dict[str, int] = {}
    for feature in catalog:
        families[feature.family] = families.get(feature.family, 0) + 1
    learned = CardTable(
        caption="Features by family", head=("family", "features"), rows=tuple((n, str(k)) for n, k in families.items())
    )
    excluded = CardTable(
        caption="Declared and not learned from",
        head=("column", "why"),
        rows=tuple((f"{row['table']}.{row['column']}", row["because"]) for row in left_out),
    )
    said = "Columns declared personal are never learned from; sensitive ones only where the source says why."
    return CardSection(title="What it reads", sentences=(said,), tables=(learned, *([excluded] if left_out else ())))


def _audit(context: Context) -> CardSection:
    audit = AuditRecord.read(context.paths)
    found = CardTable(
        caption="Findings of the leak audit",
        head=("column", "rule", "severity", "finding"),
        rows=tuple((f.column, f.code, str(f.severity), f.accepted or f.message) for f in audit.findings),
    )
    accepted = tuple(f"'{name}' was named as a leak and accepted: {why}" for name, why in audit.accepted.items())
    none = () if audit.findings else ("The audit found nothing.",)
    return CardSection(title="Leak audit", sentences=(*accepted, *none), tables=(found,) if audit.findings else ())


def _cautions(context: Context, summary: SummaryRecord) -> CardSection:
    said = [summary.caution] if summary.caution else []
    said += limits(context.source, CountsRecord.read(context.paths), AuditRecord.read(context.paths))
    return CardSection(title="Cautions and limits", sentences=tuple(said))
