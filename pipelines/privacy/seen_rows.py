"""What a retrain remembers of leads and deals, as fingerprints: how they are made, and how a person goes from them.

Fingerprints have no key, so whoever knows the ids in use can tell whom they stand for.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.privacy.erase_files import Erased, keep_deals, rows_of_person
from pipelines.privacy.person import Person
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.paths import Paths

LEADS, DEALS = "leads.parquet", "deals.parquet"
Fingerprints = npt.NDArray[np.uint64]
_CONTENT = ("closed_at", "amount", "product", "reason", "lead_id", "account_id")
_NOBODYS = 0  # stands for what was known of a company's deal with the person; the next retrain counts it as corrected


def fingerprint_rows(frame: pd.DataFrame, columns: list[str]) -> Fingerprints:
    """A number per row that stands for these columns; shape (n,)."""
    if not len(frame):
        return np.zeros(0, dtype=np.uint64)
    return np.asarray(pd.util.hash_pandas_object(frame[columns].astype("str"), index=False), dtype=np.uint64)


def fingerprint_deals(outcomes: pd.DataFrame, zone: str = "UTC") -> tuple[Fingerprints, Fingerprints]:
    """Of each deal which one it is, and what is known of it, its close by the day in ``zone``.

    A close without a time of day is one moment in an export of that day and its end in a later one.
    """
    content = [name for name in _CONTENT if name in outcomes]
    local = outcomes["closed_at"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    by_day = outcomes.assign(closed_at=local.dt.normalize())
    return fingerprint_rows(outcomes, ["opportunity_id"]), fingerprint_rows(by_day, content)


def erase_from_seen(paths: Paths, person: Person, *, dry_run: bool) -> list[Erased]:
    """Take the person out of what the last retrain saw, while the ingested outcomes still say which deals are theirs.

    A company's deal stays, as it does in the tables; what was known of it with the person goes.
    """
    leads, deals = paths.seen / LEADS, paths.seen / DEALS
    if not leads.exists() or not deals.exists():
        return []
    own = fingerprint_rows(pd.DataFrame({"lead_id": person.spellings}), ["lead_id"])
    seen = read_parquet(leads)
    hit = seen["key"].isin(own).to_numpy(dtype=bool)
    found = [Erased(leads, int(hit.sum()), "fingerprints removed")]
    if hit.any() and not dry_run:
        write_parquet(leads, seen[~hit].reset_index(drop=True))

    outcomes = read_parquet(paths.ingest / "outcomes.parquet")
    outcomes = outcomes[rows_of_person(outcomes, person)]
    if len(outcomes):
        known = read_parquet(deals)
        _, gone, _ = keep_deals(outcomes, np.ones(len(outcomes), dtype=np.bool_), person)
        keys, _ = fingerprint_deals(outcomes)
        theirs = known["key"].isin(keys).to_numpy(dtype=bool)
        dropped = known["key"].isin(keys[gone]).to_numpy(dtype=bool)
        found.append(Erased(deals, int(theirs.sum()), "fingerprints removed"))
        if theirs.any() and not dry_run:
            write_parquet(deals, known.assign(content=known["content"].mask(theirs, _NOBODYS))[~dropped])
    return [one for one in found if one.count]
