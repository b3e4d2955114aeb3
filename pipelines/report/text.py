"""What the report says in sentences: the answer first, and what nobody can verify."""

from collections.abc import Mapping

from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import Role, Verdict, WhenKnown
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.diagnostics.score_trust import trust_of

HEADLINES: Mapping[str, str] = {
    Verdict.OK: "The model tells won from lost leads, and it does so on rows it has not seen.",
    Verdict.WEAK_SIGNAL: "There is a signal, but a weak one. Read the ranking with care.",
    Verdict.NO_SIGNAL: "No signal: these data do not tell won from lost leads. No model was made.",
    Verdict.TOO_LITTLE_DATA: "Too little data to learn from. No model was made.",
    Verdict.LEAK: "Training stopped: a column carries the outcome.",
}


TURNED = "On {rows} the ranking was worse than chance. Do not work the list by score."
OFF = "On {rows} the probabilities were worse than the base rate alone. Do not take them at face value."

# what the test rows are to the rows learned from, by the kind of the split: only an order in time makes them later
_TEST_ROWS: Mapping[str, str] = {
    "time": "later rows",
    "ordered": "later rows",
    "grouped": "rows of groups kept apart",
    "stratified": "rows drawn at random and kept apart",
}
_OK: Mapping[str, str] = {
    "time": "The model tells won from lost leads, and it does so on later data.",
    "ordered": "The model tells won from lost leads, and it does so on later data.",
    "grouped": "The model tells won from lost leads, and it does so in groups it has not seen. Whether it does so on "
    "later data, this test cannot show.",
    "stratified": "The model tells won from lost leads, and it does so on rows it has not seen. Whether it does so on "
    "later data, this test cannot show.",
}
_PLAIN_ROWS = "rows kept apart"  # where the kind of the split is not on record


def headline(summary: SummaryRecord, evaluation: EvaluationRecord) -> str:
    """The first line of the report: the verdict, unless the test block speaks against the model."""
    if not (summary.bundle.hash and summary.winner.name and evaluation.caution):
        said = _OK.get(evaluation.split_kind) if summary.verdict == Verdict.OK else None
        return _name_groups(said or HEADLINES[summary.verdict], summary)
    high = summary.test[summary.winner.name]["auc_ci"][1]
    said = TURNED if high is not None and high < 0.5 else OFF
    return said.format(rows=_test_rows(summary, evaluation))


def _test_rows(summary: SummaryRecord, evaluation: EvaluationRecord) -> str:
    """What the test rows are, e.g. ``later rows``."""
    return _name_groups(_TEST_ROWS.get(evaluation.split_kind, _PLAIN_ROWS), summary)


def _name_groups(text: str, summary: SummaryRecord) -> str:
    """Groups of a relational source are its accounts."""
    return text if summary.source_kind == "flat" else text.replace("groups", "accounts")


def answer(summary: SummaryRecord, evaluation: EvaluationRecord) -> list[str]:
    """What the first box of the report says below its headline, in plain words."""
    lines = []
    winner = summary.winner.name
    judged = bool(summary.bundle.hash and winner is not None and winner in summary.test)
    if judged:
        lines.append(trust_of(evaluation).text())
    against = summary.caution.removeprefix(summary.verdict_text).strip()  # a weak signal is said below
    if judged and against:
        lines.append(against)
    moved = _base_rate_line(evaluation, made=bool(summary.bundle.hash))
    return [*lines, moved] if moved else lines


def basis(summary: SummaryRecord, evaluation: EvaluationRecord) -> list[str]:
    """The statistics that the first box rests on: the signal out of fold, then the test."""
    lines = [summary.verdict_text] if summary.verdict_text else []
    winner = summary.winner.name
    if summary.bundle.hash and winner is not None and winner in summary.test:
        lines.append(_test_line(summary, evaluation, winner))
    return lines


def _test_line(summary: SummaryRecord, evaluation: EvaluationRecord, winner: str) -> str:
    row = summary.test[winner]
    low, high = row["auc_ci"]
    text = (
        f"On {row['n']:,} {_test_rows(summary, evaluation)} ({row['won']:,} won) that were not used to choose or fit "
        f"it, {winner} reaches AUC "
        f"{row['auc']:.3f}{span(low, high)}"
    )
    loss = evaluation.differences.get("rate", {}).get("log_loss")
    if loss is None:
        return text + "."
    low, high = loss["ci"]
    return f"{text} and a log loss {loss['difference']:+.4f}{span(low, high, '+.4f')} against the base rate's."


def span(low: float | None, high: float | None, form: str = ".3f") -> str:
    """An interval in brackets, empty where it is unknown."""
    return "" if low is None or high is None else f" (90% interval {low:{form}} to {high:{form}})"


