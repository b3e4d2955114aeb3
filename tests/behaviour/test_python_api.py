"""``import leadscore``: what the functions give is what the command line wrote, and what shap can plot."""

import gzip
import io
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap

import leadscore
from features.errors import ContractError
from features.schema.load_source import load_source
from features.schema.vocabulary import Topic
from models.bundle import load_bundle
from models.explaining.handoff_score import with_handoff_score
from pipelines.workspace.adopted_thresholds import adopt_threshold
from pipelines.workspace.atomic_files import read_parquet, stage_dir
from pipelines.workspace.lock import BusyError, only_writer
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.table_files import load_tables


@pytest.fixture(scope="module")
def demo(tiny_demo: Any) -> leadscore.SourceData:
    return leadscore.read_source(tiny_demo.source, tiny_demo.data_dir)


@pytest.fixture(scope="module")
def champion(tiny_demo: Any) -> Any:
    return leadscore.load_bundle("champion", tiny_demo.source, tiny_demo.data_dir)


def test_everything_it_offers_is_documented() -> None:
    for name in leadscore.__all__:
        assert (getattr(leadscore, name).__doc__ or "").strip(), name
    assert list(leadscore.__all__) == sorted(leadscore.__all__)


@pytest.mark.parametrize(
    "writes",
    [
        lambda data: leadscore.read_source(data.context.source_path, data.context.paths.data_dir, refresh=True),
        leadscore.train,
        leadscore.run,
        leadscore.compare,
        leadscore.worklist,
        leadscore.retrain,
    ],
    ids=["read_source", "train", "run", "compare", "worklist", "retrain"],
)
def test_whatever_writes_waits_for_nobody_and_changes_nothing(
    demo: leadscore.SourceData, writes: Callable[[leadscore.SourceData], Any]
) -> None:
    files = {file: file.stat().st_mtime_ns for file in demo.context.paths.root.rglob("*") if file.name != ".lock"}
    with only_writer(demo.context.paths), pytest.raises(BusyError, match="Wait for it"):
        writes(demo)
    now = {file: file.stat().st_mtime_ns for file in demo.context.paths.root.rglob("*") if file.name != ".lock"}
    assert now == files


def test_labels_and_features_are_those_of_the_matrix_stage(demo: leadscore.SourceData, champion: Any) -> None:
    matrix = load_matrix(demo.context.paths.matrix)
    labelled = leadscore.labels(demo.tables, demo.source)
    pd.testing.assert_frame_equal(labelled[list(matrix.keys.columns)], matrix.keys)
    np.testing.assert_array_equal(labelled["label"], matrix.label)

    some = labelled.sample(200, random_state=1)
    values = leadscore.features_at(demo.tables, demo.source, some["lead_id"], some["as_of"], bundle=champion)
    expected = matrix.values.iloc[some.index].set_axis(values.index)
    pd.testing.assert_frame_equal(values, expected, check_dtype=False)


def test_the_split_is_that_of_the_matrix_stage(demo: leadscore.SourceData) -> None:
    made = leadscore.split(leadscore.labels(demo.tables, demo.source), demo.source, seed=demo.context.settings.seed)
    assert made.record() == load_chop(demo.context.paths.matrix).record()


def test_scores_are_those_of_the_score_stage(demo: leadscore.SourceData, champion: Any) -> None:
    written = read_parquet(demo.context.paths.score / "worklist.parquet").head(50)
    scored = leadscore.score(champion, demo.tables, demo.source, written["lead_id"], written["as_of"].iloc[0])
    for name in ("score", "probability", "grade", "reason_1"):
        assert scored[name].tolist() == written[name].tolist(), name
    points = scored.filter(like="points_").sum(axis=1)
    assert (50 + points == scored["score"]).all()


def test_states_follow_the_policy_of_the_source_or_the_one_given(demo: leadscore.SourceData, champion: Any) -> None:
    written = read_parquet(demo.context.paths.score / "worklist.parquet")
    given = (champion, demo.tables, demo.source, written["lead_id"], written["as_of"].iloc[0])
    assert leadscore.score(*given)["state"].tolist() == written["state"].tolist()
    assert demo.policy is not None
    lower = leadscore.score(*given, policy=with_handoff_score(demo.policy, 30))
    assert set(lower.loc[lower["score"].between(30, 44), "state"]) <= {"sql", "pql", "mql"}
    assert lower["score"].between(30, 44).any()


