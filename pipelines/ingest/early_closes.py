"""Closes before their lead came into being: what they cost, told."""

from collections.abc import Mapping

from pipelines.ingest.quarantine import CheckedTable


def describe_early_closes(checked: Mapping[str, CheckedTable]) -> str:
    """A sentence about closes before the creation of their lead, empty if there are none."""
    if "leads" not in checked or "outcomes" not in checked:
        return ""
    created = checked["leads"].frame.set_index("lead_id")["created_at"]
    outcomes = checked["outcomes"].frame.dropna(subset=["lead_id"])
    if outcomes.empty:
        return ""
    began = outcomes["lead_id"].map(created)
    early = outcomes["closed_at"] < began
    count = int(early.sum())
    if not count:
        return ""
    first, start = outcomes[early].iloc[0], began[early].iloc[0]
    won = int(outcomes.loc[early, "won"].fillna(False).astype(bool).sum())
    return (
        f"warning: {count:,} of {len(outcomes):,} closes ({won:,} won) lie before the creation of their lead (e.g. "
        f"lead '{first['lead_id']}': closed {first['closed_at']:%Y-%m-%d %H:%M}, created {start:%Y-%m-%d %H:%M}); "
        "nothing is learned from them. Check the two clocks and their time zones."
    )
