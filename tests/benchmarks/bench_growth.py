"""What grows while a server is used: start and promotion with many posted rows, memory and store over a rehearsed week.

Run as ``python -m tests.benchmarks.bench_growth FOLDER``: a tiny demo is trained there. A day of the week lasts some
seconds, and the days that settings keep things for are shortened by the same factor.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
import urllib.request
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.artifacts.score_record import ScoreRecord
from pipelines.registry.champion import read_champion
from pipelines.workspace.atomic_files import write_bytes
from tests.benchmarks.bench_serving import ask, bodies, memory_mb, mixed
from tests.reference.challengers import early_champion, keep, rescaled
from tests.reference.posted import fill_store
from tests.reference.served import Served
from tests.reference.tiny_run import make_run, open_run

POSTED = 100_000
WEEK = 7
REPEATS = 3  # starts and promotions measured; the best counts, for the machine is shared


def _post(server: Served, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        server.url + path, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return dict(json.loads(answer.read()))


def _health(server: Served) -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=60) as answer:
        return dict(json.loads(answer.read()))


def _other_bundle(run: Any, folder: Path) -> str:
    """A kept bundle that scores otherwise."""
    return keep(run, rescaled(early_champion(run, folder / "early")), folder / "other")


def _stored_rows(state_dir: Path) -> int:
    """Rows of the tables that retention keeps short; bytes would be those of the write-ahead log."""
    tables = ("scores", "idempotency", "answers", "activities", "audit", "outbox")
    with closing(sqlite3.connect(state_dir / "store.sqlite", timeout=60)) as store:
        return sum(store.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def _move(server: Served, target: str | None) -> float:
    """Seconds to promote a bundle; without one, to roll back."""
    began = time.perf_counter()
    if target is None:
        _post(server, "/v1/champion/rollback", {})
    else:
        _post(server, "/v1/champion", {"hash": target, "force": True, "reason": "a measurement"})
    return time.perf_counter() - began


def _processor_seconds(pid: int) -> float:
    """Used by all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_for_rest(server: Served) -> None:
    """Until what a load has prepared beside it is ready: for a second the server all but sleeps."""
    assert server.process is not None
    until = time.monotonic() + 60
    while time.monotonic() < until:
        before = _processor_seconds(server.process.pid)
        time.sleep(1.0)
        if _processor_seconds(server.process.pid) - before < 0.1:
            return
    raise RuntimeError("the server did not come to rest")


def measure_start(run: Any, folder: Path, posted: int) -> dict[str, Any]:
    """Seconds to ready, to promote and to roll back, without posted rows and with many; each move once right after the
    one before, which meets what is prepared beside it, and once at rest.
    """
    first = read_champion(run.context.paths)
    assert first is not None
    other = _other_bundle(run, folder)
    found: dict[str, Any] = {}
    for rows in (0, posted):
        state_dir = folder / f"state-{rows}"
        leads = len(set(fill_store(run, state_dir, rows))) if rows else 0
        starts, moves, rested = [], [], []
        for _ in range(REPEATS):
            server = Served(run, state_dir, REQUEST_SECONDS="300")
            began = time.perf_counter()
            server.start()
            starts.append(time.perf_counter() - began)
            for at_rest in (False, True):
                for target in (other, first.hash, None):
                    if _health(server)["bundle_hash"] == target:
                        continue
                    if at_rest:
                        _wait_for_rest(server)
                    (rested if at_rest else moves).append(_move(server, target))
            server.stop()
        found[f"{rows}_rows"] = {
            "leads": leads,
            "ready_s": round(min(starts), 2),
            "promotion_s": round(min(moves), 2),
            "slowest_promotion_s": round(max(moves), 2),
            "rested_promotion_s": round(min(rested), 2),
            "slowest_rested_promotion_s": round(max(rested), 2),
        }
    return found


def rehearse_week(run: Any, folder: Path, day_seconds: float) -> dict[str, Any]:
    """Seven days of requests, each with new data, a promotion and an upkeep: memory and store at each day's end."""
    first = read_champion(run.context.paths)
    assert first is not None
    bundles = (_other_bundle(run, folder), first.hash)
    day = day_seconds / 86_400  # of a rehearsed day, in the days that settings count
    kept = {f"{name}_DAYS": f"{2 * day:.9f}" for name in ("POSTED", "SCORE", "IDEMPOTENCY", "UPLOAD", "AUDIT")}
    server = Served(
        run, folder / "week", CLOCK="wall", REQUEST_SECONDS="300", UPKEEP_SECONDS=f"{day_seconds / 4:g}", **kept
    ).start()
    rows = bodies(run, 20)
    asked = mixed(run, [("POST", "/v1/score", json.dumps(body).encode()) for body in rows], rows)
    scored = ScoreRecord.path(run.context.paths)
    days = []
    try:
        for number in range(WEEK):
            done = ask(server.port, asked, day_seconds, None, 3)
            write_bytes(scored, scored.read_bytes())  # as a nightly run does: another file
            _post(server, "/v1/champion", {"hash": bundles[number % 2], "force": True, "reason": "a rehearsal"})
            assert server.process is not None
            days.append(
                {
                    "requests": len(done.milliseconds),
                    "errors": done.errors,
                    "stored_rows": _stored_rows(folder / "week"),
                }
                | {"memory_mb": round(memory_mb(server.process.pid), 1)}
            )
        health = _health(server)
    finally:
        server.stop()
    growth = max(later["memory_mb"] / earlier["memory_mb"] - 1 for earlier, later in pairwise(days[2:]))
    return {
        "days": days,
        "day_seconds": day_seconds,
        "memory_growth_after_day_3": round(days[-1]["memory_mb"] / days[2]["memory_mb"] - 1, 3),
        "largest_daily_growth_after_day_3": round(growth, 3),
        "row_growth_after_day_3": round(days[-1]["stored_rows"] / days[2]["stored_rows"] - 1, 3),
        "status": health["status"],
    }


def main() -> None:
    """Train a tiny demo in a folder, measure, print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--posted", type=int, default=POSTED)
    parser.add_argument("--day-seconds", type=float, default=20.0)
    given = parser.parse_args()
    place = given.folder / "run"
    if not place.exists():
        place.mkdir(parents=True)
        make_run(place)
    run = open_run(place)
    figures = {"start": measure_start(run, given.folder / "start", given.posted)}
    figures["week"] = rehearse_week(run, given.folder / "rehearsal", given.day_seconds)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