def _base_rate_line(evaluation: EvaluationRecord, *, made: bool) -> str:
    """How the base rate moved between training and test; empty where it stayed within a quarter to a third.

    What the chances given there did is said where a model was ``made``.
    """
    before, after = evaluation.base_rate_train, evaluation.base_rate_test
    if before is None or after is None or before <= 0 or after <= 0:
        return ""
    ratio = after / before
    if 0.75 <= ratio <= 1.33:
        return ""
    if evaluation.split_kind in ("grouped", "stratified"):
        text = (
            f"The base rate is {before:.1%} among the rows learned from and {after:.1%} in the test, by chance or by "
            "group"
        )
        return text + (_what_chances_did(evaluation, ratio) if made else ".")
    way = "rose" if ratio > 1 else "fell"
    text = f"The share won {way} from {before:.1%} before the test block to {after:.1%} in it"
    return text + (_what_chances_did(evaluation, ratio) if made else ".")


def _what_chances_did(evaluation: EvaluationRecord, ratio: float) -> str:
    """Whether the chances followed the base rate, and if not, on which side of what happened they were."""
    figures, chance = evaluation.figures.get(evaluation.winner or ""), evaluation.ece_if_perfect
    if figures is None or chance is None or figures.get("ece") is None:
        return "."
    if float(figures["ece"] or 0.0) <= chance.p95:
        return ". The chances given there followed: they were as right as chance lets one see."
    rows = sum(row["rows"] for row in evaluation.reliability)
    gap = sum(row["rows"] * (row["predicted"] - row["observed"]) for row in evaluation.reliability)
    if not rows or not gap:
        return ", and the chances given there were off. The order of leads is not touched by that."
    side, expected = "low" if gap < 0 else "high", "low" if ratio > 1 else "high"
    did = "did not follow: they were" if side == expected else "were off the other way: on average"
    return f", and the chances given there {did} too {side}. The order of leads is not touched by that."


def limits(source: Source, counts: CountsRecord, audit: AuditRecord) -> list[str]:
    """What cannot be verified from these data, said plainly."""
    found: list[str] = []
    if source.synthetic:
        found.append(
            "All data here are synthetic. Figures show that the machinery works, not what it would win anywhere."
        )
    found += _flat_limits(source) if source.kind == "flat" else _clock_limits(source)
    found.append(
        "Outcomes were made under the handling of that time: leads the team did not call had little chance to be won. "
        "No figure here says how many wins another handling would have added."
    )
    found += [f"Column '{name}' was named as a leak and accepted: {reason}" for name, reason in audit.accepted.items()]
    found += [
        f"Sensitive column '{column}' is learned from, accepted because: {declared.accepted_because}"
        for table in source.tables.values()
        for column, declared in table.columns.items()
        if declared.role is Role.SENSITIVE and declared.accepted_because
    ]
    found += [
        f"Columns of {table} nobody declared, not used: {', '.join(names)}."
        for table, names in counts.undeclared_columns.items()
    ]
    return found


def _flat_limits(source: Source) -> list[str]:
    flat = source.flat
    lines = [
        "The file has no clocks: that each value was known before the outcome is the declaration's word, checked only "
        "by the audit's patterns.",
        "There is no horizon: a probability is the chance to be won at all, as such rows were.",
    ]
    if flat is not None and flat.order is None:
        lines.append("No order in time is declared, so drift cannot be seen and test figures are likely optimistic.")
    elif flat is not None:
        lines.append(f"That '{flat.order}' is time order is declared, not verified.")
    if flat is not None and flat.group is None:
        lines.append("No group is declared: two rows of one company may stand on both sides of the split.")
    return lines


def _clock_limits(source: Source) -> list[str]:
    trusted = sorted(
        f"{name}.{column}"
        for name, table in source.tables.items()
        for column, declared in table.columns.items()
        if column not in TABLES[name].names
        and declared.role is Role.FEATURE
        and declared.when_known is WhenKnown.AT_CREATION
    )
    if not trusted:
        return []
    return [
        "Declared as known at creation and never edited since, which the data cannot show: " + ", ".join(trusted) + "."
    ]


def list_excluded(source: Source) -> list[dict[str, str]]:
    """Columns that are declared but not learned from, and why."""
    return [
        {
            "table": table,
            "column": name,
            "role": str(column.role),
            "because": column.excluded_because or _WHY[column.role],
        }
        for table, declared in source.tables.items()
        for name, column in declared.columns.items()
        if column.role in _WHY and not (column.role is Role.SENSITIVE and column.accepted_because)
    ]


_WHY: Mapping[Role, str] = {
    Role.IGNORE: "declared out",
    Role.DISPLAY: "shown, never learned from",
    Role.PERSONAL: "identifies a person; never learned from",
    Role.SENSITIVE: "sensitive: left out unless accepted with a reason",
}


def describe_own(evaluation: EvaluationRecord) -> tuple[str, ...]:
    """A sentence or two for each candidate of a user's own: where its code is, what became of it, what it leans on."""
    found = []
    for one in evaluation.own:
        held = (
            "A bundle can hold it as our linear model does, so it may be chosen"
            if one.storable
            else "No bundle can hold its code, so it is judged and never chosen"
        )
        leans = ", ".join(f"{row['label']} ({row['share']:.0%})" for row in one.leans_on[:5])
        how = "exactly" if one.storable else "by shap's permutation explainer"
        told = f" Of {one.rows} test rows, explained {how}, it leans most on {leans}." if leans else ""
        found.append(f"{one.name} is {one.kind} from {one.estimator}, reading {one.reads}. {held}.{told}")
    return tuple(found)
