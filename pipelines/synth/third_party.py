"""Third-party data brought into the shape of exports: a third-party CRM simulator and a real purchase log."""

import hashlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import FetchError, SourceError
from features.schema.source import PackageMember
from pipelines.ingest.reading.fetch import member_of_package

CDNOW = PackageMember(requirement="Lifetimes==0.11.3", member="lifetimes/datasets/CDNOW_master.txt")
CDNOW_SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"


def write_leadforge(folder: Path, seed: int = 42, leads: int = 3000, difficulty: str = "intermediate") -> None:
    """Write the tables of a ``leadforge`` world in research mode as exports; synthetic, not ours.

    Raises
    ------
    SourceError : the package is not installed
    """
    try:
        from leadforge.api import Generator
    except ImportError as problem:
        raise SourceError("source 'leadforge' needs the package leadforge; install leadscore[demo].") from problem

    with tempfile.TemporaryDirectory() as work:
        world = Generator.from_recipe("b2b_saas_procurement_v1", seed=seed, exposure_mode="research_instructor")
        world.generate(n_leads=leads, difficulty=difficulty).save(work)
        tables = {path.stem: pd.read_parquet(path) for path in (Path(work) / "tables").glob("*.parquet")}

    folder.mkdir(parents=True, exist_ok=True)
    contacts = tables["contacts"].drop(columns=["account_id", "created_at"])
    tables["leads"].merge(contacts, on="contact_id", how="left").to_csv(folder / "leads.csv", index=False)
    tables["accounts"].to_csv(folder / "accounts.csv", index=False)
    _activities(tables).to_csv(folder / "activities.csv", index=False)

    deals = tables["opportunities"]
    closed = deals[deals["close_outcome"].notna()]
    closed.merge(tables["leads"][["lead_id", "account_id"]], on="lead_id").to_csv(folder / "outcomes.csv", index=False)
    deals.assign(stage="opportunity")[["lead_id", "stage", "created_at"]].to_csv(folder / "stages.csv", index=False)


def _activities(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Touches, sessions and sales activities as one log; who acted is kept apart."""
    touches, sessions, sales = tables["touches"], tables["sessions"], tables["sales_activities"]

    parts = [
        pd.DataFrame(
            {
                "activity_id": touches["touch_id"],
                "lead_id": touches["lead_id"],
                "kind": touches["touch_type"],
                "happened_at": touches["touch_timestamp"],
                "actor": np.where(touches["touch_direction"] == "inbound", "lead", "rep"),
                "channel": touches["touch_channel"],
                "value": np.nan,
            }
        ),
        pd.DataFrame(
            {
                "activity_id": sessions["session_id"],
                "lead_id": sessions["lead_id"],
                "kind": "session_" + sessions["session_type"].astype("str"),
                "happened_at": sessions["session_timestamp"],
                "actor": "lead",
                "channel": "web",
                "value": sessions["session_duration_seconds"].astype("float64") / 60,
            }
        ),
        pd.DataFrame(
            {
                "activity_id": sales["activity_id"],
                "lead_id": sales["lead_id"],
                "kind": "sales_" + sales["activity_type"].astype("str"),
                "happened_at": sales["activity_timestamp"],
                "actor": "rep",
                "channel": "crm",
                "value": np.nan,
            }
        ),
    ]
    return pd.concat(parts, ignore_index=True)


def write_cdnow(folder: Path, every: int = 4) -> None:
    """Write a real purchase log (CDNOW, 1997-01 to 1998-06) as leads, activities and outcomes.

    A customer is a lead from the first purchase on; every later purchase is a win. ``every`` keeps one customer in
    so many, chosen by number.

    Raises
    ------
    FetchError : the package cannot be downloaded, or its file is a different one
    SourceError : ``every`` is not positive
    """
    if every < 1:
        raise SourceError(f"cdnow: 'every' must be 1 or more; found {every}.")

    content = member_of_package(CDNOW)
    found = hashlib.sha256(content).hexdigest()
    if found != CDNOW_SHA256:
        raise FetchError(
            f"{CDNOW.member} has sha256 {found[:12]}, expected {CDNOW_SHA256[:12]}; it is a different file."
        )

    names = ["customer", "date", "discs", "dollars"]
    log = pd.read_csv(io.BytesIO(content), sep=r"\s+", skiprows=1, names=names, dtype={"customer": "str"})
    log = log[log["customer"].astype("int64") % every == 0].reset_index(drop=True)

    day = pd.to_datetime(log["date"].astype("str"), format="%Y%m%d").dt.strftime("%Y-%m-%d")
    number = np.arange(len(log))
    first = log.assign(day=day).groupby("customer", sort=True)

    folder.mkdir(parents=True, exist_ok=True)
    start = first["day"].min()
    pd.DataFrame(
        {
            "customer": start.index,
            "first_purchase": start.to_numpy(),
            "first_discs": first["discs"].first().to_numpy(),
            "first_dollars": first["dollars"].first().to_numpy(),
        }
    ).to_csv(folder / "leads.csv", index=False)

    purchases = pd.DataFrame(
        {"row": [f"P{k}" for k in number], "customer": log["customer"], "kind": "purchase", "day": day}
    ).assign(dollars=log["dollars"], discs=log["discs"])
    purchases.to_csv(folder / "activities.csv", index=False)
    purchases.assign(won="yes").to_csv(folder / "outcomes.csv", index=False)
