"""What a source recorded at the time, as judges beside rubric and model."""

from features.assembly.values_again import require_same_rows
from features.matrix import Matrix
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.recorded_baselines import actual_handoff, recorded_score
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def recorded_policies(context: Context, test: Matrix, *, coming: bool = False) -> list[ScoredPolicy]:
    """A vendor's score and the handoffs that happened, where the source declares them.

    ``coming``: the rows are of leads not handed off yet, so a handoff is one that came before the next look.
    """
    source = context.source
    if source.recorded_score is None and source.actual_handoff is None:
        return []
    tables, found = load_tables(context.paths), []
    if source.recorded_score is not None:
        require_same_rows(source, tables["leads"], test)
        found.append(recorded_score(tables["leads"], source.recorded_score, test.keys))
    if source.actual_handoff is not None and source.kind == "relational":
        ahead = source.cohort.every_days if coming else 0
        found.append(actual_handoff(tables["stages"], source.actual_handoff, test.keys, ahead_days=ahead))
    return found
