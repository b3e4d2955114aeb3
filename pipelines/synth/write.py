"""The synthetic exports: raw tables as a CRM would hand them out, bad rows and planted leaks included."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.errors import SourceError
from pipelines.synth import lists
from pipelines.synth.again import add_second_records
from pipelines.synth.events import draw_activities, draw_answers, draw_stages, draw_touches
from pipelines.synth.market import START, Market, make_market
from pipelines.synth.product_led import draw_product_led
from pipelines.synth.truth import OPEN, WON, Fate, simulate, truth_frame

_BAD = 6  # bad rows of each sort


@dataclass(frozen=True)
class Demo:
    """Raw tables by name, the truth kept apart, and how many rows of each table are bad on purpose."""

    tables: dict[str, pd.DataFrame]
    truth: pd.DataFrame
    manifest: dict[str, Any]


def generate_demo(seed: int = 7, leads: int = 4000, months: int = 24) -> Demo:
    """Generate a synthetic B2B funnel ending on Monday 2026-06-29 (for 24 months); same seed, same rows.

    Raises
    ------
    SourceError : fewer than 50 leads, or months outside 6..60
    """
    if leads < 50 or not 6 <= months <= 60:
        raise SourceError(f"the demo needs at least 50 leads and 6 to 60 months; found {leads} leads, {months} months.")

    rng = np.random.default_rng(seed)
    weeks = round(months * 52 / 12)
    market = make_market(rng, leads, weeks)
    fate = simulate(rng, market, weeks)

    acts = draw_activities(rng, market, fate)
    said = draw_answers(rng, market, fate)
    said = said[said["known"] < weeks].sort_values(["known", "lead", "question"], kind="stable", ignore_index=True)

    steps = draw_stages(rng, market, fate)
    acts = pd.concat([acts, draw_touches(np.random.default_rng([seed, 2]), market, fate, steps)], ignore_index=True)
    acts = acts[acts["known"] < weeks].sort_values(["known", "lead", "kind"], kind="stable", ignore_index=True)
    steps = steps[steps["at"] < weeks].sort_values(["at", "lead"], kind="stable", ignore_index=True)

    tables = {
        "leads": _leads(market, fate, acts, steps),
        "accounts": _accounts(market),
        "activities": _activities(market, acts),
        "answers": _answers(market, said),
        "stages": _stages(market, steps),
        "outcomes": _outcomes(rng, market, fate, weeks),
    }

    twice = add_second_records(np.random.default_rng([seed, 1]), tables)
    manifest = _spoil(rng, tables) | twice
    entered, calls = draw_product_led(np.random.default_rng([seed, 3]), market, acts, steps, weeks)
    tables["stages"] = pd.concat([tables["stages"], _stages(market, entered)], ignore_index=True)
    named = _activities(market, calls).assign(**{"Activity ID": [f"P{k:07d}" for k in range(len(calls))]})
    tables["activities"] = pd.concat([tables["activities"], named], ignore_index=True)
    return Demo(tables, truth_frame(market, fate, weeks), manifest)


def write_demo(folder: Path, seed: int = 7, leads: int = 4000, months: int = 24) -> None:
    """Write the demo's CSV files, and the truth (for tests only) under ``truth/``."""
    demo = generate_demo(seed, leads, months)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in demo.tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8")
    (folder / "truth").mkdir(exist_ok=True)
    demo.truth.to_parquet(folder / "truth" / "truth.parquet", index=False)
    pd.Series(demo.manifest).to_json(folder / "truth" / "manifest.json", indent=1)


def _moments(weeks: Floats | pd.Series, zone: str = "UTC") -> pd.Series:
    """Moments as export text with their offset; missing stays empty."""
    at = START.tz_localize("UTC") + pd.to_timedelta(np.asarray(weeks, dtype=np.float64) * 7 * 86_400, unit="s")
    shown = pd.Series(at).dt.round("s").dt.tz_convert(zone)
    text = shown.dt.strftime("%Y-%m-%dT%H:%M:%S%z")
    return text.str.slice_replace(22, 22, ":").where(shown.notna(), "")


def _ids(market: Market, frame: pd.DataFrame) -> Any:
    return market.leads["lead_id"].to_numpy()[frame["lead"].to_numpy(dtype=np.int64)]


