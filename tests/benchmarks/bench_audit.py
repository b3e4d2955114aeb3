"""Recall and false alarms of the leak audit on 50 planted leaks of ten kinds with meaningless names.

A second table plants three kinds that come with a loss, such as reasons and competitors noted when a deal is lost; a
third ten kinds of absence (empty, a default, no account, no row in a joined table) that come with one outcome.

Hosts are simulated lead tables (synthetic) and, where LEADSCORE_DATA points to it, the first three quarters of the
UCI bank file; the last quarter is never read. Run: ``python -m tests.benchmarks.bench_audit``; with ``--fresh 10``
instead the synthetic hosts are drawn anew ten times.
"""

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from features.schema.source import Source
from models.judging.leakage.aud07_account_linkage import check_account_linkage, find_joins
from models.judging.leakage.audit import audit_columns
from models.judging.leakage.audit_rows import AuditRows, blocks_of

Plant = Callable[[np.ndarray, np.ndarray, np.random.Generator], pd.Series]
Linked = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def _copy(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.where(won, "k", "m"), dtype="str")


def _noisy_copy(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.where(won ^ (rng.random(len(won)) < 0.04), "p", "q"), dtype="str")


def _filled_for_won(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.where(won & (rng.random(len(won)) < 0.7), rng.gamma(2, 50, len(won)), np.nan))


