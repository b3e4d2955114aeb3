"""What changed a lead's score between two moments: from the source's tables and the kept bundles."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.point_in_time.history import LEARNED, known_at_moment, learned_between
from features.schema.source import Source
from models.bundle import Bundle
from models.explaining.framework import Framework
from models.score_change import Change, split_change
from pipelines.scoring.find_lead import CHAMPION, find_bundle, parse_as_of, unknown_lead_error
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables

SHOWN = 20  # newest rows listed; all are counted


@dataclass(frozen=True)
class LearnedRow:
    """A row of the source that became known between the two moments; both clocks as ISO text."""

    table: str
    lead_id: str | None
    what: str
    happened_at: str
    known_at: str


@dataclass(frozen=True, kw_only=True)
class LeadScoreChange:
    """A lead's score change between two moments.

    Parameters
    ----------
    since, until : the moments, naive UTC
    change : its parts; they sum to the difference of the scores
    bundle_before, bundle_after : hashes of the bundles that scored then and now
    learned : how many rows of the lead and its account became known in between
    rows : the newest of them, at most :data:`SHOWN`, oldest first
    """

    lead_id: str
    since: pd.Timestamp
    until: pd.Timestamp
    change: Change
    bundle_before: str
    bundle_after: str
    learned: int
    rows: tuple[LearnedRow, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "lead_id": self.lead_id,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            **self.change.record(),
            "bundle_before": self.bundle_before,
            "bundle_after": self.bundle_after,
            "learned": self.learned,
            "rows": [asdict(row) for row in self.rows],
        }


def explain_score_change(
    context: Context, lead_id: str, since: str, until: str | None = None, *, bundle_before: str = CHAMPION
) -> LeadScoreChange:
    """The change of a lead's score since a moment, with the rows learned of in between.

    Parameters
    ----------
    since, until : ISO moments; until: by default the data cut-off
    bundle_before : directory, or beginning of the hash, of the bundle that scored then; by default the champion

    Raises
    ------
    ContractError
        if the source has no clocks, the lead is unknown or was not created yet, or the moments are out of order.
    """
    if context.source.kind == "flat":
        raise ContractError(f"source '{context.source.name}' has no clocks; nothing in it changes over time.")

    tables = load_tables(context.paths)
    leads = tables["leads"]
    if not (leads["lead_id"] == lead_id).any():
        raise unknown_lead_error(context, lead_id, leads["lead_id"])

    end = parse_as_of(until, cutoff_of(tables, context.source))
    start = parse_as_of(since, end)
    created = leads.loc[leads["lead_id"] == lead_id, "created_at"].iloc[0]
    if start >= end or (not pd.isna(created) and created >= start):
        raise ContractError(
            f"--since {start:%Y-%m-%d %H:%M} must be before {end:%Y-%m-%d %H:%M} and after the lead was created "
            f"({created:%Y-%m-%d %H:%M})."
        )

    after = find_bundle(context)
    before = after if bundle_before == CHAMPION else find_bundle(context, bundle_before)
    return compare_moments(tables, context.source, lead_id, (start, end), (before, after), context.framework)


def compare_moments(
    tables: Tables,
    source: Source,
    lead_id: str,
    moments: tuple[pd.Timestamp, pd.Timestamp],
    bundles: tuple[Bundle, Bundle],
    framework: Framework,
    listed: frozenset[str] | None = None,
) -> LeadScoreChange:
    """The change of a lead's score between two moments, the earlier first, each scored by its own bundle.

    ``tables`` need no other rows than the lead's and its account's. Rows of leads that are not in ``listed`` (default:
    all are) are counted, not shown.

    Raises
    ------
    ContractError
        if the bundles do not have the same features.
    """
    (start, end), (before, after) = moments, bundles
    _same_features(before, after)

    found = split_change(before, after, steps_of(source, after, tables, lead_id, start, end), framework)
    rows = learned_between(tables, lead_id, start, end)

    shown = rows if listed is None else rows[rows["lead_id"].isna() | rows["lead_id"].isin(listed)]
    return LeadScoreChange(
        lead_id=lead_id,
        since=start,
        until=end,
        change=found,
        bundle_before=before.hash,
        bundle_after=after.hash,
        learned=len(rows),
        rows=tuple(_row(*row) for row in shown.tail(SHOWN)[list(LEARNED)].itertuples(index=False, name=None)),
    )


def steps_of(
    source: Source, bundle: Bundle, tables: Tables, lead_id: str, start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """Feature values then, of then's knowledge now, and now."""
    earlier = known_at_moment(tables, start)
    plan = ((tables, start), (earlier, end), (tables, end))
    made = [features_at(known, source, bundle.catalog, [lead_id], when).values for known, when in plan]
    return pd.concat(made, ignore_index=True)


def _row(table: str, lead_id: Any, what: str, happened_at: pd.Timestamp, known_at: pd.Timestamp) -> LearnedRow:
    owner = None if pd.isna(lead_id) else str(lead_id)
    return LearnedRow(table, owner, what, happened_at.isoformat(), known_at.isoformat())


def _same_features(before: Bundle, after: Bundle) -> None:
    if before.catalog.hash != after.catalog.hash:
        raise ContractError(
            f"bundle {before.hash[:12]} has different features from {after.hash[:12]}: the declaration changed between "
            "them, so what the model changed cannot be told apart from what the features changed."
        )
