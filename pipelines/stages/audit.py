"""Audit: columns that carry the outcome, named before anything is learned from them."""

from collections.abc import Sequence

from features.schema.vocabulary import Verdict
from models.judging.leakage.audit import accepted_leaks, audit
from models.judging.leakage.finding import Finding
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.verdict_record import MatrixVerdict, StageVerdict
from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix, mark_of_matrix
from pipelines.workspace.table_files import load_tables


def run_audit(context: Context) -> AuditRecord:
    """Write ``audit.json``; the verdict is ``leak`` if a column leaks and nobody accepted it."""
    before = MatrixVerdict.read(context.paths)
    verdict, text = before.verdict, before.verdict_text

    findings: list[Finding] = []
    mark = ""
    if verdict == Verdict.OK:
        mark = mark_of_matrix(context.paths.matrix)
        matrix = load_matrix(context.paths.matrix)
        findings = audit(matrix, context.source, load_tables(context.paths), load_chop(context.paths.matrix))
        leaks = [finding.column for finding in findings if finding.blocking]
        if leaks:
            verdict, text = Verdict.LEAK, _why_stopped(leaks)

    result = AuditRecord.of(
        {
            "verdict": verdict,
            "verdict_text": text,
            "findings": [finding.record() for finding in findings],
            "accepted": accepted_leaks(findings),
            "matrix": mark,
        }
    )
    with stage_dir(context.paths.audit) as folder:
        result.write(folder)
        StageVerdict.of({"verdict": verdict, "verdict_text": text}).write(folder)
    return result


def _why_stopped(columns: Sequence[str]) -> str:
    named = list(dict.fromkeys(columns))
    carries, declared = ("carries", "it") if len(named) == 1 else ("carry", "each")
    return (
        f"Training stopped: {', '.join(named)} {carries} the outcome. Declare {declared} 'role: ignore' with "
        "'excluded_because', or accept it with 'accepted_because' and a reason."
    )
