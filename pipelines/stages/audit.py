"""Audit: columns that carry the outcome, named before anything is learned from them."""

from collections.abc import Sequence
from typing import Any

from models.judging.leakage.audit import accepted_leaks, audit
from pipelines.workspace.atomic_files import read_json, stage_dir, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.table_files import load_tables


def run_audit(context: Context) -> dict[str, Any]:
    """Write ``audit.json``; the verdict is ``leak`` if a column leaks and nobody accepted it."""
    before = read_json(context.paths.matrix / "verdict.json")
    findings: list[dict[str, Any]] = []
    accepted: dict[str, str] = {}
    verdict = {"verdict": before["verdict"], "verdict_text": before["verdict_text"]}
    if before["verdict"] == "ok":
        matrix = load_matrix(context.paths.matrix)
        found = audit(matrix, context.source, load_tables(context.paths), load_chop(context.paths.matrix))
        findings = [finding.record() for finding in found]
        accepted = accepted_leaks(found)
        leaks = [finding for finding in found if finding.blocking]
        if leaks:
            verdict = {"verdict": "leak", "verdict_text": _stopped([finding.column for finding in leaks])}
    result = {**verdict, "findings": findings, "accepted": accepted}
    with stage_dir(context.paths.audit) as folder:
        write_json(folder / "audit.json", result)
        write_json(folder / "verdict.json", verdict)
    return result


def _stopped(columns: Sequence[str]) -> str:
    named = list(dict.fromkeys(columns))
    carries, declared = ("carries", "it") if len(named) == 1 else ("carry", "each")
    return (
        f"Training stopped: {', '.join(named)} {carries} the outcome. Declare {declared} 'role: ignore' with "
        "'excluded_because', or accept it with 'accepted_because' and a reason."
    )
