"""What closed a lead, and which lead is credited: outcomes as declared, or derived from stages."""

import pandas as pd

from features.array_types import Tables
from features.errors import ContractError
from features.schema.source import Source
from features.schema.vocabulary import Stage

CLOSED = (str(Stage.WON), str(Stage.LOST), str(Stage.DISQUALIFIED))
ACTIVE = tuple(str(s) for s in (Stage.IQL, Stage.MQL, Stage.SAL, Stage.SQL, Stage.PQL, Stage.OPPORTUNITY))
EVENT_COLUMNS = ("lead_id", "happened_at", "known_at", "what", "amount")


def lifecycle_events(tables: Tables, source: Source) -> pd.DataFrame:
    """What opens and closes leads: columns lead_id, happened_at, known_at, what, amount.

    ``what`` is ``won``, ``lost``, ``disqualified``, ``recycled``, ``active`` (a working stage entered) or, where
    an opportunity is the outcome, ``opportunity``.
    """
    outcomes = credited_outcomes(tables, source)
    stages = tables["stages"]
    names = stages["stage"].astype("str")
    kept = names.isin([*CLOSED, str(Stage.RECYCLED), *ACTIVE])
    if len(outcomes):
        kept &= ~names.isin([str(Stage.WON), str(Stage.LOST)])

    rows = stages[kept]
    what = rows["stage"].astype("str")
    if source.label.outcome == "opportunity":
        what = what.mask(what == str(Stage.OPPORTUNITY), "opportunity")
    what = what.mask(what.isin(ACTIVE) & (what != "opportunity"), "active")
    if source.label.outcome == "won":
        what = what.mask(what == "opportunity", "active")

    history = pd.DataFrame(
        {
            "lead_id": rows["lead_id"],
            "happened_at": rows["entered_at"],
            "known_at": rows["known_at"].fillna(rows["entered_at"]),
            "what": what,
            "amount": float("nan"),
        }
    )

    parts = [part for part in (outcomes, history) if len(part)]
    events = pd.concat(parts, ignore_index=True) if parts else history.reset_index(drop=True)
    return events[list(EVENT_COLUMNS)].sort_values(
        ["lead_id", "known_at", "happened_at", "what"], kind="stable", ignore_index=True
    )


def credited_outcomes(tables: Tables, source: Source) -> pd.DataFrame:
    """Outcomes with the lead each is credited to by the declared rule; those no lead is credited with are left out."""
    outcomes = tables["outcomes"]
    frame = pd.DataFrame(
        {
            "lead_id": outcomes["lead_id"],
            "account_id": outcomes["account_id"],
            "happened_at": outcomes["closed_at"],
            "known_at": outcomes["known_at"].fillna(outcomes["closed_at"]),
            "what": outcomes["won"].astype("boolean").map({True: "won", False: "lost"}).astype("str"),
            "amount": outcomes["amount"].astype("float64"),
        }
    )
    if source.label.credit != "lead" and len(frame):
        frame = _credit_accounts(frame, tables["leads"], first=source.label.credit == "first_lead_of_account")
    return frame.loc[frame["lead_id"].notna(), list(EVENT_COLUMNS)]


def _credit_accounts(frame: pd.DataFrame, leads: pd.DataFrame, *, first: bool) -> pd.DataFrame:
    members = leads[["lead_id", "account_id", "created_at"]].dropna(subset=["account_id"])
    members = members.sort_values(["created_at", "lead_id"], kind="stable")
    own = frame[["lead_id"]].merge(members[["lead_id", "account_id"]], on="lead_id", how="left")["account_id"]
    frame = frame.assign(account_id=frame["account_id"].fillna(pd.Series(own.to_numpy(), index=frame.index)))
    if first:
        members = members.drop_duplicates("account_id")
    credited = frame.drop(columns="lead_id").merge(members[["lead_id", "account_id"]], on="account_id")
    alone = frame[frame["account_id"].isna()]
    return pd.concat([part for part in (credited, alone) if len(part)], ignore_index=True) if len(alone) else credited


def wins(events: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The events that count as the declared outcome.

    Raises
    ------
    ContractError
        if opportunities are the outcome but no stage history records one.
    """
    if source.label.outcome == "won":
        return events[events["what"] == "won"]
    found = events[events["what"].isin(["opportunity", "won"])]
    if not (events["what"] == "opportunity").any():
        raise ContractError(
            f"source '{source.name}' declares label.outcome: opportunity, but no row of 'stages' enters stage "
            "'opportunity'; map that stage, or declare outcome: won."
        )
    return found
