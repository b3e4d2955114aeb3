"""What people did with the open leads of a matrix: what their stages, and so their lists, follow from."""

from features.assembly.crm_facts import Closes, CrmFacts
from features.matrix import Matrix
from features.point_in_time.microseconds import micros
from models.accounts.needed_seats import with_missing_seats
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def read_open_facts(context: Context, matrix: Matrix) -> CrmFacts | None:
    """Of every row, none of which is over; None of a source without clocks."""
    if context.source.kind == "flat":
        return None
    lead_ids = matrix.keys["lead_id"].to_numpy(dtype=object)
    as_of = micros(matrix.keys["as_of"])
    tables = load_tables(context.paths)
    facts = CrmFacts.of(tables, context.source, lead_ids, as_of, Closes(None, {}))
    return with_missing_seats(facts, tables, context.source, lead_ids, context.accounts_policy)