def _mostly_filled(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    filled = rng.random(len(won)) < np.where(won, 0.85, 0.08)
    return pd.Series(np.where(filled, rng.normal(size=len(won)), np.nan))


def _grows_with_the_deal(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(rng.lognormal(5 + 1.1 * won, 0.75))


def _numbered_by_outcome(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.argsort(np.argsort(rng.normal(size=len(won)) - 2.0 * won)).astype(float) + 70_000)


def _zero_unless_won(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    paid = rng.random(len(won)) < np.where(won, 0.9, 0.02)
    return pd.Series(np.where(paid, rng.gamma(2, 500, len(won)).round(), 0.0))


def _written_at_close(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(day + np.where(won, rng.normal(20, 8, len(won)), rng.normal(90, 30, len(won))))


def _status(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    early = rng.choice(["a1", "a2", "a3"], len(won))
    late = rng.choice(["z1", "z2"], len(won))
    return pd.Series(np.where(won & (rng.random(len(won)) < 0.6), late, early), dtype="str")


def _counted_afterwards(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series((rng.poisson(3, len(won)) + won * rng.poisson(5, len(won))).astype(float))


def _filled_for_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    noted = ~won & (rng.random(len(won)) < 0.4)
    return pd.Series(np.where(noted, rng.choice(["r1", "r2", "r3"], len(won)), None), dtype="str")


def _value_of_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(
        np.where(~won & (rng.random(len(won)) < 0.25), "x", rng.choice(list("abc"), len(won))), dtype="str"
    )


def _reasons_among_values(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    reasons = rng.choice([f"r{k}" for k in range(6)], len(won))
    return pd.Series(np.where(~won & (rng.random(len(won)) < 0.3), reasons, rng.choice(list("abc"), len(won))))


def _some(of: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(of & (rng.random(len(of)) < share))


def _with_gaps(gaps: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """Numbers that tell nothing but by being there."""
    return pd.Series(np.where(gaps, np.nan, rng.normal(size=len(gaps))))


def _empty_for_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return _with_gaps(_some(~won, 0.4, rng), rng)


def _empty_for_won(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return _with_gaps(_some(won, 0.4, rng), rng)


def _empty_for_lost_with_errors(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return _with_gaps(_some(~won, 0.5, rng) | _some(won, 0.005, rng), rng)


def _default(gaps: np.ndarray, default: str, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.where(gaps, default, rng.choice(list("abc"), len(gaps))), dtype="str")


def _default_for_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return _default(_some(~won, 0.4, rng), "Unknown", rng)


def _default_for_won(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return _default(_some(won, 0.4, rng), "Unknown", rng)


def _empty_or_default_for_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    gaps = _some(~won, 0.4, rng)
    return _default(gaps, "n/a", rng).mask(_some(gaps, 0.5, rng))


def _code_for_lost(won: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> pd.Series:
    return pd.Series(np.where(_some(~won, 0.4, rng), -1.0, rng.integers(0, 90, len(won))))


def _no_account_for_lost(won: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return ~_some(~won, 0.4, rng), np.ones(len(won), dtype=bool)


def _account_for_won(won: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _some(won, 0.4, rng), np.ones(len(won), dtype=bool)


def _no_account_row_for_lost(won: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.random(len(won)) < 0.9, ~_some(~won, 0.4, rng)


def _honest_accounts(won: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An account for 75% of won and 60% of lost leads, a row for nine in ten of them."""
    return rng.random(len(won)) < np.where(won, 0.75, 0.6), rng.random(len(won)) < 0.9


KINDS: dict[str, Plant] = {
    "the target under another name": _copy,
    "the target with 4% errors": _noisy_copy,
    "filled for won only": _filled_for_won,
    "filled mostly for won": _mostly_filled,
    "grows with the deal": _grows_with_the_deal,
    "numbered by outcome": _numbered_by_outcome,
    "zero unless won": _zero_unless_won,
    "written at close": _written_at_close,
    "status with values of won leads": _status,
    "counted afterwards": _counted_afterwards,
}
LOST_KINDS: dict[str, Plant] = {
    "filled for lost only": _filled_for_lost,
    "a value of lost leads only": _value_of_lost,
    "reasons of lost leads among other values": _reasons_among_values,
}
ABSENT_KINDS: dict[str, Plant] = {
    "empty for lost only": _empty_for_lost,
    "empty for won only": _empty_for_won,
    "empty for lost, with few errors": _empty_for_lost_with_errors,
    "'Unknown' for lost only": _default_for_lost,
    "'Unknown' for won only": _default_for_won,
    "empty or 'n/a' for lost only": _empty_or_default_for_lost,
    "-1 for lost only": _code_for_lost,
}
LINKED_KINDS: dict[str, Linked] = {
    "no account for lost only": _no_account_for_lost,
    "an account for won only": _account_for_won,
    "an account without a row for lost only": _no_account_row_for_lost,
}
RELATIONAL = Source.model_validate(
    {
        "name": "joined",
        "kind": "relational",
        "tables": {
            "leads": {"columns": {"lead_id": {}, "created_at": {}, "account_id": {"when_known": "at_creation"}}},
            "accounts": {"columns": {"account_id": {}}},
            "outcomes": {"columns": {"opportunity_id": {}, "closed_at": {}, "won": {}}},
        },
    }
)
HOSTS = ((1500, 0.30, True), (4000, 0.05, True), (3000, 0.11, False), (600, 0.50, False), (6000, 0.15, True))


def host(n: int, base: float, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Honest columns of a drifting synthetic market, the outcome, and the day of creation (rows in time order)."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.uniform(0, 700, n))
    quality, need = rng.normal(size=n), rng.normal(size=n)
    market = np.sin(day / 120)
    logit = np.log(base / (1 - base)) + 0.9 * quality + 0.7 * need + 0.8 * market
    won = rng.random(n) < 1 / (1 + np.exp(-logit))
    regions = rng.choice(list("abcdefghijkl"), n)
    frame = pd.DataFrame(
        {
            "h01": quality + rng.normal(0, 0.4, n),
            "h02": np.round(np.exp(need + rng.normal(0, 1.0, n)), 2),
            "h03": pd.Series(np.where(quality > 0.8, "big", np.where(quality < -0.5, "small", "mid")), dtype="str"),
            "h04": pd.Series(regions, dtype="str"),
            "h05": rng.poisson(np.exp(0.4 * need + 0.5)).astype(float),
            "h06": np.where(rng.random(n) < 0.3 + 0.15 * (need < 0), np.nan, need + rng.normal(0, 1, n)),
            "h07": market + rng.normal(0, 0.05, n),
            "h08": np.round(market * 4),
            "h09": np.arange(n) + 10_000.0,
            "h10": pd.Series([f"C-{i:06d}" for i in rng.permutation(n)], dtype="str"),
            "h11": rng.integers(18, 80, n).astype(float),
            "h12": pd.Series(np.where(rng.random(n) < 0.6, None, rng.choice(["x", "y"], n)), dtype="str"),
            "h13": rng.gamma(1, 1, n),
            "h14": pd.Series(rng.choice(["yes", "no", "unknown"], n, p=[0.2, 0.7, 0.1]), dtype="str"),
        }
    )
    return frame, won, day


def bank() -> tuple[pd.DataFrame, np.ndarray, np.ndarray] | None:
    """First three quarters of the UCI bank rows without ``duration``, if the file is at hand."""
    path = Path(os.environ.get("LEADSCORE_DATA", "")) / "bank-additional-full.csv.zip"
    if not path.is_file():
        return None
    with zipfile.ZipFile(path) as archive:
        frame = pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])), sep=";")
    frame = frame.iloc[: int(len(frame) * 0.75)]
    won = (frame.pop("y") == "yes").to_numpy()
    return frame.drop(columns="duration"), won, np.arange(len(frame)) * 900.0 / len(frame)


def judge(frame: pd.DataFrame, won: np.ndarray, day: np.ndarray, ordered: bool, seed: int) -> dict[str, object]:
    """Plant one leak of each kind, one at a time, and audit; and audit the honest columns alone."""
    rng = np.random.default_rng(seed)
    order = np.arange(len(won)) if ordered else None
    if not ordered:
        shuffle = rng.permutation(len(won))
        frame, won, day = frame.iloc[shuffle].reset_index(drop=True), won[shuffle], day[shuffle]
    label = won.astype(np.float64)
    alone = audit_columns(frame, label, order=order)
    caught: dict[str, str] = {}
    for kind, plant in [*KINDS.items(), *LOST_KINDS.items(), *ABSENT_KINDS.items()]:
        planted = frame.reset_index(drop=True).assign(v17=plant(won, day, rng))
        caught[kind] = _gravest(f.severity for f in audit_columns(planted, label, order=order) if f.column == "v17")
    for kind, link in LINKED_KINDS.items():
        caught[kind] = _gravest(judge_links(frame, label, link(won, rng), ordered))
    return {
        "columns": len(frame.columns),
        "false_leaks": [f.column for f in alone if f.severity == "leak"],
        "false_suspects": sorted({f.column for f in alone if f.severity == "suspect"}),
        "caught": {kind: caught[kind] for kind in KINDS},
        "caught_lost": {kind: caught[kind] for kind in LOST_KINDS},
        "caught_absent": {kind: caught[kind] for kind in (*ABSENT_KINDS, *LINKED_KINDS)},
        "false_links": judge_links(frame, label, _honest_accounts(won, rng), ordered),
    }


def judge_links(
    frame: pd.DataFrame, label: np.ndarray, linked: tuple[np.ndarray, np.ndarray], ordered: bool
) -> list[str]:
    """Severities of what AUD07 says of leads that have an account, and of accounts that have a row."""
    has, row = linked
    number = pd.Series(np.arange(len(label))).astype("str")
    account = ("A" + number).where(pd.Series(has))
    keys = pd.DataFrame({"lead_id": number, "account_id": account})
    accounts = pd.DataFrame({"account_id": account[row & has]})
    block = blocks_of(np.arange(len(label)), label, ordered=ordered)
    rows = AuditRows(columns=frame, label=label, block=block, ordered=ordered)
    return [str(f.severity) for f in check_account_linkage(rows, find_joins(keys, RELATIONAL, {"accounts": accounts}))]


def _gravest(found: Iterable[str]) -> str:
    severities = set(found)
    return "leak" if "leak" in severities else "suspect" if "suspect" in severities else "missed"


def run() -> dict[str, object]:
    """All hosts; counts over kinds and hosts."""
    hosts = {
        f"synthetic {n} rows, base {base:.0%}": (*host(n, base, 11 + i), o) for i, (n, base, o) in enumerate(HOSTS)
    }
    real = bank()
    if real is not None:
        hosts["bank, first three quarters"] = (*real, True)
    results = {name: judge(*parts[:3], parts[3], 5) for name, parts in hosts.items()}
    return {
        **_counts(results, "caught"),
        "lost_only": _counts(results, "caught_lost"),
        "absent": _counts(results, "caught_absent"),
        **_alarms(results),
        "honest_columns": sum(r["columns"] for r in results.values()),  # type: ignore[misc]
        "hosts": results,
    }


def run_fresh(draws: int) -> dict[str, object]:
    """The synthetic hosts drawn anew; counts over all draws."""
    results = {
        f"draw {draw}, {n} rows, base {base:.0%}": judge(*host(n, base, 1000 + 10 * draw + i), o, 2000 + draw)
        for draw in range(draws)
        for i, (n, base, o) in enumerate(HOSTS)
    }
    return {
        **_counts(results, "caught"),
        "lost_only": _counts(results, "caught_lost"),
        "absent": _counts(results, "caught_absent"),
        **_alarms(results),
        "honest_columns": sum(r["columns"] for r in results.values()),  # type: ignore[misc]
        "absent_by_kind": {
            kind: [r["caught_absent"][kind] for r in results.values()].count("leak")  # type: ignore[index]
            for kind in (*ABSENT_KINDS, *LINKED_KINDS)
        },
    }


def _alarms(results: dict[str, dict[str, object]]) -> dict[str, int]:
    """False alarms over all hosts."""
    return {
        name: sum(len(r[name]) for r in results.values())  # type: ignore[arg-type]
        for name in ("false_leaks", "false_suspects", "false_links")
    }


def _counts(results: dict[str, dict[str, object]], table: str) -> dict[str, int]:
    """Planted leaks of the synthetic hosts and what they were named."""
    named = [kind for host_name, r in results.items() if "bank" not in host_name for kind in r[table].values()]  # type: ignore[attr-defined]
    found = {f"named_{severity}": named.count(severity) for severity in ("leak", "suspect")}
    return {"planted": len(named), **found, "missed": named.count("missed")}


if __name__ == "__main__":
    fresh = sys.argv[1:2] == ["--fresh"]
    sys.stdout.write(json.dumps(run_fresh(int(sys.argv[2])) if fresh else run(), indent=1) + "\n")
