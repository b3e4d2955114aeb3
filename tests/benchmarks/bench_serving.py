"""Load on a real server, loopback, one worker: latency and throughput of scoring, a long worklist, start, memory.

Run as ``python -m tests.benchmarks.bench_serving --source demo --data-dir data``; the load generator shares the cores.
"""

import argparse
import compileall
import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pipelines.workspace.context import open_context
from tests.reference.served import Served
from tests.reference.serving import rows_sent, worklist_of

EVENTS = 50
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Load:
    """Requests of one kind: how many, how long they took, what failed."""

    seconds: float
    milliseconds: list[float]
    errors: int

    def record(self) -> dict[str, float]:
        """Figures for the report."""
        taken = np.array(self.milliseconds or [np.nan])
        return {
            "requests": len(self.milliseconds),
            "per_second": round(len(self.milliseconds) / self.seconds, 1),
            "p50_ms": round(float(np.percentile(taken, 50)), 2),
            "p99_ms": round(float(np.percentile(taken, 99)), 2),
            "errors": self.errors,
        }


def ask(port: int, asked: list[tuple[str, str, bytes]], seconds: float, rate: float | None, clients: int) -> Load:
    """Send requests for some seconds, at a rate (each measured from when it was due) or flat out."""
    taken: list[float] = []
    errors = [0]
    lock, started = threading.Lock(), time.perf_counter()
    due = iter(range(10**9))

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() - started < seconds:
            with lock:
                k = next(due)
            at = started + k / rate if rate else time.perf_counter()
            if (pause := at - time.perf_counter()) > 0:
                time.sleep(pause)
            method, path, body = asked[k % len(asked)]
            connection.request(method, path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            with lock:
                taken.append((time.perf_counter() - at) * 1e3)
                errors[0] += answer.status >= 400

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(time.perf_counter() - started, taken, errors[0])


def memory_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def bodies(run: Any, count: int) -> list[dict[str, Any]]:
    """Raw rows of leads, each with 50 events."""
    found = []
    for lead_id in worklist_of(run)["lead_id"].iloc[:count]:
        body = rows_sent(run, lead_id) | {"colleagues": []}
        for name in ("activities", "answers", "stages"):
            body[name] = [row for row in body[name] if row["lead_id"] == lead_id]
        acts = body["activities"] or [{"kind": "page_view", "happened_at": "2026-06-01T00:00:00"}]
        body["activities"] = [
            {k: v for k, v in acts[i % len(acts)].items() if k != "activity_id"} for i in range(EVENTS)
        ]
        body["as_of"] = "2026-06-29T00:00:00"
        found.append(body)
    return found


def many(rows: list[dict[str, Any]], count: int) -> bytes:
    """One batch request of so many leads."""
    body: dict[str, Any] = {"leads": [], "activities": [], "answers": [], "as_of": "2026-06-29T00:00:00"}
    for k in range(count):
        one = rows[k % len(rows)]
        name = f"lead-{k}"
        body["leads"].append({**one["lead"], "lead_id": name, "account_id": None})
        body["activities"] += [{**row, "lead_id": name} for row in one["activities"][:10]]
        body["answers"] += [{**row, "lead_id": name} for row in one["answers"][:4]]
    return json.dumps(body).encode()


def long_worklist(run: Any, leads: int) -> dict[str, float]:
    """Pages of 50 of a list of many leads, in process: what a request does after it was read."""
    from serving.state.lead_data import LeadData
    from serving.state.worklist.ranked_worklist import Worklist
    from serving.state.worklist.worklist_query import WorklistQuery

    frame = worklist_of(run)
    times = -(-leads // len(frame))
    ids = pd.Series([f"L{k:09d}" for k in range(leads)], dtype="str")
    big = pd.concat([frame] * times, ignore_index=True).iloc[:leads].assign(lead_id=ids)
    table = pd.DataFrame({"lead_id": ids, "owner": big["owner"].astype("str")})
    table["account_id"] = pd.Series(pd.NA, index=table.index, dtype="str")
    source = run.context.source.model_copy(update={"kind": "flat"})
    worklist = Worklist(big, LeadData({"leads": table}, source))
    owner = str(big["owner"].iloc[0])
    queries = [
        WorklistQuery(
            page=1 + k % 40, size=50, owner=owner if k % 3 == 1 else None, state="mql" if k % 3 == 2 else None
        )
        for k in range(60)
    ]
    taken = []
    for query in queries:
        started = time.perf_counter()
        worklist.page(query)
        taken.append((time.perf_counter() - started) * 1e3)
    return {"p50_ms": round(float(np.percentile(taken, 50)), 2), "p99_ms": round(float(np.percentile(taken, 99)), 2)}


def mixed(run: Any, one: list[tuple[str, str, bytes]], rows: list[dict[str, Any]]) -> list[tuple[str, str, bytes]]:
    """What a day brings: scores, cards, lists, searches, answers, activities, feedback, a small batch now and then."""
    ids = [str(name) for name in worklist_of(run)["lead_id"].iloc[:40]]
    asked = []
    for k, name in enumerate(ids):
        asked += [one[k % len(one)], ("GET", f"/v1/leads/{name}", b""), ("GET", f"/v1/worklist?page={1 + k % 4}", b"")]
        asked.append(("GET", f"/v1/worklist?search={name[-3:]}&state=mql", b""))
        if k % 4 == 0:
            asked.append(("GET", f"/v1/leads/{name}/history", b""))
            asked.append(("GET", f"/v1/leads/{name}/change", b"") if k % 8 else ("GET", "/v1/thresholds", b""))
            asked.append(("POST", f"/v1/leads/{name}/feedback", b'{"verdict": "accept", "reason": "good_fit"}'))
            asked.append(("POST", f"/v1/leads/{name}/activities", b'{"kind": "page_view", "asset": "pricing"}'))
            answer = json.dumps({"question": "budget", "value": ("<10k", "10-50k")[k % 2]}).encode()
            asked.append(("POST", f"/v1/leads/{name}/answers", answer))
        if k % 10 == 0:
            asked += [("POST", "/v1/score/batch", many(rows, 50)), ("GET", "/metrics", b"")]
    return asked


def measure(run: Any, *, seconds: float, leads: int, listed: int, mixed_seconds: float | None = None) -> dict[str, Any]:
    """All figures, each with the number it was measured on; our bytecode is there, as an installer leaves it."""
    for package in ("features", "models", "pipelines", "serving"):
        compileall.compile_dir(ROOT / package, quiet=1)
    with TemporaryDirectory() as folder:
        server = Served(run, Path(folder))
        started = time.perf_counter()
        server.start()
        found: dict[str, Any] = {"start_to_ready_s": round(time.perf_counter() - started, 2)}
        try:
            rows = bodies(run, 40)
            one = [("POST", "/v1/score", json.dumps(body).encode()) for body in rows]
            ask(server.port, one, 2.0, None, 1)
            found["one_at_50_per_second"] = ask(server.port, one, seconds, 50.0, 4).record()
            found["one_flat_out"] = ask(server.port, one, seconds, None, 2).record()
            batch = [("POST", "/v1/score/batch", many(rows, leads))]
            ask(server.port, batch, 1.0, None, 1)
            found["batch"] = ask(server.port, batch, seconds, None, 1).record()
            found["batch"]["leads_per_second"] = round(found["batch"]["per_second"] * leads, 0)
            day, length = mixed(run, one, rows), mixed_seconds or 2 * seconds
            ask(server.port, day, length / 6, None, 3)
            before = memory_mb(server.process.pid) if server.process else 0.0
            found["mixed"] = ask(server.port, day, length, None, 3).record() | {"seconds": length}
            after = memory_mb(server.process.pid) if server.process else 0.0
            found["memory_mb"] = round(after, 1)
            found["memory_growth"] = round(after / before - 1, 3)
        finally:
            server.stop()
    found["worklist_page"] = {"listed": listed, **long_worklist(run, listed)}
    return found


def main() -> None:
    """Measure a run that exists and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--leads", type=int, default=500)
    parser.add_argument("--listed", type=int, default=1_000_000)
    parser.add_argument("--mixed-seconds", type=float, default=180.0)
    given = parser.parse_args()
    run = SimpleNamespace(
        source=given.source, data_dir=given.data_dir.resolve(), context=open_context(given.source, given.data_dir)
    )
    figures = measure(
        run, seconds=given.seconds, leads=given.leads, listed=given.listed, mixed_seconds=given.mixed_seconds
    )
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
