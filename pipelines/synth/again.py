"""The same people twice: a second record after another form, and records whose company nobody filled in."""

from typing import Any

import numpy as np
import pandas as pd

AGAIN, UNMATCHED = 0.02, 0.04  # shares of leads with a second record, and of company leads without an account


def add_second_records(rng: np.random.Generator, tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Split some leads into two records and leave some without their account; returns how many of each.

    The second record (``R...``) has the same address, spelled another way, and what its lead did from then on.
    """
    leads, acts = tables["leads"], tables["activities"]
    seen = acts[acts["Type"].ne("email_sent") & acts["Actor"].eq("lead")]
    middle = (
        seen.sort_values(["Lead ID", "Happened"]).groupby("Lead ID")["Happened"].agg(lambda at: at.iloc[len(at) // 2])
    )

    chosen = middle[rng.random(len(middle)) < AGAIN]
    second = {lead: f"R{lead[1:]}" for lead in chosen.index}

    rows = leads[leads["Lead ID"].isin(list(second))]
    changes: dict[str, Any] = {
        "Lead ID": rows["Lead ID"].map(second),
        "Created Date": rows["Lead ID"].map(chosen),
        "Account ID": "",
        "Email": rows["Email"].str.replace("@", "+form@").str.title(),
        "Contract Number": "",
        "Current Stage": "lead",
        "Total Touches": 0,
    }

    copies = rows.assign(**changes)
    copies["Record URL"] = "https://crm.example/leads/" + copies["Lead ID"]

    since = acts["Lead ID"].map(chosen).astype(acts["Happened"].dtype)  # of no lead at all, it would be numbers
    moved = acts["Lead ID"].isin(list(second)) & acts["Happened"].ge(since).fillna(False)
    moved &= acts["Actor"].eq("lead") & acts["Channel"].ne("email")
    tables["activities"] = acts.assign(**{"Lead ID": acts["Lead ID"].where(~moved, acts["Lead ID"].map(second))})

    company = leads["Email"].str.contains("freemail").to_numpy()
    open_field = ~company & (rng.random(len(leads)) < UNMATCHED)
    tables["leads"] = pd.concat(
        [leads.assign(**{"Account ID": leads["Account ID"].where(~open_field, "")}), copies], ignore_index=True
    )
    return {"second_records": len(copies), "without_account": int(open_field.sum())}
