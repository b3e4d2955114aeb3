"""Weekly exports of what a CRM says today give the matrix of its true history, as far as a week's grain allows."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import matrix_of
from features.catalog.build_catalog import build_catalog
from features.matrix import Matrix
from features.schema.load_source import load_source
from features.schema.source import Source
from models.judging.leakage.audit import audit
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.weekly_exports import WeeklyWorld, crm_declaration, true_declaration

Cli = Callable[..., tuple[int, str, str]]
WEEKS = 26


@dataclass(frozen=True)
class Worlds:
    """The same leads three times: by their true history, by weekly exports, by the last export alone."""

    folder: Path
    truth: Matrix
    weekly: Matrix
    single: Matrix
    first: pd.Timestamp
    sources: dict[str, Source]

    def tables(self, name: str) -> dict[str, pd.DataFrame]:
        """The canonical tables of one of the three."""
        return dict(load_tables(Paths(self.folder / name, self.sources[name].name)))


@pytest.fixture(name="worlds", scope="module")
def _worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    from pipelines.snapshots.add_export import add_export, read_exports
    from pipelines.snapshots.declared_exports import choose_export

    folder = tmp_path_factory.mktemp("worlds")
    kept = os.environ.pop("LEADSCORE_DATA", None)
    try:
        world = WeeklyWorld()
        world.write_truth(folder)
        mondays = pd.date_range(end=world.cutoff, periods=WEEKS, freq="7D")
        (folder / "exports").mkdir()
        files = world.write_exports(folder / "exports", mondays)
        world.export(world.cutoff).to_csv(folder / "crm.csv", index=False)

        texts = {"truth": true_declaration(world.cutoff), "weekly": crm_declaration(world.cutoff)}
        texts["single"] = crm_declaration(world.cutoff, snapshots=False)
        sources = {}
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
            sources[name] = load_source(folder / f"{name}.yaml")

        export, paths = choose_export(sources["weekly"], None), Paths(folder / "weekly", "crm")
        for read in read_exports(files, export, sources["weekly"], paths):
            add_export(read, export, sources["weekly"], paths)
        made = {name: _matrix(source, Paths(folder / name, source.name), world) for name, source in sources.items()}
    finally:
        if kept is not None:
            os.environ["LEADSCORE_DATA"] = kept
    return Worlds(folder=folder, **made, first=mondays[0], sources=sources)


def _matrix(source: Source, paths: Paths, world: WeeklyWorld) -> Matrix:
    record = ingest(source, paths)
    assert all(rows.quarantined == 0 for rows in record.rows.values()), record.text
    return matrix_of(load_tables(paths), source, build_catalog(source), world.cutoff)


def test_leads_looks_and_outcomes_are_those_of_the_true_history(worlds: Worlds) -> None:
    """Looks on Mondays, a horizon and a lag of whole weeks: an outcome counts by the same Monday, so rows are equal."""
    keys = ["lead_id", "as_of", "episode", "age_days"]
    pd.testing.assert_frame_equal(worlds.weekly.keys[keys], worlds.truth.keys[keys])
    assert np.array_equal(worlds.weekly.label, worlds.truth.label, equal_nan=True)
    assert np.array_equal(worlds.weekly.amount, worlds.truth.amount, equal_nan=True)
    assert np.array_equal(worlds.weekly.matured, worlds.truth.matured)
    assert worlds.truth.label[worlds.truth.matured].sum() > 100


def test_features_are_those_of_the_true_history_but_for_ages_within_a_week(worlds: Worlds) -> None:
    """From the first snapshot on every value is equal; before it overwritten columns are missing, all else is equal.

    The one difference is the age of an answer: it counts from the snapshot that first showed it, which is less than
    seven days after it was recorded. Of answers older than the first snapshot, and of one given again unchanged, an
    export does not show the day.
    """
    after = (worlds.weekly.keys["as_of"] >= worlds.first).to_numpy()
    assert after.sum() > 2000 and (~after).sum() > 2000
    overwritten = {name for name in worlds.truth.values if name.startswith(("answer_", "evidence_", "questions_"))}
    overwritten -= {"evidence_page_view", "evidence_demo_request"}
    for name in worlds.truth.values:
        true, weekly = worlds.truth.values[name], worlds.weekly.values[name]
        if name not in overwritten:
            pd.testing.assert_series_equal(weekly, true)
        elif name.endswith("_age"):
            assert (weekly.isna() == true.isna())[after].all()
            lag = ((true - weekly)[after] - _days_to_record(worlds, name)[after]).dropna()
            assert len(lag) > 50 and lag.between(0, 7).all(), name
        else:
            pd.testing.assert_series_equal(weekly[after], true[after])
            empty = weekly[~after]
            assert (empty.isna() | empty.eq(0)).all(), name
    assert set(worlds.weekly.values) - set(worlds.truth.values) == {"contract_number"}


def _days_to_record(worlds: Worlds, name: str) -> pd.Series:
    """Per row how long the lead's only answer took to be recorded; missing where it is older than the snapshots."""
    question = name.removeprefix("answer_").removeprefix("evidence_").removesuffix("_age")
    answers = pd.read_parquet(worlds.folder / "truth" / "truth" / "ingest" / "answers.parquet")
    own = answers[answers["question"] == question].drop_duplicates("lead_id", keep=False)
    own = own[own["known_at"] > worlds.first].set_index("lead_id")
    return worlds.weekly.keys["lead_id"].map((own["known_at"] - own["happened_at"]) / pd.Timedelta(days=1))


