"""What a source recorded at the time, as judges beside rubric and model."""

from features.array_types import Ints
from features.assembly.values_again import require_same_rows
from features.cohort.labels import horizon_ends
from features.matrix import Matrix
from features.point_in_time.microseconds import days, micros
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.recorded_baselines import actual_handoff, next_looks, recorded_score
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_keys
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
        until = _next_looks(context, test) if coming else None
        found.append(actual_handoff(tables["stages"], source.actual_handoff, test.keys, until=until))
    return found


def _next_looks(context: Context, test: Matrix) -> Ints:
    """When each lead is looked at again: on the next day of the grid, or by its own next row of the whole matrix.

    After its last look a lead is handed off from that as long as the look is judged, for its horizon.
    """
    cohort = context.source.cohort
    if cohort.on_grid:
        return micros(test.keys["as_of"]) + days(cohort.every_days)
    return next_looks(test.keys, load_keys(context.paths.matrix), horizon_ends(test.keys, context.source))
