"""What a bundle learned of lists and half-lives stays its own: rows that teach otherwise leave it in its place."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import features_at
from features.assembly.half_lives import restore_half_lives
from features.catalog.build_catalog import build_catalog
from features.cohort.objections import OBJECTS
from features.errors import BundleError, DataError
from features.schema.operations import DecayedSum
from models.bundle import load_bundle
from models.explaining.questions import value_questions
from models.settings import GateSettings, TrainSettings
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.diagnostics.throughput import measure_throughput
from pipelines.registry.champion import catalog_for, point_to, read_champion
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.promotion_gate import ask_gate, fits
from pipelines.run import RUN, run_stage
from pipelines.scoring.next_questions import form_questions
from pipelines.scoring.one_answer_short import shortlist_leads
from pipelines.stages.register_bundle import register_trained_bundle
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import open_context
from pipelines.workspace.matrix_files import load_catalog, load_matrix
from pipelines.workspace.params_file import load_gate
from pipelines.workspace.table_files import load_tables
from tests.reference.challengers import TEST, early_champion, keep, rescaled
from tests.reference.crm_export import deals, write_export
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

FEW = GateSettings(minimum_won=10, draws=200)


def world(rows: int = 600) -> pd.DataFrame:
    """Deals with a list of interests: one value is of 15 rows only, another of 25."""
    draw = np.random.default_rng(5)
    interests = draw.choice(["CRM;HR", "CRM", "HR;ERP", "CRM;ERP", ""], rows)
    interests[:15], interests[15:40] = "AI", "Fax"
    return deals(rows).assign(interests=interests)


def later(frame: pd.DataFrame) -> pd.DataFrame:
    """The deals with new open ones: one more value is frequent, another is the most frequent, and one is rare, as
    people took it off ten deals.
    """
    new = frame[frame["status"].isin(["New", "Open"])].sample(300, replace=True, random_state=1)
    ids = [str(99_000_000 + k) for k in range(len(new))]
    mails = [f"new{k}@firm{k % 170}.example" for k in range(len(new))]
    retagged = frame.index.isin(frame.index[frame["interests"] == "Fax"][:10])
    frame = frame.assign(interests=frame["interests"].mask(retagged, "CRM"))
    return pd.concat([frame, new.assign(id=ids, mail=mails, interests="AI;HR;ERP")], ignore_index=True)


def opened(folder: Path) -> TinyRun:
    settings = TrainSettings.tiny().model_copy(update={"alpha": 0.2})
    source, data = folder / "crm.yaml", folder / "data"
    return TinyRun(folder, source, data, open_context(str(source), data, settings))


@pytest.fixture(scope="module", params=["clocked", "flat"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, probed_once: None) -> TinyRun:
    """A run on the deals; without dates of closes they are a flat table."""
    folder = tmp_path_factory.mktemp(request.param)
    frame = world() if request.param == "clocked" else world().drop(columns="closed")
    path = write_export(folder / "crm.csv", frame)
    (folder / "crm.yaml").write_text(declare_facts(*read_facts(path)), encoding="utf-8")
    run = opened(folder)
    for stage in RUN[: RUN.index("score") + 1]:
        if stage != "validate":
            run_stage(run.context, stage)
    return run


@pytest.fixture
def run(trained: TinyRun, tmp_path: Path) -> TinyRun:
    shutil.copytree(trained.folder, tmp_path / "run")
    return opened(tmp_path / "run")


def take_in_new_rows(run: TinyRun) -> None:
    frame = later(world()) if run.context.source.kind == "relational" else later(world()).drop(columns="closed")
    write_export(run.folder / "crm.csv", frame)
    for stage in ("ingest", "matrix"):
        run_stage(run.context, stage)


def test_new_frequent_values_leave_the_champion_scoring(run: TinyRun) -> None:
    context, paths = run.context, run.context.paths
    champion = read_champion(paths)
    assert champion is not None
    bundle, before = load_bundle(champion.folder, champion.hash), ScoreRecord.read(paths)
    take_in_new_rows(run)
    built = load_catalog(paths.matrix, "open")
    assert "interests_ai" in built.names and "interests_ai" not in bundle.catalog.names
    assert "interests_fax" in bundle.catalog.names and "interests_fax" not in built.names
    assert fits(context, champion.folder)

    run_stage(context, "score")
    record = ScoreRecord.read(paths)
    assert (record.bundle, record.leads) == (champion.hash, before.leads + 300)
    now = read_champion(paths)
    assert now is not None and now.hash == champion.hash
    if context.source.kind == "relational":
        matrix = load_matrix(paths.matrix, "open")
        found = matrix_for(context, bundle, matrix)
        ids, as_of = matrix.keys["lead_id"].astype("str").tolist(), matrix.keys["as_of"]
        served = features_at(load_tables(paths), context.source, catalog_for(context, bundle), ids, as_of)
        pd.testing.assert_frame_equal(found.values, served.values)


def test_its_speed_is_measured_on_what_it_reads(run: TinyRun) -> None:
    champion, paths = read_champion(run.context.paths), run.context.paths
    assert champion is not None
    take_in_new_rows(run)
    learned, leads = load_matrix(paths.matrix).keys["lead_id"], read_parquet(paths.ingest / "leads.parquet")
    objects = leads["lead_id"].astype("str") == learned.iloc[0]
    write_parquet(paths.ingest / "leads.parquet", leads.assign(**{OBJECTS: objects}))
    found = measure_throughput(run.context, 200)
    assert found.features == len(load_bundle(champion.folder).catalog)
    assert found.matrix_rows == int((learned != learned.iloc[0]).sum()), "who objected since is in no measure"


def test_a_champion_that_learned_other_values_is_compared_and_kept(run: TinyRun, tmp_path: Path) -> None:
    if run.context.source.kind == "flat":
        champion = read_champion(run.context.paths)
        assert champion is not None
        first = load_bundle(champion.folder, champion.hash)
    else:
        first = early_champion(run, tmp_path)
    other = keep(run, rescaled(first), tmp_path / "other")
    take_in_new_rows(run)

    answer = ask_gate(run.context, other, FEW)
    if run.context.source.kind == "relational":
        assert answer.verdict == "passed" and answer.checks and answer.rows > 0, answer.sentence
    else:
        assert "no clocks" in answer.sentence
    if first.hash != load_bundle(run.context.paths.train / "bundle").hash:
        assert register_trained_bundle(run.context) == "challenger"
    now = read_champion(run.context.paths)
    assert now is not None and now.hash == first.hash


def test_another_declaration_still_fits_no_matrix(run: TinyRun) -> None:
    champion = read_champion(run.context.paths)
    assert champion is not None
    text = run.source.read_text(encoding="utf-8")
    (line,) = [one for one in text.splitlines() if one.strip().startswith("industry:")]
    run.source.write_text(text.replace(line + "\n", ""), encoding="utf-8")
    changed = opened(run.folder)
    take_in_new_rows(changed)
    assert not fits(changed.context, champion.folder)
    with pytest.raises(BundleError, match="the source declaration changed since training"):
        matrix_for(changed.context, load_bundle(champion.folder), load_matrix(changed.context.paths.matrix))


def test_what_the_tables_no_longer_hold_is_not_computed_as_empty(run: TinyRun) -> None:
    champion, paths = read_champion(run.context.paths), run.context.paths
    assert champion is not None
    take_in_new_rows(run)
    leads = read_parquet(paths.ingest / "leads.parquet")
    gone = load_matrix(paths.matrix).keys["lead_id"].iloc[0]
    leads[leads["lead_id"].astype("str") != gone].to_parquet(paths.ingest / "leads.parquet")
    with pytest.raises(DataError, match=r"no longer hold every lead of its matrix.*leadscore matrix --source"):
        matrix_for(run.context, load_bundle(champion.folder), load_matrix(paths.matrix))


@pytest.fixture
def slow(tiny_copy: TinyRun, tmp_path: Path) -> TinyRun:
    """A run whose champion has learned other half-lives than the matrix, which is built again."""
    text = tiny_copy.source.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^( +)half_life_days: 14$", r"\1half_life_days: 14\n\1estimate_half_life: true", text)
    tiny_copy.source.write_text(text, encoding="utf-8")
    run = TinyRun(
        tiny_copy.folder,
        tiny_copy.source,
        tiny_copy.data_dir,
        open_context(str(tiny_copy.source), tiny_copy.data_dir, tiny_copy.context.settings),
    )
    context, paths = run.context, run.context.paths
    kinds = {
        name: kind.model_copy(update={"half_life_days": 3.0}) if kind.estimate_half_life else kind
        for name, kind in context.source.activity_kinds.items()
    }
    assert kinds != context.source.activity_kinds
    learned = build_catalog(context.source.model_copy(update={"activity_kinds": kinds}), context.rubric)
    bundle = dataclasses.replace(load_bundle(paths.train / "bundle"), catalog=learned)
    assert restore_half_lives(context.source, learned).activity_kinds == kinds
    point_to(paths, keep(run, bundle, tmp_path / "other"), TEST)
    run_stage(context, "matrix")
    return run


def test_a_bundle_scores_by_the_half_lives_it_learned(slow: TinyRun) -> None:
    context, paths = slow.context, slow.context.paths
    champion = read_champion(paths)
    assert champion is not None
    learned, built = load_catalog(champion.folder, "bundle"), load_catalog(paths.matrix, "open")
    differ = [feature for feature in learned if built[feature.name] != feature]
    assert differ and all(isinstance(feature.params, DecayedSum) for feature in differ)
    run_stage(context, "score")
    assert ScoreRecord.read(paths).bundle == champion.hash
    matrix = load_matrix(paths.matrix, "open")
    found = matrix_for(context, load_bundle(champion.folder), matrix)
    served = features_at(
        load_tables(paths), context.source, learned, matrix.keys["lead_id"].tolist(), matrix.keys["as_of"]
    )
    pd.testing.assert_frame_equal(found.values, served.values)
    name = differ[0].name
    assert not np.array_equal(found.values[name].to_numpy(), matrix.values[name].to_numpy())


def test_what_to_ask_is_told_by_what_the_bundle_learned(slow: TinyRun) -> None:
    context, paths = slow.context, slow.context.paths
    run_stage(context, "score")
    listed = read_parquet(paths.score / "worklist.parquet").set_index("lead_id")["score"]
    short = shortlist_leads(context).set_index("lead_id")["score"]
    assert len(short) and short.to_dict() == listed[short.index].to_dict()

    champion = read_champion(paths)
    assert champion is not None
    bundle = load_bundle(champion.folder)
    values = matrix_for(context, bundle, load_matrix(paths.matrix, "open")).values
    scale = bundle.scale
    worth = value_questions(
        bundle.questions,
        values,
        bundle.contributions(values),
        scale.reference_log_odds,
        scale.points_per_log_odds,
    )
    gains = {row.question: row.gain for row in form_questions(context)}
    assert gains == {name: float(found.gain.mean() * 1000) for name, found in worth.items()}


def test_a_challenger_that_learned_otherwise_is_promoted_by_the_server_too(slow: TinyRun, tmp_path: Path) -> None:
    paths = slow.context.paths
    champion, trained = read_champion(paths), load_bundle(paths.train / "bundle")
    assert champion is not None and trained.catalog.hash != load_catalog(champion.folder, "bundle").hash
    other = keep(slow, trained, tmp_path / "trained")
    with client_for(slow, tmp_path / "state") as client:
        asked = client.get("/v1/champion/gate", params={"hash": other})
        assert asked.status_code == 200 and asked.json() == ask_gate(slow.context, other, load_gate()).record()
        moved = client.post("/v1/champion", json={"hash": other, "force": True, "reason": "a test"})
        assert (moved.status_code, moved.json()["in_use"]) == (200, True)