def _leads(market: Market, fate: Fate, acts: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    people = market.leads
    won = fate.ended == WON
    stage = steps.groupby("lead")["stage"].last().reindex(range(len(people))).fillna("lead")
    touches = acts.groupby("lead").size().reindex(range(len(people)), fill_value=0)

    return pd.DataFrame(
        {
            "Lead ID": people["lead_id"],
            "Created Date": _moments(market.created, "Europe/Berlin"),
            "Account ID": people["account_id"],
            "Owner": people["owner"],
            "Full Name": people["name"],
            "Email": people["email"],
            "Phone": people["phone"],
            "Job Title": people["title"],
            "Lead Source": people["channel"],
            "Free Mailbox": np.where(people["email"].str.contains("freemail"), "yes", "no"),
            "Record URL": "https://crm.example/leads/" + people["lead_id"],
            # planted leaks: filled or counted after the fact, declared out in data/sources/demo.yaml
            "Contract Number": np.where(won, "C-" + people["lead_id"].str[1:], ""),
            "Current Stage": stage.to_numpy(),
            "Total Touches": touches.to_numpy(),
        }
    )


def _accounts(market: Market) -> pd.DataFrame:
    accounts = market.accounts
    known = np.full(len(accounts), -4.0)
    return pd.DataFrame(
        {
            "Account ID": accounts["account_id"],
            "Known At": _moments(known),
            "Account Name": accounts["name"],
            "Domain": accounts["domain"],
            "Industry": accounts["industry"],
            "Employees": accounts["employees"].astype(int),
            "Revenue Band": accounts["revenue_band"],
            "Country": accounts["country"],
            "Current Software": accounts["stack"],
        }
    )


def _activities(market: Market, acts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Activity ID": [f"E{k:07d}" for k in range(len(acts))],
            "Lead ID": _ids(market, acts),
            "Type": acts["kind"],
            "Happened": _moments(acts["at"]),
            "Logged": _moments(acts["known"]),
            "Actor": acts["actor"],
            "Asset": acts["asset"],
            "Channel": acts["channel"],
            "Minutes": acts["value"].astype("float64").round(1),
        }
    )


def _answers(market: Market, said: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Lead ID": _ids(market, said),
            "Question": said["question"],
            "Answer": said["value"],
            "Given": _moments(said["at"]),
            "Recorded": _moments(said["known"]),
            "Channel": said["channel"],
        }
    )


def _stages(market: Market, steps: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Lead ID": _ids(market, steps),
            "Stage": steps["stage"],
            "Entered": _moments(steps["at"]),
            "Owner": steps["owner"],
            "Reason": steps["reason"],
        }
    )


def _outcomes(rng: np.random.Generator, market: Market, fate: Fate, weeks: int) -> pd.DataFrame:
    """Closed deals of leads, and expansions of customers that no lead is credited with."""
    closed = np.flatnonzero(fate.ended != OPEN)
    won = fate.ended[closed] == WON
    size = market.accounts["employees"].to_numpy()[market.leads["account"].to_numpy()[closed]]
    amount = np.where(won, np.exp(rng.normal(8.3 + 0.35 * np.log(size), 0.5)).round(-1), np.nan)
    reasons = np.where(
        won, rng.choice(["price", "features", "trust"], len(closed)), rng.choice(["price", "timing"], len(closed))
    )

    deals = pd.DataFrame(
        {
            "Deal ID": [f"D{k:06d}" for k in closed],
            "Lead ID": market.leads["lead_id"].to_numpy()[closed],
            "Account ID": market.leads["account_id"].to_numpy()[closed],
            "at": fate.at[closed],
            "Won": np.where(won, "yes", "no"),
            "Amount": amount,
            "Product": rng.choice(lists.PRODUCTS, len(closed)),
            "Deal Type": "new",
            "Reason": reasons,
        }
    )

    customers = market.accounts.loc[market.accounts["customer"], "account_id"].to_numpy()
    more = pd.DataFrame(
        {
            "Deal ID": [f"X{k:05d}" for k in range(len(customers))],
            "Lead ID": "",
            "Account ID": customers,
            "at": rng.uniform(0, weeks, len(customers)),
            "Won": np.where(rng.random(len(customers)) < 0.7, "yes", "no"),
            "Amount": np.exp(rng.normal(9.0, 0.6, len(customers))).round(-1),
            "Product": rng.choice(lists.PRODUCTS, len(customers)),
            "Deal Type": "expansion",
            "Reason": "features",
        }
    )

    both = pd.concat([deals, more], ignore_index=True).sort_values("at", kind="stable", ignore_index=True)
    known = np.minimum(both["at"] + rng.exponential(0.1, len(both)), weeks - 0.001)

    at = both.pop("at")
    both.insert(3, "Closed", _moments(at))
    both.insert(4, "Booked", _moments(known))
    return both


def _spoil(rng: np.random.Generator, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Add bad rows, each breaking one rule of the contract; returns how many per table."""
    bad: dict[str, list[pd.DataFrame]] = {name: [] for name in tables}

    def add(table: str, **changes: Any) -> None:
        frame = tables[table]
        bad[table].append(frame.iloc[rng.choice(len(frame), _BAD, replace=False)].assign(**changes))

    new = [f"Z{k}" for k in range(_BAD)]
    add("leads", **{"Lead ID": [f"Q{k}" for k in range(_BAD)], "Created Date": "31.31.2025"})
    add("leads")  # the same lead id again
    add("activities", **{"Activity ID": new, "Lead ID": "L999999"})
    add("activities", **{"Activity ID": [f"Y{k}" for k in range(_BAD)], "Happened": "yesterday"})
    add("activities")  # the same activity id again
    add("answers", Question="")
    add("stages", Stage="maybe")
    add("outcomes", **{"Deal ID": new, "Won": "maybe"})
    add("outcomes", **{"Deal ID": [f"Y{k}" for k in range(_BAD)], "Amount": -100.0})

    for name, frames in bad.items():
        if frames:
            tables[name] = pd.concat([tables[name], *frames], ignore_index=True)
    return {name: sum(len(frame) for frame in frames) for name, frames in bad.items()}
