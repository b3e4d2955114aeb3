"""A scripted year: twelve monthly retrains on PostgreSQL and an MLflow server, and what goes wrong in it.

Run ``python -m tests.benchmarks.bench_retrain_year [FOLDER] [--leads N]``: it starts both servers, prints one line a
command and writes the table and all records to the folder (default: ``.cache/prove/year``). All data are synthetic.
What one run ended with stands in docs/retraining.md.
With 3,000 leads the first two months train no model (no signal), and the rubric's points score; with 6,000 they do.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from models.bundle import load_bundle
from pipelines.registry.champion import keep_bundle, read_champion
from pipelines.workspace.paths import Paths
from tests.reference.challengers import spoiled
from tests.reference.crm_database import SCHEMA, VARIABLE, CrmDatabase, leads_won, make_frames, write_declaration
from tests.reference.mlflow_server import new_database, run_mlflow
from tests.reference.postgres import run_postgres
from tests.reference.tiny_run import SETTINGS

SEED, LEADS, MONTHS, HISTORY = 7, 6000, 28, 69  # sixteen months of history [weeks], then the year
WEEKS_BACK = 156  # so that the year lies in the past, whenever this runs
FIRST = pd.Timestamp("2024-07-01", tz="UTC") + pd.Timedelta(weeks=HISTORY - WEEKS_BACK)
NAME = "year"
ROOT = Path(__file__).resolve().parents[2]
_WEEKS_SILENT = 3


@dataclass(frozen=True, kw_only=True)
class Line:
    """One command of the year: what had happened, how it ended, who scores afterwards."""

    month: int
    at: str
    happened: str
    monitor: int | None
    status: int
    decision: str
    champion: str
    said: str


@dataclass
class Year:
    """The year as it goes: the database, the folder, the lines so far and every record of a retrain."""

    folder: Path
    database: CrmDatabase
    environment: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    month: int = 0

    @property
    def source(self) -> Path:
        return self.folder / f"{NAME}.yaml"

    @property
    def paths(self) -> Paths:
        return Paths(self.folder / "data", NAME)

    @property
    def champion(self) -> str:
        found = read_champion(self.paths)
        return "" if found is None else found.hash

    def begin(self, month: int, stopped: dict[str, pd.Timestamp] | None = None) -> None:
        """The database as it stands when a month is over."""
        self.month = month
        self.database.advance(moment_of(month), stopped)

    def command(self, *words: str, data_dir: Path | None = None) -> "subprocess.Popen[str]":
        """A command, begun in a process of its own."""
        place = self.folder / "data" if data_dir is None else data_dir
        where = ("--source", str(self.source), "--data-dir", str(place))
        params = ("--params", str(self.folder / "params.yaml")) if words[0] in ("retrain", "monitor") else ()
        command = [sys.executable, "-m", "pipelines.cli", *words, *where, *params]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def retrain(self, happened: str, *words: str) -> dict[str, Any]:
        """One retrain and one look of the monitor, written down; returns the retrain's record, or its error."""
        process = self.command("retrain", "--promote-if-better", "--json", *words)
        out, err = process.communicate()
        record: dict[str, Any] = json.loads(out) if out.strip() else {"error": err.strip(), "sentence": err.strip()}
        watched = self.command("monitor", "--json")
        seen = watched.communicate()[0]
        record["monitor"] = json.loads(seen) if seen.strip() else {}
        self.records.append(record | {"month": self.month, "happened": happened})
        self.note(
            happened, process.returncode, str(record.get("decision", "error")), record["sentence"], watched.returncode
        )
        return record

    def note(self, happened: str, status: int, decision: str, said: str, monitor: int | None = None) -> None:
        """One more line of the table."""
        line = Line(
            month=self.month,
            at=f"{moment_of(self.month):%Y-%m-%d}",
            happened=happened,
            monitor=monitor,
            status=status,
            decision=decision,
            champion=self.champion[:12],
            said=" ".join(said.split())[:160],
        )
        self.lines.append(line)
        sys.stdout.write(row_of(line) + "\n")
        sys.stdout.flush()
        write_table(self)


def moment_of(month: int) -> pd.Timestamp:
    """When a month of the year is over."""
    return FIRST + pd.Timedelta(weeks=round(month * 52 / 12))


def kill_in_the_middle(year: Year) -> dict[str, Any]:
    """Kill -9 a retrain while it trains; returns what an undisturbed one in a copy of the folder trains."""
    copy = year.folder / "undisturbed"
    shutil.copytree(year.folder / "data", copy)
    out, err = year.command("retrain", "--no-track", "--json", data_dir=copy).communicate()
    assert out, err
    shutil.rmtree(copy)

    marker = year.paths.backtest
    before = marker.stat().st_mtime_ns
    process = year.command("retrain", "--promote-if-better", "--json")
    until = time.monotonic() + 600
    while time.monotonic() < until and process.poll() is None:
        if marker.exists() and marker.stat().st_mtime_ns != before:  # the folds are judged: now it trains
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    year.note("killed (-9) while it trained", process.returncode, "killed", "")
    undisturbed: dict[str, Any] = json.loads(out)
    return undisturbed


def hand_in_a_worse_one(year: Year) -> str:
    """A bundle of somebody's own: the evaluated twin, that promises twice as much and more. Its hash."""
    from models.bundle import save_bundle

    folder = year.folder / "worse"
    save_bundle(spoiled(load_bundle(year.paths.train / "twin")), folder)
    return keep_bundle(year.paths, folder)


