"""Replay the slow way: week by week, lead by lead, with plain dictionaries."""

import hashlib
from collections.abc import Callable

Row = dict[str, object]


def tie(lead: tuple[str, int]) -> int:
    text = f"{lead[0]}\x1f{lead[1]}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def replay(rows: list[Row], choose: Callable[[list[Row], int], list[Row]]) -> list[Row]:
    """Rows handed off; ``choose`` picks among one week's leads that are not gone, best first."""
    gone: set[tuple[str, int]] = set()
    handed: list[Row] = []
    for week, moment in enumerate(sorted({row["as_of"] for row in rows})):  # type: ignore[type-var]
        open_rows = [r for r in rows if r["as_of"] == moment and (r["lead_id"], r["episode"]) not in gone]
        open_rows.sort(key=lambda r: (-float(r["score"]), tie((r["lead_id"], r["episode"]))))  # type: ignore[arg-type]
        for row in choose(open_rows, week):
            gone.add((row["lead_id"], row["episode"]))  # type: ignore[arg-type]
            handed.append(row)
    return handed
