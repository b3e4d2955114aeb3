"""How long every page takes on a hundred thousand leads: the first time, and warm, one reader at a time.

Run as ``python -m tests.benchmarks.bench_pages --source demo --data-dir data``, on a source that was run; its rows are
repeated under other ids until there are that many leads; with ``--open`` those of open leads alone, until there are
that many open ones. Beside wall time it tells the server's processor time, which
a busy machine stretches less.
"""

import argparse
import http.client
import json
import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pandas as pd

from pipelines.workspace.context import open_context
from pipelines.workspace.paths import Paths
from tests.benchmarks.bench_serving import memory_mb
from tests.reference.served import Served

LEADS, LOOKS, PROMISED_MS = 100_000, 15, 300
IDS = ("lead_id", "account_id", "opportunity_id", "activity_id", "best_lead", "became")
_TICKS = os.sysconf("SC_CLK_TCK")
_UNDERWAY_SECONDS = 300.0  # until what is worked out beside the pages is there


def enlarge(paths: Paths, out: Path, leads: int, *, only_open: bool = False) -> int:
    """A copy of a source's data below ``out`` in which every row stands several times under ids of its own.

    ``only_open``: only rows of open leads and of their accounts are repeated, until so many are open.
    """
    shutil.copytree(paths.root, out / paths.source, ignore=shutil.ignore_patterns("serving", "raw", "kept"))
    listed = pd.read_parquet(paths.score / "worklist.parquet", columns=["lead_id"])["lead_id"]
    known = pd.read_parquet(paths.ingest / "leads.parquet")
    times = -(-leads // len(listed if only_open else known))
    opened = known[known["lead_id"].isin(listed).to_numpy(dtype=bool)] if only_open else known
    repeated = {name: set(opened[name].dropna()) for name in ("lead_id", "account_id") if name in opened}
    for folder in (paths.ingest, paths.score):
        for file in sorted(folder.glob("*.parquet")):
            frame = pd.read_parquet(file)
            named = [name for name in IDS if name in frame]
            if not named or not len(frame) or file.stem == "warnings":
                continue
            parts, more = [frame], frame
            if only_open and (of := [name for name in named if name in repeated]):
                more = frame[frame[of[0]].isin(repeated[of[0]]).to_numpy(dtype=bool)]
            for k in range(1, times):
                parts.append(more.assign(**{name: more[name] + f"_{k}" for name in named}))
            pd.concat(parts, ignore_index=True).to_parquet(out / paths.source / folder.name / file.name, index=False)
    return times


def addresses(paths: Paths, out: Path) -> list[str]:
    """A page of each kind, of leads and accounts that are there."""
    listed = pd.read_parquet(out / paths.source / "score" / "worklist.parquet", columns=["lead_id"])
    leads = pd.read_parquet(out / paths.source / "ingest" / "leads.parquet").set_index("lead_id")
    lead = str(listed["lead_id"].iloc[len(listed) // 2])
    found = [
        "/",
        "/worklist",
        "/worklist?search=rio",
        "/short",
        f"/leads/{lead}",
        "/team",
        "/process",
        "/help",
        "/accounts",
    ]
    found += ["/rubric", "/thresholds", "/model", "/expansion", "/find?q=rio+verde", f"/find?q={lead}"]
    account = leads["account_id"].get(lead) if "account_id" in leads else None
    return found if account is None or pd.isna(account) else [*found, f"/accounts/{account}"]


def look(server: Served, path: str) -> tuple[float, float, str]:
    """Milliseconds of one request, of the server's processors meanwhile, and the page."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_UNDERWAY_SECONDS)
    before, started = _processor_ms(server), time.perf_counter()
    connection.request("GET", path, headers={"accept": "text/html"})
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    taken = (time.perf_counter() - started) * 1e3
    if answer.status >= 400:
        raise RuntimeError(f"{path}: status {answer.status}")
    return taken, _processor_ms(server) - before, text


def _processor_ms(server: Served) -> float:
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / _TICKS


def measure(server: Served, path: str, looks: int = LOOKS) -> dict[str, float | str]:
    """One page: the first look, how long until everything on it was there, and the looks after that."""
    started = time.perf_counter()
    first, _, text = look(server, path)
    while 'aria-busy="true"' in text and time.perf_counter() - started < _UNDERWAY_SECONDS:
        time.sleep(0.2)
        _, _, text = look(server, path)
    whole = time.perf_counter() - started
    taken = np.array([look(server, path)[:2] for _ in range(looks)])
    return {
        "page": path,
        "first_ms": round(first),
        "whole_after_s": round(whole, 1),
        "p50_ms": round(float(np.percentile(taken[:, 0], 50))),
        "p95_ms": round(float(np.percentile(taken[:, 0], 95))),
        "processor_ms": round(float(np.mean(taken[:, 1]))),
    }


def main() -> None:
    """Print a line per page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--open", action="store_true", help="repeat open leads alone, until so many are open")
    parser.add_argument("--looks", type=int, default=LOOKS)
    parser.add_argument("--rest", type=float, default=0.0, help="seconds between the start and the first look")
    asked = parser.parse_args()
    paths = open_context(asked.source, asked.data_dir).paths
    with TemporaryDirectory() as folder:
        out = Path(folder) / "data"
        enlarge(paths, out, asked.leads, only_open=asked.open)
        run = SimpleNamespace(source=asked.source, data_dir=out)
        server = Served(run, Path(folder) / "state", REQUEST_SECONDS="300").start(seconds=600)
        try:
            time.sleep(asked.rest)
            for path in addresses(paths, out):
                row = measure(server, path, asked.looks)
                over = " OVER" if float(row["p95_ms"]) > PROMISED_MS else ""
                sys.stdout.write(json.dumps(row) + over + "\n")
                sys.stdout.flush()
            assert server.process is not None
            sys.stdout.write(
                f"{asked.leads:,} {'open ' if asked.open else ''}leads, {memory_mb(server.process.pid):,.0f} MB\n"
            )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
