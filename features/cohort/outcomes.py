"""What closed a lead, and which lead is credited: outcomes as declared, or derived from stages."""

import pandas as pd

from features.array_types import Tables
from features.errors import ContractError
from features.schema.source import Source
from features.schema.vocabulary import Stage

CLOSED = (str(Stage.WON), str(Stage.LOST), str(Stage.DISQUALIFIED))
ACTIVE = tuple(str(s) for s in (Stage.IQL, Stage.MQL, Stage.SAL, Stage.SQL, Stage.PQL, Stage.OPPORTUNITY))
EVENT_COLUMNS = ("lead_id", "happened_at", "known_at", "what", "amount", "opportunity_id")
_BACK_COLUMNS = ("lead_id", "happened_at", "undone_at", "undone_known_at", "opportunity_id")
BACK_COLUMNS = (*_BACK_COLUMNS, "what")
_NO_OPPORTUNITY = ""  # what stages tell belongs to none
REACHED = {  # outcomes that are stages reached, whatever becomes of the lead then
    "opportunity": (str(Stage.OPPORTUNITY),),
    "accepted": tuple(str(s) for s in (Stage.SAL, Stage.SQL, Stage.OPPORTUNITY)),
}
UNWON = "unwon"  # a win was taken back
# What stages say of the end of a lead beside outcomes: it closes the lead, and is its label where no outcome is known.
STAGE_WON, STAGE_LOST, STAGE_UNWON = "stage won", "stage lost", "stage unwon"
_BESIDE = {"won": STAGE_WON, "lost": STAGE_LOST, UNWON: STAGE_UNWON}


def lifecycle_events(tables: Tables, source: Source) -> pd.DataFrame:
    """What opens and closes leads: columns lead_id, happened_at, known_at, what, amount, opportunity_id (empty where
    stages tell it).

    ``what`` is ``won``, ``lost``, ``disqualified``, ``recycled``, ``active`` (a working stage entered), ``unwon`` (a
    win taken back; it stands before what took it back) or, where one of them is the outcome, ``opportunity`` or
    ``accepted``.
    Beside outcomes, wins and losses that only stages tell are :data:`STAGE_WON`, :data:`STAGE_LOST` and
    :data:`STAGE_UNWON`.
    """
    outcomes = credited_outcomes(tables, source)
    stages = tables["stages"]
    names = stages["stage"].astype("str")
    rows = stages[names.isin([*CLOSED, str(Stage.RECYCLED), *ACTIVE])]
    what = rows["stage"].astype("str")
    reached = what.isin(REACHED.get(source.label.outcome, ()))
    what = what.mask(what.isin(ACTIVE), "active").mask(reached, source.label.outcome)
    if len(outcomes):
        what = what.replace(_BESIDE)

    history = pd.DataFrame(
        {
            "lead_id": rows["lead_id"],
            "happened_at": rows["entered_at"],
            "known_at": rows["known_at"].fillna(rows["entered_at"]),
            "what": what,
            "amount": float("nan"),
            "opportunity_id": _NO_OPPORTUNITY,
        }
    )

    back = taken_back_wins(tables, source)
    parts = [part for part in (outcomes, history, _undone(back) if len(back) else back) if len(part)]
    events = pd.concat(parts, ignore_index=True) if parts else history.reset_index(drop=True)
    plain = events["what"].str.removeprefix("stage ")
    events = events[list(EVENT_COLUMNS)].assign(later=plain != UNWON, plain=plain)
    order = ["lead_id", "known_at", "happened_at", "later", "plain"]
    return events.sort_values(order, kind="stable", ignore_index=True)[list(EVENT_COLUMNS)]


def _undone(back: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lead_id": back["lead_id"],
            "happened_at": back["undone_at"],
            "known_at": back["undone_known_at"],
            "what": back["what"].map({"won": UNWON, STAGE_WON: STAGE_UNWON}),
            "amount": float("nan"),
            "opportunity_id": back["opportunity_id"],
        }
    )


def taken_back_wins(tables: Tables, source: Source) -> pd.DataFrame:
    """Wins that did not stand: columns lead_id, happened_at (of the win), undone_at, undone_known_at, opportunity_id
    and what (``won``, or :data:`STAGE_WON` where it is told by stages beside outcomes).

    Outcomes say so by a later close of the same opportunity as lost. Of wins that come from stages, a lead that leaves
    ``won`` for another stage within ``label.taken_back_days`` was moved there by mistake or cancelled; later it is
    another deal of the same lead, and the win stands.
    """
    if source.label.outcome != "won":
        return pd.DataFrame(dict.fromkeys(BACK_COLUMNS, tables["stages"]["lead_id"].iloc[:0]))
    left = _left_won(tables["stages"], source.label.taken_back_days)
    if not len(tables["outcomes"]):
        return left.assign(what="won")
    left, again = left.assign(what=STAGE_WON), _lost_again(tables, source).assign(what="won")
    return pd.concat([again, left], ignore_index=True) if len(left) else again


def _left_won(stages: pd.DataFrame, most_days: int) -> pd.DataFrame:
    winners = stages["lead_id"][(stages["stage"].astype("str") == str(Stage.WON)).to_numpy(dtype=bool)]
    if not len(winners):
        return _none_back(stages, "entered_at")
    stages = stages[stages["lead_id"].isin(winners)]
    ordered = stages.assign(known=stages["known_at"].fillna(stages["entered_at"]))
    ordered = ordered.sort_values(["lead_id", "entered_at", "known"], kind="stable")
    won = (ordered["stage"].astype("str") == str(Stage.WON)).to_numpy(dtype=bool)
    following = ordered.groupby("lead_id", sort=False)[["stage", "entered_at", "known"]].shift(-1)

    stayed = following["entered_at"] - ordered["entered_at"]
    left = won & (following["stage"].astype("str") != str(Stage.WON)).to_numpy(dtype=bool, na_value=True)
    left &= ((stayed > pd.Timedelta(0)) & (stayed <= pd.Timedelta(days=most_days))).to_numpy(dtype=bool)
    ordered = ordered.assign(opportunity_id=_NO_OPPORTUNITY)
    return _back(ordered[left], following.loc[left, "entered_at"], following.loc[left, "known"], "entered_at")


