"""AUD06: timestamps, questions and kinds of activity that are written at or after the close."""

from collections.abc import Mapping

import pandas as pd

from features.id_lookup import look_up
from features.schema.snapshots import CHANNEL
from models.judging.leakage.finding import Finding

CODE = "AUD06"
FEWEST = 20  # closed leads, or cases of a question or kind
MOSTLY = 0.8  # of a question's or kind's cases at or after the close, from which it is suspect
SOME = 0.2  # of a date's rows at the close, from which the column is a leak; or after it: suspect
SLACK = pd.Timedelta(days=1)  # around the close, or after the lead came, within which a field counts as written then


def check_written_at_close(columns: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Timestamps of the leads table at or after the close, and questions and kinds that only appear then.

    ``columns`` are attributes of the leads table, one row per lead, index lead_id.
    """
    outcomes = tables["outcomes"].dropna(subset=["lead_id"])
    closed = outcomes.groupby("lead_id")["closed_at"].min()
    if len(closed) < FEWEST:
        return []
    came = tables["leads"].set_index("lead_id")["created_at"].reindex(closed.index)
    found = [
        f for name in map(str, columns.columns) if (f := _timestamp(name, columns[name], came, closed)) is not None
    ]
    answers = tables["answers"]
    if "channel" in answers:  # when a snapshot was taken is our own clock, and lags behind the close by design
        answers = answers[(answers["channel"] != CHANNEL).fillna(True).to_numpy(dtype=bool)]
    for table, what, clock in ((answers, "question", "known_at"), (tables["activities"], "kind", "happened_at")):
        found += _only_afterwards(table, what, clock, came, closed)
    return found


def _timestamp(name: str, column: pd.Series, came: pd.Series, closed: pd.Series) -> Finding | None:
    if not pd.api.types.is_datetime64_any_dtype(column):
        return None
    moment = column.reindex(closed.index)
    told, after = _at_or_after(moment, came, closed)
    if told.sum() < FEWEST:
        return None

    after = after[told]
    near = float((after & (moment <= closed + SLACK)[told]).mean())
    share, leads = float(after.mean()), int(told.sum())
    if share < SOME:
        return None
    if near >= SOME:
        return Finding(
            name,
            CODE,
            "leak",
            f"'{name}' lies at or after the close for {share:.0%} of {leads:,} closed leads: it is written when "
            "the deal closes. Declare it 'role: ignore'.",
        )
    return Finding(
        name,
        CODE,
        "suspect",
        f"'{name}' lies at or after the close for {share:.0%} of {leads:,} closed leads, but seldom near it: it is "
        "planned ahead, or written long afterwards. If it is written afterwards, declare it 'role: ignore'; if it is "
        "known when the lead comes in, say so under 'accepted_because'.",
    )


def _at_or_after(moment: pd.Series, came: pd.Series, closed: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Rows that can tell the close from when the lead came, and those written at or after the close.

    Where a sale closes within a day or two, what came with the lead lies at the close as well and tells nothing.
    """
    later = ~(moment <= came + SLACK)
    return moment.notna() & (later | ~(closed <= came + 2 * SLACK)), later & (moment >= closed - SLACK)


def _only_afterwards(table: pd.DataFrame, what: str, clock: str, came: pd.Series, closed: pd.Series) -> list[Finding]:
    if not len(table):
        return []
    rows = table.loc[table["lead_id"].isin(closed.index).to_numpy(), ["lead_id", what, clock]]
    told, after = _at_or_after(rows[clock], look_up(rows["lead_id"], came), look_up(rows["lead_id"], closed))
    shares = after[told].groupby(rows.loc[told, what]).agg(["mean", "size"])

    found = []
    for name, row in shares.iterrows():
        if row["size"] >= FEWEST and row["mean"] >= MOSTLY:
            found.append(
                Finding(
                    str(name),
                    CODE,
                    "suspect",
                    f"{what} '{name}' is written at or after the close in {row['mean']:.0%} of "
                    f"{int(row['size']):,} cases: its clock keeps it out of "
                    "earlier scores, but check that it is never backdated.",
                )
            )
    return found