def test_a_column_filled_after_the_win_is_harmless_in_snapshots_and_a_leak_in_one_export(worlds: Worlds) -> None:
    assert worlds.weekly.values["contract_number"].isna().all()  # by the time it is known, nobody looks any more
    found = audit(worlds.weekly, worlds.sources["weekly"], worlds.tables("weekly"))
    assert [f for f in found if f.severity in ("leak", "suspect")] == []

    assert worlds.single.values["contract_number"].notna().any()
    found = audit(worlds.single, worlds.sources["single"], worlds.tables("single"))
    leaks = [f.column for f in found if f.severity == "leak"]
    assert "contract_number" in leaks


def test_a_folder_of_exports_is_taken_in_order_of_date_and_only_once(worlds: Worlds, cli: Cli, tmp_path: Path) -> None:
    call = ("--source", str(worlds.folder / "weekly.yaml"), "--data-dir", str(tmp_path / "data"), "--json")
    files = sorted((worlds.folder / "exports").glob("*.csv"))
    status, out, err = cli("snapshot", "add", *map(str, reversed(files)), *call)
    assert (status, err) == (0, "")
    taken = json.loads(out)
    assert [one["file"] for one in taken] == [file.name for file in files]
    assert taken[0]["changed"] == 0 and all(one["changed"] > 0 for one in taken[1:])
    store = tmp_path / "data" / "crm" / "snapshots"
    before = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}

    again = tmp_path / "again"
    again.mkdir()
    for file in files[::9]:
        (again / file.name).write_bytes(file.read_bytes())
    status, out, _ = cli("snapshot", "add", str(again), *call)
    assert status == 0 and [one["repeated"] for one in json.loads(out)] == [True] * 3
    assert {file: file.read_bytes() for file in store.rglob("*") if file.is_file()} == before
    size = sum(len(content) for content in before.values())
    assert size < sum(file.stat().st_size for file in files) / 2  # changes only

    status, out, _ = cli("snapshot", "status", *call)
    state = json.loads(out)[0]
    assert (state["snapshots"], state["weeks"], state["longest_gap_days"]) == (WEEKS, WEEKS - 1, 7)
    assert state["weeks_needed"] == 19 and state["weeks_missing"] == 0  # (28 + 7) * (1 + 2 / .75) days
    columns = {one["column"]: one for one in state["columns"]}
    assert columns["pain"]["since"] == taken[0]["taken_at"] and columns["pain"]["changes"] > 50
    assert columns["lead_source"]["since"] == "from its creation on"