def _lost_again(tables: Tables, source: Source) -> pd.DataFrame:
    """Won opportunities that closed as lost later, by the loss known first; credited like the wins."""
    closes = tables["outcomes"]
    repeated = closes[closes["opportunity_id"].duplicated(keep=False)]
    if not len(repeated):
        return _none_back(closes, "closed_at")
    known = repeated["known_at"].fillna(repeated["closed_at"])
    rows = repeated[["opportunity_id", "lead_id", "account_id", "closed_at"]].assign(known=known)
    won = repeated["won"].astype("boolean")

    wins = rows[won.fillna(False).to_numpy(dtype=bool)].assign(place=range(int(won.sum())))
    losses = rows.loc[(~won).fillna(False).to_numpy(dtype=bool), ["opportunity_id", "closed_at", "known"]]
    both = wins.merge(losses, on="opportunity_id", suffixes=("", "_lost"))
    both = both[(both["closed_at_lost"] > both["closed_at"]).to_numpy()]
    first = both.sort_values(["place", "known_lost", "closed_at_lost"], kind="stable").drop_duplicates("place")

    back = _back(first, first["closed_at_lost"], first["known_lost"], "closed_at")
    if source.label.credit != "lead" and len(back):
        named = back.assign(account_id=first["account_id"].to_numpy())
        back = _credit_accounts(named, tables["leads"], first=source.label.credit == "first_lead_of_account")
    return back.loc[back["lead_id"].notna(), list(_BACK_COLUMNS)].reset_index(drop=True)


def _none_back(rows: pd.DataFrame, clock: str) -> pd.DataFrame:
    """No win was taken back: found at once, as in most rows of one account."""
    none = rows.iloc[:0]
    parts = (none["lead_id"], none[clock], none[clock], none[clock], pd.Series(dtype="str"))
    return pd.DataFrame(dict(zip(_BACK_COLUMNS, parts, strict=True)))


def _back(wins: pd.DataFrame, undone_at: pd.Series, known_at: pd.Series, clock: str) -> pd.DataFrame:
    """Wins taken back; a win is known before it can be known to be taken back."""
    undone_known_at = known_at.where(known_at >= wins["known"], wins["known"])
    parts = (wins["lead_id"], wins[clock], undone_at, undone_known_at, wins["opportunity_id"].astype("str"))
    return pd.DataFrame(dict(zip(_BACK_COLUMNS, parts, strict=True))).reset_index(drop=True)


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
            "opportunity_id": outcomes["opportunity_id"].astype("str"),
        }
    )
    if source.label.credit != "lead" and len(frame):
        frame = _credit_accounts(frame, tables["leads"], first=source.label.credit == "first_lead_of_account")
    return frame.loc[frame["lead_id"].notna(), list(EVENT_COLUMNS)]


def _credit_accounts(frame: pd.DataFrame, leads: pd.DataFrame, *, first: bool) -> pd.DataFrame:
    """Closes with the leads they are credited to: those of their account that were there when it happened.

    A lead that a close names is credited with it, whatever the rule: of several leads of the account, the rule chooses
    only where none is named (docs/adr/0045). A lead created after the close is never credited through its account:
    what its company decided before says nothing of how it ends.

    Parameters
    ----------
    frame : closes, with lead_id, account_id and happened_at
    first : only the earliest lead of the account, instead of all of them
    """
    members = leads[["lead_id", "account_id", "created_at"]].dropna(subset=["account_id"])
    members = members.sort_values(["created_at", "lead_id"], kind="stable")
    own = frame[["lead_id"]].merge(members[["lead_id", "account_id"]], on="lead_id", how="left")["account_id"]
    frame = frame.assign(account_id=frame["account_id"].fillna(pd.Series(own.to_numpy(), index=frame.index)))
    is_named = frame["lead_id"].notna()

    if first:
        members = members.drop_duplicates("account_id")
    open_to_rule = frame[~is_named] if first else frame
    there = open_to_rule.rename(columns={"lead_id": "named"}).merge(members, on="account_id")
    there = there[~(there["created_at"] > there["happened_at"]) & ~(there["lead_id"] == there["named"]).fillna(False)]
    parts = [part for part in (there[list(frame.columns)], frame[is_named]) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else frame.iloc[:0]


def wins(events: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The events that count as the declared outcome.

    Wins that stages tell beside outcomes are among them where a lead's own outcomes count: the deals of an account are
    credited by another rule, which its other people's stages would go round.

    Raises
    ------
    ContractError
        if opportunities or acceptances are the outcome but no stage history records one.
    """
    won = ["won", STAGE_WON] if source.label.credit == "lead" else ["won"]
    if source.label.outcome == "won":
        return events[events["what"].isin(won)]
    asked = source.label.outcome
    found = events[events["what"].isin([asked, *won])]
    if not (events["what"] == asked).any():
        stages = " or ".join(f"'{name}'" for name in REACHED[asked])
        raise ContractError(
            f"source '{source.name}' declares label.outcome: {asked}, but no row of 'stages' enters stage "
            f"{stages}; map that stage, or declare outcome: won."
        )
    return found
