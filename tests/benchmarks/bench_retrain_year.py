"""A year of monthly retrains by the command, with what goes wrong in such a year: the decisions, as one table.

Month 3 is killed while it trains and done again, month 5 brings a feed that stopped, month 7 another layout of a table,
month 8 a column that follows the outcome, month 10 a champion that is worse than what is trained beside it.
Run ``python -m tests.benchmarks.bench_retrain_year``.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd
import yaml

from models.bundle import load_bundle, save_bundle
from pipelines.registry.champion import keep_bundle, point_to, read_champion
from pipelines.synth.write import generate_demo
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.paths import Paths
from tests.reference.challengers import TEST, spoiled

NAME, LEADS, MONTHS = "year", 1500, 24
FIRST = pd.Timestamp("2025-08-01")
CLOCKS = {
    "leads": "Created Date",
    "activities": "Logged",
    "answers": "Recorded",
    "stages": "Entered",
    "outcomes": "Booked",
}
SETTINGS = {"trials": 2, "tune_rows": 1500, "fold_rows": 1500, "tune_folds": 2, "boosters": 2, "draws": 100}
SETTINGS |= {"max_rounds": 40, "scorecard_features": 8}
Tables = dict[str, pd.DataFrame]


def exported(tables: Mapping[str, pd.DataFrame], until: pd.Timestamp) -> Tables:
    """The tables as an export of a day would have had them."""
    found = {"accounts": tables["accounts"]}
    for name, clock in CLOCKS.items():
        known = pd.to_datetime(tables[name][clock], utc=True, errors="coerce", format="ISO8601").dt.tz_localize(None)
        found[name] = tables[name][(known < until).to_numpy()]
    return found


def stopped(tables: Tables, until: pd.Timestamp) -> Tables:
    """Activities without the last six weeks."""
    kept = pd.to_datetime(tables["activities"]["Logged"], utc=True, format="ISO8601").dt.tz_localize(None)
    return {**tables, "activities": tables["activities"][(kept < until - pd.Timedelta(days=42)).to_numpy()]}


def leaking(tables: Tables, until: pd.Timestamp) -> Tables:
    """A column of leads that follows the win; the list itself does not change in any other way."""
    won = set(tables["outcomes"].loc[tables["outcomes"]["Won"] == "yes", "Lead ID"])
    source = tables["leads"]["Lead Source"].where(~tables["leads"]["Lead ID"].isin(won), "customer")
    return {**tables, "leads": tables["leads"].assign(**{"Lead Source": source})}


def reordered(tables: Tables, until: pd.Timestamp) -> Tables:
    """Columns in another order, and one that nobody declared."""
    leads = tables["leads"][sorted(tables["leads"])].assign(**{"Marketing Consent": "yes"})
    return {**tables, "leads": leads}


TROUBLE: Mapping[int, Callable[[Tables, pd.Timestamp], Tables]] = {5: stopped, 7: reordered, 8: leaking}


def write_export(folder: Path, tables: Tables) -> None:
    """The files of one month."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


def write_source(folder: Path) -> Path:
    """The demo's declaration on files of its own, without a declared end of the data."""
    document = yaml.safe_load(find_source("demo").read_text(encoding="utf-8"))
    document |= {"name": NAME}
    for key in ("generator", "data_cutoff"):
        document.pop(key)
    for name, table in document["tables"].items():
        table["location"] = {"file": f"export/{name}.csv"}
    path = folder / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "params.yaml").write_text(
        json.dumps({"leadscore": {**SETTINGS, "alpha": 0.2}, "gate": {"draws": 200}, "monitor": {"draws": 200}})
    )
    return path


def command(folder: Path, *more: str) -> list[str]:
    """The retrain of a month."""
    shared = ["--source", str(folder / f"{NAME}.yaml"), "--data-dir", str(folder / "data")]
    return [sys.executable, "-m", "pipelines.cli", "retrain", *shared, "--params", str(folder / "params.yaml"), *more]


def kill_one(folder: Path) -> None:
    """Begin a retrain and kill it once the matrix stands."""
    matrix = folder / "data" / NAME / "matrix" / "verdict.json"
    before = matrix.stat().st_mtime_ns if matrix.exists() else 0
    begun = subprocess.Popen(command(folder, "--no-track"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while begun.poll() is None and (not matrix.exists() or matrix.stat().st_mtime_ns == before):
        time.sleep(0.2)
    time.sleep(1.0)
    begun.send_signal(signal.SIGKILL)
    begun.wait()


def worsen_champion(folder: Path) -> None:
    """Put a bundle in the champion's place that promises too much."""
    paths = Paths(folder / "data", NAME)
    champion = read_champion(paths)
    if champion is None:
        return
    with tempfile.TemporaryDirectory() as made:
        save_bundle(spoiled(load_bundle(champion.folder, champion.hash)), Path(made) / "bundle")
        point_to(paths, keep_bundle(paths, Path(made) / "bundle"), TEST)


def live_a_year(folder: Path, months: int = 12) -> Iterator[dict[str, object]]:
    """A row per month: what happened, the exit status, the decision and its reason."""
    tables = generate_demo(seed=7, leads=LEADS, months=MONTHS).tables
    write_source(folder)
    for month in range(1, months + 1):
        until = FIRST + pd.DateOffset(months=month - 1)
        found = exported(tables, until)
        write_export(folder / "export", TROUBLE.get(month, lambda same, _: same)(found, until))
        if month == 3:
            kill_one(folder)
        if month == 10:
            worsen_champion(folder)
        done = subprocess.run(
            command(folder, "--promote-if-better", "--no-track", "--json"), capture_output=True, text=True, check=False
        )
        record = json.loads(done.stdout) if done.stdout.startswith("{") else {"decision": "", "sentence": done.stderr}
        yield {"month": month, "until": f"{until:%Y-%m-%d}", **record, "status": done.returncode}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for row in live_a_year(Path(folder)):
            line = f"{row['month']:>2}  {row['until']}  {row['status']:>3}  {row['decision']:<30} {row['sentence']}"
            sys.stdout.write(line[:240].replace("\n", " ") + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