def play(year: Year) -> dict[str, Any]:
    """The twelve months; returns what the checks need beside lines and records."""
    found: dict[str, Any] = {}
    for month in (1, 2):
        year.begin(month)
        year.retrain("nothing unusual")

    year.begin(3)
    found["before the kill"] = year.champion
    found["undisturbed"] = kill_in_the_middle(year)
    found["after the kill"] = year.champion
    found["rerun"] = year.retrain("run again after the kill")

    year.begin(4)
    year.retrain("nothing unusual")

    silent = moment_of(5) - pd.Timedelta(weeks=_WEEKS_SILENT)
    year.begin(5, {"activities": silent})
    found["broken"] = year.retrain(f"activities not delivered for {_WEEKS_SILENT} weeks")
    year.database.deliver()
    found["mended"] = year.retrain("the missing rows delivered late")

    year.begin(6)
    year.retrain("nothing unusual")

    year.begin(7)
    year.database.change(
        f'ALTER TABLE {SCHEMA}.leads RENAME COLUMN "Job Title" TO "Title"',
        f"ALTER TABLE {SCHEMA}.leads ADD COLUMN \"Newsletter\" text DEFAULT 'yes'",
    )
    year.database.frames["leads"] = year.database.frames["leads"].rename(columns={"Job Title": "Title"})
    found["schema"] = year.retrain("a column renamed, one added")
    write_declaration(year.source, {"job_title": {"from": "Title"}})
    found["redeclared"] = year.retrain("the declaration corrected")

    year.begin(8)
    won = ", ".join(f"'{lead}'" for lead in leads_won(year.database))
    year.database.change(
        f'CREATE TABLE {SCHEMA}.sources_before AS SELECT "Lead ID", "Lead Source" FROM {SCHEMA}.leads',
        f'UPDATE {SCHEMA}.leads SET "Lead Source" = \'customer\' WHERE "Lead ID" IN ({won})',
    )
    found["leak"] = year.retrain("the source of leads is overwritten by those won")
    found["leak accepted"] = year.retrain("the same, --accept-feeds", "--accept-feeds", "sources were renamed")
    year.database.change(
        f'UPDATE {SCHEMA}.leads l SET "Lead Source" = b."Lead Source" FROM {SCHEMA}.sources_before b '
        'WHERE l."Lead ID" = b."Lead ID"'
    )
    found["restored"] = year.retrain("the column restored")

    year.begin(9)
    year.retrain("nothing unusual")

    year.begin(10)
    found["worse"] = hand_in_a_worse_one(year)
    found["beside the worse"] = year.retrain("a worse challenger is handed in")
    asked = year.command("promote", "--bundle", found["worse"], "--json")
    out, err = asked.communicate()
    refused = json.loads(err.strip().splitlines()[-1]) if err.strip() else {}
    found["promote worse"] = asked.returncode
    said = str(refused.get("error", {}).get("message", "")) or out
    year.note("'promote' asked for the worse one", asked.returncode, "kept back", said)

    for month in (11, 12):
        year.begin(month)
        year.retrain("nothing unusual")
    return found


COLUMNS = ("month", "until", "what happened", "monitor", "exit", "decision", "champion", "in words")


def cells(line: Line) -> Sequence[str]:
    watched = "" if line.monitor is None else str(line.monitor)
    found = (str(line.month), line.at, line.happened, watched, str(line.status), line.decision, line.champion)
    return (*found, line.said.replace("|", "/"))


def row_of(line: Line) -> str:
    return "| " + " | ".join(cells(line)) + " |"


def write_table(year: Year) -> Path:
    """The year as one table, and beside it every record."""
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    path = year.folder / "year.md"
    path.write_text("\n".join([*head, *map(row_of, year.lines)]) + "\n", encoding="utf-8")
    (year.folder / "lines.json").write_text(json.dumps([asdict(line) for line in year.lines], indent=1))
    (year.folder / "records.json").write_text(json.dumps(year.records, indent=1))
    return path


def prepare(folder: Path, postgres: str, tracking: str, leads: int = LEADS) -> Year:
    """An empty year: the database is laid out, nothing was run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = new_database(postgres, "crm_of_the_year")
    database = CrmDatabase(url, make_frames(SEED, leads, MONTHS, WEEKS_BACK))
    database.create()
    environment = os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: url, "MLFLOW_TRACKING_URI": tracking}
    year = Year(folder, database, environment)
    write_declaration(year.source)
    settings = {"leadscore": SETTINGS.model_dump(mode="json")}
    (folder / "params.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return year


def main() -> None:
    """Play the year and print it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", nargs="?", type=Path, default=ROOT / ".cache" / "prove" / "year")
    asked.add_argument(
        "--leads", type=int, default=LEADS, help="of two years and four months, the year itself the last of them"
    )
    told = asked.parse_args()
    folder = told.folder.resolve()
    servers = folder.with_name(folder.name + "-servers")
    started = time.monotonic()
    with run_postgres() as postgres, run_mlflow(servers, new_database(postgres, "mlflow")) as (tracking, _):
        year = prepare(folder, postgres, tracking, told.leads)
        play(year)
    sys.stdout.write(f"{time.monotonic() - started:.0f} seconds\n")


if __name__ == "__main__":
    main()