def test_contributions_add_up_and_shap_plots_them(
    demo: leadscore.SourceData, champion: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = demo.tables["leads"]["lead_id"].tail(40)
    when = demo.tables["leads"]["created_at"].max() + pd.Timedelta(days=1)
    values = leadscore.features_at(demo.tables, demo.source, ids, when, bundle=champion)
    parts = leadscore.contributions(champion, values)
    np.testing.assert_allclose(parts.sum(axis=1), champion.log_odds(values.reset_index(drop=True)), atol=1e-9)

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    explained = leadscore.explain(champion, values)
    for plot in (shap.plots.bar, shap.plots.beeswarm):
        plot(explained, show=False)
        assert plt.gcf().axes[0].get_yticklabels()
        plt.close("all")
    shap.plots.waterfall(explained[0], show=False)
    plt.close("all")
    shap.plots.violin(explained.values, feature_names=explained.feature_names, show=False)
    plt.close("all")
    with pytest.raises(ContractError, match="features of the bundle are not in the frame"):
        leadscore.contributions(champion, values.iloc[:, 1:])


def test_the_audit_names_a_column_that_holds_the_outcome(demo: leadscore.SourceData) -> None:
    labelled = leadscore.labels(demo.tables, demo.source)
    first = labelled[labelled["matured"]].groupby("lead_id", sort=False).head(1)
    won = first["label"].to_numpy()
    noise = np.random.default_rng(0).normal(size=len(won))
    frame = pd.DataFrame({"revenue": won * 1000 + noise, "honest": noise})
    found = leadscore.audit(frame, won, order=first["as_of"])
    assert {"revenue"} == set(found.loc[found["severity"] == "leak", "column"])


def test_moments_are_asked_for_where_there_are_clocks(demo: leadscore.SourceData) -> None:
    ids = demo.tables["leads"]["lead_id"].head(2)
    with pytest.raises(ContractError, match="say as_of"):
        leadscore.features_at(demo.tables, demo.source, ids)
    with pytest.raises(ContractError, match="1 leads are not in source"):
        leadscore.features_at(demo.tables, demo.source, [*ids, "nobody"], "2025-01-01")
    for number in (20_240_601, [20_240_601, 20_240_602], np.array([1.7e9, 1.8e9])):
        with pytest.raises(ContractError, match="as_of holds numbers"):  # to pandas all of them are 1970
            leadscore.features_at(demo.tables, demo.source, ids, number)


def test_what_people_adopt_counts_for_tables_that_were_read_before(tiny_copy: Any) -> None:
    data = leadscore.read_source(tiny_copy.source, tiny_copy.data_dir)
    before, history = data.policy, data.context.thresholds
    assert history is not None
    adopt_threshold(tiny_copy.context.paths, history, 31, author="ann", reason="as agreed with sales")
    assert data.policy != before and data.policy == leadscore.read_source(tiny_copy.source, tiny_copy.data_dir).policy


def test_gate_and_monitor_are_set_by_the_file_in_the_working_directory(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = leadscore.read_source(tiny_copy.source, tiny_copy.data_dir)
    (tmp_path / "params.yaml").write_text("gate: {minimum_won: 77}\nmonitor: {draws: 200, data_days: 1}\n")
    monkeypatch.chdir(tmp_path)
    told = leadscore.monitor(data)
    assert told["retrain"]["needed"] == 77 and "data age" in {one["check"] for one in told["findings"]}


def test_tables_of_older_files_are_said_to_be_so(tmp_path: Path) -> None:
    rows = [f"L{k},{'Retail' if k % 2 else 'Bank'},{'Won' if k % 3 else 'Lost'}" for k in range(60)]
    file, declaration = tmp_path / "deals.csv", tmp_path / "deals.yaml"

    def export(count: int) -> None:
        file.write_text("\n".join(["Lead ID,Industry,Status", *rows[:count], ""]))

    def read(**given: Any) -> leadscore.SourceData:
        return leadscore.read_source(declaration, tmp_path / "data", **given)

    export(50)
    leadscore.init(file, out=declaration)
    assert repr(read()) == "SourceData('deals': leads 50)"
    assert len(read().tables["leads"]) == 50, "no warning where nothing was changed"
    export(60)
    with pytest.warns(leadscore.StaleTablesWarning, match=r"deals\.csv was changed since"):
        assert len(read().tables["leads"]) == 50
    assert len(read(refresh=True).tables["leads"]) == 60
    file.touch()
    read()

    declaration.write_text(declaration.read_text().replace("industry: {from", "sector: {from"))
    with pytest.warns(leadscore.StaleTablesWarning, match=r"deals\.yaml was changed since"):
        read()
    assert "sector" in read(refresh=True).tables["leads"]
    with pytest.raises(TypeError, match="item assignment"):
        read().tables["leads"] = pd.DataFrame()


def test_a_framework_of_ones_own_lies_beside_the_declaration(
    demo: leadscore.SourceData, champion: Any, tmp_path: Path
) -> None:
    topics = [str(topic) for topic in Topic if topic is not Topic.CONTEXT]
    (tmp_path / "ours.yaml").write_text(
        f"name: ours\ntitle: Ours\ntradeoff: One question only.\ncriteria: {{all: {{label: All, topics: {topics}}}}}\n"
    )
    rows = "".join(f"L{k},Retail,{'Won' if k % 3 else 'Lost'}\n" for k in range(50))
    (tmp_path / "deals.csv").write_text(f"Lead ID,Industry,Status\n{rows}")
    declaration = tmp_path / "deals.yaml"
    leadscore.init(tmp_path / "deals.csv", out=declaration)
    declaration.write_text(declaration.read_text().replace("framework: bant", "framework: ours.yaml"))
    data = leadscore.read_source(declaration, tmp_path / "data")
    assert data.context.framework.ids == ("all",)

    beside = tmp_path / demo.context.source_path.name
    beside.write_text(demo.context.source_path.read_text().replace("framework: bant", "framework: ours.yaml"))
    ids, when = demo.tables["leads"]["lead_id"].tail(3), demo.tables["leads"]["created_at"].max() + pd.Timedelta(days=1)
    scored = leadscore.score(champion, demo.tables, load_source(beside), ids, when)
    assert "points_all" in scored and (50 + scored.filter(like="points_").sum(axis=1) == scored["score"]).all()


@pytest.mark.parametrize("form", ["gz", "zip", "folder", "parquet"])
def test_packed_files_and_folders_that_were_changed_are_said_to_be_so(tmp_path: Path, form: str) -> None:
    rows = [f"L{k},{'Retail' if k % 2 else 'Bank'},{'Won' if k % 3 else 'Lost'}" for k in range(60)]
    (tmp_path / "other").mkdir()

    def write(folder: Path, first: int) -> Path:
        text = "\n".join(["Lead ID,Industry,Status", *rows[first : first + 50], ""])
        if form == "gz":
            target = folder / "deals.csv.gz"
            target.write_bytes(gzip.compress(text.encode()))
        elif form == "zip":
            target = folder / "deals.zip"
            with zipfile.ZipFile(target, "w") as archive:
                archive.writestr("deals.csv", text)
        else:
            target = folder / "deals"
            target.mkdir(exist_ok=True)
            frame = pd.read_csv(io.StringIO(text))
            for half, part in enumerate((frame.head(25), frame.tail(25))):
                if form == "folder":
                    part.to_csv(target / f"{half}.csv", index=False)
                else:
                    part.to_parquet(target / f"{half}.parquet")
        return target

    new, old = write(tmp_path / "other", 10), write(tmp_path, 0)
    for file in (tmp_path / "other").rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # an older file takes its place
    declaration = tmp_path / "deals.yaml"
    text = leadscore.init(*([old] if form in ("gz", "zip") else [next(old.iterdir())]))
    named = old.name if form in ("gz", "zip") else next(old.iterdir()).name
    declaration.write_text(re.sub(r"(?m)^name: .*$", "name: deals", text).replace(named, old.name))

    def read() -> leadscore.SourceData:
        return leadscore.read_source(declaration, tmp_path / "data")

    assert len(read().tables["leads"]) == 50
    for file in [old] if old.is_file() else list(old.iterdir()):
        file.touch()
    read()
    if old.is_dir():
        shutil.copytree(old, tmp_path / "kept")
        shutil.rmtree(old)
    new.rename(old)
    with pytest.warns(leadscore.StaleTablesWarning, match=f"{old.name} was changed since"):
        read()
    if old.is_dir():
        shutil.rmtree(old)
        (tmp_path / "kept").rename(old)
        read()
        next(old.iterdir()).unlink()
        with pytest.warns(leadscore.StaleTablesWarning, match="deals was changed since"):
            read()


def test_tables_are_those_of_one_ingest(tiny_copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, read = tiny_copy.context.paths, []

    def slowly(asked: Any) -> Any:
        read.append(asked)
        tables = load_tables(asked)
        if len(read) == 1 or writes_on:
            with stage_dir(paths.ingest) as folder:  # another process, between two of the tables
                shutil.copytree(tiny_copy.folder / "ingest", folder, dirs_exist_ok=True)
        return tables

    shutil.copytree(paths.ingest, tiny_copy.folder / "ingest")
    monkeypatch.setattr("pipelines.python_api.stale_tables.load_tables", slowly)
    writes_on = False
    leadscore.read_source(tiny_copy.source, tiny_copy.data_dir)
    assert len(read) == 2
    writes_on = True
    with pytest.raises(BusyError, match="again and again"):
        leadscore.read_source(tiny_copy.source, tiny_copy.data_dir)


@pytest.mark.real_data
def test_a_flat_source_from_file_to_promise(leadscore_data: Path, tmp_path: Path) -> None:
    shutil.copy(leadscore_data / "b2b_sales.csv", tmp_path)
    data = leadscore.read_source("b2b", tmp_path / "data", settings=leadscore.TrainSettings.tiny())
    trained = leadscore.train(data)
    assert trained.bundle is not None and trained.record["hash"] == trained.bundle.hash
    stored = load_bundle(data.context.paths.train / "bundle")
    values = leadscore.features_at(data.tables, data.source, ["3", "1"], bundle=stored)
    assert values.index.tolist() == ["3", "1"]
    compared = leadscore.compare(data)
    names = " ".join(policy["policy"] for policy in compared["policies"])
    assert "model" in names and "rubric" in names
    draft = leadscore.rubric("b2b", data.source)
    assert leadscore.replay(data, draft)["policies"]
    assert leadscore.monitor(data)["verdict"]
    with pytest.raises(ContractError, match="rows have no clock"):
        leadscore.features_at(data.tables, data.source, ["1"], "2026-01-01")

    labelled = leadscore.labels(data.tables, data.source)
    given = (data.tables, data.source, labelled["lead_id"], labelled["as_of"])  # as with clocks: none is known
    assert len(leadscore.score(stored, *given)) == len(leadscore.features_at(*given, bundle=stored)) == len(labelled)
    leadscore.audit(leadscore.features_at(*given), labelled["label"], order=labelled["as_of"])
    with pytest.raises(ContractError, match="order is missing in 1 of 448 rows"):
        leadscore.audit(leadscore.features_at(*given), labelled["label"], order=[None, *range(447)])
    shown = [repr(one) for one in (data, trained, trained.bundle, leadscore.split(labelled, data.source))]
    assert all(len(line) < 400 for line in shown), "a notebook shows the last value of a cell"


def test_the_page_speaks_of_what_there_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    compile(code, "python.md", "exec")
    used = set(re.findall(r"leadscore\.(\w+)", code))
    assert used <= set(leadscore.__all__)
    functions = {name for name in leadscore.__all__ if name.islower()} - {"run"}
    assert functions <= used, "a function that the page does not show"
    model = leadscore.LeadScoreClassifier
    for method in set(re.findall(r"model\.(\w+)\(", code)):
        assert hasattr(model, method), method
